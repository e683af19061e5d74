//! What operators see and do, and that it stays within their tenant.

use std::sync::Arc;

use calls_server::admin::{
    Admin, DiscardDeadLetter, DrillDeadLetters, GetOutbox, ListAuditEntries, ListDeadLetters,
    ListProjections, ListTimers, RebuildProjection, ReplayDeadLetter,
};
use calls_wire::admin as wire;
use calls_wire::types::{
    AuditEntry, DeadLetter, DeadLetterDrill, DeadLetterReader, ProjectionState, Timer, TimerState,
};
use symbolon_calls::{Calls, MIGRATIONS};
use symbolon_kernel::{Kernel, SystemClock};
use symbolon_server::{Fault, Outcome, Refusal};
use uuid::Uuid;

use crate::fixture::{Home, SETTINGS, System, call, eventually, later};
use crate::target::Target;

impl System {
    async fn drill(&self, tenant: &str, reader: DeadLetterReader) -> DeadLetter {
        let request = wire::drill_dead_letters::Request { body: DeadLetterDrill { reader } };
        let left = self.admin.drill_dead_letters(call::<DrillDeadLetters>(tenant, request)).await;
        left.unwrap().into_body()
    }

    async fn replay(&self, tenant: &str, id: Uuid) -> Outcome<ReplayDeadLetter> {
        let request = wire::replay_dead_letter::Request { dead_letter_id: id };
        self.admin.replay_dead_letter(call::<ReplayDeadLetter>(tenant, request)).await
    }

    async fn discard(&self, tenant: &str, id: Uuid) -> bool {
        let request = wire::discard_dead_letter::Request { dead_letter_id: id };
        let discarded = call::<DiscardDeadLetter>(tenant, request);
        match self.admin.discard_dead_letter(discarded).await {
            Ok(wire::discard_dead_letter::Response::NoContent {}) => true,
            Err(Fault::Documented(wire::discard_dead_letter::Error::UnknownDeadLetter(_))) => false,
            Err(other) => panic!("{other:?}"),
        }
    }

