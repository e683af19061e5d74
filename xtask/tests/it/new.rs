//! `symbolon new`: a workspace that is written on, and that a later run leaves alone.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const CONTRACT: &str = "openapi: 3.1.0
info: { title: Pets, version: 1.0.0 }
paths:
  /pets/{petId}:
    get:
      operationId: showPet
      tags: [pets]
      parameters:
        - name: petId
          in: path
          required: true
          schema: { type: integer }
          examples: { known: { value: 1 }, unknown: { value: 2 } }
      responses:
        '200':
          description: The pet.
          content:
            application/json:
              schema: { $ref: 'schemas/pet.yaml#/Pet' }
              examples: { known: { value: { name: Rex } } }
        '404':
          description: None.
          content:
            application/json:
              schema: { $ref: 'schemas/pet.yaml#/Pet' }
              examples: { unknown: { value: { name: nobody } } }
";

const MORE: &str = "    delete:
      operationId: removePet
      tags: [pets]
      parameters: [{ name: petId, in: path, required: true, schema: { type: integer } }]
      responses: { '204': { description: Gone. } }
";

const PET: &str =
    "Pet: { type: object, required: [name], properties: { name: { type: string } } }\n";

fn new(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_symbolon")).arg("new").args(arguments).output().unwrap()
}

fn contract(folder: &Path) -> String {
    fs::create_dir_all(folder.join("in/schemas")).unwrap();
    fs::write(folder.join("in/schemas/pet.yaml"), PET).unwrap();
    let path = folder.join("in/pets.yaml");
    fs::write(&path, CONTRACT).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_later_run_adds_what_the_contract_gained_and_touches_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let contract = contract(folder.path());
    let root = folder.path().join("out");
    let dir = root.to_str().unwrap();
    let made = new(&[dir, "--contract", &contract]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    for file in [
        "contracts/pets/schemas/pet.yaml",
        "generated/pets-server/src/pets.rs",
        "runtime/server/src/lib.rs",
        "sdk-ts/package.json",
        "server/app/src/main.rs",
        "check.sh",
    ] {
        assert!(root.join(file).exists(), "{file}");
    }
    let handler = root.join("server/pets/src/pets/show_pet.rs");
    let text = fs::read_to_string(&handler).unwrap();
    assert!(text.contains("is(&call.request.pet_id, \"2\")"), "{text}");
    assert!(text.contains("Err(Error::NotFound"), "{text}");
    assert_eq!(new(&[dir, "--check"]).status.code(), Some(0));

    fs::write(&handler, "// mine\n").unwrap();
    let tag = root.join("server/pets/src/pets/mod.rs");
    let module = fs::read_to_string(&tag).unwrap();
    fs::write(&tag, format!("{module}\nfn mine() {{}}\n")).unwrap();
    let kept = root.join("contracts/pets/pets.yaml");
    fs::write(&kept, format!("{CONTRACT}{MORE}")).unwrap();
    assert_eq!(new(&[dir, "--check"]).status.code(), Some(4));
    assert!(!root.join("server/pets/src/pets/remove_pet.rs").exists(), "check writes nothing");

    let again = new(&[dir, "--json"]);
    let report: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(report["created"][0], "server/pets/src/pets/remove_pet.rs");
    assert_eq!(fs::read_to_string(&handler).unwrap(), "// mine\n");
    let module = fs::read_to_string(&tag).unwrap();
    assert!(module.contains("mod remove_pet;") && module.ends_with("fn mine() {}\n"), "{module}");
    assert_eq!(new(&[dir, "--check"]).status.code(), Some(0));

    // The contract that was edited here is not overwritten by the one it was copied from.
    let refused = new(&[dir, "--contract", &contract]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(fs::read_to_string(&kept).unwrap().contains("removePet"));

    // A file whose operation is gone stays, and is named.
    fs::write(&kept, CONTRACT).unwrap();
    let fewer: Value = serde_json::from_slice(&new(&[dir, "--json"]).stdout).unwrap();
    assert_eq!(fewer["kept"][0], "server/pets/src/pets/remove_pet.rs");
    assert!(!fs::read_to_string(&tag).unwrap().contains("mod remove_pet;"));
}

#[test]
fn somebody_elses_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let contract = contract(folder.path());
    let root = folder.path().join("out");
    fs::create_dir(&root).unwrap();
    fs::write(root.join("notes.txt"), "mine").unwrap();
    let refused = new(&[root.to_str().unwrap(), "--contract", &contract]);
    assert_eq!(refused.status.code(), Some(1));
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("no workspace of `symbolon new`"), "{told}");
    assert_eq!(fs::read_dir(&root).unwrap().count(), 1);
}

const OVERLAY: &str = "overlay: 1.1.0
info: { title: Ours, version: 1.0.0 }
extends: ../in/pets.yaml
actions:
  - target: $.paths['/pets/{petId}'].get
    update: { operationId: findPet }
";

#[test]
fn what_is_laid_over_the_contract_is_kept_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let contract = contract(folder.path());
    fs::create_dir(folder.path().join("ours")).unwrap();
    let outside = folder.path().join("ours/names.yaml");
    fs::write(&outside, OVERLAY).unwrap();
    let inside = folder.path().join("in/more.yaml");
    fs::write(&inside, OVERLAY.replace("../in/", "").replace("findPet", "seePet")).unwrap();
    let root = folder.path().join("out");
    let dir = root.to_str().unwrap();
    let overlays = [outside.to_str().unwrap(), inside.to_str().unwrap()];
    let over = ["--overlay", overlays[0], "--overlay", overlays[1]];
    let made = new(&[&[dir, "--contract", &contract], over.as_slice()].concat());
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    assert!(made.stderr.is_empty(), "{}", String::from_utf8_lossy(&made.stderr));
    assert!(root.join("server/pets/src/pets/see_pet.rs").exists(), "the last overlay wins");
    let catalog = fs::read_to_string(root.join("contracts/catalog.toml")).unwrap();
    assert!(catalog.contains(r#"overlays = ["pets/overlays/names.yaml", "pets/more.yaml"]"#));
    let moved = fs::read_to_string(root.join("contracts/pets/overlays/names.yaml")).unwrap();
    assert!(moved.contains("extends: ../pets.yaml"), "{moved}");
    let kept = fs::read_to_string(root.join("contracts/pets/pets.yaml")).unwrap();
    assert_eq!(kept, CONTRACT, "the document itself is as it was");
    // The catalogue names them, so that a later run lays them again.
    assert_eq!(new(&[dir, "--check"]).status.code(), Some(0));
    let replay = fs::read_to_string(root.join("server/app/tests/replay.rs")).unwrap();
    assert!(replay.contains("\"/../../contracts/pets/more.yaml\""), "{replay}");

    let others = new(&[dir, "--contract", &contract]);
    assert!(!others.status.success(), "the catalogue names overlays");
}
