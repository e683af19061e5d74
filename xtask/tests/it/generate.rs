//! `symbolon gen` on anyone's contract: what it writes, what it says, how it ends.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const CONTRACT: &str = r#"{
  "openapi": "3.0.3",
  "info": { "title": "Pets", "version": "1.0.0" },
  "paths": {
    "/pets": {
      "post": {
        "operationId": "addPet",
        "requestBody": { "content": {
          "application/json": { "schema": { "$ref": "schemas/pet.json#/Pet" } },
          "csv": { "schema": { "type": "string" } }
        } },
        "responses": { "201": { "description": "Added." } }
      }
    }
  }
}"#;

const SCHEMAS: &str =
    r#"{ "Pet": { "type": "object", "properties": { "name": { "type": "string" } } } }"#;

fn contract(folder: &Path, text: &str) -> String {
    fs::create_dir_all(folder.join("schemas")).unwrap();
    fs::write(folder.join("schemas/pet.json"), SCHEMAS).unwrap();
    let path = folder.join("pets.json");
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn symbolon(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_symbolon")).arg("gen").args(arguments).output().unwrap()
}

#[test]
fn the_report_counts_and_names_what_is_wrong_with_the_document() {
    let folder = tempfile::tempdir().unwrap();
    let contract = contract(folder.path(), CONTRACT);
    let out = folder.path().join("out");
    let output = symbolon(&["--contract", &contract, "--out", out.to_str().unwrap(), "--json"]);
    assert_eq!(output.status.code(), Some(0));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["operations"], &report["types"]), (&1.into(), &1.into()));
    assert_eq!(report["degraded"], Value::Array(Vec::new()));
    let defect = &report["defects"][0];
    assert_eq!(defect["pointer"], "/paths/~1pets/post/requestBody/content/csv");
    assert_eq!(defect["line"], 10);
    assert!(defect["why"].as_str().unwrap().contains("csv"));
    assert!(report["files"].as_u64() > Some(20) && report["bytes"].as_u64() > Some(10_000));
    for file in ["Cargo.toml", "wire/src/types.rs", "server/src/lib.rs", "sdk-ts/package.json"] {
        assert!(out.join(file).exists(), "{file}");
    }
}

#[test]
fn a_later_run_deletes_what_it_no_longer_makes_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let contract = contract(folder.path(), CONTRACT);
    let out = folder.path().join("out");
    let arguments = ["--contract", &contract, "--out", out.to_str().unwrap()];
    assert!(symbolon(&arguments).status.success());
    fs::write(out.join("mine.txt"), "kept").unwrap();
    let only = [arguments.as_slice(), &["--target", "ts_sdk"]].concat();
    assert!(symbolon(&only).status.success());
    assert!(!out.join("wire/src/types.rs").exists());
    assert!(out.join("sdk-ts/package.json").exists() && out.join("mine.txt").exists());
}

#[test]
fn a_broken_reference_leaves_one_place_untyped_and_is_refused_if_strict() {
    let folder = tempfile::tempdir().unwrap();
    let contract = contract(folder.path(), &CONTRACT.replace("#/Pet", "#/Pat"));
    let out = folder.path().join("out");
    let arguments = ["--contract", &contract, "--out", out.to_str().unwrap()];
    let output = symbolon(&[arguments.as_slice(), &["--json", "--target", "ts_sdk"]].concat());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let codes = report["degraded"].as_array().unwrap().iter().map(|entry| &entry["code"]);
    assert_eq!(codes.collect::<Vec<_>>(), ["ref-not-found"]);
    fs::remove_dir_all(&out).unwrap();
    let output = symbolon(&[arguments.as_slice(), &["--strict"]].concat());
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("pets.json:9:") && told.contains("did you mean `Pet`?"), "{told}");
    assert!(!out.exists());
}

#[test]
fn wrong_usage_ends_with_2() {
    assert_eq!(symbolon(&[]).status.code(), Some(2));
    let unknown = symbolon(&["--contract", "a", "--out", "b", "--target", "cobol"]);
    assert_eq!(unknown.status.code(), Some(2));
    let missing = symbolon(&["--contract", "no-such-file.yaml", "--out", "b"]);
    assert_eq!(missing.status.code(), Some(1));
}
