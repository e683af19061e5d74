//! The configuration file: what it says becomes the default of the flag of that name, so that flags
//! and the environment win, and no option has two meanings.

use std::ffi::OsString;
use std::ops::Range;
use std::path::{Path, PathBuf};

use clap::builder::Resettable;
use clap::error::{Error as ClapError, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, CommandFactory, FromArgMatches};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::configuration::CommandLine;

/// Flags that are no part of a configuration.
const NOT_CONFIGURED: [&str; 3] = ["config", "help", "version"];
/// Flags that say the same in two ways: whichever is nearer to the command line counts.
const TWINS: [(&str, &str); 2] = [("database", "database-file"), ("database-file", "database")];

/// A place in a configuration file, and what is wrong there.
#[derive(Debug, PartialEq, Eq)]
struct Problem {
    /// Where it begins, in bytes.
    at: usize,
    what: String,
    hint: Option<String>,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unusable {
    /// The command line or the environment.
    #[error(transparent)]
    CommandLine(#[from] ClapError),
    /// The file cannot be read.
    #[error("the configuration file {} cannot be read: {source}", .path.display())]
    Unread { path: PathBuf, source: std::io::Error },
    /// The file says what it may not; every place is told.
    #[error("{0}")]
    File(String),
}

/// What is in force, and where it comes from.
pub(crate) struct Configured {
    pub(crate) command_line: CommandLine,
    /// What was given to the command that runs.
    pub(crate) matches: ArgMatches,
    /// What the file says, by the names of flags.
    pub(crate) entries: Vec<Entry>,
}

/// What the file says of one flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) flag: String,
    values: Vec<String>,
    /// `FILE:LINE`.
    pub(crate) place: String,
    at: usize,
}

/// Reads the command line, the environment and the file that they name.
///
/// # Errors
/// [`Unusable`], with all that is wrong.
pub(crate) fn read(arguments: &[OsString]) -> Result<Configured, Unusable> {
    let command = CommandLine::command();
    let given = command.clone().try_get_matches_from(arguments)?;
    let entries = match given.get_one::<PathBuf>("config") {
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|source| Unusable::Unread { path: path.clone(), source })?;
            entries(path, &text)?
        }
        None => Vec::new(),
    };
    let leaf = leaf(&given);
    let twin = |flag: &str| TWINS.iter().find(|(one, _)| *one == flag).map(|(_, twin)| *twin);
    let is_overruled = |entry: &Entry| {
        twin(&entry.flag).is_some_and(|twin| Nearness::of(leaf, twin) > Nearness::Default)
    };
    let counting: Vec<&Entry> = entries.iter().filter(|entry| !is_overruled(entry)).collect();
    let mut command = with_defaults(command, &counting);
    for (flag, twin) in TWINS {
        match (Nearness::of(leaf, flag), Nearness::of(leaf, twin)) {
            (Nearness::CommandLine, Nearness::Environment) => command = unheard(command, twin),
            (one, other) if one == other && one > Nearness::Default => {
                let said = format!("--{flag} and --{twin} say the same: leave one of them out\n");
                return Err(command.error(ErrorKind::ArgumentConflict, said).into());
            }
            _ => {}
        }
    }
    let matches = command.try_get_matches_from(arguments)?;
    let command_line = CommandLine::from_arg_matches(&matches)?;
    let matches = self::leaf(&matches).clone();
    Ok(Configured { command_line, matches, entries })
}

/// What was given to the innermost command.
fn leaf(matches: &ArgMatches) -> &ArgMatches {
    matches.subcommand().map_or(matches, |(_, inner)| leaf(inner))
}

/// How near to whoever typed the command a value of a flag was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Nearness {
    /// It was not.
    Default,
    Environment,
    CommandLine,
}

impl Nearness {
    fn of(matches: &ArgMatches, flag: &str) -> Self {
        let id = flag.replace('-', "_");
        // Commands that have no such flag have no value of it either.
        match matches.try_contains_id(&id).ok().and_then(|_| matches.value_source(&id)) {
            Some(ValueSource::CommandLine) => Self::CommandLine,
            Some(ValueSource::EnvVariable) => Self::Environment,
            _ => Self::Default,
        }
    }
}

/// The command, deaf to what the environment says of a flag.
fn unheard(command: clap::Command, flag: &str) -> clap::Command {
    let names: Vec<String> =
        command.get_subcommands().map(|inner| inner.get_name().to_owned()).collect();
    let command = names
        .into_iter()
        .fold(command, |command, name| command.mut_subcommand(name, |inner| unheard(inner, flag)));
    command.mut_args(|it| if it.get_long() == Some(flag) { it.env(Resettable::Reset) } else { it })
}

