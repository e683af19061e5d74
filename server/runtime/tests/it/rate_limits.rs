//! How often callers may ask.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::ConnectInfo;
use futures_util::future::{BoxFuture, FutureExt, ready};
use http::Request;
use symbolon_server::{Bucket, Edge, Failure, MemoryRateLimits, Rate, RateLimits, Taken};

use crate::toy::{self, Answer, Toy};

/// A clock that tests move.
#[derive(Clone)]
struct Clock(Arc<Mutex<Instant>>);

impl Clock {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    fn forward(&self, seconds: u64) {
        *self.0.lock().unwrap() += Duration::from_secs(seconds);
    }

    fn limits(&self) -> MemoryRateLimits {
        let clock = self.0.clone();
        MemoryRateLimits::new().clock(move || *clock.lock().unwrap())
    }
}

fn limited(clock: &Clock) -> impl FnOnce(Edge) -> Edge {
    let limits = clock.limits();
    |edge| edge.rate_limit(Rate::new(2, 60)).rate_limits(limits)
}

/// Asks without credentials, from an address.
async fn from(toy: &Toy, address: &str, forwarded: &str) -> Answer {
    let mut request = Request::get("/v1/orders/7").body(Body::empty()).unwrap();
    let peer = SocketAddr::new(address.parse().unwrap(), 4711);
    request.extensions_mut().insert(ConnectInfo(peer));
    if !forwarded.is_empty() {
        request.headers_mut().insert("x-forwarded-for", forwarded.parse().unwrap());
    }
    toy.send_as_is(request).await
}

#[tokio::test]
async fn a_tenant_that_asks_too_often_is_told_when_to_come_back() {
    let clock = Clock::new();
    let toy = Toy::with(limited(&clock));
    let first = toy.get("/v1/orders/mine").await;
    assert_eq!(first.status, 200);
    assert_eq!(first.header("ratelimit-policy"), "\"default\";q=2;w=60");
    assert_eq!(first.header("ratelimit"), "\"default\";r=1;t=30");
    // Over all operations.
    assert_eq!(toy.get("/v1/orders").await.header("ratelimit"), "\"default\";r=0;t=60");
    let refused = toy.get("/v1/orders/mine").await;
    refused.problem(429, "rate-limited");
    assert_eq!(refused.header("retry-after"), "30");
    assert_eq!(refused.header("ratelimit"), "\"default\";r=0;t=30");
    clock.forward(29);
    assert_eq!(toy.get("/v1/orders/mine").await.header("retry-after"), "1");
    clock.forward(1);
    assert_eq!(toy.get("/v1/orders/mine").await.status, 200);
    toy.get("/v1/orders/mine").await.problem(429, "rate-limited");
    clock.forward(3600);
    for left in ["1", "0"] {
        let told = toy.get("/v1/orders/mine").await.header("ratelimit").to_owned();
        assert!(told.contains(&format!("r={left}")), "{told}");
    }
    toy.get("/v1/orders/mine").await.problem(429, "rate-limited");
}

#[tokio::test]
async fn an_operation_with_a_rate_of_its_own_is_counted_apart() {
    let clock = Clock::new();
    let toy = Toy::with(limited(&clock));
    let first = toy.get("/v1/seldom").await;
    assert_eq!(first.header("ratelimit-policy"), "\"seldom\";q=1;w=3600");
    toy.get("/v1/seldom").await.problem(429, "rate-limited");
    assert_eq!(toy.get("/v1/orders/mine").await.header("ratelimit"), "\"default\";r=1;t=30");
    clock.forward(3600);
    assert_eq!(toy.get("/v1/seldom").await.status, 200);
    // The contract's word holds where the edge has none.
    let toy = Toy::new();
    assert_eq!(toy.get("/v1/seldom").await.status, 200);
    toy.get("/v1/seldom").await.problem(429, "rate-limited");
    assert_eq!(toy.get("/v1/orders/mine").await.header("ratelimit"), "");
}

#[tokio::test]
async fn callers_nobody_knows_are_counted_by_address() {
    let toy = Toy::with(limited(&Clock::new()));
    for (address, status) in [
        ("192.0.2.1", 200),
        ("192.0.2.1", 200),
        ("192.0.2.1", 429),
        ("::ffff:192.0.2.1", 429),
        ("192.0.2.2", 200),
        ("2001:db8::1", 200),
        ("2001:db8::2", 200),
        ("2001:db8::3", 429),
        ("2001:db8:0:1::1", 200),
    ] {
        // What the caller says of itself changes nothing.
        assert_eq!(from(&toy, address, "203.0.113.9").await.status, status, "{address}");
    }
    // Nor do credentials that are refused.
    let refused = || {
        let mut request = toy::json("/v1/orders", "{}");
        request.headers_mut().insert("authorization", "Bearer forged".parse().unwrap());
        request
    };
    toy.send_as_is(refused()).await.problem(401, "unauthenticated");
    toy.send_as_is(refused()).await.problem(401, "unauthenticated");
    toy.send_as_is(refused()).await.problem(429, "rate-limited");
    assert_eq!(toy.get("/v1/orders/mine").await.status, 200);
}

#[tokio::test]
async fn behind_proxies_a_caller_is_where_the_outermost_one_says() {
    let clock = Clock::new();
    let toy = Toy::with(|edge| limited(&clock)(edge).proxies(2));
    for (forwarded, status) in [
        ("203.0.113.1, 10.0.0.1", 200),
        ("198.51.100.7, 203.0.113.1, 10.0.0.1", 200),
        ("198.51.100.8, 203.0.113.1, 10.0.0.2", 429),
        ("203.0.113.2, 10.0.0.1", 200),
        // Past the proxies: the peer itself.
        ("203.0.113.1", 200),
        ("", 200),
        ("", 429),
    ] {
        assert_eq!(from(&toy, "10.0.0.3", forwarded).await.status, status, "{forwarded}");
    }
}

#[tokio::test]
async fn callers_beyond_what_can_be_known_share_a_bucket() {
    let clock = Clock::new();
    let limits = clock.limits().capacity(2);
    let rate = Rate::new(1, 60);
    let take = async |caller: &str| {
        let bucket = Bucket { policy: "default", caller: caller.to_owned() };
        matches!(limits.take(&bucket, rate).await.unwrap(), Taken::Token { .. })
    };
    assert!(take("a").await && take("b").await && take("c").await);
    assert!(!take("d").await);
    assert!(!take("a").await);
    clock.forward(60);
    assert!(take("d").await && take("e").await);
}

struct Away;

impl RateLimits for Away {
    fn take<'a>(&'a self, _: &'a Bucket, _: Rate) -> BoxFuture<'a, Result<Taken, Failure>> {
        ready(Err(Failure::message("the store is away"))).boxed()
    }
}

#[tokio::test]
async fn a_store_that_is_away_takes_nothing_with_it() {
    let toy = Toy::with(|edge| edge.rate_limit(Rate::new(1, 60)).rate_limits(Away));
    for _ in 0..2 {
        let answer = toy.get("/v1/orders/mine").await;
        assert_eq!((answer.status.as_u16(), answer.header("ratelimit")), (200, ""));
    }
}
