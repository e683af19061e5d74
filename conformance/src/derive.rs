//! Statuses that no valid request gets at will: the judge makes the request itself.

use crate::answer::exchange;
use crate::contract::{Documented, Operation, is_json};
use crate::credentials::NONE;
use crate::examples::{cases, realise};
use crate::report::Complaint;
use crate::request::{Draft, Request};
use crate::session::{Session, client};

/// The sizes of body that are tried, in MiB; the last is larger than a server need accept.
const PADDINGS_MIB: [usize; 4] = [2, 4, 8, 16];

/// How often a body is sent again when the server hangs up before its answer is read.
const TRIES: usize = 3;

/// Requests every derivable status that is documented and was not seen.
pub(crate) async fn fill_gaps(session: &mut Session<'_>) {
    let contract = session.contract;
    for operation in &contract.operations {
        for response in &operation.responses {
            if session.coverage.has_status(operation, response.status) {
                continue;
            }
            match response.status {
                Documented::Exactly(401) => anonymous(session, operation).await,
                Documented::Exactly(415) => other_media_type(session, operation).await,
                Documented::Exactly(413) => too_large(session, operation).await,
                Documented::Exactly(400) => truncated(session, operation).await,
                Documented::Exactly(_) | Documented::Range(_) | Documented::Default => {}
            }
        }
    }
    // Whatever came after that would be refused too.
    for operation in &contract.operations {
        let is_seen = |status| session.coverage.has_status(operation, status);
        let (refused, most) = (Documented::Exactly(429), operation.requests_at_once);
        if let Some(most) = most
            && operation.response(429).is_some_and(|response| response.status == refused)
            && !is_seen(refused)
        {
            too_often(session, operation, most).await;
        }
    }
}

/// Makes more requests than a tenant may at once.
async fn too_often<'c>(session: &mut Session<'c>, operation: &'c Operation<'c>, most: u64) {
    let cause = "derived: more requests than are allowed";
    let mut last = None;
    for _ in 0..=most {
        let Some(draft) = valid(session, operation) else { return };
        let Some(request) = session.prepare(operation, &draft, cause) else { return };
        let Some(answer) = session.deliver(operation, &request, cause).await else { return };
        if answer.status == 429 {
            return;
        }
        last = Some((request, answer));
    }
    if let Some((request, answer)) = last {
        let at = operation.place_of(Documented::Exactly(429));
        let complaint = Complaint::new("status", &at, "429", answer.summary());
        session.fail(complaint, operation, cause, Some(&request));
    }
}

/// A request of the operation that would succeed, made anew.
pub(crate) fn valid<'c>(session: &mut Session<'c>, operation: &'c Operation<'c>) -> Option<Draft> {
    let found = cases(operation).into_iter().filter(|case| case.succeeds());
    found.into_iter().find_map(|case| realise(session, &case).ok())
}

async fn anonymous<'c>(session: &mut Session<'c>, operation: &'c Operation<'c>) {
    if let Some(mut draft) = valid(session, operation) {
        draft.credential = Some(NONE.to_owned());
        ask(session, operation, &draft, 401, "derived: no credential", |_| {}).await;
    }
}

async fn other_media_type<'c>(session: &mut Session<'c>, operation: &'c Operation<'c>) {
    if let Some(mut draft) = valid(session, operation)
        && let Some((media_type, _)) = &mut draft.body
    {
        *media_type = "text/plain".to_owned();
        ask(session, operation, &draft, 415, "derived: text/plain", |_| {}).await;
    }
}

async fn truncated<'c>(session: &mut Session<'c>, operation: &'c Operation<'c>) {
    let draft = valid(session, operation);
    let has_json = |draft: &Draft| draft.body.as_ref().is_some_and(|(media, _)| is_json(media));
    if let Some(draft) = draft.filter(has_json) {
        let truncate = |request: &mut Request| {
            if let Some(body) = &mut request.body {
                body.truncate(body.len() / 2);
            }
        };
        ask(session, operation, &draft, 400, "derived: truncated JSON", truncate).await;
    }
}

async fn ask<'c>(
    session: &mut Session<'c>,
    operation: &'c Operation<'c>,
    draft: &Draft,
    status: u16,
    cause: &str,
    change: impl FnOnce(&mut Request),
) {
    let Some(mut request) = session.prepare(operation, draft, cause) else { return };
    change(&mut request);
    let Some(answer) = session.deliver(operation, &request, cause).await else { return };
    if answer.status != status {
        let at = operation.place_of(Documented::Exactly(status));
        let complaint = Complaint::new("status", &at, status.to_string(), answer.summary());
        session.fail(complaint, operation, cause, Some(&request));
    }
}

/// Pads bodies with whitespace until one is refused.
///
/// A server may hang up on a body it does not want, so a lost connection is tried again.
async fn too_large<'c>(session: &mut Session<'c>, operation: &'c Operation<'c>) {
    // Connections of its own: one that was hung up on must not serve another request.
    let lone = client(0);
    for size in PADDINGS_MIB {
        let cause = format!("derived: a body of {size} MiB");
        let mut lost = None;
        for _ in 0..TRIES {
            let Some(draft) = valid(session, operation).filter(|draft| draft.body.is_some()) else {
                return;
            };
            let Some(mut request) = session.prepare(operation, &draft, &cause) else { return };
            if let Some(body) = &mut request.body {
                body.resize(size << 20 | 1, b' ');
            }
            match exchange(&lone, &session.url, &request).await {
                Ok(answer) => {
                    session.observe(operation, &request, &answer, &cause);
                    session.promise(operation, &request, &answer, &cause);
                    if answer.status == 413 {
                        return;
                    }
                    lost = None;
                    break;
                }
                Err(why) => lost = Some((why, request)),
            }
        }
        if let Some((why, request)) = lost {
            let at = operation.place_of(Documented::Exactly(413));
            let complaint = Complaint::new("status", &at, "413", why);
            session.fail(complaint, operation, &cause, Some(&request));
            return;
        }
    }
}