/// The flags that can be configured: those of `serve`.
pub(crate) fn flags() -> Vec<Arg> {
    let mut command = CommandLine::command();
    command.build();
    let serve = command.find_subcommand("serve");
    let arguments = serve.into_iter().flat_map(clap::Command::get_arguments);
    let named =
        arguments.filter(|it| it.get_long().is_some_and(|it| !NOT_CONFIGURED.contains(&it)));
    named.cloned().collect()
}

/// What a file says, checked flag by flag.
fn entries(path: &Path, text: &str) -> Result<Vec<Entry>, Unusable> {
    let table = match DeTable::parse(text) {
        Ok(table) => table.into_inner(),
        Err(error) => {
            let at = error.span().map_or(0, |span| span.start);
            let problem = Problem { at, what: error.message().to_owned(), hint: None };
            return Err(told(path, text, vec![problem]));
        }
    };
    let (flags, mut found, mut problems) = (flags(), Vec::new(), Vec::new());
    for (key, value) in &table {
        let (name, at) = (key.get_ref().as_ref(), key.span().start);
        let Some(flag) = flags.iter().find(|flag| flag.get_long() == Some(name)) else {
            let what = format!("`{name}` is no option of `serve`");
            problems.push(Problem { at, what, hint: nearest(name, &flags) });
            continue;
        };
        match values(flag, value, text) {
            Ok(values) => {
                let place = format!("{}:{}", path.display(), line_and_column(text, at).0);
                found.push(Entry { flag: name.to_owned(), values, place, at });
            }
            Err(problem) => problems.push(problem),
        }
    }
    for (one, other) in TWINS.iter().take(1) {
        let of = |name: &str| found.iter().find(|entry: &&Entry| entry.flag == name);
        if let (Some(_), Some(second)) = (of(one), of(other)) {
            let what = format!("`{other}` and `{one}` say the same");
            let hint = Some("leave one of them out".to_owned());
            problems.push(Problem { at: second.at, what, hint });
        }
    }
    if problems.is_empty() { Ok(found) } else { Err(told(path, text, problems)) }
}

/// The values of a flag, as they would be typed.
fn values(flag: &Arg, value: &Spanned<DeValue<'_>>, text: &str) -> Result<Vec<String>, Problem> {
    let name = flag.get_long().unwrap_or_default();
    let (at, is_switch) = (value.span().start, matches!(flag.get_action(), ArgAction::SetTrue));
    let refused = |what: String, hint: &str| Err(Problem { at, what, hint: Some(hint.to_owned()) });
    let values = match value.get_ref() {
        DeValue::Boolean(is_on) if is_switch => return Ok(vec![is_on.to_string()]),
        _ if is_switch => return refused(format!("`{name}` is true or false"), "without quotes"),
        DeValue::Array(_) if !matches!(flag.get_action(), ArgAction::Append) => {
            return refused(format!("`{name}` has one value"), "no brackets");
        }
        DeValue::Array(items) => items.iter().map(|item| scalar(name, item, text)).collect(),
        _ => scalar(name, value, text).map(|value| vec![value]),
    };
    let values: Vec<String> = values?;
    let typed = values.iter().map(|value| format!("--{name}={value}"));
    let arguments = ["symbolon-server".to_owned(), "serve".to_owned()].into_iter().chain(typed);
    // Without the environment, which was looked at before. What it says is not repeated: it may
    // be a secret.
    let command = CommandLine::command()
        .mut_subcommand("serve", |serve| serve.mut_args(|flag| flag.env(Resettable::Reset)));
    match command.try_get_matches_from(arguments) {
        Ok(_) => Ok(values),
        Err(error) => {
            let why = std::error::Error::source(&error).map(ToString::to_string);
            let what = format!("this is no value of `{name}`");
            Err(Problem { at, what, hint: why.or_else(|| offered(flag)) })
        }
    }
}

fn scalar(name: &str, value: &Spanned<DeValue<'_>>, text: &str) -> Result<String, Problem> {
    let as_written = |span: Range<usize>| text[span].replace('_', "");
    match value.get_ref() {
        DeValue::String(value) => Ok(value.clone().into_owned()),
        DeValue::Integer(_) | DeValue::Float(_) => Ok(as_written(value.span())),
        DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => {
            let what = format!("`{name}` is a text or a number");
            let hint = Some("there are no tables: every option stands for itself".to_owned());
            Err(Problem { at: value.span().start, what, hint })
        }
    }
}

