//! What `symbolon gen` reads: the folder of the contract, and other machines only if allowed.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};
use std::thread;

use serde_json::Value;

const OWNER: &str = "Owner: { type: object, required: [name], properties: { name: { $ref: \
    'names.yaml#/Name' } } }\nSecret: { type: string }\n";

fn contract(folder: &Path, reference: &str) -> String {
    let text = format!(
        "openapi: 3.1.0\ninfo: {{ title: Pets, version: 1.0.0 }}\ncomponents:\n  schemas:\n    \
         Pet:\n      type: object\n      properties:\n        owner: {{ $ref: '{reference}' }}\n"
    );
    fs::create_dir_all(folder).unwrap();
    let path = folder.join("pets.yaml");
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn symbolon(contract: &str, out: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_symbolon"))
        .args(["gen", "--contract", contract, "--json", "--target", "ts_sdk", "--out"])
        .arg(out)
        .args(more)
        .output()
        .unwrap()
}

/// The codes of what was degraded, and the types that came out.
fn told(output: &Output, out: &Path) -> (Vec<String>, String) {
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let codes = report["degraded"].as_array().unwrap().iter();
    let codes = codes.map(|entry| entry["code"].as_str().unwrap().to_owned()).collect();
    (codes, fs::read_to_string(out.join("sdk-ts/src/pets/types.ts")).unwrap())
}

#[test]
fn a_reference_never_leaves_the_folder_of_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let (inside, out) = (folder.path().join("contract"), folder.path().join("out"));
    fs::write(folder.path().join("owner.yaml"), OWNER).unwrap();
    fs::write(folder.path().join("names.yaml"), "Name: { type: string }").unwrap();
    fs::create_dir_all(&inside).unwrap();
    symlink("../owner.yaml", inside.join("link.yaml")).unwrap();
    let absolute = format!("{}#/Owner", folder.path().join("owner.yaml").display());
    for reference in ["../owner.yaml#/Owner", "link.yaml#/Owner", "a/../../owner.yaml", &absolute] {
        let contract = contract(&inside, reference);
        let (codes, types) = told(&symbolon(&contract, &out, &[]), &out);
        assert_eq!(codes, ["outside-folder"], "{reference}");
        assert!(types.contains("owner?: unknown"), "{types}");
        assert_eq!(symbolon(&contract, &out, &["--strict"]).status.code(), Some(1));
    }
    let contract = contract(&inside, "../owner.yaml#/Owner");
    let root = folder.path().to_str().unwrap();
    let (codes, types) = told(&symbolon(&contract, &out, &["--root", root]), &out);
    assert!(codes.is_empty() && types.contains("owner?: Owner"), "{types}");
}

/// A server that answers so many requests with these texts, by path.
fn serve(requests: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().take(requests) {
            let mut stream = stream.unwrap();
            let mut asked = [0; 4096];
            let length = stream.read(&mut asked).unwrap();
            let asked = String::from_utf8_lossy(&asked[..length]).into_owned();
            let (status, body) = match asked.split(' ').nth(1) {
                Some("/owner.yaml") => ("200 OK", OWNER),
                Some("/names.yaml") => ("200 OK", "Name: { type: string, minLength: 1 }"),
                _ => ("404 Not Found", ""),
            };
            let length = body.len();
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n");
            write!(stream, "{head}Connection: close\r\n\r\n{body}").unwrap();
        }
    });
    port
}

#[test]
fn other_machines_are_asked_only_if_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let port = serve(3);
    let contract = contract(folder.path(), &format!("http://127.0.0.1:{port}/owner.yaml#/Owner"));
    let (codes, types) = told(&symbolon(&contract, &out, &[]), &out);
    assert_eq!(codes, ["remote-ref"]);
    assert!(types.contains("owner?: unknown"), "{types}");
    let (codes, types) = told(&symbolon(&contract, &out, &["--allow-remote"]), &out);
    assert!(codes.is_empty() && types.contains("owner?: Owner"), "{codes:?} {types}");
    let gone = self::contract(folder.path(), &format!("http://127.0.0.1:{port}/gone.yaml"));
    let (codes, _) = told(&symbolon(&gone, &out, &["--allow-remote"]), &out);
    assert_eq!(codes, ["unreadable"]);
}
