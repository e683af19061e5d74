//! What a command may read to get a contract: the same flags wherever one takes a contract.

use std::path::PathBuf;

use symbolon_codegen::project::{Access, Contract, Fetch, read_within};
use symbolon_codegen::resolve::Entry;

use crate::fetch::fetcher;

/// How far references may lead, and what is laid over the documents.
#[derive(Debug, clap::Args)]
pub struct Reach {
    /// An overlay (1.0 or 1.1) to lay over the document it extends, else over the contract; may be
    /// given more than once.
    #[arg(long, value_name = "FILE")]
    pub overlay: Vec<String>,
    /// The folder that holds all of the contract; nothing is read from outside of it. That of the
    /// document if absent.
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Fetch what the contract refers to on other machines (http and https).
    #[arg(long)]
    pub allow_remote: bool,
}

impl Reach {
    /// Reads a contract within this reach.
    ///
    /// # Errors
    /// When nothing can be fetched from here.
    pub fn read(&self, entry: Entry<'_>) -> anyhow::Result<Contract> {
        let fetcher = if self.allow_remote { Some(fetcher()?) } else { None };
        let fetch = fetcher.as_ref().map(|fetch| fetch as Fetch<'_>);
        let access = Access { root: self.root.clone(), overlays: self.overlay.clone(), fetch };
        Ok(read_within(entry, &access))
    }
}
