//! A server without HTTP: the service on a kernel in a directory of its own.

use std::collections::BTreeSet;
use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use calls_server::service_calls::{
    CancelServiceCall, GetServiceCall, ListServiceCallEvents, ListServiceCalls, ServiceCalls,
    SubmitServiceCall,
};
use calls_wire::service_calls as wire;
use calls_wire::types::{ServiceCall, ServiceCallPage, ServiceCallStatus};
use jiff::SignedDuration;
use serde_json::{Value, json};
use symbolon_calls::{
    AdminService, Calls, Loopback, MIGRATIONS, Propagation, ServiceCallsService, Settings,
    StopHandle,
};
use symbolon_kernel::{Clock, Handlers, Kernel, Location, SystemClock};
use symbolon_server::{Call, Fault, Idempotency, Operation, Outcome, Preconditions, Principal};
use uuid::Uuid;

pub(crate) use crate::home::Home;

pub(crate) const SETTINGS: Settings = Settings {
    loopback: Loopback::Allowed,
    concurrency: 8,
    tenant_concurrency: 8,
    tenant_rate: None,
    propagation: Propagation::Nowhere,
    lease_margin: SignedDuration::from_millis(300),
};

/// A running system.
pub(crate) struct System {
    pub(crate) kernel: Kernel,
    pub(crate) service: Arc<ServiceCallsService>,
    pub(crate) admin: Arc<AdminService>,
    worker: StopHandle,
}

impl System {
    pub(crate) async fn start(location: Location, settings: Settings) -> Self {
        Self::start_at(location, settings, Arc::new(SystemClock)).await
    }

    /// Starts it by another clock.
    pub(crate) async fn start_at(
        location: Location,
        settings: Settings,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let kernel = Kernel::open(&location, &[MIGRATIONS], clock).await.unwrap();
        let calls = Calls::open(kernel.clone(), settings).await.unwrap();
        kernel.start(calls.handlers(Handlers::new())).await.unwrap();
        let (service, admin) = (calls.service(), calls.admin());
        Self { kernel, service, admin, worker: calls.start() }
    }

    pub(crate) async fn stop(self) {
        self.worker.stop().await;
        self.kernel.shutdown().await.unwrap();
    }

    pub(crate) async fn submit(&self, tenant: &str, key: &str, body: Value) -> Submitted {
        let mut call = call::<SubmitServiceCall>(
            tenant,
            wire::submit_service_call::Request {
                idempotency_key: key.to_owned(),
                body: serde_json::from_value(body.clone()).unwrap(),
            },
        );
        let mut digest = DefaultHasher::new();
        body.to_string().hash(&mut digest);
        let fingerprint = digest.finish().to_string();
        call.idempotency = Some(Idempotency { key: key.to_owned(), fingerprint });
        self.service.submit_service_call(call).await
    }

    /// Submits what must be accepted.
    pub(crate) async fn accept(&self, body: Value) -> Uuid {
        let key = Uuid::now_v7().to_string();
        accepted(self.submit("acme", &key, body).await)
    }

    pub(crate) async fn get(&self, tenant: &str, id: Uuid) -> Option<ServiceCall> {
        let request = wire::get_service_call::Request { if_none_match: None, service_call_id: id };
        let found = self.service.get_service_call(call::<GetServiceCall>(tenant, request)).await;
        match found {
            Ok(response) => response.into_body(),
            Err(Fault::Documented(wire::get_service_call::Error::NotFound(_))) => None,
            Err(other) => panic!("{other:?}"),
        }
    }

    /// The types of a call's events; none for a call that is not there.
    pub(crate) async fn history(&self, tenant: &str, id: Uuid) -> Vec<String> {
        let events = self.events(tenant, id).await;
        events.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) async fn events(&self, tenant: &str, id: Uuid) -> Vec<Value> {
        use wire::list_service_call_events::{Error, Request};
        let request = call::<ListServiceCallEvents>(tenant, Request { service_call_id: id });
        match self.service.list_service_call_events(request).await {
            Ok(found) => {
                let items = found.into_body().items;
                items.iter().map(|event| serde_json::to_value(event).unwrap()).collect()
            }
            Err(Fault::Documented(Error::NotFound(_))) => Vec::new(),
            Err(other) => panic!("{other:?}"),
        }
    }

    pub(crate) async fn list(
        &self,
        tenant: &str,
        request: wire::list_service_calls::Request,
    ) -> Outcome<ListServiceCalls> {
        self.service.list_service_calls(call::<ListServiceCalls>(tenant, request)).await
    }

    pub(crate) async fn page(
        &self,
        tenant: &str,
        request: wire::list_service_calls::Request,
    ) -> ServiceCallPage {
        self.list(tenant, request).await.unwrap().into_body()
    }

    pub(crate) async fn cancel(&self, tenant: &str, id: Uuid) -> Outcome<CancelServiceCall> {
        let request = wire::cancel_service_call::Request { if_match: None, service_call_id: id };
        self.service.cancel_service_call(call::<CancelServiceCall>(tenant, request)).await
    }

    /// Waits until a call is over.
    pub(crate) async fn over(&self, id: Uuid) -> ServiceCall {
        let is_over = |call: &ServiceCall| {
            let status = call.status.known().copied().unwrap();
            use ServiceCallStatus::{
                Cancelled, Failed, Queued, Running, Scheduled, Skipped, Succeeded,
            };
            match status {
                Succeeded | Failed | Cancelled | Skipped => true,
                Queued | Scheduled | Running => false,
            }
        };
        eventually("the call is over", || async {
            self.get("acme", id).await.is_some_and(|call| is_over(&call))
        })
        .await;
        self.get("acme", id).await.unwrap()
    }
}

pub(crate) type Submitted = Outcome<SubmitServiceCall>;

pub(crate) fn accepted(submitted: Submitted) -> Uuid {
    let wire::submit_service_call::Response::Accepted { location, body } = submitted.unwrap()
    else {
        panic!("not accepted");
    };
    assert_eq!(location, format!("/v1/service-calls/{}", body.service_call_id));
    body.service_call_id
}

/// A body that is sent now.
pub(crate) fn now(url: &str) -> Value {
    json!({ "name": "test", "request": { "method": "GET", "url": url } })
}

/// A body that is sent so many milliseconds from now.
pub(crate) fn later(url: &str, milliseconds: i64) -> Value {
    let due_at = jiff::Timestamp::now() + SignedDuration::from_millis(milliseconds);
    json!({ "name": "test", "request": { "method": "GET", "url": url }, "dueAt": due_at })
}

/// Where every request hangs in a distributed trace.
pub(crate) const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

pub(crate) fn call<O: Operation<Principal = Principal>>(
    tenant: &str,
    request: O::Request,
) -> Call<O> {
    let principal = Principal {
        subject: "tester".to_owned(),
        tenant: tenant.to_owned(),
        scopes: BTreeSet::new(),
    };
    Call {
        principal,
        correlation_id: "test-1".to_owned(),
        traceparent: TRACE.parse().ok(),
        idempotency: None,
        preconditions: Preconditions::default(),
        request,
    }
}

/// Waits for something that is about to become true.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, mut check: impl FnMut() -> F) {
    for _ in 0..1500 {
        if check().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}
