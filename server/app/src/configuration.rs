//! What can be configured: by flags, else by environment variables, else by a file.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;
use clap::builder::{BoolishValueParser, NonEmptyStringValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::{SignedDuration, Span, SpanRelativeTo};
#[cfg(feature = "kafka")]
use symbolon_kernel::{Kafka, TenantId, Topics};
use symbolon_kernel::{Location, Role, Roles};

use crate::callers::Callers;
use crate::logging::LogFormat;

/// The Symbolon server.
#[derive(Debug, Parser)]
#[command(name = "symbolon-server", version, about, arg_required_else_help = true)]
pub(crate) struct CommandLine {
    /// Take what neither flags nor the environment say from this file: TOML, whose keys are the
    /// flags of `serve`.
    #[arg(long, env = "SYMBOLON_CONFIG", value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the API until SIGINT or SIGTERM, then finish what is running.
    #[command(after_help = SERVE_HELP)]
    Serve(Box<Serve>),
    /// Bring the schema of the database up to date, and do nothing else.
    Migrate(Database),
    /// Write a backup of a database, which may be in use, to a file.
    #[command(after_help = BACKUP_HELP)]
    Backup(Archive),
    /// Restore a backup into a new database, all of it or nothing.
    #[command(after_help = BACKUP_HELP)]
    Restore(Archive),
    /// Read a whole database, which may be in use, and tell which of the kernel's guarantees do
    /// not hold there.
    #[command(after_help = "Exit codes: 0 all hold, 1 the database cannot be read, 2 one does not")]
    Audit(Database),
    /// Make, list and revoke API keys, which callers send as bearers; the server may be running.
    #[command(subcommand, after_help = KEY_HELP)]
    Key(KeyCommand),
    /// Look at the configuration without running anything.
    #[command(subcommand, after_help = CONFIGURATION_HELP)]
    Config(ConfigurationCommand),
    /// Print an access token for a server that runs with --development on the same data folder.
    Token(Token),
}

const SERVE_HELP: &str = "Examples:\n  \
    symbolon-server serve --issuer https://login.example.com/realms/acme --audience calls\n  \
    symbolon-server serve --development\n  \
    symbolon-server serve --mode worker --database postgres://me@db/symbolon\n\n\
    Exit codes: 0 stopped, 1 did not start or stay, 2 usage";

const CONFIGURATION_HELP: &str = "Examples:\n  \
    symbolon-server config check --config symbolon.toml\n  \
    symbolon-server config print --config symbolon.toml --mode worker\n\n\
    Flags win over the environment, which wins over the file. Secrets are best in files of their\n\
    own: --database-file, --kafka-properties-file.\n\n\
    Exit codes: 0 it can be used, 2 it cannot, and where";

const KEY_HELP: &str = "Examples:\n  \
    symbolon-server key create --name till --tenant acme --scope calls:read --lifetime 90d\n  \
    symbolon-server key list --tenant acme\n  \
    symbolon-server key revoke 0123456789abcdef --tenant acme\n\n\
    Exit codes: 0 done, 1 not done, 2 usage";

const BACKUP_HELP: &str = "Examples:\n  symbolon-server backup monday.jsonl\n  \
    symbolon-server restore monday.jsonl --database postgres://me@db/symbolon\n\n\
    A backup is one moment of the database, as lines of JSON that either kind of database\n\
    can take up: so it is also the way from a file to a server. It holds secrets that wait to\n\
    be used, and only its owner can read it. Read models are built anew.";

/// Where the database is.
#[derive(Debug, Args)]
pub(crate) struct Database {
    /// The database: the path of a file, or a URL `postgres://user:password@host:port/name`
    /// [default: symbolon.sqlite in the data folder].
    #[arg(long, env = "SYMBOLON_DATABASE", value_name = "FILE|URL", hide_env_values = true)]
    pub(crate) database: Option<Location>,
    /// A file that says where the database is: for a URL with a password.
    #[arg(long, env = "SYMBOLON_DATABASE_FILE", value_name = "FILE")]
    pub(crate) database_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: Data,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigurationCommand {
    /// Say whether `serve` could use it.
    #[command(after_help = CONFIGURATION_HELP)]
    Check(Box<Serve>),
    /// Print what `serve` would be told, and by what; secrets are not shown.
    #[command(after_help = CONFIGURATION_HELP)]
    Print(Box<Serve>),
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key and print it, this once: only a hash of it is kept.
    #[command(after_help = KEY_HELP)]
    Create(NewKey),
    /// Print the keys of a tenant, one a line: id, state, when it was made, ends and was last
    /// used, scopes, name.
    #[command(after_help = KEY_HELP)]
    List(ListKeys),
    /// End a key at once.
    #[command(after_help = KEY_HELP)]
    Revoke(RevokeKey),
}

#[derive(Debug, Args)]
pub(crate) struct NewKey {
    #[command(flatten)]
    pub(crate) database: Database,
    /// What its owner calls it.
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    pub(crate) name: String,
    /// The tenant it acts for.
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    pub(crate) tenant: String,
    /// What it may do; several by repeating it or between commas.
    #[arg(long = "scope", value_delimiter = ',', required = true)]
    pub(crate) scopes: Vec<String>,
    /// How long it is good, such as `12h` or `90d`, or `never` for a key that does not end.
    #[arg(long, default_value = "90d")]
    pub(crate) lifetime: Lifetime,
}

#[derive(Debug, Args)]
pub(crate) struct ListKeys {
    #[command(flatten)]
    pub(crate) database: Database,
    /// The tenant whose keys they are.
    #[arg(long)]
    pub(crate) tenant: String,
}

#[derive(Debug, Args)]
pub(crate) struct RevokeKey {
    /// The id of the key: what stands between `sym_` and the next `_`.
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) database: Database,
    /// The tenant whose key it is.
    #[arg(long)]
    pub(crate) tenant: String,
}

/// How long a key is good; for good if none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lifetime(pub(crate) Option<Duration>);

impl FromStr for Lifetime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "never" {
            return Ok(Self(None));
        }
        let refused = || "a lifetime reads 12h, 90d, or never".to_owned();
        let span: Span = text.parse().map_err(|_| refused())?;
        let days = SpanRelativeTo::days_are_24_hours();
        let duration = span.to_duration(days).map_err(|_| refused())?;
        let duration = Duration::try_from(duration).map_err(|_| refused())?;
        if duration.is_zero() { Err(refused()) } else { Ok(Self(Some(duration))) }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Archive {
    /// The file of the backup.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) database: Database,
}

/// What a server process does of the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// Everything, in one process.
    All,
    /// Answers callers, and leaves the work to others.
    Api,
    /// Does the work: consumers, timers, projections, calls. As many as are needed.
    Worker,
    /// Publishes what is written, in its order. One at a time does, a second one stands by.
    Relay,
}

