//! The same operations in plain axum: they validate and answer, and do nothing else an edge does.

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::json;
use symbolon_server::DevelopmentIdentity;

use crate::guarded::{self, Guard};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    symbol: String,
    side: Side,
    quantity: i64,
    note: Option<String>,
    legs: Vec<Leg>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Leg {
    venue: String,
    share: f64,
    limit: Option<i64>,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Side {
    Buy,
    Sell,
}

#[derive(Serialize)]
struct Placed {
    id: String,
    symbol: String,
    side: Side,
    quantity: i64,
    legs: i64,
}

#[derive(Serialize)]
pub struct Violation {
    r#in: &'static str,
    pointer: String,
    code: &'static str,
    detail: String,
}

#[derive(Deserialize)]
struct PlainOrder {
    symbol: String,
    side: String,
    quantity: i64,
    #[serde(rename = "note")]
    _note: Option<String>,
    legs: Vec<PlainLeg>,
}

#[derive(Deserialize)]
struct PlainLeg {
    #[serde(rename = "venue")]
    _venue: String,
    #[serde(rename = "share")]
    _share: f64,
    #[serde(rename = "limit")]
    _limit: Option<i64>,
}

pub fn router(identity: &DevelopmentIdentity) -> Result<Router, crate::Error> {
    let guard = Guard::new(identity)?;
    Ok(Router::new()
        .route("/v1/guarded-orders", post(guarded::place_order))
        .with_state(guard)
        .route("/v1/plain-orders", post(place_plain_order))
        .route("/v1/orders", post(place_order)))
}

async fn place_plain_order(Json(order): Json<PlainOrder>) -> Response {
    let side = if order.side == "buy" { Side::Buy } else { Side::Sell };
    let placed = Placed {
        id: "0192f3c4".to_owned(),
        symbol: order.symbol,
        side,
        quantity: order.quantity,
        legs: order.legs.len() as i64,
    };
    let location = format!("/v1/orders/{}", placed.id);
    (StatusCode::CREATED, [(header::LOCATION, location)], Json(placed)).into_response()
}

async fn place_order(headers: HeaderMap, body: Bytes) -> Response {
    match valid(&headers, &body) {
        Ok(order) => {
            let (status, location, body) = placed(order);
            let headers = [
                (header::LOCATION, location),
                (header::CONTENT_TYPE, "application/json".to_owned()),
            ];
            (status, headers, body).into_response()
        }
        Err(refused) => *refused,
    }
}

/// The order of a request, or what it is refused with.
pub fn valid(headers: &HeaderMap, body: &[u8]) -> Result<Order, Box<Response>> {
    let media = headers.get(header::CONTENT_TYPE).and_then(|media| media.to_str().ok());
    if !media.is_some_and(|media| media.starts_with("application/json")) {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(Box::new(problem(status, "unsupported-media-type", Vec::new())));
    }
    let order: Order = serde_json::from_slice(body).map_err(|error| {
        let found = Violation::new(String::new(), "type", error.to_string());
        Box::new(problem(StatusCode::BAD_REQUEST, "invalid-request", vec![found]))
    })?;
    let violations = check(&order);
    if violations.is_empty() {
        return Ok(order);
    }
    Err(Box::new(problem(StatusCode::BAD_REQUEST, "invalid-request", violations)))
}

/// The answer to an order: status, location and body.
pub fn placed(order: Order) -> (StatusCode, String, Bytes) {
    let placed = Placed {
        id: "0192f3c4".to_owned(),
        symbol: order.symbol,
        side: order.side,
        quantity: order.quantity,
        legs: order.legs.len() as i64,
    };
    let body = serde_json::to_vec(&placed).unwrap_or_default();
    (StatusCode::CREATED, format!("/v1/orders/{}", placed.id), body.into())
}

fn check(order: &Order) -> Vec<Violation> {
    static SYMBOL: std::sync::LazyLock<regress::Regex> =
        std::sync::LazyLock::new(|| regress::Regex::new("^[A-Z]+$").expect("it is a pattern"));
    let mut found = Vec::new();
    let mut at = |holds: bool, pointer: String, code, detail: &str| {
        if !holds {
            found.push(Violation::new(pointer, code, detail.to_owned()));
        }
    };
    let length = order.symbol.chars().count();
    at(length >= 3, "/symbol".into(), "minLength", "must have at least 3 characters");
    at(length <= 12, "/symbol".into(), "maxLength", "must have at most 12 characters");
    let matches = SYMBOL.find(&order.symbol).is_some();
    at(matches, "/symbol".into(), "pattern", "must match the contract's pattern");
    at(order.quantity >= 1, "/quantity".into(), "minimum", "must be at least 1");
    at(order.quantity <= 1_000_000, "/quantity".into(), "maximum", "must be at most 1000000");
    if let Some(note) = &order.note {
        let fits = note.chars().count() <= 200;
        at(fits, "/note".into(), "maxLength", "must have at most 200 characters");
    }
    at(order.legs.len() <= 20, "/legs".into(), "maxItems", "must have at most 20 members");
    for (index, leg) in order.legs.iter().enumerate() {
        let fits = leg.venue.chars().count() <= 20;
        let place = format!("/legs/{index}");
        at(fits, format!("{place}/venue"), "maxLength", "must have at most 20 characters");
        at(leg.share >= 0.0, format!("{place}/share"), "minimum", "must be at least 0");
        at(leg.share <= 1.0, format!("{place}/share"), "maximum", "must be at most 1");
        if let Some(limit) = leg.limit {
            at(limit >= 1, format!("{place}/limit"), "minimum", "must be at least 1");
        }
    }
    found
}

impl Violation {
    pub fn new(pointer: String, code: &'static str, detail: String) -> Self {
        Self { r#in: "body", pointer, code, detail }
    }
}

pub fn problem(status: StatusCode, code: &str, errors: Vec<Violation>) -> Response {
    let body = json!({ "status": status.as_u16(), "code": code, "errors": errors });
    let media = [(header::CONTENT_TYPE, "application/problem+json")];
    (status, media, body.to_string()).into_response()
}
