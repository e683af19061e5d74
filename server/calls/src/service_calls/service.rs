//! The operations of the contract, on the kernel.

use std::sync::Arc;

use calls_server::service_calls::{
    CancelServiceCall, GetServiceCall, ListServiceCallEvents, ListServiceCalls, ServiceCalls,
    SubmitServiceCall,
};
use calls_wire::service_calls as wire;
use calls_wire::types::{ServiceCallEvents, ServiceCallPage, ServiceCallRef};
use symbolon_kernel::{Cause, Claim, Claimed, Expected, Kernel, TenantId, Unit};
use symbolon_server::{
    Cursors, EntityTag, Failure, List, Outcome, PreconditionFailed, Preconditions,
};
use symbolon_wire::Problem;
use uuid::Uuid;

use super::execution::DUE;
use super::rules::{self, Admitted, Call, Refusal};
use super::store::{self, Filter, Position};
use super::target::Loopback;
use super::{events, stream};
use crate::scope::{cause, failed, read, tenant, unit};

/// Implements the generated trait.
#[derive(Debug)]
pub struct ServiceCallsService {
    kernel: Kernel,
    cursors: Arc<Cursors>,
    loopback: Loopback,
}

impl ServiceCallsService {
    pub(crate) fn new(kernel: Kernel, cursors: Arc<Cursors>, loopback: Loopback) -> Arc<Self> {
        Arc::new(Self { kernel, cursors, loopback })
    }

    pub(super) fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    /// A call as its events tell it: what was answered before is in it. The read model may lag.
    async fn find(&self, tenant: &TenantId, id: Uuid) -> Result<Option<Call>, Failure> {
        let mut view = read(&self.kernel, tenant).await?;
        Ok(Call::fold(&view.load(&stream(&id.to_string())).await?)?)
    }
}

impl ServiceCalls for ServiceCallsService {
    async fn submit_service_call(
        &self,
        call: symbolon_server::Call<SubmitServiceCall>,
    ) -> Outcome<SubmitServiceCall> {
        let (tenant, cause) = (tenant(&call)?, cause(&call));
        tracing::debug!(
            operation = "submitServiceCall",
            correlation_id = cause.correlation_id,
            causation_id = cause.causation_id,
            "command received"
        );
        let admitted = rules::admit(call.request.body, self.loopback).map_err(refused)?;
        let missing = || Failure::message("a submission came without an idempotency key");
        let idempotency = call.idempotency.ok_or_else(missing)?;
        let id = self.kernel.new_id();
        let resource = id.to_string();
        let claim = Claim {
            operation: "submitServiceCall",
            key: &idempotency.key,
            fingerprint: &idempotency.fingerprint,
            resource: &resource,
        };
        let unit = unit(&self.kernel, &tenant, cause).await?;
        match unit.claim(claim).await.map_err(failed)? {
            Claimed::Fresh(unit) => {
                submit(unit, admitted, &resource).await.map_err(Undone::into_failure)?;
                tracing::info!(
                    %tenant, service_call_id = resource, correlation_id = call.correlation_id,
                    "service call accepted"
                );
                let (location, body) = reference(id);
                Ok(wire::submit_service_call::Response::Accepted { location, body })
            }
            Claimed::Replay { resource, .. } => {
                let id = Uuid::parse_str(&resource).map_err(Failure::from)?;
                let (location, body) = reference(id);
                Ok(wire::submit_service_call::Response::Ok { location, body })
            }
            Claimed::KeyReused => {
                let detail = "the key was used for a submission with another body";
                let problem = Problem::new(detail);
                Err(wire::submit_service_call::Error::IdempotencyKeyReused(problem).into())
            }
        }
    }

    async fn get_service_call(
        &self,
        call: symbolon_server::Call<GetServiceCall>,
    ) -> Outcome<GetServiceCall> {
        let found = self.find(&tenant(&call)?, call.request.service_call_id).await?;
        let found = found.ok_or_else(|| wire::get_service_call::Error::NotFound(unknown()))?;
        let e_tag = tag(&found).to_string();
        Ok(wire::get_service_call::Response::Ok { e_tag, body: found.into_detail() })
    }

