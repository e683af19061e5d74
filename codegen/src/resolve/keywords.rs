//! Our own keywords: their form, their members, and names that only look like them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Scope, similar};
use crate::diagnostic::Kind;
use crate::model::{Idempotency, Pagination, ProblemKind, RateLimit, Replay, unique_names};
use crate::source::Cursor;

/// The keywords an operation may carry.
const OPERATION_KEYWORDS: [&str; 6] =
    ["x-deadline", "x-emits", "x-idempotency", "x-pagination", "x-problems", "x-rate-limit"];

/// Reports keywords of an operation that look like ours and are none.
pub(super) fn check_names<'a>(scope: &mut Scope<'a>, operation: &Cursor<'a>) {
    check_near(scope, operation, &OPERATION_KEYWORDS);
}

/// Reports members of this object that look like one of these keywords and are none.
pub(super) fn check_near<'a>(scope: &mut Scope<'a>, at: &Cursor<'a>, keywords: &[&str]) {
    let Some(members) = at.object() else { return };
    for name in members.keys().filter(|name| name.starts_with("x-")) {
        if keywords.contains(&name.as_str()) {
            continue;
        }
        let is_near = |known: &&&str| {
            letters_apart(known, name) <= 2 && strsim::damerau_levenshtein(known, name) <= 2
        };
        let near = keywords.iter().find(is_near);
        if let (Some(near), Some(at)) = (near, at.get(name)) {
            scope.unknown_keyword(&at, name, Some((*near).to_owned()));
        }
    }
}

/// The letters that one of two names has and the other has not: as many edits at least tell them
/// apart.
fn letters_apart(one: &str, two: &str) -> usize {
    let mut counts = [0_isize; 32];
    let class = |letter: char| u32::from(letter) as usize % 32;
    one.chars().for_each(|letter| counts[class(letter)] += 1);
    two.chars().for_each(|letter| counts[class(letter)] -= 1);
    let of = |sign: isize| counts.iter().map(|count| (sign * count).max(0).unsigned_abs()).sum();
    usize::max(of(1), of(-1))
}

fn is_duration(value: &Value) -> bool {
    value.as_str().and_then(seconds).is_some()
}

/// `x-idempotency {required, scope, retention, replay}`.
pub(super) fn idempotency<'a>(
    scope: &mut Scope<'a>,
    operation: &Cursor<'a>,
) -> Option<Idempotency> {
    let at = operation.get("x-idempotency")?;
    members(scope, &at, "x-idempotency", &["required", "scope", "retention", "replay"])?;
    for (member, is_right, what) in [
        ("required", Value::is_boolean as fn(&Value) -> bool, "true or false"),
        ("scope", Value::is_string, "a name"),
        ("retention", is_duration, "a duration such as 24h"),
    ] {
        if let Some(found) = at.get(member).filter(|found| !is_right(found.value)) {
            let why = format!("has a `{member}` that is not {what}");
            scope.report(&found, Kind::BadKeyword { keyword: "x-idempotency", why });
        }
    }
    let replay = match at.value.get("replay") {
        None => Some(Replay::Stored),
        Some(Value::String(text)) if text == "stored" => Some(Replay::Stored),
        Some(other) => match other.to_string().trim_matches('"') {
            "200" => Some(Replay::Status(200)),
            "208" => Some(Replay::Status(208)),
            "409" => Some(Replay::Conflict),
            _ => None,
        },
    };
    if replay.is_none() {
        let why = "has a `replay` other than stored, 200, 208 or 409".to_owned();
        let place = at.get("replay").unwrap_or_else(|| at.clone());
        scope.report(&place, Kind::BadKeyword { keyword: "x-idempotency", why });
    }
    Some(Idempotency {
        required: at.flag("required"),
        replay: replay.unwrap_or(Replay::Stored),
        retention_s: at.text("retention").and_then(seconds).unwrap_or(DAY_S),
    })
}

/// `x-deadline`, in milliseconds.
pub(super) fn deadline<'a>(scope: &mut Scope<'a>, operation: &Cursor<'a>) -> Option<u64> {
    let at = operation.get("x-deadline")?;
    let found = at.value.as_str().and_then(milliseconds);
    if found.is_none() {
        let why = "must be a duration such as 500ms or 10s".to_owned();
        scope.report(&at, Kind::BadKeyword { keyword: "x-deadline", why });
    }
    found
}

/// `x-rate-limit {requests, window}`.
pub(super) fn rate_limit<'a>(scope: &mut Scope<'a>, operation: &Cursor<'a>) -> Option<RateLimit> {
    let at = operation.get("x-rate-limit")?;
    members(scope, &at, "x-rate-limit", &["requests", "window"])?;
    let requests = at.value.get("requests").and_then(Value::as_u64).filter(|count| *count > 0);
    let window_s = at.text("window").and_then(seconds);
    let small = |number: Option<u64>| number.and_then(|number| u32::try_from(number).ok());
    match (small(requests), small(window_s)) {
        (Some(requests), Some(window_s)) => Some(RateLimit { requests, window_s }),
        _ => {
            let why = "needs `requests`, a number, and `window`, a duration such as 1m".to_owned();
            scope.report(&at, Kind::BadKeyword { keyword: "x-rate-limit", why });
            None
        }
    }
}

