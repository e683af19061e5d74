//! `x-idempotency`: the same request again, another request under its key, and many at once.

use std::collections::BTreeMap;

use serde_json::json;
use symbolon_codegen::source::Cursor;
use tokio::task::JoinSet;

use crate::answer::{Answer, exchange};
use crate::contract::{Documented, IDEMPOTENCY_KEY, In, Operation, Schema};
use crate::derive::valid;
use crate::leaves::leaves;
use crate::report::Complaint;
use crate::request::{Draft, Request};
use crate::session::Session;

/// Requests with one key at one time.
const AT_ONCE: usize = 16;

/// How often that is tried until one finds another under way.
const ROUNDS: usize = 40;

const IN_FLIGHT: &str = "idempotency-in-flight";

/// Replays every operation that says `x-idempotency`.
pub(crate) async fn replay_all(session: &mut Session<'_>) {
    let contract = session.contract;
    for operation in &contract.operations {
        if let Some(rule) = &operation.idempotency {
            again(session, operation, rule.replay, &rule.at).await;
            at_once(session, operation, rule.replay, &rule.at).await;
        }
    }
}

/// A request that would succeed, under a key of its own.
fn fresh<'c>(session: &mut Session<'c>, operation: &'c Operation<'c>) -> Option<Draft> {
    let mut draft = valid(session, operation)?;
    draft.set(In::Header, IDEMPOTENCY_KEY, json!(session.fresh.uuid()));
    Some(draft)
}

async fn again<'c>(
    session: &mut Session<'c>,
    operation: &'c Operation<'c>,
    replay: Option<u16>,
    at: &Cursor<'c>,
) {
    let Some(draft) = fresh(session, operation) else { return };
    let cause = "idempotency: a new key";
    let Some((_, first)) = session.send(operation, &draft, cause).await else { return };
    if !first.is_success() {
        return;
    }
    let cause = "idempotency: same key, same body";
    let Some((request, second)) = session.send(operation, &draft, cause).await else { return };
    let wanted = replay.unwrap_or(first.status);
    if second.status != wanted {
        let complaint = Complaint::new("status", at, wanted.to_string(), second.summary());
        session.fail(complaint, operation, cause, Some(&request));
    }
    if let Some((member, one, other)) = differ(&first, &second) {
        let complaint = Complaint::new(format!("identity {member}"), at, one, other);
        session.fail(complaint, operation, cause, Some(&request));
    }
    let cause = "idempotency: same key, other body";
    let Some(other) = varied(operation, &draft) else { return };
    let Some((request, third)) = session.send(operation, &other, cause).await else { return };
    let refused = Documented::Exactly(422);
    if operation.responses.iter().any(|response| response.status == refused)
        && (third.status != 422
            || third.text("code").is_some_and(|code| code != "idempotency-key-reused"))
    {
        let expected = "422 idempotency-key-reused";
        let complaint = Complaint::new("status", at, expected, third.summary());
        session.fail(complaint, operation, cause, Some(&request));
    }
}

async fn at_once<'c>(
    session: &mut Session<'c>,
    operation: &'c Operation<'c>,
    replay: Option<u16>,
    at: &Cursor<'c>,
) {
    let cause = "idempotency: one key, many at once";
    let documented = operation.problems.as_ref().is_some_and(|codes| codes.contains(&IN_FLIGHT));
    for _ in 0..ROUNDS {
        let Some(draft) = fresh(session, operation) else { return };
        let answers = burst(session, operation, &draft, cause).await;
        let mut effects = Vec::new();
        for (request, answer) in &answers {
            session.observe(operation, request, answer, cause);
            let replayed =
                replay == Some(answer.status) && operation.has_other_success(answer.status);
            if answer.is_success() && !replayed {
                effects.push((request, answer));
            }
        }
        if let (Some(_), [(request, answer)]) = (replay, effects.as_slice()) {
            session.promise(operation, request, answer, cause);
        }
        let successes: Vec<_> = answers.iter().filter(|(_, answer)| answer.is_success()).collect();
        for (request, answer) in successes.iter().skip(1) {
            if let Some((member, one, other)) = differ(&successes[0].1, answer) {
                let complaint = Complaint::new(format!("identity {member}"), at, one, other);
                session.fail(complaint, operation, cause, Some(request));
                return;
            }
        }
        if let (Some(_), [_, (request, answer), ..]) = (replay, effects.as_slice()) {
            let got = format!("{} answers {}", effects.len(), answer.status);
            let complaint = Complaint::new("effects", at, "one", got);
            session.fail(complaint, operation, cause, Some(request));
            return;
        }
        let in_flight = answers.iter().any(|(_, answer)| answer.text("code") == Some(IN_FLIGHT));
        if in_flight || !documented {
            return;
        }
    }
}

