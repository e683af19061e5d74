//! What operators see and do. Dead letters, timers and audit log are their tenant's; outbox and
//! projections are of all tenants together, only numbers, and for who runs the server: the contract
//! asks for a scope of its own. Whatever is done is in the audit log.

mod letters;
mod shapes;

use std::sync::Arc;

use calls_server::admin::{
    Admin, DiscardDeadLetter, DrillDeadLetters, GetOutbox, ListAuditEntries, ListDeadLetters,
    ListProjections, ListTimers, RebuildProjection, ReplayDeadLetter,
};
use calls_wire::admin as wire;
use calls_wire::types::{AuditPage, DeadLetterPage, ProjectionList, TimerPage, TimerState};
use symbolon_kernel::{Action, AuditReach, Kernel, PendingTimer};
use symbolon_server::{Call, Cursors, Failure, List, Outcome};
use symbolon_wire::Problem;
use uuid::Uuid;

use crate::scope::{cause, failed, read, tenant, unit};
use letters::Replayed;

/// Implements the generated trait.
#[derive(Debug)]
pub struct AdminService {
    kernel: Kernel,
    cursors: Arc<Cursors>,
}

impl AdminService {
    pub(crate) fn new(kernel: Kernel, cursors: Arc<Cursors>) -> Arc<Self> {
        Arc::new(Self { kernel, cursors })
    }
}

impl Admin for AdminService {
    async fn list_dead_letters(&self, call: Call<ListDeadLetters>) -> Outcome<ListDeadLetters> {
        use wire::list_dead_letters::Response;
        let tenant = tenant(&call)?;
        let limit = size(call.request.limit_or_default());
        let list = List::of::<ListDeadLetters>(tenant.as_str(), "");
        let cursor = call.request.cursor.as_deref();
        let after: Option<Uuid> = self.cursors.after(list, cursor)?;
        let mut view = read(&self.kernel, &tenant).await?;
        let found = view.dead_letters(after, one_more(limit)).await.map_err(failed)?;
        let (found, next_cursor) = self.cursors.page(list, found, limit, |it| it.id)?;
        let items = found.into_iter().map(shapes::letter).collect();
        Ok(Response::Ok { body: DeadLetterPage { items, next_cursor } })
    }

    async fn drill_dead_letters(&self, call: Call<DrillDeadLetters>) -> Outcome<DrillDeadLetters> {
        let tenant = tenant(&call)?;
        let unit = unit(&self.kernel, &tenant, cause(&call)).await?;
        let left = letters::drill(unit, call.request.body.reader, call.principal.subject).await;
        let vanished = || Failure::message("a letter that was left is not there");
        let left = left.map_err(failed)?.ok_or_else(vanished)?;
        Ok(wire::drill_dead_letters::Response::Created { body: shapes::letter(left) })
    }

    async fn replay_dead_letter(&self, call: Call<ReplayDeadLetter>) -> Outcome<ReplayDeadLetter> {
        use wire::replay_dead_letter::{Error, Response};
        let tenant = tenant(&call)?;
        let unit = unit(&self.kernel, &tenant, cause(&call)).await?;
        let id = call.request.dead_letter_id;
        match letters::replay(unit, id, call.principal.subject).await.map_err(failed)? {
            Replayed::Asked(letter) => Ok(Response::Accepted { body: shapes::letter(*letter) }),
            Replayed::Unknown => Err(Error::UnknownDeadLetter(no_letter()).into()),
            Replayed::Useless => {
                let detail = "no consumer gave it up";
                Err(Error::NotReplayable(Problem::new(detail)).into())
            }
        }
    }

    async fn discard_dead_letter(
        &self,
        call: Call<DiscardDeadLetter>,
    ) -> Outcome<DiscardDeadLetter> {
        use wire::discard_dead_letter::{Error, Response};
        let tenant = tenant(&call)?;
        let unit = unit(&self.kernel, &tenant, cause(&call)).await?;
        let id = call.request.dead_letter_id;
        match letters::discard(unit, id, call.principal.subject).await.map_err(failed)? {
            true => Ok(Response::NoContent {}),
            false => Err(Error::UnknownDeadLetter(no_letter()).into()),
        }
    }

