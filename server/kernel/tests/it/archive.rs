//! A backup is taken from a database in use, and restored whole or not at all.

use std::sync::Arc;

use jiff::SignedDuration;
use symbolon_kernel::ledger::{AccountId, Currency, Floor, Money, Transfer, TransferId};
use symbolon_kernel::{
    ArchiveError, Claim, Claimed, Expected, Handlers, Kernel, Location, NewJob, SystemClock,
    backup, inspect, restore,
};

use crate::fixture::{
    EFFECTS, Home, Writer, append, effects, eventually, happened, noon, tenant, thing, unit,
};

/// Something in every table.
async fn use_it(kernel: &Kernel) {
    for number in 1..=5 {
        append(kernel, "acme", "a", number).await;
        append(kernel, "other", "a", number).await;
    }
    let claim = Claim { operation: "make", key: "k", fingerprint: "f", resource: "r" };
    let claimed = unit(kernel, "acme").await.claim(claim).await.unwrap();
    let Claimed::Fresh(mut unit) = claimed else { panic!("{claimed:?}") };
    let far = noon() + SignedDuration::from_hours(1_000_000);
    unit.schedule("wake", "me", far, &"up").await.unwrap();
    unit.enqueue(NewJob { queue: "q", key: None, run_at: Some(far), payload: "x" }).await.unwrap();
    let (currency, from) = (Currency::new("USD").unwrap(), AccountId::new("house").unwrap());
    let to = AccountId::new("user").unwrap();
    unit.ledger().open(&from, &currency, Floor::None).await.unwrap();
    unit.ledger().open(&to, &currency, Floor::At(0)).await.unwrap();
    let id = TransferId::new("first").unwrap();
    let amount = Money::new(500, &currency);
    let transfer = Transfer::between(id, &from, &to, &amount, "a deposit");
    unit.ledger().post(&transfer).await.unwrap();
    unit.commit().await.unwrap();
}

