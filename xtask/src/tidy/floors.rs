//! A crate may depend only on crates of lower floors (ARCHITECTURE.md shows the house).

use std::path::Path;

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Floor of each hand-written crate. Generated crates go by their ending.
const FLOORS: [(&str, u8); 14] = [
    ("symbolon-wire", 1),
    ("symbolon-client", 3),
    ("symbolon-kernel", 3),
    ("symbolon-server", 3),
    ("symbolon-drill", 4),
    ("symbolon-issuer", 4),
    ("symbolon-sdk", 4),
    ("symbolon-calls", 5),
    ("symbolon-codegen", 5),
    ("symbolon-adoption", 6),
    ("symbolon-app", 6),
    ("symbolon-conformance", 6),
    ("symbolon-independent", 6),
    ("xtask", 7),
];

/// Edges that no floor forbids and a rule of its own does.
const FORBIDDEN: [(&str, &[&str], &str); 3] = [
    ("symbolon-sdk", &["symbolon-server", "symbolon-kernel"], "an SDK knows no server"),
    (
        "symbolon-conformance",
        &["symbolon-server", "symbolon-kernel", "symbolon-calls", "symbolon-app"],
        "conformance judges a server written in any language",
    ),
    ("xtask", &["symbolon-server", "symbolon-kernel", "symbolon-app"], "tasks start processes"),
];

/// Every edge that leads upward, sideways, or where a rule forbids it.
pub(super) fn check(root: &Path) -> anyhow::Result<Vec<String>> {
    let metadata = MetadataCommand::new().current_dir(root).no_deps().exec()?;
    let members: Vec<&str> =
        metadata.packages.iter().map(|package| package.name.as_str()).collect();
    let mut findings = Vec::new();
    for package in &metadata.packages {
        let from = package.name.as_str();
        let Some(floor) = floor(from) else {
            findings.push(format!("crate `{from}` has no floor: give it one in tidy/floors.rs"));
            continue;
        };
        for dependency in &package.dependencies {
            let to = dependency.name.as_str();
            if !members.contains(&to) || dependency.kind == DependencyKind::Development {
                continue;
            }
            if let Some(below) = self::floor(to)
                && below >= floor
            {
                findings
                    .push(format!("`{from}` (floor {floor}) depends on `{to}` (floor {below})"));
            }
            if let Some((_, _, why)) =
                FORBIDDEN.iter().find(|(name, targets, _)| *name == from && targets.contains(&to))
            {
                findings.push(format!("`{from}` depends on `{to}`: {why}"));
            }
            if let (Some(one), Some(other)) = (system(from), system(to))
                && one != other
            {
                findings.push(format!("`{from}` depends on `{to}`, a crate of another system"));
            }
        }
    }
    Ok(findings)
}

fn floor(name: &str) -> Option<u8> {
    if let Some((_, floor)) = FLOORS.iter().find(|(known, _)| *known == name) {
        return Some(*floor);
    }
    match name.rsplit_once('-') {
        Some((_, "wire")) => Some(2),
        Some((_, "server" | "webhooks")) => Some(4),
        _ => None,
    }
}

/// The system a generated crate belongs to.
fn system(name: &str) -> Option<&str> {
    let (system, half) = name.rsplit_once('-')?;
    (matches!(half, "wire" | "server") && system != "symbolon").then_some(system)
}
