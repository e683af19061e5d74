//! `cargo xtask gen` and its `--check`, on a project of one small contract.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const CONTRACT: &str = "openapi: 3.1.0
info: { title: Pets, version: 1.0.0 }
paths:
  /pets:
    get:
      operationId: listPets
      tags: [pets]
      responses: { '204': { description: None. } }
";

fn project(contract: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let contracts = folder.path().join("contracts/pets");
    fs::create_dir_all(&contracts).unwrap();
    let catalog = "[[system]]\nname = \"pets\"\nopenapi = \"pets/openapi.yaml\"\n";
    fs::write(folder.path().join("contracts/catalog.toml"), catalog).unwrap();
    fs::write(contracts.join("openapi.yaml"), contract).unwrap();
    folder
}

fn gen_in(root: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["gen", "--root"])
        .arg(root)
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn check_tells_what_gen_would_do_and_gen_does_it() {
    let project = project(CONTRACT);
    let root = project.path();
    assert_eq!(gen_in(root, &["--check"]).status.code(), Some(4));
    assert!(!root.join("generated").exists(), "check writes nothing");

    assert!(gen_in(root, &[]).status.success());
    assert!(gen_in(root, &["--check"]).status.success());

    let stray = root.join("generated/pets-wire/src/stray.rs");
    fs::write(&stray, "").unwrap();
    fs::write(root.join("generated/pets-wire/src/types.rs"), "edited").unwrap();
    fs::remove_file(root.join("generated/pets-server/src/pets.rs")).unwrap();
    let stale = gen_in(root, &["--check"]);
    assert_eq!(stale.status.code(), Some(4));
    let told = String::from_utf8(stale.stdout).unwrap();
    for line in [
        "stale: create generated/pets-server/src/pets.rs",
        "stale: delete generated/pets-wire/src/stray.rs",
        "stale: update generated/pets-wire/src/types.rs",
    ] {
        assert!(told.contains(line), "{told}");
    }

    assert!(gen_in(root, &[]).status.success());
    assert!(!stray.exists());
    assert!(gen_in(root, &["--check"]).status.success());
}

#[test]
fn a_contract_with_an_error_changes_nothing() {
    let project =
        project(&CONTRACT.replace("'204': {", "'200': { $ref: '#/components/x' }, '204': {"));
    let refused = gen_in(project.path(), &[]);
    assert_eq!(refused.status.code(), Some(1));
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("contracts/pets/openapi.yaml:8:"), "{told}");
    assert!(!project.path().join("generated").exists());
}