    async fn letters(&self, tenant: &str, limit: i32) -> Vec<Uuid> {
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let request = wire::list_dead_letters::Request { cursor, limit: Some(limit) };
            let page = self.admin.list_dead_letters(call::<ListDeadLetters>(tenant, request)).await;
            let page = page.unwrap().into_body();
            assert!(page.items.len() <= limit as usize);
            found.extend(page.items.iter().map(|it| it.dead_letter_id));
            cursor = page.next_cursor;
            if cursor.is_none() {
                return found;
            }
        }
    }

    async fn timers(&self, tenant: &str, state: Option<TimerState>) -> Vec<Timer> {
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let request = wire::list_timers::Request { cursor, limit: Some(2), state };
            let page = self.admin.list_timers(call::<ListTimers>(tenant, request)).await;
            let page = page.unwrap().into_body();
            found.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                return found;
            }
        }
    }

    async fn audit(&self, tenant: &str, subject: Option<String>) -> Vec<AuditEntry> {
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let subject = subject.clone();
            let request = wire::list_audit_entries::Request { cursor, limit: Some(1), subject };
            let page =
                self.admin.list_audit_entries(call::<ListAuditEntries>(tenant, request)).await;
            let page = page.unwrap().into_body();
            found.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                return found;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_is_replayed_or_discarded_by_its_tenant_and_both_are_audited() {
    let home = Home::new();
    let system = System::start(home.location(), SETTINGS).await;
    let replayed = system.drill("acme", DeadLetterReader::Consumer).await;
    let kept = system.drill("acme", DeadLetterReader::Projection).await;
    let discarded = system.drill("acme", DeadLetterReader::Consumer).await;
    assert_eq!(replayed.source, "consumer:service_calls.commands");
    assert_eq!((replayed.is_replayable, kept.is_replayable), (true, false));
    let all = [replayed.dead_letter_id, kept.dead_letter_id, discarded.dead_letter_id];
    assert_eq!(system.letters("acme", 1).await, all);
    assert!(system.letters("globex", 1).await.is_empty());

    use wire::replay_dead_letter::Error;
    for (tenant, id) in [("globex", all[0]), ("acme", Uuid::nil())] {
        let refused = system.replay(tenant, id).await;
        assert!(matches!(refused, Err(Fault::Documented(Error::UnknownDeadLetter(_)))));
        assert!(!system.discard(tenant, id).await);
    }
    let refused = system.replay("acme", all[1]).await;
    assert!(matches!(refused, Err(Fault::Documented(Error::NotReplayable(_)))));
    assert!(system.replay("acme", all[0]).await.unwrap().into_body().is_replaying);
    assert!(system.discard("acme", all[2]).await);
    eventually("it is handled", || async { system.letters("acme", 2).await == [all[1]] }).await;

    // On a database of several it tells what is older than every transaction that is under way.
    eventually("the log tells it", || async { system.audit("acme", None).await.len() >= 5 }).await;
    let entries = system.audit("acme", None).await;
    let told = |entry: &AuditEntry| (entry.action.clone(), entry.subject.clone());
    let entry =
        |action: &str, id: Uuid| (format!("dead-letter.{action}"), format!("dead-letter/{id}"));
    let expected = [
        entry("drilled", all[0]),
        entry("drilled", all[1]),
        entry("drilled", all[2]),
        entry("replayed", all[0]),
        entry("discarded", all[2]),
    ];
    assert_eq!(entries.iter().map(told).collect::<Vec<_>>(), expected);
    for entry in &entries {
        assert_eq!(entry.actor.as_deref(), Some("tester"));
        assert_eq!(entry.correlation_id, "test-1");
    }
    let about = system.audit("acme", Some(format!("dead-letter/{}", all[2]))).await;
    assert_eq!(
        about.iter().map(|it| it.entry_id).collect::<Vec<_>>(),
        [entries[2].entry_id, entries[4].entry_id]
    );
    assert_eq!(system.audit("globex", None).await, []);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn timers_are_listed_by_their_state_and_cursors_are_good_for_one_list() {
    let (home, target) = (Home::new(), Target::start().await);
    let system = System::start(home.location(), SETTINGS).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(system.accept(later(&target.url("ok"), 60_000)).await.to_string());
    }
    eventually("every command is done", || async { system.timers("acme", None).await.len() == 3 })
        .await;
    for state in [None, Some(TimerState::Pending)] {
        let found = system.timers("acme", state).await;
        assert_eq!(found.iter().map(|it| it.key.clone()).collect::<Vec<_>>(), ids);
        assert!(found.iter().all(|it| it.kind == "service_calls.due"));
        assert!(found.iter().all(|it| it.state == TimerState::Pending && it.attempts == 0));
    }
    assert_eq!(system.timers("acme", Some(TimerState::Overdue)).await, []);
    assert_eq!(system.timers("globex", None).await, []);

    let ask = async |tenant: &str, state, cursor| {
        let request = wire::list_timers::Request { cursor, limit: Some(1), state };
        system.admin.list_timers(call::<ListTimers>(tenant, request)).await
    };
    let first = ask("acme", None, None).await.unwrap().into_body().next_cursor;
    assert!(ask("acme", None, first.clone()).await.is_ok());
    for (tenant, state) in [("globex", None), ("acme", Some(TimerState::Pending))] {
        let refused = ask(tenant, state, first.clone()).await;
        assert!(matches!(refused, Err(Fault::Refused(Refusal::ForeignCursor))));
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_read_model_is_rebuilt_and_outbox_and_projections_are_numbers() {
    let (home, target) = (Home::new(), Target::start().await);
    let system = System::start(home.location(), SETTINGS).await;
    let id = system.accept(later(&target.url("ok"), -1)).await;
    system.over(id).await;
    let outbox = async || {
        let asked = call::<GetOutbox>("acme", wire::get_outbox::Request {});
        system.admin.get_outbox(asked).await.unwrap().into_body()
    };
    eventually("everything is handled", || async {
        let found = outbox().await;
        found.depth == 0 && found.readers.iter().all(|it| it.lag == 0)
    })
    .await;
    let found = outbox().await;
    assert_eq!((found.head, found.lag_ms, found.oldest_at), (5, 0, None));
    // They are of all tenants together: whose and of what is not in them.
    let told = serde_json::to_string(&found).unwrap();
    assert!(!told.contains("acme") && !told.contains(&id.to_string()), "{told}");
    let readers: Vec<_> = found.readers.iter().map(|it| it.reader.as_str()).collect();
    assert_eq!(readers, ["consumer:service_calls.commands", "projection:service_calls"]);

    let rebuild = async |name: &str| {
        let request = wire::rebuild_projection::Request { name: name.to_owned() };
        system.admin.rebuild_projection(call::<RebuildProjection>("acme", request)).await
    };
    use wire::rebuild_projection::Error;
    let unknown = rebuild("no_such_projection").await;
    assert!(matches!(unknown, Err(Fault::Documented(Error::UnknownProjection(_)))));
    assert_eq!(rebuild("service_calls").await.unwrap().into_body().name, "service_calls");
    eventually("it is built anew", || async {
        let asked = call::<ListProjections>("acme", wire::list_projections::Request {});
        let found = system.admin.list_projections(asked).await.unwrap().into_body().items;
        assert_eq!(found.len(), 1);
        found[0].state == ProjectionState::Live && found[0].differences == Some(0)
    })
    .await;
    eventually("the log tells it", || async { !system.audit("acme", None).await.is_empty() }).await;
    let entries = system.audit("acme", None).await;
    assert_eq!(entries.len(), 1, "what was refused is not audited");
    assert_eq!(entries[0].action, "projection.rebuild-requested");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projection_that_is_to_be_built_anew_is_not_asked_for_again() {
    let home = Home::new();
    System::start(home.location(), SETTINGS).await.stop().await;
    // Nobody builds it here.
    let location = home.location();
    let kernel = Kernel::open(&location, &[MIGRATIONS], Arc::new(SystemClock)).await.unwrap();
    let admin = Calls::open(kernel.clone(), SETTINGS).await.unwrap().admin();
    let rebuild = async |tenant: &str| {
        let request = wire::rebuild_projection::Request { name: "service_calls".to_owned() };
        admin.rebuild_projection(call::<RebuildProjection>(tenant, request)).await
    };
    use wire::rebuild_projection::Error;
    let asked = rebuild("acme").await.unwrap().into_body();
    assert_eq!(asked.state, ProjectionState::Requested);
    for tenant in ["acme", "globex"] {
        let refused = rebuild(tenant).await;
        assert!(matches!(refused, Err(Fault::Documented(Error::RebuildUnderWay(_)))));
    }
    kernel.shutdown().await.unwrap();
}