/// The values that a flag has, if they can be counted.
fn offered(flag: &Arg) -> Option<String> {
    let values = flag.get_possible_values();
    let names: Vec<_> = values.iter().map(|value| value.get_name()).collect();
    (!names.is_empty()).then(|| format!("one of {}", names.join(", ")))
}

/// The name that somebody may have meant.
fn nearest(name: &str, flags: &[Arg]) -> Option<String> {
    let likeness = |flag: &str| strsim::jaro_winkler(name, flag);
    let names = flags.iter().filter_map(Arg::get_long);
    let nearest = names.max_by(|one, other| likeness(one).total_cmp(&likeness(other)))?;
    let hint = match likeness(nearest) > 0.8 {
        true => format!("did you mean `{nearest}`?"),
        false => "`symbolon-server serve --help` lists them".to_owned(),
    };
    Some(hint)
}

/// The line and the column of a byte, each from 1.
fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}

/// Every problem with its place, in the order of the file.
fn told(path: &Path, text: &str, mut problems: Vec<Problem>) -> Unusable {
    problems.sort_by_key(|problem| problem.at);
    let lines = problems.into_iter().map(|Problem { at, what, hint }| {
        let (line, column) = line_and_column(text, at);
        let hint = hint.map(|hint| format!("\n  hint: {hint}")).unwrap_or_default();
        format!("{}:{line}:{column}: {what}{hint}", path.display())
    });
    Unusable::File(lines.collect::<Vec<_>>().join("\n"))
}

/// The command whose flags have what the file says for their defaults, in every subcommand.
fn with_defaults(command: clap::Command, entries: &[&Entry]) -> clap::Command {
    let names: Vec<String> =
        command.get_subcommands().map(|inner| inner.get_name().to_owned()).collect();
    let command = names.into_iter().fold(command, |command, name| {
        command.mut_subcommand(name, |inner| with_defaults(inner, entries))
    });
    command.mut_args(|flag| {
        let entry = entries.iter().find(|entry| Some(entry.flag.as_str()) == flag.get_long());
        match entry {
            Some(entry) => flag.default_values(entry.values.clone()),
            None => flag,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        match entries(Path::new("symbolon.toml"), text) {
            Ok(found) => {
                let lines =
                    found.iter().map(|it| format!("{} {:?} {}", it.flag, it.values, it.place));
                lines.collect::<Vec<_>>().join("\n")
            }
            Err(unusable) => unusable.to_string(),
        }
    }

    #[test]
    fn what_a_file_says_is_read_as_it_would_be_typed() {
        let text = "mode = \"worker\"\nbody-limit = 2_000_000\ndevelopment = true\n\
                    systems = [\"calls\"]\ntrace-ratio = 0.25\n";
        let read = "body-limit [\"2000000\"] symbolon.toml:2\n\
                    development [\"true\"] symbolon.toml:3\nmode [\"worker\"] symbolon.toml:1\n\
                    systems [\"calls\"] symbolon.toml:4\ntrace-ratio [\"0.25\"] symbolon.toml:5";
        assert_eq!(said(text), read);
    }

    #[test]
    fn every_mistake_is_told_with_its_place_and_a_hint_and_no_value() {
        for (text, told) in [
            ("mode = ", "symbolon.toml:1:8: "),
            (
                "\n  lisen = \"x\"",
                "symbolon.toml:2:3: `lisen` is no option of `serve`\n  \
               hint: did you mean `listen`?",
            ),
            ("config = \"x\"", "symbolon.toml:1:1: `config` is no option of `serve`"),
            (
                "mode = \"wroker\"",
                "symbolon.toml:1:8: this is no value of `mode`\n  \
               hint: one of all, api, worker, relay",
            ),
            ("listen = 8080", "symbolon.toml:1:10: this is no value of `listen`\n  hint: "),
            ("development = \"yes\"", "symbolon.toml:1:15: `development` is true or false"),
            ("listen = [\"127.0.0.1:1\"]", "symbolon.toml:1:10: `listen` has one value"),
            ("[database]\nurl = \"x\"", "symbolon.toml:1:1: `database` is a text or a number"),
            ("database = \"mysql://me:secret@db/x\"", "symbolon.toml:1:12: this is no value of"),
            (
                "database = \"a\"\ndatabase-file = \"b\"",
                "symbolon.toml:2:1: `database-file` and `database` say the same\n  hint: leave one",
            ),
        ] {
            let said = said(text);
            assert!(said.starts_with(told), "{text}: {said}");
            assert!(!said.contains("secret"), "{said}");
        }
        assert_eq!(said("a = 1\nb = 2").lines().count(), 4, "all of them at once");
    }
}
