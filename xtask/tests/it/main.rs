//! The binaries as people use them, and the project's own house rules.
#![allow(clippy::unwrap_used)]

mod compose;
mod generate;
mod house;
mod mock;
mod new;
mod reach;
mod realm;
mod watching;

use std::path::Path;

#[test]
fn the_house_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let findings = xtask::tidy::findings(&root).expect("the sources can be read");
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}