    async fn list_service_call_events(
        &self,
        call: symbolon_server::Call<ListServiceCallEvents>,
    ) -> Outcome<ListServiceCallEvents> {
        let items = self.history(&tenant(&call)?, call.request.service_call_id).await?;
        if items.items.is_empty() {
            return Err(wire::list_service_call_events::Error::NotFound(unknown()).into());
        }
        Ok(wire::list_service_call_events::Response::Ok { body: items })
    }

    async fn list_service_calls(
        &self,
        call: symbolon_server::Call<ListServiceCalls>,
    ) -> Outcome<ListServiceCalls> {
        let tenant = tenant(&call)?;
        let limit = usize::try_from(call.request.limit_or_default()).unwrap_or(1);
        let wire::list_service_calls::Request { cursor, from, limit: _, status, tag, to } =
            call.request;
        let filter = Filter { status, tag, from, to };
        let fingerprint = filter.fingerprint();
        let list = List::of::<ListServiceCalls>(tenant.as_str(), &fingerprint);
        let after: Option<Position> = self.cursors.after(list, cursor.as_deref())?;
        let found = self.page(&tenant, &filter, after, limit).await?;
        let position =
            |last: &Call| Position { created_at: last.created_at.as_microsecond(), id: last.id };
        let (found, next_cursor) = self.cursors.page(list, found, limit, position)?;
        let items = found.into_iter().map(Call::into_summary).collect();
        let body = ServiceCallPage { items, next_cursor };
        Ok(wire::list_service_calls::Response::Ok { body })
    }

    async fn cancel_service_call(
        &self,
        call: symbolon_server::Call<CancelServiceCall>,
    ) -> Outcome<CancelServiceCall> {
        use wire::cancel_service_call::{Error, Response};
        let (tenant, cause) = (tenant(&call)?, cause(&call));
        tracing::debug!(
            operation = "cancelServiceCall",
            correlation_id = cause.correlation_id,
            causation_id = cause.causation_id,
            "command received"
        );
        let id = call.request.service_call_id;
        match self.cancel(&tenant, &cause, id, &call.preconditions).await? {
            Cancelled::Done(call) => {
                let e_tag = tag(&call).to_string();
                Ok(Response::Accepted { e_tag, body: call.into_detail() })
            }
            Cancelled::Unknown => Err(Error::NotFound(unknown()).into()),
            Cancelled::Otherwise(failed) => Err(failed.into()),
            Cancelled::TooLate => {
                let detail = "its attempt has started, or it is over";
                Err(Error::NotCancellable(Problem::new(detail)).into())
            }
        }
    }
}

impl ServiceCallsService {
    /// Cancels a call. It may begin while it is looked at; then it is looked at again.
    async fn cancel(
        &self,
        tenant: &TenantId,
        cause: &Cause,
        id: Uuid,
        preconditions: &Preconditions,
    ) -> Result<Cancelled, Failure> {
        loop {
            let unit = unit(&self.kernel, tenant, cause.clone()).await?;
            match cancel(unit, id, preconditions).await {
                Ok(cancelled) => return Ok(cancelled),
                // Its stream has grown, and grows to an end.
                Err(Undone::Kernel(symbolon_kernel::Error::Conflict(_))) => {}
                Err(error) => return Err(error.into_failure()),
            }
        }
    }

    async fn history(&self, tenant: &TenantId, id: Uuid) -> Result<ServiceCallEvents, Failure> {
        let mut view = read(&self.kernel, tenant).await?;
        let stored = view.load(&stream(&id.to_string())).await?;
        // By way of JSON: an envelope and the contract's events are the same there.
        let items = stored.iter().map(|it| serde_json::from_value(serde_json::to_value(it)?));
        Ok(ServiceCallEvents { items: items.collect::<Result<_, _>>()? })
    }

