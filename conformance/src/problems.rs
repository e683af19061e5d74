//! Whether an error is one of the problems that the operation documents (RFC 9457).

use serde_json::Value;

use crate::answer::Answer;
use crate::contract::{Contract, Operation, essence_of};
use crate::encode;
use crate::leaves::leaves;
use crate::report::Complaint;
use crate::request::Request;

/// The shortest submitted text whose repetition is told from chance.
const SHORTEST_TEXT: usize = 6;

/// What is wrong with a problem; nothing for other answers and operations without `x-problems`.
pub(crate) fn judge<'c>(
    contract: &Contract<'c>,
    operation: &Operation<'c>,
    request: &Request,
    answer: &Answer,
) -> Vec<Complaint<'c>> {
    let (Some(codes), Some(body)) = (&operation.problems, &answer.json) else { return Vec::new() };
    if answer.status < 400 || body.get("code").is_none() {
        return Vec::new();
    }
    let at = operation.at.get("x-problems").unwrap_or_else(|| operation.at.clone());
    let code = answer.text("code").unwrap_or_default();
    let mut complaints = Vec::new();
    let mut complain = |check: &str, expected: String, got: String| {
        complaints.push(Complaint::new(check, &at, expected, got));
    };
    if !codes.contains(&code) {
        complain("undocumented problem", codes.join(" or "), format!("`{code}`"));
        return complaints;
    }
    let status = body.get("status").and_then(Value::as_u64);
    if status.is_some_and(|status| status != u64::from(answer.status)) {
        complain("problem status", answer.status.to_string(), format!("{status:?} in the body"));
    }
    if let Some(known) = contract.problems.get(code) {
        if known.status.is_some_and(|status| status != u64::from(answer.status)) {
            let expected = known.status.map(|status| status.to_string()).unwrap_or_default();
            complain(
                "problem status",
                format!("{expected} for `{code}`"),
                answer.status.to_string(),
            );
        }
        for (member, wanted) in [("title", known.title), ("type", known.type_)] {
            let got = answer.text(member).unwrap_or_default();
            if let Some(wanted) = wanted.filter(|wanted| *wanted != got) {
                complain(&format!("problem {member}"), format!("`{wanted}`"), format!("`{got}`"));
            }
        }
    }
    let correlation_id = answer.text("correlationId");
    if correlation_id.is_some_and(|id| id != request.correlation_id) {
        let expected = format!("correlationId `{}`", request.correlation_id);
        complain("problem correlation", expected, format!("{correlation_id:?}"));
    }
    if let Some(member) = repeats(request, body) {
        complain("problem repeats a submitted value", "none".into(), format!("one in `{member}`"));
    }
    complaints
}

/// Whether an answer is not a problem document although the contract wants one.
pub(crate) fn is_bare<'c>(operation: &Operation<'c>, answer: &Answer) -> Option<Complaint<'c>> {
    let at = operation.at.get("x-problems")?;
    let media_type = answer.header("content-type").map(essence_of);
    let is_problem =
        media_type == Some("application/problem+json") && answer.text("code").is_some();
    (answer.status >= 400 && !is_problem).then(|| {
        let got = media_type.unwrap_or("no Content-Type").to_owned();
        Complaint::new("problem", &at, "application/problem+json with a code", got)
    })
}

/// The prose member that repeats a submitted text.
fn repeats(request: &Request, body: &Value) -> Option<String> {
    let parameters = request.draft.parameters.iter().map(|(_, _, value)| value);
    let submitted: Vec<String> = parameters
        .chain(request.json())
        .flat_map(|value| leaves(None, value))
        .map(|leaf| encode::plain(leaf.value))
        .filter(|text| text.len() >= SHORTEST_TEXT)
        .collect();
    let prose = leaves(None, body)
        .into_iter()
        .filter(|leaf| matches!(leaf.path.last().map(String::as_str), Some("detail" | "title")));
    let mut repeating = prose.filter(|leaf| {
        let text = leaf.value.as_str().unwrap_or_default();
        submitted.iter().any(|submitted| text.contains(submitted.as_str()))
    });
    repeating.next().map(|leaf| leaf.pointer())
}
