//! One tenant never sees another's.

use symbolon_kernel::{Expected, Handlers, TenantId};

use crate::fixture::{Home, Writer, append, effects, eventually, happened, tenant, thing, unit};

#[tokio::test]
async fn two_tenants_use_one_name_without_meeting() {
    let home = Home::new();
    let kernel = home.open().await;
    kernel.start(Handlers::new().consumer(Writer::new("writer"))).await.unwrap();
    append(&kernel, "acme", "a", 1).await;
    append(&kernel, "other", "a", 2).await;
    append(&kernel, "other", "a", 3).await;
    for (name, numbers) in [("acme", vec![1]), ("other", vec![2, 3])] {
        let mut view = kernel.read(&tenant(name)).await.unwrap();
        let events = view.load(&thing("a")).await.unwrap();
        let found: Vec<_> = events.iter().map(|it| it.data["number"].as_i64().unwrap()).collect();
        assert_eq!(found, numbers);
        assert!(events.iter().all(|event| event.tenant_id == tenant(name)));
        eventually("handled in its own tenant", || async {
            let effects = effects(&kernel, name).await;
            effects.iter().map(|it| it.2).collect::<Vec<_>>() == numbers
        })
        .await;
    }
    let mut third = unit(&kernel, "third").await;
    assert_eq!(third.load(&thing("a")).await.unwrap(), []);
    third.append(&thing("a"), Expected::New, vec![happened(1)]).await.unwrap();
    drop(third);
    kernel.shutdown().await.unwrap();
}

#[test]
fn a_tenant_has_a_name() {
    assert!(TenantId::new("").is_err());
    assert!(TenantId::new("x".repeat(256)).is_err());
    assert!(serde_json::from_str::<TenantId>("\"\"").is_err());
}