/// Milliseconds in a duration such as `500ms` or `10s`.
fn milliseconds(text: &str) -> Option<u64> {
    match text.strip_suffix("ms") {
        Some(number) => number.parse().ok().filter(|milliseconds| *milliseconds > 0),
        None => seconds(text)?.checked_mul(1000),
    }
}

const DAY_S: u64 = 24 * 60 * 60;

/// Seconds in a duration such as `24h`.
fn seconds(text: &str) -> Option<u64> {
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => DAY_S,
        _ => return None,
    };
    text[..text.len() - 1].parse::<u64>().ok()?.checked_mul(unit).filter(|seconds| *seconds > 0)
}

/// `x-pagination {items, cursor, next, limit}`.
pub(super) fn pagination<'a>(scope: &mut Scope<'a>, operation: &Cursor<'a>) -> Option<Pagination> {
    let at = operation.get("x-pagination")?;
    members(scope, &at, "x-pagination", &["items", "cursor", "next", "limit"])?;
    let text = |name: &str| at.text(name).map(str::to_owned);
    match (text("items"), text("cursor"), text("next")) {
        (Some(items), Some(cursor), Some(next)) => {
            Some(Pagination { items, cursor, next, limit: text("limit") })
        }
        _ => {
            let why = "needs `items`, `cursor` and `next`, each a name".to_owned();
            scope.report(&at, Kind::BadKeyword { keyword: "x-pagination", why });
            None
        }
    }
}

/// `x-emits [message...]`.
pub(super) fn emits<'a>(scope: &mut Scope<'a>, operation: &Cursor<'a>) -> Vec<String> {
    let names = texts(scope, operation, "x-emits").unwrap_or_default();
    let elements = operation.get("x-emits").map(|at| at.elements()).unwrap_or_default();
    scope.emitted.extend(names.iter().cloned().zip(elements));
    names
}

/// `x-problems [code...]`, each in the catalogue.
pub(super) fn problems<'a>(
    scope: &mut Scope<'a>,
    operation: &Cursor<'a>,
    catalogue: &BTreeMap<String, ProblemKind>,
) -> Option<Vec<String>> {
    let mut codes = texts(scope, operation, "x-problems")?;
    let at = operation.get("x-problems")?;
    for (code, element) in codes.iter().zip(at.elements()) {
        if !catalogue.contains_key(code) {
            let near = similar(code, catalogue.keys().map(String::as_str));
            let suggestion = near.map(|name| format!("; did you mean `{name}`?"));
            let why = format!(
                "names `{code}`, which components.x-problems does not define{}",
                suggestion.unwrap_or_default()
            );
            scope.report(&element, Kind::BadKeyword { keyword: "x-problems", why });
        }
    }
    codes.retain(|code| catalogue.contains_key(code));
    codes.sort();
    codes.dedup();
    Some(codes)
}

/// The catalogue in `components.x-problems`.
pub(super) fn catalogue<'a>(
    scope: &mut Scope<'a>,
    root: &Cursor<'a>,
) -> BTreeMap<String, ProblemKind> {
    let mut catalogue = BTreeMap::new();
    let Some(components) = root.get("components") else { return catalogue };
    check_near(scope, &components, &["x-problems"]);
    let Some(at) = components.get("x-problems") else { return catalogue };
    let names = unique_names(at.members().iter().map(|(code, _)| *code));
    for (code, entry) in at.members() {
        let known = &["status", "title", "type", "description"];
        if members(scope, &entry, "x-problems", known).is_none() {
            continue;
        }
        let status = entry.value.get("status").and_then(Value::as_u64);
        let status = status.and_then(|status| u16::try_from(status).ok());
        let (Some(status @ 400..=599), Some(title)) = (status, entry.text("title")) else {
            let why = format!("entry `{code}` needs a `status` from 400 to 599 and a `title`");
            scope.report(&entry, Kind::BadKeyword { keyword: "x-problems", why });
            continue;
        };
        let kind = ProblemKind {
            code: code.to_owned(),
            name: names[code].clone(),
            status,
            title: title.to_owned(),
            type_uri: entry.text("type").map(str::to_owned),
            description: entry.text("description").map(str::to_owned),
        };
        catalogue.insert(code.to_owned(), kind);
    }
    catalogue
}

/// Checks that a keyword is an object with known members only.
pub(super) fn members<'a>(
    scope: &mut Scope<'a>,
    at: &Cursor<'a>,
    keyword: &'static str,
    known: &[&str],
) -> Option<()> {
    if at.object().is_none() {
        let why = "must be an object".to_owned();
        scope.report(at, Kind::BadKeyword { keyword, why });
        return None;
    }
    for (name, member) in at.members() {
        if !known.contains(&name) {
            let near = similar(name, known.iter().copied());
            scope.unknown_keyword(&member, &format!("{keyword}.{name}"), near);
        }
    }
    Some(())
}

fn texts<'a>(
    scope: &mut Scope<'a>,
    operation: &Cursor<'a>,
    keyword: &'static str,
) -> Option<Vec<String>> {
    let at = operation.get(keyword)?;
    let found: Option<Vec<String>> = at
        .value
        .as_array()
        .and_then(|items| items.iter().map(|item| item.as_str().map(str::to_owned)).collect());
    if found.is_none() {
        let why = "must be a list of names".to_owned();
        scope.report(&at, Kind::BadKeyword { keyword, why });
    }
    found
}
