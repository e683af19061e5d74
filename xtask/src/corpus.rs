//! Contracts that nobody here wrote, beside the project; a clone alone has none.

/// Where they are, relative to the project.
pub const FOLDER: &str = "../shared/corpus/modern";

/// Those that are compiled and measured.
pub const CONTRACTS: [&str; 4] = ["petstore.yaml", "train-travel.yaml", "nexus.json", "box.json"];
