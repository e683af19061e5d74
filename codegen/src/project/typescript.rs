//! The TypeScript half of a standalone tree: an npm package that builds by itself.

use std::path::Path;

use include_dir::{Dir, include_dir};
use serde_json::Value;

use super::Tree;
use crate::emit;
use crate::model::System;

static RUNTIME: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../sdk-ts/src/runtime");
const CONFIG: &str = include_str!("../../../sdk-ts/tsconfig.json");
const BUILD_CONFIG: &str = include_str!("../../../sdk-ts/tsconfig.build.json");
const OUR_PACKAGE: &str = include_str!("../../../sdk-ts/package.json");

/// Adds `sdk-ts` to a tree.
pub(super) fn place(tree: &mut Tree, system: &System) {
    let name = system.name.words().join("-");
    for file in emit::ts_sdk::emit(system) {
        tree.add(Path::new("sdk-ts/src").join(&name).join(file.path), file.text);
    }
    for file in RUNTIME.files() {
        if let Some(text) = file.contents_utf8() {
            tree.add(Path::new("sdk-ts/src/runtime").join(file.path()), text.to_owned());
        }
    }
    tree.add("sdk-ts/tsconfig.json", CONFIG.to_owned());
    tree.add("sdk-ts/tsconfig.build.json", BUILD_CONFIG.to_owned());
    tree.add("sdk-ts/package.json", package(system, &name));
}

/// The manifest, in the order people write it; `types` goes before `default`.
fn package(system: &System, name: &str) -> String {
    let ours: Value =
        serde_json::from_str(OUR_PACKAGE).expect("this project's own package is valid JSON");
    let compiler = ours["devDependencies"]["typescript"].as_str().unwrap_or_default();
    let node = ours["engines"]["node"].as_str().unwrap_or_default();
    let description = Value::from(format!("SDK of {}", system.title.trim())).to_string();
    let export = |folder: &str| {
        format!(
            "{{\n      \"types\": \"./dist/{folder}/index.d.ts\",\n      \
             \"default\": \"./dist/{folder}/index.js\"\n    }}"
        )
    };
    format!(
        r#"{{
  "name": "{name}-sdk",
  "version": "0.1.0",
  "description": {description},
  "private": true,
  "type": "module",
  "sideEffects": false,
  "engines": {{
    "node": "{node}"
  }},
  "exports": {{
    ".": {},
    "./runtime": {}
  }},
  "files": [
    "dist"
  ],
  "scripts": {{
    "build": "tsc -p tsconfig.build.json",
    "check": "tsc --noEmit",
    "prepare": "tsc -p tsconfig.build.json"
  }},
  "devDependencies": {{
    "typescript": "{compiler}"
  }}
}}
"#,
        export(name),
        export("runtime")
    )
}
