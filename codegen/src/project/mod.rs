//! The only room that touches files: reads contracts, writes trees.

mod access;
mod catalog;
mod house;
mod read;
mod scaffold;
mod standalone;
mod tree;
mod typescript;

pub use access::{Access, Fetch, reader};
pub use catalog::{Catalog, CatalogError, SystemEntry};
pub use house::expected as house;
pub use read::{Contract, collect, collect_overlaid, read, read_within};
pub use scaffold::{Merged, expected as scaffold, manifest as scaffold_manifest, merged};
pub use standalone::{expected as standalone, foreign, former, write as write_standalone};
pub use tree::{Change, ChangeKind, Tree, TreeError, apply, compare};
