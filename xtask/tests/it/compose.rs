//! deploy/compose.yaml, held against the Compose Specification and against what is in this clone.
//! It starts no container.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use symbolon_codegen::source::parse;

/// Services that run the server.
const SERVERS: [&str; 3] = ["api", "worker", "relay"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn compose() -> Value {
    parse("deploy/compose.yaml", &read("deploy/compose.yaml")).unwrap()
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[test]
fn it_is_what_the_specification_says() {
    let schema: Value =
        serde_json::from_str(&read("deploy/compose-spec/compose-spec.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let found: Vec<String> = schema.iter_errors(&compose()).map(|it| it.to_string()).collect();
    assert!(found.is_empty(), "{found:#?}");
    let wrong = serde_json::json!({ "services": { "api": { "imaeg": "symbolon-server" } } });
    assert!(!schema.is_valid(&wrong), "the schema judges");
}

#[test]
fn what_it_names_is_there() {
    let compose = compose();
    let at = |path: &str| root().join("deploy").join(path);
    for kind in ["configs", "secrets"] {
        for (name, it) in members(&compose[kind]) {
            let file = it["file"].as_str().unwrap_or_else(|| panic!("{name} has no file"));
            assert!(at(file).is_file(), "{file}");
        }
    }
    for (name, service) in members(&compose["services"]) {
        for volume in texts(&service["volumes"]) {
            let source = volume.split(':').next().unwrap();
            let is_there = match source.strip_prefix("./") {
                Some(path) => at(path).exists(),
                None => compose["volumes"].get(source).is_some(),
            };
            assert!(is_there, "{name}: {volume}");
        }
        for needed in members(&service["depends_on"]).map(|(needed, _)| needed) {
            let healthy = service["depends_on"][needed]["condition"] == "service_healthy";
            let found = &compose["services"][needed];
            assert!(found.is_object(), "{name} needs {needed}");
            assert!(!healthy || found["healthcheck"].is_object(), "{needed} is never healthy");
        }
        for secret in texts(&service["secrets"]) {
            assert!(compose["secrets"].get(secret).is_some(), "{name}: {secret}");
        }
    }
    for name in SERVERS {
        let build = &compose["services"][name]["build"];
        assert!(at(build["context"].as_str().unwrap()).join("Cargo.toml").is_file());
        assert!(root().join(build["dockerfile"].as_str().unwrap()).is_file());
    }
}

#[test]
fn the_password_of_the_database_is_one() {
    let password = read("deploy/development/postgres-password");
    let url = read("deploy/development/database-url");
    let postgres = &compose()["services"]["postgres"]["environment"];
    let (user, name) = (&postgres["POSTGRES_USER"], &postgres["POSTGRES_DB"]);
    let (user, name) = (user.as_str().unwrap(), name.as_str().unwrap());
    let expected = format!("postgres://{user}:{}@postgres:5432/{name}", password.trim());
    assert_eq!(url.trim(), expected);
}

/// The variables that the server reads, by its source.
fn variables() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(root().join("server/app/src")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|it| it != "rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let named = text.split("env = \"").skip(1).filter_map(|rest| rest.split('"').next());
        found.extend(named.map(str::to_owned));
    }
    found
}

#[test]
fn servers_are_told_what_they_understand() {
    let (compose, known) = (compose(), variables());
    assert!(known.contains("SYMBOLON_MODE"), "{known:?}");
    let file: toml::Table = toml::from_str(&read("deploy/symbolon.toml")).unwrap();
    for key in file.keys() {
        let variable = format!("SYMBOLON_{}", key.replace('-', "_").to_uppercase());
        assert!(known.contains(&variable), "{key} in deploy/symbolon.toml");
    }
    let port = file["listen"].as_str().unwrap().rsplit(':').next().unwrap();
    let secret = file["database-file"].as_str().unwrap();
    for name in SERVERS {
        let service = &compose["services"][name];
        let told = &service["environment"];
        for (variable, _) in members(told) {
            assert!(known.contains(variable), "{name} is told {variable}");
        }
        assert_eq!(told["SYMBOLON_MODE"], name);
        assert_eq!(told["SYMBOLON_CONFIG"], service["configs"][0]["target"]);
        let secrets = texts(&service["secrets"]);
        assert!(secrets.iter().any(|it| format!("/run/secrets/{it}") == secret), "{secrets:?}");
        for published in texts(&service["ports"]) {
            assert!(published.ends_with(&format!(":{port}")), "{name}: {published}");
        }
        let health = service["healthcheck"]["test"].to_string();
        assert!(health.contains(&format!("/{port}")), "{name}: {health}");
    }
    let scraped = read("deploy/prometheus/prometheus.yml");
    let names = format!("names: [{}], type: A, port: {port}", SERVERS.join(", "));
    assert!(scraped.contains(&names), "{names}");
}
