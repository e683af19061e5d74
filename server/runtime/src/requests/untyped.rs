//! Operations whose contract is read while the program runs: for mocks and gateways, which have no
//! generated types.

use std::sync::Arc;

use crate::requests::routes::{Caller, Prepared, Route};
use crate::{Info, Input, Rejected, Reply, Routes};

/// Reads a request and answers it; every violation is left in the input, so that all are reported.
pub type Answering = Arc<dyn Fn(&mut Input) -> Result<Reply, Rejected> + Send + Sync>;

impl Routes {
    /// The routes of operations without types. The edge does for them what it does for all.
    pub fn untyped(operations: Vec<(Info, Answering)>) -> Self {
        let route = |(info, answering): (Info, Answering)| {
            let prepare = move |input: &mut Input| -> Option<Prepared> {
                let reply = answering(input).ok().filter(|_| input.is_valid())?;
                Some(Box::new(move |_: Caller| Box::pin(async move { Ok(reply) })))
            };
            Route::new(info, Box::new(prepare))
        };
        Self::of(operations.into_iter().map(route).collect())
    }
}