impl Mode {
    /// What that is of the kernel's work.
    pub(crate) fn roles(self) -> Roles {
        match self {
            Self::All => Roles::ALL,
            Self::Api => Roles::NONE,
            Self::Worker => Roles::only(Role::Work),
            Self::Relay => Roles::only(Role::Relay),
        }
    }

    /// Whether callers of the contract are answered here.
    pub(crate) fn answers(self) -> bool {
        match self {
            Self::All | Self::Api => true,
            Self::Worker | Self::Relay => false,
        }
    }

    /// Its name, as it is asked for.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Api => "api",
            Self::Worker => "worker",
            Self::Relay => "relay",
        }
    }
}

/// A system that this binary holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum System {
    /// HTTP calls made once, now or later.
    Calls,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// What this process does; all of it must be done by some process on the same database, which
    /// has to be on a server if it is not by one.
    #[arg(long, env = "SYMBOLON_MODE", value_enum, default_value_t = Mode::All)]
    pub(crate) mode: Mode,
    /// Which systems; several between commas.
    #[arg(
        long,
        env = "SYMBOLON_SYSTEMS",
        value_enum,
        value_delimiter = ',',
        value_name = "SYSTEM,...",
        default_value = "calls"
    )]
    pub(crate) systems: Vec<System>,
    #[command(flatten)]
    pub(crate) database: Database,
    /// Address to listen on; port 0 takes a free one, which the log names.
    #[arg(long, env = "SYMBOLON_LISTEN", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    #[command(flatten)]
    pub(crate) identity: Identity,
    /// Trust tokens signed by the keys in this file or behind this http(s) URL (a JSON Web Key
    /// Set) [default: where the issuer says, if it is a URL].
    #[arg(long, env = "SYMBOLON_JWKS", value_name = "FILE|URL")]
    pub(crate) jwks: Option<String>,
    /// Take nothing but `at+jwt` (RFC 9068) for an access token: for issuers that mark theirs so.
    #[arg(long, env = "SYMBOLON_MARKED_TOKENS", value_parser = BoolishValueParser::new())]
    pub(crate) marked_tokens: bool,
    /// Trust tokens made by `symbolon-server token` and, if nobody else reaches the address, by
    /// an OpenID Connect issuer at `/development`, which lets in whoever asks. Never in
    /// production.
    #[arg(long, env = "SYMBOLON_DEVELOPMENT", value_parser = BoolishValueParser::new())]
    pub(crate) development: bool,
    /// Let calls reach the loopback addresses of this machine. Never in production.
    #[arg(long, env = "SYMBOLON_ALLOW_LOOPBACK", value_parser = BoolishValueParser::new())]
    pub(crate) allow_loopback: bool,
    /// Largest request body in bytes.
    #[arg(long, env = "SYMBOLON_BODY_LIMIT", default_value_t = 1 << 20)]
    pub(crate) body_limit: usize,
    #[command(flatten)]
    pub(crate) callers: Callers,
    /// How many service calls are out at once.
    #[arg(long, env = "SYMBOLON_CALL_CONCURRENCY", default_value_t = 64)]
    pub(crate) call_concurrency: usize,
    /// How many of them are one tenant's [default: half of them].
    #[arg(long, env = "SYMBOLON_CALL_TENANT_CONCURRENCY")]
    pub(crate) call_tenant_concurrency: Option<usize>,
    /// How many service calls of one tenant begin in a second [default: any number].
    #[arg(long, env = "SYMBOLON_CALL_TENANT_RATE")]
    pub(crate) call_tenant_rate: Option<NonZeroU32>,
    /// On a server: how long after a process was last heard of another does what it did, such as
    /// `10s`.
    #[arg(long, env = "SYMBOLON_LEASE", default_value = "10s")]
    pub(crate) lease: SignedDuration,
    #[command(flatten)]
    pub(crate) telemetry: Telemetry,
    #[cfg(feature = "kafka")]
    #[command(flatten)]
    pub(crate) bus: Bus,
}

