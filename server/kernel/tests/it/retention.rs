//! What nobody will ask for again is forgotten; what somebody may is not.

use jiff::SignedDuration;
use symbolon_kernel::{Claim, Claimed, Handlers, Kernel};

use crate::fixture::{Home, Writer, append, effects, eventually, manual, noon, tenant, unit};

async fn rows(kernel: &Kernel, table: &'static str) -> i64 {
    let mut view = kernel.read(&tenant("acme")).await.unwrap();
    let count = match table {
        "inbox" => "SELECT COUNT(*) FROM inbox",
        _ => "SELECT COUNT(*) FROM idempotency",
    };
    sqlx::query_scalar(count).fetch_one(view.sql().1).await.unwrap()
}

async fn claim(kernel: &Kernel, key: &str) -> bool {
    let claim = Claim { operation: "make", key, fingerprint: "f", resource: "r" };
    match unit(kernel, "acme").await.claim(claim).await.unwrap() {
        Claimed::Fresh(unit) => {
            unit.commit().await.unwrap();
            true
        }
        Claimed::Replay { .. } => false,
        Claimed::KeyReused => panic!("it is the same"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_records_are_forgotten_and_nothing_is_handled_again() {
    let home = Home::new();
    let (clock, injected) = manual();
    let kernel = home.open_at(injected).await;
    // One key fails and fails: what was handled behind it is not forgotten.
    let writer = Writer::failing("writer", "bad", u32::MAX);
    let handlers = Handlers::new().consumer(writer).consumer(Writer::new("other"));
    kernel.start(handlers).await.unwrap();
    append(&kernel, "acme", "good", 1).await;
    append(&kernel, "acme", "bad", 2).await;
    append(&kernel, "acme", "good", 3).await;
    assert!(claim(&kernel, "old").await);
    eventually("they are handled", || async { effects(&kernel, "acme").await.len() == 5 }).await;
    eventually("it is noted", || async {
        kernel.stats().await.unwrap().readers.iter().any(|it| it.lag == 0)
    })
    .await;
    assert_eq!(rows(&kernel, "inbox").await, 5);

    let days = |days: i64| SignedDuration::from_hours(24 * days);
    clock.set(noon() + days(29));
    assert!(!claim(&kernel, "old").await);
    assert!(claim(&kernel, "new").await);
    append(&kernel, "acme", "good", 4).await;
    eventually("it is handled", || async { effects(&kernel, "acme").await.len() == 7 }).await;
    clock.set(noon() + days(31));
    // Of "other" three old ones go and one stays; of "writer" the one before the failing one goes.
    eventually("the old are forgotten", || async { rows(&kernel, "inbox").await == 3 }).await;
    eventually("their keys are too", || async { rows(&kernel, "idempotency").await == 1 }).await;
    assert!(claim(&kernel, "old").await);
    assert!(!claim(&kernel, "new").await);
    assert_eq!(effects(&kernel, "acme").await.len(), 7);
    kernel.shutdown().await.unwrap();
}
