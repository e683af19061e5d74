//! The functions behind both binaries, one file a subcommand: `xtask` for this project,
//! `symbolon` for anyone's contract.

pub mod gen_house;
pub mod gen_standalone;
pub mod root;
pub mod tidy;