    /// One call more than a page holds, if there is one.
    async fn page(
        &self,
        tenant: &TenantId,
        filter: &Filter,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<Call>, Failure> {
        let mut view = read(&self.kernel, tenant).await?;
        Ok(store::list(view.sql(), filter, after, limit as i64 + 1).await?)
    }
}

/// Why a unit of work came to nothing.
#[derive(Debug, thiserror::Error)]
enum Undone {
    #[error(transparent)]
    Kernel(#[from] symbolon_kernel::Error),
    #[error(transparent)]
    Stored(#[from] store::StoreError),
    #[error(transparent)]
    Unreadable(#[from] events::Unreadable),
}

impl Undone {
    fn into_failure(self) -> Failure {
        match self {
            Self::Kernel(error) => failed(error),
            Self::Stored(error) => error.into(),
            Self::Unreadable(error) => error.into(),
        }
    }
}

async fn submit(mut unit: Unit, admitted: Admitted, id: &str) -> Result<(), Undone> {
    let submission = admitted.submit(unit.now());
    let appended = unit.append(&stream(id), Expected::New, events::seal(submission.events)).await?;
    store::keep_secrets(unit.sql(), id, &submission.secrets).await?;
    if let Some(last) = appended.last() {
        unit.caused_by(last);
    }
    unit.publish(&stream(id), submission.command.into()).await?;
    Ok(unit.commit().await?)
}

enum Cancelled {
    Done(Box<Call>),
    Unknown,
    /// Its caller takes it to be otherwise than it is.
    Otherwise(PreconditionFailed),
    TooLate,
}

/// First takes away what would have begun the call, as whoever begins it does: rows of timer, queue
/// and secrets are locked before the stream, in this order, by everyone. Two who lock them in
/// different orders would wait for each other.
async fn cancel(
    mut unit: Unit,
    id: Uuid,
    preconditions: &Preconditions,
) -> Result<Cancelled, Undone> {
    let key = id.to_string();
    unit.unschedule(DUE, &key).await?;
    store::dequeue(unit.sql(), &key).await?;
    store::take_secrets(unit.sql(), &key).await?;
    let Some(call) = Call::fold(&unit.load(&stream(&key)).await?)? else {
        unit.rollback().await?;
        return Ok(Cancelled::Unknown);
    };
    if let Err(failed) = preconditions.hold(Some(&tag(&call))) {
        unit.rollback().await?;
        return Ok(Cancelled::Otherwise(failed));
    }
    let Some(event) = rules::cancel(&call) else {
        unit.rollback().await?;
        return Ok(Cancelled::TooLate);
    };
    let expected = Expected::Version(call.version);
    let appended = unit.append(&stream(&key), expected, vec![event.into()]).await?;
    unit.commit().await?;
    let call =
        appended.iter().try_fold(call, |call, event| Call::apply(Some(call), event.parse()?))?;
    Ok(Cancelled::Done(Box::new(call)))
}

/// The version of a call: that of its stream.
fn tag(call: &Call) -> EntityTag {
    EntityTag::version(call.version.unsigned_abs())
}

fn reference(id: Uuid) -> (String, ServiceCallRef) {
    (format!("/v1/service-calls/{id}"), ServiceCallRef { service_call_id: id })
}

fn refused(refusal: Refusal) -> wire::submit_service_call::Error {
    match refusal {
        Refusal::Invalid(errors) => {
            let problem = Problem::new("the request to send breaks the contract");
            wire::submit_service_call::Error::InvalidRequest(Problem { errors, ..problem })
        }
        Refusal::Blocked => {
            let detail = "the target is an address that calls may not reach";
            wire::submit_service_call::Error::TargetBlocked(Problem::new(detail))
        }
    }
}

fn unknown() -> Problem {
    Problem::new("there is no service call of this identity")
}
