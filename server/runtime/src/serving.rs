//! Serving a router until it is told to stop, and stopping without dropping anybody.

use std::io;
use std::time::Duration;

use axum::serve::ListenerExt;
use axum::{Extension, Router};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::observation;

/// How long requests may take to finish once the server is told to stop.
const GRACE: Duration = Duration::from_secs(20);
const UPKEEP: Duration = Duration::from_secs(5);

/// Tells requests that the server is stopping: event streams end, readiness ends.
#[derive(Debug, Clone)]
pub(crate) struct Drain(watch::Receiver<bool>);

impl Drain {
    pub(crate) fn has_begun(&self) -> bool {
        *self.0.borrow()
    }

    /// Resolves when the server begins to stop.
    pub(crate) async fn begun(mut self) {
        let _ = self.0.wait_for(|begun| *begun).await;
    }
}

/// Serves until `shutdown` resolves, then lets running requests finish for up to 20 seconds.
///
/// # Errors
/// When the listener breaks.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (begin, begun) = watch::channel(false);
    let drain = Drain(begun);
    let router = router.layer(Extension(drain.clone()));
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "connection keeps Nagle's algorithm");
        }
    });
    let signal = async move {
        shutdown.await;
        tracing::info!("stopping: no new requests");
        let _ = begin.send(true);
    };
    let serving = axum::serve(listener, router).with_graceful_shutdown(signal);
    let overdue = async move {
        drain.begun().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        served = serving.into_future() => served,
        () = overdue => {
            tracing::warn!("stopping with requests unanswered");
            Ok(())
        }
        () = upkeep() => Ok(()),
    }
}

/// Keeps histograms small when nobody reads the metrics.
async fn upkeep() {
    let mut interval = tokio::time::interval(UPKEEP);
    loop {
        interval.tick().await;
        observation::recorder().run_upkeep();
    }
}