async fn balance(kernel: &Kernel) -> i64 {
    let mut view = kernel.read(&tenant("acme")).await.unwrap();
    view.ledger().balance(&AccountId::new("user").unwrap()).await.unwrap().unwrap().total
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_a_database_in_use_goes_on_elsewhere() {
    let (home, elsewhere) = (Home::new(), tempfile::TempDir::new().unwrap());
    let kernel = home.open().await;
    kernel.start(Handlers::new().consumer(Writer::new("writer"))).await.unwrap();
    use_it(&kernel).await;
    eventually("it is handled", || async { effects(&kernel, "acme").await.len() == 5 }).await;
    // In the middle of writing.
    let writer = kernel.clone();
    let writing = tokio::spawn(async move {
        for number in 6..60 {
            append(&writer, "acme", "a", number).await;
        }
    });
    let mut archive = Vec::new();
    backup(&home.location(), &mut archive).await.unwrap();
    writing.await.unwrap();

    // From whichever database into a file.
    let file: Location = elsewhere.path().join("restored.sqlite").into();
    restore(&file, &[EFFECTS], archive.as_slice()).await.unwrap();
    assert_eq!(inspect(&file).await.unwrap(), []);
    let restored = Kernel::open(&file, &[EFFECTS], Arc::new(SystemClock)).await.unwrap();
    let mut view = restored.read(&tenant("acme")).await.unwrap();
    let version = view.version(&thing("a")).await.unwrap();
    assert!((5..60).contains(&version), "{version}");
    assert_eq!(view.load(&thing("a")).await.unwrap().len() as i64, version);
    drop(view);
    assert_eq!(balance(&restored).await, 500);
    assert_eq!(restored.stats().await.unwrap().timers_pending, 1);
    let claim = Claim { operation: "make", key: "k", fingerprint: "f", resource: "s" };
    let again = unit(&restored, "acme").await.claim(claim).await.unwrap();
    assert!(matches!(again, Claimed::Replay { resource, .. } if resource == "r"));
    // It goes on where it was: nothing is handled again, and what was not is.
    restored.start(Handlers::new().consumer(Writer::new("writer"))).await.unwrap();
    let mut next = unit(&restored, "acme").await;
    let expected = Expected::Version(version);
    next.append(&thing("a"), expected, vec![happened(version + 1)]).await.unwrap();
    next.commit().await.unwrap();
    eventually("the rest is handled", || async {
        let numbers: Vec<_> = effects(&restored, "acme").await.iter().map(|it| it.2).collect();
        numbers == (1..=version + 1).collect::<Vec<_>>()
    })
    .await;
    restored.shutdown().await.unwrap();
    kernel.shutdown().await.unwrap();

    // And from a file back into whichever database.
    let mut second = Vec::new();
    backup(&file, &mut second).await.unwrap();
    let other = Home::new();
    restore(&other.location(), &[EFFECTS], second.as_slice()).await.unwrap();
    let kernel = other.open().await;
    assert_eq!(balance(&kernel).await, 500);
    // Numbers that count up go on behind what was restored.
    append(&kernel, "acme", "a", 1000).await;
    kernel.shutdown().await.unwrap();
    assert_eq!(inspect(&other.location()).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_that_is_not_whole_leaves_nothing() {
    let home = Home::new();
    let kernel = home.open().await;
    use_it(&kernel).await;
    kernel.shutdown().await.unwrap();
    let mut archive = Vec::new();
    backup(&home.location(), &mut archive).await.unwrap();
    let text = String::from_utf8(archive.clone()).unwrap();

    let cut = text.lines().take(8).map(|line| format!("{line}\n")).collect::<String>();
    let altered = text.replacen("Happened", "Happenes", 1);
    let foreign = text.replace("\"name\":\"effects\"", "\"name\":\"affects\"");
    let garbled = text.replacen('[', "", 1);
    for (what, archive) in
        [("cut", cut), ("altered", altered), ("foreign", foreign), ("garbled", garbled)]
    {
        let target = Home::new();
        let refused = restore(&target.location(), &[EFFECTS], archive.as_bytes()).await;
        match (what, &refused) {
            ("cut" | "altered", Err(ArchiveError::Broken)) => {}
            ("foreign", Err(ArchiveError::Foreign(_))) => {}
            ("garbled", Err(ArchiveError::Line { .. })) => {}
            _ => panic!("{what}: {refused:?}"),
        }
        let kernel = target.open().await;
        assert_eq!(kernel.stats().await.unwrap().outbox_depth, 0, "{what}");
        kernel.shutdown().await.unwrap();
    }
    let refused = restore(&home.location(), &[EFFECTS], archive.as_slice()).await;
    assert!(matches!(refused, Err(ArchiveError::NotEmpty(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_inspection_names_what_was_broken() {
    let home = Home::new();
    let kernel = home.open().await;
    kernel.start(Handlers::new()).await.unwrap();
    use_it(&kernel).await;
    eventually("it is published", || async { kernel.stats().await.unwrap().outbox_depth == 0 })
        .await;
    assert_eq!(inspect(&home.location()).await.unwrap(), []);
    for (statement, rule) in [
        ("UPDATE streams SET version = 9 WHERE tenant_id = 'acme'", "the events of a stream are"),
        ("DELETE FROM log WHERE position = 2", "every message is published"),
        ("UPDATE checkpoints SET position = 99", ""),
        ("INSERT INTO checkpoints (reader, position) VALUES ('x', 99)", "nobody has read further"),
        ("INSERT INTO inbox (consumer, message_id, handled_at) VALUES ('x', 'y', 1)", "whatever a"),
    ] {
        let mut unit = unit(&kernel, "acme").await;
        sqlx::query(statement).execute(unit.sql().1).await.unwrap();
        unit.commit().await.unwrap();
        let findings = inspect(&home.location()).await.unwrap();
        assert!(findings.iter().any(|it| it.rule.starts_with(rule)), "{statement}: {findings:?}");
    }
    kernel.shutdown().await.unwrap();
}
