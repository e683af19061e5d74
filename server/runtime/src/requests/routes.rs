//! Operations joined with the service that implements them.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use symbolon_wire::{TraceParent, Validate, Violations};

use crate::{
    Access, Admitted, Call, Failure, Fault, Idempotency, Info, Input, Operation, Outcome,
    Preconditions, Reply,
};

/// The operations of one tag on their way to an edge.
///
/// It carries the service's type only while operations are added; [`Routes::finish`] ends that.
pub struct Routes<S = Mounted> {
    service: Arc<S>,
    routes: Vec<Route>,
}

/// The service of routes to which nothing more is added.
#[derive(Debug)]
pub struct Mounted(());

/// One operation with its types erased.
pub(crate) struct Route {
    pub(crate) info: Info,
    pub(crate) prepare: Prepare,
    /// Verifies who sent the body, where somebody asked for it.
    #[cfg(feature = "signatures")]
    pub(crate) verifier: Option<Arc<symbolon_wire::signature::Verifier>>,
}

impl Route {
    pub(crate) fn new(info: Info, prepare: Prepare) -> Self {
        Self {
            info,
            prepare,
            #[cfg(feature = "signatures")]
            verifier: None,
        }
    }
}

/// Decodes and validates; `None` leaves the violations in the input.
pub(crate) type Prepare = Box<dyn Fn(&mut Input) -> Option<Prepared> + Send + Sync>;

/// A valid request waiting for its caller's identity.
pub(crate) type Prepared = Box<dyn FnOnce(Caller) -> BoxFuture<'static, Answer> + Send>;

/// A documented answer, or a failure to log.
pub(crate) type Answer = Result<Reply, Failure>;

/// What a call is made of besides the request.
pub(crate) struct Caller {
    pub(crate) admitted: Admitted,
    pub(crate) correlation_id: String,
    pub(crate) traceparent: Option<TraceParent>,
    pub(crate) idempotency: Option<Idempotency>,
    pub(crate) preconditions: Preconditions,
}

impl<S: Send + Sync + 'static> Routes<S> {
    /// Routes to a service, none yet.
    pub fn new(service: Arc<S>) -> Self {
        Self { service, routes: Vec::new() }
    }

    /// Adds an operation and the service's method that implements it.
    #[must_use]
    pub fn on<O, F, R>(mut self, method: F) -> Self
    where
        O: Operation,
        F: Fn(Arc<S>, Call<O>) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Outcome<O>> + Send + 'static,
    {
        let service = Arc::clone(&self.service);
        let prepare = move |input: &mut Input| -> Option<Prepared> {
            let request = read::<O>(input)?;
            let (service, method) = (Arc::clone(&service), method.clone());
            Some(Box::new(move |caller: Caller| {
                let Caller { admitted, correlation_id, traceparent, idempotency, preconditions } =
                    caller;
                Box::pin(async move {
                    let principal = O::Principal::of(admitted).ok_or_else(unforeseen)?;
                    let call = Call {
                        principal,
                        correlation_id,
                        traceparent,
                        idempotency,
                        preconditions,
                        request,
                    };
                    answer::<O>(method(service, call).await)
                })
            }))
        };
        self.routes.push(Route::new(O::INFO, Box::new(prepare)));
        self
    }

    /// The routes without the service's type, for [`crate::Edge::router`].
    pub fn finish(self) -> Routes {
        Routes::of(self.routes)
    }
}

impl Routes {
    pub(crate) fn of(routes: Vec<Route>) -> Self {
        Self { service: Arc::new(Mounted(())), routes }
    }

    /// The same routes, to which only those get through whose signature holds (Standard Webhooks):
    /// any other gets 401. That a message comes once is for the service to see, by its identity.
    #[cfg(feature = "signatures")]
    #[must_use]
    pub fn signed(mut self, verifier: symbolon_wire::signature::Verifier) -> Self {
        let verifier = Arc::new(verifier);
        for route in &mut self.routes {
            route.verifier = Some(Arc::clone(&verifier));
        }
        self
    }

    pub(crate) fn into_inner(self) -> Vec<Route> {
        self.routes
    }
}

impl<S> fmt::Debug for Routes<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.routes.iter().map(|route| route.info.id)).finish()
    }
}

/// The decoded and valid request, or `None` with the violations left in `input`.
fn read<O: Operation>(input: &mut Input) -> Option<O::Request> {
    let body = input.body.clone();
    let request = O::decode(input).ok()?;
    let mut violations = match O::INFO.told {
        true => Violations::bearing_unlisted(),
        false => Violations::of(move || serde_json::from_slice(&body).ok()),
    };
    request.validate(&mut violations);
    input.report_all(violations.into_found());
    input.is_valid().then_some(request)
}

fn answer<O: Operation>(outcome: Outcome<O>) -> Answer {
    match outcome {
        Ok(response) => Ok(O::encode(Ok(response))),
        Err(Fault::Documented(error)) => Ok(O::encode(Err(error))),
        Err(Fault::Internal(failure)) => Err(failure),
        Err(Fault::Refused(refusal)) => Ok(refusal.reply()),
    }
}

/// A marker type whose `Principal` and `INFO.security` disagree.
fn unforeseen() -> Failure {
    Failure::message("the operation's type of principal knows no such caller".to_owned())
}
