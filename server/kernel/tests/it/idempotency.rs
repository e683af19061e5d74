//! One key, one effect.

use symbolon_kernel::{Claim, Claimed, Expected, Kernel};
use tokio::task::JoinSet;

use crate::fixture::{Home, happened, thing, unit};

/// Makes a thing under a key, as a service would; says which thing it is and whether it is new.
async fn make(kernel: &Kernel, tenant: &str, key: &str, body: &str) -> Option<(String, bool)> {
    let resource = kernel.new_id().to_string();
    let claim = Claim { operation: "makeThing", key, fingerprint: body, resource: &resource };
    match unit(kernel, tenant).await.claim(claim).await.unwrap() {
        Claimed::Fresh(mut unit) => {
            unit.append(&thing(&resource), Expected::New, vec![happened(1)]).await.unwrap();
            unit.commit().await.unwrap();
            Some((resource, true))
        }
        Claimed::Replay { resource, .. } => Some((resource, false)),
        Claimed::KeyReused => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_32_concurrent_callers_one_has_the_effect() {
    let home = Home::new();
    let kernel = home.open().await;
    let mut callers = JoinSet::new();
    for _ in 0..32 {
        let kernel = kernel.clone();
        callers.spawn(async move { make(&kernel, "acme", "key", "body").await.unwrap() });
    }
    let answers = callers.join_all().await;
    assert_eq!(answers.iter().filter(|(_, fresh)| *fresh).count(), 1);
    assert!(answers.iter().all(|(resource, _)| *resource == answers[0].0));
    assert_eq!(kernel.stats().await.unwrap().outbox_depth, 1);

    kernel.shutdown().await.unwrap();
    let kernel = home.open().await;
    let again = make(&kernel, "acme", "key", "body").await.unwrap();
    assert_eq!(again, (answers[0].0.clone(), false));
}

#[tokio::test]
async fn a_key_stands_for_one_body_of_one_tenant_and_operation() {
    let home = Home::new();
    let kernel = home.open().await;
    let (first, fresh) = make(&kernel, "acme", "key", "body").await.unwrap();
    assert!(fresh);
    assert_eq!(make(&kernel, "acme", "key", "other body").await, None);
    let (of_other, fresh) = make(&kernel, "other", "key", "other body").await.unwrap();
    assert!(fresh && of_other != first);
    let claim = Claim { operation: "another", key: "key", fingerprint: "x", resource: "r" };
    let claimed = unit(&kernel, "acme").await.claim(claim).await.unwrap();
    assert!(matches!(claimed, Claimed::Fresh(_)));
}
