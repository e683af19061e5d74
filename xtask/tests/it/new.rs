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
