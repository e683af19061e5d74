//! What is in force, and where each part of it comes from; secrets are not shown.

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches};
use symbolon_kernel::Location;
use url::Url;

use crate::configuration_file::{Entry, flags};

/// The flag whose value may hold a password.
const DATABASE: &str = "database";
/// The flag whose values may be secrets.
const PROPERTY: &str = "kafka-property";

/// What is in force as a configuration file, each line with where it comes from.
pub(crate) fn report(matches: &ArgMatches, entries: &[Entry]) -> String {
    let lines = flags().into_iter().filter_map(|flag| line(&flag, matches, entries));
    lines.collect::<Vec<_>>().join("\n")
}

fn line(flag: &Arg, matches: &ArgMatches, entries: &[Entry]) -> Option<String> {
    let (name, id) = (flag.get_long()?, flag.get_id().as_str());
    let values = matches.get_raw(id)?;
    let values: Vec<String> =
        values.map(|value| shown(name, &value.to_string_lossy(), flag)).collect();
    let value = match (flag.get_action(), values.as_slice()) {
        (ArgAction::Append, values) => format!("[{}]", values.join(", ")),
        (_, values) => values.join(", "),
    };
    let entry = entries.iter().find(|entry| entry.flag == name);
    let source = match (matches.value_source(id)?, entry) {
        (ValueSource::CommandLine, _) => format!("--{name}"),
        (ValueSource::EnvVariable, _) => {
            flag.get_env().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
        }
        (_, Some(entry)) => entry.place.clone(),
        (_, None) => "default".to_owned(),
    };
    Some(format!("{name} = {value}  # {source}"))
}

/// A value as it may be shown.
fn shown(name: &str, value: &str, flag: &Arg) -> String {
    let open = match name {
        DATABASE => value.parse::<Location>().map_or_else(|_| String::new(), |it| it.to_string()),
        PROPERTY => {
            let (key, _) = value.split_once('=').unwrap_or((value, ""));
            format!("{key}=(hidden)")
        }
        _ => without_user(value),
    };
    let is_switch = matches!(flag.get_action(), ArgAction::SetTrue);
    let is_number = open.parse::<f64>().is_ok();
    if is_switch || is_number { open } else { toml::Value::String(open).to_string() }
}

/// A URL without the user and the password in it; anything else as it is.
fn without_user(value: &str) -> String {
    let Ok(mut url) = Url::parse(value) else { return value.to_owned() };
    if url.username().is_empty() && url.password().is_none() {
        return value.to_owned();
    }
    match url.set_username("").and_then(|()| url.set_password(None)) {
        Ok(()) => url.into(),
        Err(()) => "(hidden)".to_owned(),
    }
}