/// What the server tells of itself.
#[derive(Debug, Args)]
pub(crate) struct Telemetry {
    /// What to log: a level, or directives such as `info,symbolon_kernel=debug`.
    #[arg(long, env = "SYMBOLON_LOG_LEVEL", default_value = "info")]
    pub(crate) log_level: String,
    /// How log lines read [default: text on a terminal, json anywhere else].
    #[arg(long, env = "SYMBOLON_LOG_FORMAT", value_enum, value_name = "FORMAT")]
    pub(crate) log_format: Option<LogFormat>,
    /// Send traces to the OpenTelemetry collector at this URL (OTLP over HTTP).
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    pub(crate) otlp_endpoint: Option<String>,
    /// Of the traces that begin here, the part that is sent: 0 for none, 1 for all.
    #[arg(long, env = "SYMBOLON_TRACE_RATIO", default_value_t = 1.0, value_parser = ratio)]
    pub(crate) trace_ratio: f64,
    /// Send `traceparent` to the targets of calls, too. For targets that are one's own.
    #[arg(long, env = "SYMBOLON_TRACE_TARGETS", value_parser = BoolishValueParser::new())]
    pub(crate) trace_targets: bool,
}

fn ratio(text: &str) -> Result<f64, String> {
    let ratio = text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.ok_or_else(|| "a ratio is a number from 0 to 1".to_owned())
}

impl Serve {
    /// The OpenID Connect issuer, where people can be sent to one.
    pub(crate) fn known_issuer(&self) -> Option<&str> {
        (!self.development && self.jwks.is_none()).then_some(&self.identity.issuer)
    }
}

