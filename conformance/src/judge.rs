//! Whether an answer is one that the contract documents: status, headers, media type, body.

use serde_json::Value;

use crate::answer::Answer;
use crate::contract::{Contract, Operation, Response, essence_of, is_json};
use crate::problems;
use crate::report::Complaint;
use crate::request::{CORRELATION_ID, Request};

/// What is wrong with an answer, whatever it was an answer to.
pub(crate) fn judge<'c>(
    contract: &Contract<'c>,
    operation: &'c Operation<'c>,
    request: &Request,
    answer: &Answer,
) -> Vec<Complaint<'c>> {
    let Some(response) = operation.response(answer.status) else {
        let at = operation.at.get("responses").unwrap_or_else(|| operation.at.clone());
        let documented: Vec<String> =
            operation.responses.iter().map(|response| response.status.to_string()).collect();
        let expected = format!("a documented status ({})", documented.join(", "));
        return vec![Complaint::new("undocumented status", &at, expected, answer.summary())];
    };
    let mut complaints = headers(response, request, answer);
    complaints.extend(body(operation, response, answer));
    complaints.extend(problems::is_bare(operation, answer));
    complaints.extend(problems::judge(contract, operation, request, answer));
    complaints
}

fn headers<'c>(
    response: &'c Response<'c>,
    request: &Request,
    answer: &Answer,
) -> Vec<Complaint<'c>> {
    let mut complaints = Vec::new();
    for header in &response.headers {
        let check = format!("header {}", header.name);
        let Some(text) = answer.header(header.name) else {
            if header.required {
                let expected = format!("the header with a {}", answer.status);
                complaints.push(Complaint::new(check, &header.at, expected, "none"));
            }
            continue;
        };
        if let Some(schema) = &header.schema {
            let violations = schema.violations(&schema.parse(text));
            if !violations.is_empty() {
                let at = header.at.get("schema").unwrap_or_else(|| header.at.clone());
                complaints.push(Complaint::new(&check, &at, "its schema", violations.join("; ")));
            }
        }
        if header.name.eq_ignore_ascii_case(CORRELATION_ID) && text != request.correlation_id {
            let expected = format!("`{}`, which was sent", request.correlation_id);
            complaints.push(Complaint::new(check, &header.at, expected, format!("`{text}`")));
        }
    }
    complaints
}

fn body<'c>(
    operation: &Operation<'c>,
    response: &'c Response<'c>,
    answer: &Answer,
) -> Option<Complaint<'c>> {
    let empty = answer.body.is_empty();
    let bodiless = operation.method == "HEAD" || matches!(answer.status, 204 | 304);
    if response.content.is_empty() || bodiless {
        let got = || format!("{} bytes", answer.body.len());
        return (!empty).then(|| Complaint::new("body", &response.at, "no body", got()));
    }
    let media_type = answer.header("content-type");
    let essence = media_type.map(essence_of).unwrap_or_default();
    let Some(media) = response.media(essence) else {
        let documented: Vec<&str> = response.content.iter().map(|media| media.name).collect();
        let at = response.at.get("content").unwrap_or_else(|| response.at.clone());
        let got = media_type.unwrap_or("no Content-Type");
        return Some(Complaint::new("media type", &at, documented.join(" or "), got));
    };
    let schema = media.schema.as_ref()?;
    let at = media.at.get("schema").unwrap_or_else(|| media.at.clone());
    let value = match (&answer.json, is_json(essence)) {
        (Some(value), _) => value.clone(),
        (None, true) => return Some(Complaint::new("body", &at, "JSON", "what cannot be parsed")),
        (None, false) => match schema.primitive() {
            Some("string") => Value::String(String::from_utf8_lossy(&answer.body).into_owned()),
            _ => return None,
        },
    };
    let violations = schema.violations(&value);
    (!violations.is_empty())
        .then(|| Complaint::new("body schema", &at, "its schema", violations.join("; ")))
}
