//! What both halves call the parts of an operation: parameters, bodies, headers, answers.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::idents::{field_ident, literal, variant_ident};
use crate::model::{Header, Location, Name, Operation, Parameter, Part, Status, Style};

/// A parameter as the descriptor of `symbolon_wire`.
pub(crate) fn descriptor(parameter: &Parameter) -> String {
    let location = match parameter.location {
        Location::Path => "path",
        Location::Query => "query",
        Location::Header => "header",
        Location::Cookie => "cookie",
    };
    let head = format!("Parameter::{location}({})", literal(&parameter.wire));
    let mut text = styled(head, parameter.style, parameter.explode);
    if parameter.allow_reserved {
        text.push_str(".reserved()");
    }
    if parameter.allow_empty && !parameter.required {
        text.push_str(".or_empty()");
    }
    if !parameter.spread.is_empty() {
        let names: Vec<String> = parameter.spread.iter().map(|name| literal(name)).collect();
        text.push_str(&format!(".spread(&[{}])", names.join(", ")));
    }
    text
}

/// What says which header: its name, or its descriptor for the method that ends in `_as`.
pub(crate) fn header_argument(header: &Header) -> (&'static str, String) {
    let name = literal(&header.wire);
    match (header.style, header.explode) {
        (None, None) => ("", name),
        (style, explode) => ("_as", styled(format!("Parameter::header({name})"), style, explode)),
    }
}

/// A member of a form as the descriptor of a parameter.
pub(crate) fn part_descriptor(part: &Part) -> String {
    let head = format!("Parameter::query({})", literal(&part.wire));
    styled(head, part.style, part.explode)
}

fn styled(mut text: String, style: Option<Style>, explode: Option<bool>) -> String {
    if let Some(style) = style {
        let style = match style {
            Style::Simple => "Simple",
            Style::Label => "Label",
            Style::Matrix => "Matrix",
            Style::Form => "Form",
            Style::Cookie => "Cookie",
            Style::SpaceDelimited => "SpaceDelimited",
            Style::PipeDelimited => "PipeDelimited",
            Style::DeepObject => "DeepObject",
            Style::Json => "Json",
            Style::Whole => "Whole",
        };
        text.push_str(&format!(".style(Style::{style})"));
    }
    if let Some(explode) = explode {
        text.push_str(&format!(".explode({explode})"));
    }
    text
}

/// `body` is the body's own name.
pub(crate) fn parameter_ident(name: &Name) -> String {
    let ident = field_ident(name);
    if ident == "body" { "body_".to_owned() } else { ident }
}

/// `body` and `status` are fields of their own.
pub(crate) fn header_ident(name: &Name) -> String {
    let ident = field_ident(name);
    if ["body", "status"].contains(&ident.as_str()) { format!("{ident}_") } else { ident }
}

/// The reason phrases of all statuses that have one, as variants.
static REASONS: LazyLock<BTreeMap<u16, String>> = LazyLock::new(|| {
    let named = |code| Some((code, variant_ident(&Name::new(http_reason(code)?))));
    (100..600).filter_map(named).collect()
});

/// The variant of a status: its reason phrase (RFC 9110), or its number.
pub(crate) fn answer_ident(status: Status) -> String {
    match status {
        Status::Code(code) => match REASONS.get(&code) {
            Some(reason) => reason.clone(),
            None => format!("Status{code}"),
        },
        Status::Range(hundred) => format!("Status{hundred}Xx"),
        Status::Default => "Default".to_owned(),
    }
}

fn http_reason(code: u16) -> Option<&'static str> {
    http::StatusCode::from_u16(code).ok()?.canonical_reason().filter(|_| code != 418)
}

/// The header that carries an operation's idempotency key, if it takes one.
pub(crate) fn idempotency_header(operation: &Operation) -> Option<String> {
    operation.idempotency.as_ref()?;
    let declared = operation.parameters.iter().find(|parameter| {
        parameter.location == Location::Header
            && parameter.wire.eq_ignore_ascii_case("idempotency-key")
    });
    Some(literal(declared.map_or("Idempotency-Key", |parameter| &parameter.wire)))
}
