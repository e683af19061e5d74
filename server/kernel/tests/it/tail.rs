//! The live tail: one tenant's events, in order, none left out.

use symbolon_kernel::{Expected, Handlers, Tail, TailFrom};

use crate::fixture::{Home, append, eventually, happened, tenant, thing, unit};

async fn take(tail: &mut Tail, count: usize) -> Vec<i64> {
    let mut numbers = Vec::new();
    for _ in 0..count {
        let recorded = tail.next().await.unwrap().unwrap();
        assert_eq!(recorded.envelope.tenant_id, tenant("acme"));
        numbers.push(recorded.envelope.data["number"].as_i64().unwrap());
    }
    numbers
}

#[tokio::test]
async fn a_tail_gives_what_is_published_from_now_on_and_ends_with_the_kernel() {
    let home = Home::new();
    let kernel = home.open().await;
    kernel.start(Handlers::new()).await.unwrap();
    // On a server it is in the log before this process knows.
    let mut before = kernel.tail(&tenant("acme"), TailFrom::Now);
    append(&kernel, "acme", "a", 0).await;
    assert_eq!(take(&mut before, 1).await, [0]);
    let mut tail = kernel.tail(&tenant("acme"), TailFrom::Now);
    append(&kernel, "acme", "a", 1).await;
    append(&kernel, "other", "a", 100).await;
    append(&kernel, "acme", "b", 2).await;
    let began = tail.position();
    assert_eq!(take(&mut tail, 2).await, [1, 2]);
    // What was there when it began: neither another tenant's, nor anything later.
    let first = kernel.last_message(&tenant("acme"), began).await.unwrap().unwrap();
    let at = kernel.position(&tenant("acme"), first).await.unwrap().unwrap();
    assert!(at <= began);
    let mut again = kernel.tail(&tenant("acme"), TailFrom::After(at));
    assert_eq!(take(&mut again, 2).await, [1, 2]);
    assert_eq!(kernel.last_message(&tenant("nobody"), i64::MAX).await.unwrap(), None);
    kernel.shutdown().await.unwrap();
    assert_eq!(tail.next().await.unwrap(), None);
}

#[tokio::test]
async fn a_tail_resumes_after_a_position_and_survives_falling_behind() {
    let home = Home::new();
    let kernel = home.open().await;
    kernel.start(Handlers::new()).await.unwrap();
    let mut slow = kernel.tail(&tenant("acme"), TailFrom::Now);
    for batch in 0..30 {
        for name in ["acme", "other"] {
            let mut unit = unit(&kernel, name).await;
            let events = (batch * 100..batch * 100 + 100).map(happened).collect();
            unit.append(&thing("a"), Expected::Any, events).await.unwrap();
            unit.commit().await.unwrap();
        }
    }
    eventually("all are published", || async { kernel.stats().await.unwrap().outbox_depth == 0 })
        .await;
    let all: Vec<i64> = (0..3000).collect();
    assert_eq!(take(&mut slow, 3000).await, all);

    let mut late = kernel.tail(&tenant("acme"), TailFrom::After(0));
    let first = late.next().await.unwrap().unwrap();
    assert_eq!(take(&mut late, 2999).await, all[1..]);
    let message = first.envelope.message_id;
    let position = kernel.position(&tenant("acme"), message).await.unwrap();
    assert_eq!(position, Some(first.position));
    // Neither another tenant's, nor one that is not there.
    assert_eq!(kernel.position(&tenant("other"), message).await.unwrap(), None);
    assert_eq!(kernel.position(&tenant("acme"), kernel.new_id()).await.unwrap(), None);
    let mut resumed = kernel.tail(&tenant("acme"), TailFrom::After(first.position));
    assert_eq!(take(&mut resumed, 2999).await, all[1..]);
    append(&kernel, "acme", "b", 3000).await;
    assert_eq!(take(&mut resumed, 1).await, [3000]);
    assert_eq!(take(&mut slow, 1).await, [3000]);
    kernel.shutdown().await.unwrap();
}
