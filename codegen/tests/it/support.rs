//! The tables of what is carried name case folders: each must be there, and each that shows what
//! comes out must be named.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::cases::cases_folder;

#[test]
fn every_row_has_its_case_and_every_case_its_row() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts/README.md");
    let text = fs::read_to_string(readme).unwrap();
    let (_, rest) = text.split_once("## What is carried").unwrap();
    let (tables, _) = rest.split_once("\n## ").unwrap();
    let named: BTreeSet<&str> = tables
        .lines()
        .filter_map(|line| line.strip_suffix(" |")?.rsplit_once(" | ")?.1.strip_prefix('`'))
        .flat_map(|cell| cell.split('`').filter(|name| !name.is_empty() && *name != ", "))
        .collect();
    assert!(named.len() > 30, "{named:?}");
    for name in &named {
        assert!(cases_folder().join(name).join("case.toml").exists(), "no case `{name}`");
    }
    for entry in fs::read_dir(cases_folder()).unwrap() {
        let folder = entry.unwrap().path();
        let Ok(case) = fs::read_to_string(folder.join("case.toml")) else { continue };
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let shows_output = case.contains("outputs");
        assert!(!shows_output || named.contains(name.as_str()), "no row names `{name}`");
    }
}