#[cfg(feature = "kafka")]
#[derive(Debug, Args)]
pub(crate) struct Bus {
    /// Brokers of a Kafka cluster, through which servers share the work; without them one server
    /// at a time does all of it.
    #[arg(long = "kafka", env = "SYMBOLON_KAFKA", value_name = "HOST:PORT,...")]
    brokers: Option<String>,
    /// Make the topics that are missing, in so many partitions; without it an operator does.
    #[arg(long = "kafka-partitions", env = "SYMBOLON_KAFKA_PARTITIONS", value_name = "N")]
    partitions: Option<i32>,
    /// On how many brokers topics are made.
    #[arg(long = "kafka-replication", env = "SYMBOLON_KAFKA_REPLICATION", default_value_t = 1)]
    replication: i32,
    /// A property of librdkafka; may be repeated.
    #[arg(long = "kafka-property", value_name = "KEY=VALUE", value_parser = property)]
    properties: Vec<(String, String)>,
    /// A file of more properties, one KEY=VALUE a line: for those that are secrets.
    #[arg(
        long = "kafka-properties-file",
        env = "SYMBOLON_KAFKA_PROPERTIES_FILE",
        value_name = "FILE"
    )]
    properties_file: Option<PathBuf>,
    /// The tenant whose dead letters are messages that cannot be read.
    #[arg(long, env = "SYMBOLON_OPERATOR_TENANT", default_value = "operator")]
    operator_tenant: String,
}

#[cfg(feature = "kafka")]
impl Bus {
    /// The cluster, if there is to be one.
    pub(crate) fn kafka(&self) -> anyhow::Result<Option<Kafka>> {
        let Some(brokers) = &self.brokers else { return Ok(None) };
        let mut kafka = Kafka::new(brokers, TenantId::new(&self.operator_tenant)?);
        if let Some(partitions) = self.partitions {
            kafka.topics = Topics::Create { partitions, replication: self.replication };
        }
        if let Some(file) = &self.properties_file {
            kafka.properties.extend(properties(file)?);
        }
        kafka.properties.extend(self.properties.iter().cloned());
        Ok(Some(kafka))
    }
}

/// The properties in a file; what is empty or begins with `#` is none.
#[cfg(feature = "kafka")]
fn properties(file: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let text = secret(file)?;
    let lines = (1..).zip(text.lines().map(str::trim));
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let read = lines.map(|(number, line)| {
        property(line).map_err(|why| anyhow::anyhow!("{}:{number}: {why}", file.display()))
    });
    read.collect()
}

#[cfg(feature = "kafka")]
fn property(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').ok_or("a property reads KEY=VALUE")?;
    Ok((parts.0.to_owned(), parts.1.to_owned()))
}

#[derive(Debug, Args)]
pub(crate) struct Data {
    /// Folder of the database and of the development identity; made if it is missing.
    #[arg(long = "data", env = "SYMBOLON_DATA", default_value = ".symbolon", value_name = "DIR")]
    pub(crate) folder: PathBuf,
}

impl Database {
    /// Where the database is.
    ///
    /// # Errors
    /// When the file that says so cannot be read, or says no such thing.
    pub(crate) fn location(&self) -> anyhow::Result<Location> {
        if let Some(file) = &self.database_file {
            let text = secret(file)?;
            let location = text.trim().parse::<Location>();
            return location.with_context(|| format!("{} names no database", file.display()));
        }
        let file = || self.data.folder.join("symbolon.sqlite").into();
        Ok(self.database.clone().unwrap_or_else(file))
    }
}

/// What is in a file that holds a secret.
fn secret(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))
}

impl Data {
    pub(crate) fn identity(&self) -> PathBuf {
        self.folder.join("identity")
    }
}

#[derive(Debug, Args)]
pub(crate) struct Identity {
    /// Claim `iss` of tokens: the URL of an OpenID Connect issuer, unless keys come from elsewhere.
    #[arg(long, env = "SYMBOLON_ISSUER", default_value = "symbolon-development")]
    pub(crate) issuer: String,
    /// Claim `aud` of tokens.
    #[arg(long, env = "SYMBOLON_AUDIENCE", default_value = "symbolon")]
    pub(crate) audience: String,
}

#[derive(Debug, Args)]
pub(crate) struct Token {
    #[command(flatten)]
    pub(crate) data: Data,
    #[command(flatten)]
    pub(crate) identity: Identity,
    /// The tenant the caller acts for.
    #[arg(long, default_value = "acme")]
    pub(crate) tenant: String,
    /// Who the caller is.
    #[arg(long, default_value = "developer")]
    pub(crate) subject: String,
    /// What the caller may do; several by repeating it or between commas.
    #[arg(
        long = "scope",
        value_delimiter = ',',
        default_values = ["calls:read", "calls:write", "calls:ops", "calls:platform"]
    )]
    pub(crate) scopes: Vec<String>,
    /// How long the token is valid, such as `45m` or `12h`.
    #[arg(long, default_value = "12h")]
    pub(crate) lifetime: SignedDuration,
}
