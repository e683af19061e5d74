//! The audit log: appended with what was done, read page by page, never changed.

use serde_json::json;
use sqlx::AssertSqlSafe;
use symbolon_kernel::{Action, AuditPage, AuditReach, Audited, Dialect, Kernel};

use crate::fixture::{Home, append, eventually, manual, noon, tenant, unit};
use crate::ledger::opened;

async fn audit(kernel: &Kernel, name: &str, action: Action) {
    let mut unit = unit(kernel, name).await;
    unit.audit(action).await.unwrap();
    unit.commit().await.unwrap();
}

async fn read(kernel: &Kernel, name: &str, page: AuditPage<'_>) -> Vec<Audited> {
    kernel.read(&tenant(name)).await.unwrap().audit(page).await.unwrap()
}

fn subjects(page: &[Audited]) -> Vec<&str> {
    page.iter().map(|it| it.action.subject.as_str()).collect()
}

#[tokio::test]
async fn an_action_comes_back_as_it_was_written_down() {
    let home = Home::new();
    let (_, clock) = manual();
    let kernel = home.open_at(clock).await;
    let frozen = Action::new("trading.frozen", "account/7").by("admin");
    let frozen = frozen.detail(&json!({"reason": "drift", "amount": 7})).unwrap();
    audit(&kernel, "acme", frozen.clone()).await;
    let nobody = Action::new("trading.resumed", "account/7");
    audit(&kernel, "acme", nobody.clone()).await;

    let rows = read(&kernel, "acme", AuditPage::first(10)).await;
    let actions: Vec<_> = rows.iter().map(|it| it.action.clone()).collect();
    assert_eq!(actions, [frozen, nobody]);
    assert!(rows[0].seq < rows[1].seq);
    assert_eq!(rows[0].recorded_at, noon());
    assert_eq!(
        (rows[0].correlation_id.as_str(), rows[0].causation_id.as_str()),
        ("request-1", "request-1")
    );
}

#[tokio::test]
async fn the_log_is_read_page_by_page_and_by_subject_and_of_one_tenant() {
    let home = Home::new();
    let kernel = home.open().await;
    for number in 0..5 {
        audit(&kernel, "acme", Action::new("a", format!("thing/{}", number % 2))).await;
        audit(&kernel, "other", Action::new("a", "thing/9")).await;
    }
    let mut unit = unit(&kernel, "acme").await;
    unit.audit(Action::new("a", "undone")).await.unwrap();
    unit.rollback().await.unwrap();

    let first = read(&kernel, "acme", AuditPage::first(3)).await;
    assert_eq!(subjects(&first), ["thing/0", "thing/1", "thing/0"]);
    let second = AuditPage { after: first[2].seq, ..AuditPage::first(3) };
    let second = read(&kernel, "acme", second).await;
    assert_eq!(subjects(&second), ["thing/1", "thing/0"]);
    let one = AuditPage { subject: Some("thing/1"), ..AuditPage::first(9) };
    assert_eq!(subjects(&read(&kernel, "acme", one).await), ["thing/1", "thing/1"]);
    let foreign = AuditPage { subject: Some("thing/9"), ..AuditPage::first(9) };
    assert_eq!(read(&kernel, "acme", foreign).await, []);
    // Other transactions of the same server may hold them up.
    for subject in [None, Some("thing/1")] {
        let settled = AuditPage { subject, reach: AuditReach::Settled, ..AuditPage::first(9) };
        let all = AuditPage { reach: AuditReach::Committed, ..settled };
        eventually("all are settled", || async {
            read(&kernel, "acme", settled).await == read(&kernel, "acme", all).await
        })
        .await;
    }
}

/// On PostgreSQL the later of two units may commit first.
#[tokio::test]
async fn whoever_remembers_a_settled_row_misses_none() {
    let home = Home::new();
    if home.file().is_some() {
        return;
    }
    let kernel = home.open().await;
    let mut slow = unit(&kernel, "acme").await;
    slow.audit(Action::new("a", "slow")).await.unwrap();
    audit(&kernel, "acme", Action::new("a", "fast")).await;
    let settled = AuditPage { reach: AuditReach::Settled, ..AuditPage::first(9) };
    assert_eq!(read(&kernel, "acme", settled).await, []);
    assert_eq!(subjects(&read(&kernel, "acme", AuditPage::first(9)).await), ["fast"]);
    slow.commit().await.unwrap();
    eventually("both are settled", || async {
        subjects(&read(&kernel, "acme", settled).await) == ["slow", "fast"]
    })
    .await;
}

#[tokio::test]
async fn nobody_changes_what_is_written_for_good() {
    let home = Home::new();
    let kernel = home.open().await;
    opened(&kernel, "acme").await;
    append(&kernel, "acme", "a", 1).await;
    audit(&kernel, "acme", Action::new("a", "thing/1")).await;
    for table in ["audit_log", "messages", "ledger_transfers", "ledger_entries"] {
        for statement in ["UPDATE {} SET tenant_id = 'other'", "DELETE FROM {}", "TRUNCATE {}"] {
            let mut unit = unit(&kernel, "acme").await;
            let connection = unit.sql().1;
            if statement.starts_with("TRUNCATE") && Dialect::of(connection) == Dialect::Sqlite {
                continue;
            }
            let statement = statement.replace("{}", table);
            let refused = sqlx::query(AssertSqlSafe(statement)).execute(connection).await;
            let refused = refused.unwrap_err().to_string();
            assert!(refused.contains(&format!("rows of {table} are never changed")), "{refused}");
        }
    }
}
