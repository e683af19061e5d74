//! Judges a running server by its contract: over HTTP and events alone, whoever wrote it.
//!
//! Every named example is replayed, every workflow run, every list walked to its end, every
//! promised event waited for, every socket opened; whatever differs from the contract is a
//! [`Finding`] with its place and a curl line.

mod answer;
mod conditions;
mod contract;
mod coverage;
mod credentials;
mod curl;
mod derive;
mod echo;
mod encode;
mod envelopes;
mod examples;
mod expressions;
mod fresh;
mod idempotency;
mod judge;
mod leaves;
mod options;
mod pages;
mod problems;
mod promises;
mod report;
mod request;
mod session;
mod sockets;
mod tail;
mod workflows;

pub use contract::Unreadable;
pub use coverage::{Cell, Row};
pub use options::{Credential, Extent, InvalidOption, Options, header};
pub use report::{Finding, Kind, Ran, Report, Seen};

use session::Session;

/// [`run`] on a runtime of its own, for callers without one.
///
/// # Errors
/// As [`run`]; also when no runtime can be had.
pub fn run_blocking(options: Options) -> Result<Report, Unreadable> {
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| Unreadable { reasons: vec![error.to_string()] })?;
    runtime.block_on(run(options))
}

/// Judges the server that the options name.
///
/// # Errors
/// When the contract itself cannot be read; nothing is sent then.
pub async fn run(options: Options) -> Result<Report, Unreadable> {
    let sources = contract::load(&options)?;
    let contract = contract::Contract::read(&sources, &options)?;
    let mut session = Session::new(&contract, &options);
    if !session.reaches_server().await {
        return Ok(session.sum_up(Vec::new()));
    }
    if options.extent == Extent::Examples {
        examples::replay_all(&mut session).await;
        return Ok(session.sum_up(Vec::new()));
    }
    promises::listen(&mut session).await;
    sockets::open_all(&mut session).await;
    workflows::run_all(&mut session).await;
    examples::replay_all(&mut session).await;
    idempotency::replay_all(&mut session).await;
    derive::fill_gaps(&mut session).await;
    pages::walk_all(&mut session).await;
    Ok(session.close().await)
}
