//! A small contract, written by hand in the form generated code has, and a service for it.

use std::future::ready;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::request::Parts;
use http::{HeaderMap, Request, StatusCode};
use serde_json::Value;
use symbolon_server::{
    Access, Admitted, Authenticate, Call, DevelopmentIdentity, Edge, Failure, Grant,
    IdempotencyRule, Info, Input, Method, Operation, Outcome, Principal, ProblemKind, Rejected,
    Reply, Requirement, Routes, Unauthenticated,
};
use symbolon_wire::{
    Binary, Documented, In, Parameter, Problem, Style, Validate, Violations, record, text_enum,
};
use tower::ServiceExt;

#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    pub symbol: String,
    pub quantity: i64,
    pub legs: Option<Vec<Leg>>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Leg {
    pub side: Side,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Side {
    Buy,
    Sell,
}

record!(Order denies { need symbol "symbol", need quantity "quantity", opt legs "legs" });
record!(Leg { need side "side" });
text_enum!(Side { Buy "Buy", Sell "Sell" });

impl Validate for Order {
    fn validate(&self, at: &mut Violations) {
        at.member("symbol", &self.symbol, |value, at| at.max_length(value, 8));
        at.member("quantity", &self.quantity, |value, at| at.minimum(*value, 1));
    }
}

pub mod place_order {
    use super::*;

    #[derive(Debug, Clone, PartialEq)]
    pub struct Request {
        pub idempotency_key: Option<String>,
        pub body: Order,
    }

    impl Validate for Request {
        fn validate(&self, at: &mut Violations) {
            self.body.validate(at);
        }
    }

    #[derive(Debug, Clone, PartialEq)]
    pub enum Response {
        Accepted { location: String, body: Value },
    }

    #[derive(Debug, Clone, PartialEq)]
    pub enum Error {
        Halted(Problem),
    }

    impl Documented for Error {}
}

const HALTED: ProblemKind =
    ProblemKind { code: "halted", status: 409, title: "Trading is halted", type_: "" };
const WRITE: Requirement = Requirement { scheme: "oidc", scopes: &["orders:write"] };
const READ: Requirement = Requirement { scheme: "oidc", scopes: &["orders:read"] };

#[derive(Debug)]
pub struct PlaceOrder;

impl Operation for PlaceOrder {
    type Request = place_order::Request;
    type Response = place_order::Response;
    type Error = place_order::Error;
    type Principal = Principal;

    const INFO: Info = Info::new("placeOrder", Method::POST, "/v1/orders")
        .security(&[&[WRITE]])
        .consumes(&["application/json"])
        .idempotency(IdempotencyRule::new("Idempotency-Key"));

    fn decode(input: &mut Input) -> Result<Self::Request, Rejected> {
        let idempotency_key = input.optional(Parameter::header("Idempotency-Key"));
        let body = input.json();
        Ok(place_order::Request { idempotency_key: idempotency_key?, body: body? })
    }

    fn encode(answer: Result<Self::Response, Self::Error>) -> Reply {
        match answer {
            Ok(place_order::Response::Accepted { location, body }) => Reply::json(202, &body)
                .header("Location", &location)
                .header_as(Parameter::header("X-Body").style(Style::Json), &body),
            Err(place_order::Error::Halted(problem)) => Reply::problem(&HALTED, problem),
        }
    }
}

/// An operation that answers with JSON made of its request, so that tests see what arrived.
macro_rules! echo {
    ($marker:ident, $info:expr, |$input:ident| $decode:expr) => {
        #[derive(Debug)]
        pub struct $marker;

        impl Operation for $marker {
            type Request = Echoed;
            type Response = Value;
            type Error = Nothing;
            type Principal = $crate::toy::Anybody;
            const INFO: Info = $info;

            fn decode($input: &mut Input) -> Result<Echoed, Rejected> {
                $decode
            }

            fn encode(answer: Result<Value, Nothing>) -> Reply {
                match answer {
                    Ok(value) => Reply::json(200, &value),
                }
            }
        }
    };
}

/// A caller that nobody asks about.
#[derive(Debug)]
pub struct Anybody;

impl Access for Anybody {
    fn of(_: Admitted) -> Option<Self> {
        Some(Self)
    }
}

pub struct Echoed(pub Value);

impl Validate for Echoed {
    fn validate(&self, at: &mut Violations) {
        if let Some(limit) = self.0.get("limit").and_then(Value::as_i64) {
            at.inside(In::Query, |at| {
                at.member("limit", &limit, |limit, at| at.maximum(*limit, 200));
            });
        }
    }
}

pub enum Nothing {}

impl Documented for Nothing {}

#[derive(Debug)]
pub struct Filter {
    status: Option<Side>,
    since: Option<u32>,
}

record!(Filter { opt status "status", opt since "since" });

echo!(
    ListOrders,
    Info::new("listOrders", Method::GET, "/v1/orders").security(&[&[READ], &[WRITE]]),
    |input| {
        let limit = input.optional::<i64>(Parameter::query("limit"));
        let tag = input.optional::<Vec<String>>(Parameter::query("tag"));
        let filter = input.optional::<Filter>(Parameter::query("filter").style(Style::DeepObject));
        let legs = input.optional::<Vec<Leg>>(Parameter::query("legs"));
        let trace = input.optional::<bool>(Parameter::header("X-Trace"));
        let seat = input.optional::<u8>(Parameter::cookie("seat"));
        Ok(Echoed(serde_json::json!({ "limit": limit?, "tag": tag?, "filter": filter?,
        "legs": legs?, "trace": trace?, "seat": seat? })))
    }
);
echo!(GetOrder, Info::new("getOrder", Method::GET, "/v1/orders/{id}"), |input| named(
    input,
    "getOrder",
    &["id"]
));
echo!(
    GetMine,
    Info::new("getMine", Method::GET, "/v1/orders/mine").security(&[&[READ], &[]]),
    |input| named(input, "getMine", &[])
);
echo!(GetShopped, Info::new("getShopped", Method::GET, "/shop/v1/orders/mine"), |input| {
    named(input, "getShopped", &[])
});
echo!(GetOrderFile, Info::new("getOrderFile", Method::GET, "/v1/orders/{id}.json"), |input| named(
    input,
    "getOrderFile",
    &["id"]
));
echo!(
    CancelOrder,
    Info::new("cancelOrder", Method::POST, "/v1/orders/{id}:cancel"),
    |input| named(input, "cancelOrder", &["id"])
);
echo!(GetLegs, Info::new("getLegs", Method::GET, "/v1/orders/{order}/legs"), |input| {
    named(input, "getLegs", &["order"])
});
echo!(
    GetFill,
    Info::new("getFill", Method::GET, "/v1/orders/{owner}/fills/{from}..{to}"),
    |input| named(input, "getFill", &["owner", "from", "to"])
);
echo!(
    Upload,
    Info::new("upload", Method::POST, "/v1/files").consumes(&[
        "multipart/form-data",
        "application/x-www-form-urlencoded",
        "multipart/mixed"
    ]),
    |input| {
        if input.is("multipart/mixed") {
            let parts = input.parts()?.into_iter().map(|part| {
                let text = String::from_utf8_lossy(&part.bytes).into_owned();
                serde_json::json!([text, part.media_type, part.headers])
            });
            return Ok(Echoed(parts.collect()));
        }
        if input.offer(&[&["application/x-www-form-urlencoded"], &["multipart/form-data"]]) == 1 {
            let form: Form = input.multipart()?;
            return Ok(Echoed(serde_json::json!({ "title": form.title, "copies": form.copies,
                "order": form.order, "bytes": form.file.as_ref().map(|file| file.bytes.len()),
                "headers": form.file.as_ref().map(|file| file.headers.clone()),
                "file": form.file.map(|file| [file.file_name, file.media_type]) })));
        }
        input.form::<Form>().map(|form| {
            Echoed(serde_json::json!({ "title": form.title,
            "copies": form.copies, "labels": form.labels, "ages": form.ages }))
        })
    }
);
echo!(Misbehave, Info::new("misbehave", Method::GET, "/v1/misbehave/{how}"), |input| {
    named(input, "misbehave", &["how"])
});

echo!(Hurry, Info::new("hurry", Method::GET, "/v1/hurry").deadline_ms(20), |input| {
    named(input, "hurry", &[])
});

echo!(Seldom, Info::new("seldom", Method::GET, "/v1/seldom").rate_limit(1, 3600), |input| {
    named(input, "seldom", &[])
});

#[derive(Debug)]
struct Form {
    title: String,
    copies: u32,
    order: Option<Order>,
    file: Option<Binary>,
    labels: Option<Vec<String>>,
    ages: Option<Vec<u8>>,
}

record!(Form {
    need title "title", need copies "copies", opt order "order", opt file "file",
    opt labels "labels", opt ages "ages[]"
});

fn named(input: &mut Input, operation: &str, names: &[&'static str]) -> Result<Echoed, Rejected> {
    let mut values = serde_json::Map::new();
    values.insert("operation".into(), operation.into());
    for name in names {
        let value: String = input.required(Parameter::path(name))?;
        values.insert((*name).to_owned(), value.into());
    }
    Ok(Echoed(values.into()))
}

pub struct Orders;

impl Orders {
    async fn place_order(&self, call: Call<PlaceOrder>) -> Outcome<PlaceOrder> {
        let place_order::Request { idempotency_key, body } = call.request;
        match body.symbol.as_str() {
            "HALT" => Err(place_order::Error::Halted(Problem::new("the market is closed")))?,
            "SLOW" => tokio::time::sleep(Duration::from_millis(200)).await,
            _ => {}
        }
        let body = serde_json::json!({ "order": body, "tenant": call.principal.tenant,
            "key": idempotency_key, "correlationId": call.correlation_id,
            "fingerprint": call.idempotency.map(|given| given.fingerprint) });
        Ok(place_order::Response::Accepted { location: "/v1/orders/7".to_owned(), body })
    }

    async fn misbehave(&self, call: Call<Misbehave>) -> Outcome<Misbehave> {
        match call.request.0["how"].as_str() {
            Some("fail") => Err(Failure::from(std::fmt::Error))?,
            Some("busy") => Err(Failure::unavailable("a secret host is busy"))?,
            Some("panic") => panic!("secret in a panic"),
            _ => tokio::time::sleep(Duration::from_secs(60)).await,
        }
        Ok(Value::Null)
    }
}

pub fn orders() -> Routes {
    let routes = Routes::new(Arc::new(Orders))
        .on::<PlaceOrder, _, _>(|service, call| async move { service.place_order(call).await })
        .on::<Misbehave, _, _>(|service, call| async move { service.misbehave(call).await })
        .on::<Hurry, _, _>(|_, _| std::future::pending());
    macro_rules! echoes {
        ($routes:expr, $($marker:ident)*) => {
            $routes$(.on::<$marker, _, _>(|_, call| async move { Ok(call.request.0) }))*
        };
    }
    echoes!(
        routes,
        ListOrders GetOrder GetMine GetShopped GetOrderFile CancelOrder GetLegs GetFill Upload
        Seldom
    )
    .finish()
}

/// An edge, its development issuer and the folder that holds the issuer's keys.
pub struct Toy {
    pub identity: DevelopmentIdentity,
    pub router: Router,
    _folder: tempfile::TempDir,
}

impl Toy {
    pub fn new() -> Self {
        Self::with(|edge| edge)
    }

    pub fn with(configure: impl FnOnce(Edge) -> Edge) -> Self {
        Self::of(configure, vec![orders()])
    }

    /// An edge with other routes.
    pub fn serving(routes: Vec<Routes>) -> Self {
        Self::of(|edge| edge, routes)
    }

    /// An edge with other routes, configured so.
    pub fn of(configure: impl FnOnce(Edge) -> Edge, routes: Vec<Routes>) -> Self {
        crate::log::keep();
        let folder = tempfile::tempdir().unwrap();
        let identity =
            DevelopmentIdentity::open(folder.path(), "http://issuer.test", "toy").unwrap();
        let edge = Edge::new("toy", "1.2.3").authenticator(identity.authenticator().unwrap());
        let router = configure(edge).router(routes).unwrap();
        Self { identity, router, _folder: folder }
    }

    pub fn token(&self, scopes: &[&str]) -> String {
        self.token_of("acme", scopes)
    }

    pub fn token_of(&self, tenant: &str, scopes: &[&str]) -> String {
        let scopes = scopes.iter().map(ToString::to_string).collect();
        let lifetime = Duration::from_secs(60);
        let (subject, tenant) = ("ada".to_owned(), tenant.to_owned());
        self.identity.mint(&Grant { subject, tenant, scopes, lifetime }).unwrap()
    }

    /// Sends a request with a token of all scopes, unless it brings its own.
    pub async fn send(&self, mut request: Request<Body>) -> Answer {
        let headers = request.headers_mut();
        if !headers.contains_key("authorization") {
            let token = self.token(&["orders:read", "orders:write"]);
            headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        self.send_as_is(request).await
    }

    pub async fn send_as_is(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, bytes }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub async fn post(&self, path: &str, body: &str) -> Answer {
        self.send(json(path, body)).await
    }
}

/// Lets everybody in as Ada of acme, for as long as it is told to.
#[derive(Clone)]
pub struct Door(Arc<Mutex<Result<(), Unauthenticated>>>);

impl Door {
    pub fn open() -> Self {
        Self(Arc::new(Mutex::new(Ok(()))))
    }

    pub fn say(&self, verdict: Result<(), Unauthenticated>) {
        *self.0.lock().unwrap() = verdict;
    }
}

impl Authenticate for Door {
    fn authenticate<'a>(
        &'a self,
        _: &'a Parts,
    ) -> BoxFuture<'a, Result<Option<Principal>, Unauthenticated>> {
        let verdict = *self.0.lock().unwrap();
        let (subject, tenant) = ("ada".to_owned(), "acme".to_owned());
        let scopes = ["orders:read".to_owned()].into();
        Box::pin(ready(verdict.map(|()| Some(Principal { subject, tenant, scopes }))))
    }
}

pub fn json(path: &str, body: &str) -> Request<Body> {
    let request = Request::post(path).header("content-type", "application/json");
    request.body(body.to_owned().into()).unwrap()
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Bytes,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The problem, checked for what every problem has.
    pub fn problem(&self, status: u16, code: &str) -> Value {
        let problem = self.json();
        assert_eq!((self.status.as_u16(), &problem["code"]), (status, &code.into()), "{problem}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], format!("/problems/{code}"));
        assert_eq!(problem["correlationId"], self.header("x-correlation-id"));
        assert!(problem["instance"].as_str().unwrap().starts_with("urn:uuid:"));
        assert!(!problem["title"].as_str().unwrap().is_empty());
        problem
    }

    /// `in`, `pointer` and `code` of the violations.
    pub fn violations(&self) -> Vec<String> {
        let problem = self.problem(400, "invalid-request");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let errors = problem["errors"].as_array().unwrap().iter();
        errors.map(|one| ["in", "pointer", "code"].map(|name| text(&one[name])).join(" ")).collect()
    }
}