async fn burst<'c>(
    session: &mut Session<'c>,
    operation: &'c Operation<'c>,
    draft: &Draft,
    cause: &str,
) -> Vec<(Request, Answer)> {
    let mut sending = JoinSet::new();
    for _ in 0..AT_ONCE {
        let Some(request) = session.prepare(operation, draft, cause) else { break };
        let (client, url) = (session.client.clone(), session.url.clone());
        sending.spawn(async move {
            let answer = exchange(&client, &url, &request).await;
            (request, answer)
        });
    }
    let mut answers = Vec::new();
    while let Some(joined) = sending.join_next().await {
        match joined {
            Ok((request, Ok(answer))) => answers.push((request, answer)),
            Ok((request, Err(why))) => {
                let complaint = Complaint::new("no answer", &operation.at, "an answer", why);
                session.fail(complaint, operation, cause, Some(&request));
            }
            Err(_) => {}
        }
    }
    answers
}

/// The first identity in which two successes differ.
fn differ(first: &Answer, second: &Answer) -> Option<(String, String, String)> {
    let (first, second) = (identities(first), identities(second));
    let mut both = first.iter().filter_map(|(name, value)| Some((name, value, second.get(name)?)));
    let (name, one, other) = both.find(|(_, one, other)| one != other)?;
    Some((name.clone(), one.clone(), other.clone()))
}

/// What names the effect: `Location`, and members called `id` or `…Id`.
fn identities(answer: &Answer) -> BTreeMap<String, String> {
    const OF_THE_REQUEST: [&str; 3] = ["correlationId", "requestId", "traceId"];
    let mut found = BTreeMap::new();
    if !answer.is_success() {
        return found;
    }
    if let Some(location) = answer.header("location") {
        found.insert("Location".to_owned(), location.to_owned());
    }
    for leaf in answer.json.iter().flat_map(|body| leaves(None, body)) {
        let name = leaf.path.last().map(String::as_str).unwrap_or_default();
        let named = name == "id" || name.ends_with("Id") || name.ends_with("_id");
        if named && !OF_THE_REQUEST.contains(&name) {
            found.insert(leaf.pointer(), leaf.value.to_string());
        }
    }
    found
}

/// The same request with one text of its body changed, still valid.
fn varied(operation: &Operation<'_>, draft: &Draft) -> Option<Draft> {
    let (media_type, body) = draft.body.as_ref()?;
    let media = operation.body.iter().find(|media| media.name == media_type)?;
    let schema: &Schema = media.schema.as_ref()?;
    leaves(None, body).iter().find_map(|leaf| {
        let text = leaf.value.as_str()?;
        let mut varied = body.clone();
        *varied.pointer_mut(&leaf.pointer())? = json!(format!("{text}2"));
        let accepted = schema.accepts(&varied) && &varied != body;
        let body = Some((media_type.clone(), varied));
        accepted.then(|| Draft { body, ..draft.clone() })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Answer, differ};

    fn answer(body: serde_json::Value) -> Answer {
        Answer { status: 200, headers: Vec::new(), body: Vec::new(), json: Some(body) }
    }

    #[test]
    fn successes_differ_by_what_names_the_effect() {
        let first = answer(json!({"noteId": "a", "at": 1, "correlationId": "x"}));
        let same = answer(json!({"noteId": "a", "at": 2, "correlationId": "y"}));
        assert_eq!(differ(&first, &same), None);
        assert!(differ(&first, &answer(json!({"noteId": "b"}))).is_some());
    }
}
