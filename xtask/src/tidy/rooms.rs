//! What a room of a crate must not know, and the sentence every module opens with.

use super::Source;

/// A folder, and what its files must not mention.
const WALLS: [(&str, &[&str]); 7] = [
    ("codegen/src/source/", &["crate::model", "crate::resolve", "crate::emit", "crate::project"]),
    ("codegen/src/model/", &["crate::source", "crate::resolve", "crate::emit", "crate::project"]),
    ("codegen/src/resolve/", &["crate::emit", "crate::project", "std::fs"]),
    ("codegen/src/emit/", &["crate::source", "crate::resolve", "crate::project", "std::fs"]),
    ("sdk-rust/runtime/src/", &["sqlx", "axum"]),
    ("server/runtime/src/", &["sqlx", "rusqlite"]),
    ("server/kernel/src/", &["axum", "reqwest"]),
];

/// Every wall that is broken, and every module that does not say what it is for.
pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for source in sources {
        let path = source.path.to_string_lossy().replace('\\', "/");
        if !path.ends_with(".rs") {
            continue;
        }
        let opening = source.text.lines().find(|line| !line.is_empty()).unwrap_or_default();
        if !opening.starts_with("//!") {
            findings.push(format!("{path}:1: the first line says what the module is for (`//!`)"));
        }
        for (_, secrets) in WALLS.iter().filter(|(room, _)| path.starts_with(room)) {
            for (number, line) in source.text.lines().enumerate() {
                let code = line.split("//").next().unwrap_or_default();
                for secret in secrets.iter().filter(|secret| code.contains(**secret)) {
                    findings
                        .push(format!("{path}:{}: this room must not know `{secret}`", number + 1));
                }
            }
        }
        if path.ends_with("/rules.rs") {
            for (number, line) in source.text.lines().enumerate() {
                if line.contains("async ") || line.contains("sqlx") {
                    let place = number + 1;
                    findings.push(format!("{path}:{place}: rules are pure: no async, no SQL"));
                }
            }
        }
    }
    findings
}