    async fn list_timers(&self, call: Call<ListTimers>) -> Outcome<ListTimers> {
        use wire::list_timers::Response;
        let tenant = tenant(&call)?;
        let limit = size(call.request.limit_or_default());
        let state = call.request.state;
        let filters = format!("{state:?}");
        let list = List::of::<ListTimers>(tenant.as_str(), &filters);
        let cursor = call.request.cursor.as_deref();
        let after: Option<(String, String)> = self.cursors.after(list, cursor)?;
        let now = self.kernel.clock().now();
        let page = symbolon_kernel::TimerPage {
            due_by: (state == Some(TimerState::Overdue)).then_some(now),
            due_after: (state == Some(TimerState::Pending)).then_some(now),
            after: after.as_ref().map(|(kind, key)| (kind.as_str(), key.as_str())),
            limit: one_more(limit),
        };
        let mut view = read(&self.kernel, &tenant).await?;
        let found = view.timers(page).await.map_err(failed)?;
        let position = |it: &PendingTimer| (it.kind.clone(), it.key.clone());
        let (found, next_cursor) = self.cursors.page(list, found, limit, position)?;
        let items = found.into_iter().map(|it| shapes::timer(it, now)).collect();
        Ok(Response::Ok { body: TimerPage { items, next_cursor } })
    }

    async fn get_outbox(&self, _: Call<GetOutbox>) -> Outcome<GetOutbox> {
        let stats = self.kernel.stats().await.map_err(failed)?;
        let body = shapes::outbox(stats, self.kernel.clock().now());
        Ok(wire::get_outbox::Response::Ok { body })
    }

    async fn list_projections(&self, _: Call<ListProjections>) -> Outcome<ListProjections> {
        let found = self.kernel.projections().await.map_err(failed)?;
        let body = ProjectionList { items: found.into_iter().map(shapes::projection).collect() };
        Ok(wire::list_projections::Response::Ok { body })
    }

    async fn rebuild_projection(
        &self,
        call: Call<RebuildProjection>,
    ) -> Outcome<RebuildProjection> {
        use wire::rebuild_projection::{Error, Response};
        let tenant = tenant(&call)?;
        let name = &call.request.name;
        let unknown = || Error::UnknownProjection(Problem::new("no projection has this name"));
        let mut unit = unit(&self.kernel, &tenant, cause(&call)).await?;
        match unit.rebuild_once(name).await {
            Ok(true) => {}
            Ok(false) => {
                unit.rollback().await.map_err(failed)?;
                let detail = "GET /v1/admin/projections tells when it is live";
                return Err(Error::RebuildUnderWay(Problem::new(detail)).into());
            }
            Err(symbolon_kernel::Error::UnknownProjection(_)) => {
                unit.rollback().await.map_err(failed)?;
                return Err(unknown().into());
            }
            Err(error) => return Err(failed(error).into()),
        }
        let subject = format!("projection/{name}");
        let action = Action::new("projection.rebuild-requested", subject);
        unit.audit(action.by(call.principal.subject)).await.map_err(failed)?;
        unit.commit().await.map_err(failed)?;
        let found = self.kernel.projections().await.map_err(failed)?;
        let asked = found.into_iter().find(|it| it.name == *name).ok_or_else(unknown)?;
        Ok(Response::Accepted { body: shapes::projection(asked) })
    }

    async fn list_audit_entries(&self, call: Call<ListAuditEntries>) -> Outcome<ListAuditEntries> {
        use wire::list_audit_entries::Response;
        let tenant = tenant(&call)?;
        let limit = size(call.request.limit_or_default());
        let subject = call.request.subject.as_deref();
        let list = List::of::<ListAuditEntries>(tenant.as_str(), subject.unwrap_or_default());
        let cursor = call.request.cursor.as_deref();
        let after: Option<i64> = self.cursors.after(list, cursor)?;
        // Whoever comes back with a cursor must not have missed what was committed late.
        let page = symbolon_kernel::AuditPage {
            subject,
            after: after.unwrap_or(0),
            limit: one_more(limit),
            reach: AuditReach::Settled,
        };
        let mut view = read(&self.kernel, &tenant).await?;
        let found = view.audit(page).await.map_err(failed)?;
        let (found, next_cursor) = self.cursors.page(list, found, limit, |it| it.seq)?;
        let items = found.into_iter().map(shapes::entry).collect();
        Ok(Response::Ok { body: AuditPage { items, next_cursor } })
    }
}

/// How many items a page has; the contract bounds it.
fn size(limit: i32) -> usize {
    usize::try_from(limit).unwrap_or(1)
}

/// How many items are read, to know whether there are more than a page holds.
fn one_more(limit: usize) -> u32 {
    u32::try_from(limit).unwrap_or(u32::MAX).saturating_add(1)
}

fn no_letter() -> Problem {
    Problem::new("there is no dead letter of this identity")
}
