//! Operations as modules of their context.

use std::collections::BTreeSet;

use super::{bodies, links, plan};
use crate::emit::render::one_line;
use crate::emit::rust::defaults::{Absent, documented, methods};
use crate::emit::rust::{
    Checks, Field, Position, Presence, REQUEST_BODY, Speller, answer_body, answer_ident, body_type,
    braced, bracketed, doc_lines, header_ident, module_ident, offer_ident, parameter_ident, place,
    variant_ident,
};
use crate::model::{
    Answer, Body, Context, Errors, Location, Operation, Status, System, Type, TypeId,
};

/// The operations of a context.
pub(super) fn plan(
    system: &System,
    context: &Context,
    checked: &BTreeSet<TypeId>,
    speller: &mut Speller<'_>,
) -> Vec<plan::Operation> {
    let one = |operation| one(system, context, operation, checked, speller);
    context.operations.iter().map(one).collect()
}

fn one(
    system: &System,
    context: &Context,
    operation: &Operation,
    checked: &BTreeSet<TypeId>,
    speller: &mut Speller<'_>,
) -> plan::Operation {
    let fields = request_fields(operation, speller);
    let checks = request_checks(system, operation, checked, &fields);
    let defaultable = fields.iter().all(|field| field.ty.starts_with("Option<"));
    let summary = operation.summary.as_deref().or(operation.description.as_deref());
    let summary = doc_lines(summary).into_iter().next();
    let same_body = one_body(&operation.answers, "", speller);
    let same_error = match &operation.errors {
        Errors::Statuses(answers) => one_body(answers, "Error as ", speller),
        Errors::Problems(_) => None,
    };
    let errors = errors(system, operation, speller);
    plan::Operation {
        ident: module_ident(&operation.name),
        method: operation.method.clone(),
        path: one_line(place(operation)),
        summary: summary.map(|line| format!(": {line}")).unwrap_or_default(),
        request_derives: if defaultable {
            "Debug, Clone, Default, PartialEq"
        } else {
            "Debug, Clone, PartialEq"
        },
        unasked: fields.is_empty(),
        fields,
        defaults: defaults(operation, speller),
        unchecked: checks.is_empty(),
        checks,
        answered: true,
        answers: operation.answers.iter().map(|found| answer(found, speller)).collect(),
        response_derives: bodies::derives(&operation.answers),
        error_derives: match &operation.errors {
            Errors::Statuses(answers) => bodies::derives(answers),
            Errors::Problems(_) => bodies::derives([]),
        },
        bodies: bodies::plan(system, operation, speller),
        links: links::plan(system, context, operation, speller),
        urls: links::urls(system, operation, speller),
        same_body,
        same_error,
        infallible: errors.is_empty(),
        errors,
        messages: Vec::new(),
    }
}

/// The fields of a request: parameters, then the body.
fn request_fields(operation: &Operation, speller: &mut Speller<'_>) -> Vec<plan::Parameter> {
    let mut fields: Vec<plan::Parameter> = operation
        .parameters
        .iter()
        .map(|parameter| {
            let spelled = speller.spell(parameter.ty.present(), Position::Closed);
            plan::Parameter {
                ident: parameter_ident(&parameter.name),
                ty: if parameter.required { spelled } else { format!("Option<{spelled}>") },
                docs: documented(parameter.description.as_deref(), parameter.default.as_ref()),
            }
        })
        .collect();
    if let Some(body) = &operation.body {
        let spelled = body_type(body, REQUEST_BODY, Position::Closed, speller);
        fields.push(plan::Parameter {
            ident: "body".to_owned(),
            ty: if body.required { spelled } else { format!("Option<{spelled}>") },
            docs: Vec::new(),
        });
    }
    fields
}

/// Methods that say what absent parameters stand for.
fn defaults(operation: &Operation, speller: &mut Speller<'_>) -> Vec<String> {
    let idents: Vec<String> =
        operation.parameters.iter().map(|found| parameter_ident(&found.name)).collect();
    let absent: Vec<Absent<'_>> = operation
        .parameters
        .iter()
        .zip(&idents)
        .filter(|(parameter, _)| !parameter.required)
        .filter_map(|(parameter, ident)| {
            Some(Absent { ident, ty: &parameter.ty, default: parameter.default.as_ref()? })
        })
        .collect();
    methods(&absent, Position::Closed, 2, speller)
}

fn request_checks(
    system: &System,
    operation: &Operation,
    checked: &BTreeSet<TypeId>,
    fields: &[plan::Parameter],
) -> Vec<String> {
    let checks = Checks { system, checked, position: Position::Closed };
    let mut places: Vec<(Location, Vec<String>)> = Vec::new();
    for (parameter, field) in operation.parameters.iter().zip(fields) {
        let inner = checks.field(
            &Field {
                wire: &parameter.wire,
                ident: &field.ident,
                ty: parameter.ty.present(),
                constraints: &parameter.constraints,
                presence: if parameter.required { Presence::Required } else { Presence::Optional },
            },
            4,
        );
        if inner.is_empty() {
            continue;
        }
        // Parameters are sorted by location: those of one place are looked at together.
        match places.last_mut() {
            Some((location, known)) if *location == parameter.location => known.extend(inner),
            Some(_) | None => places.push((parameter.location, inner)),
        }
    }
    let mut lines = Vec::new();
    for (location, inner) in places {
        let location = match location {
            Location::Path => "Path",
            Location::Query => "Query",
            Location::Header => "Header",
            Location::Cookie => "Cookie",
        };
        let pad = "    ".repeat(3);
        lines.push(format!("{pad}at.inside(symbolon_wire::In::{location}, |at| {{"));
        lines.extend(inner);
        lines.push(format!("{pad}}});"));
    }
    if let Some(body) = &operation.body {
        lines.extend(body_checks(body, &checks));
    }
    lines
}

/// The statement that makes the one body of every answer easy to reach. An answer that says that
/// its reader has the body already (304) has none of its own, and takes nothing from the others.
fn one_body(answers: &[Answer], owner: &str, speller: &mut Speller<'_>) -> Option<String> {
    let (spared, told): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == Status::NOT_MODIFIED);
    let bodies = told.iter().map(|answer| (answer, answer.body.as_ref()));
    let bodies: BTreeSet<Option<String>> =
        bodies.map(|(answer, body)| Some(answer_type(answer, body?, speller))).collect();
    let mut bodies = bodies.into_iter();
    let (Some(Some(body)), None) = (bodies.next(), bodies.next()) else { return None };
    let variants: Vec<String> = told.iter().map(|answer| answer_ident(answer.status)).collect();
    let end = match spared.first() {
        Some(spared) => format!("; {});", answer_ident(spared.status)),
        None => ");".to_owned(),
    };
    Some(bracketed(4, &format!("symbolon_wire::into_body!({owner}{body}: "), &variants, &end))
}

fn body_checks(body: &Body, checks: &Checks<'_>) -> Vec<String> {
    let pad = "    ".repeat(3);
    let variants = body.variants();
    if let [single] = variants.as_slice()
        && checks.is_validated(&single[0].ty, &single[0].constraints)
    {
        return vec![format!("{pad}self.body.validate(at);")];
    }
    let open = if body.required {
        "{ let value = &self.body;"
    } else {
        "if let Some(value) = &self.body {"
    };
    let lines: Vec<String> = match variants.as_slice() {
        [single] => checks.value(&single[0].ty, &single[0].constraints, 4),
        _ => {
            let checked: Vec<(String, Vec<String>)> = variants
                .iter()
                .map(|group| (offer_ident(group[0]), group[0]))
                .map(|(variant, offer)| (variant, checks.value(&offer.ty, &offer.constraints, 5)))
                .filter(|(_, lines)| !lines.is_empty())
                .collect();
            let each = checked.into_iter().flat_map(|(variant, lines)| {
                let open = format!("{pad}    if let {REQUEST_BODY}::{variant}(value) = value {{");
                [vec![open], lines, vec![format!("{pad}    }}")]].concat()
            });
            each.collect()
        }
    };
    if lines.is_empty() {
        return lines;
    }
    [vec![format!("{pad}{open}")], lines, vec![format!("{pad}}}")]].concat()
}

fn answer(answer: &Answer, speller: &mut Speller<'_>) -> plan::Answer {
    let fields: Vec<String> = answer_fields(answer, speller)
        .into_iter()
        .map(|(ident, ty)| format!("{ident}: {ty}"))
        .collect();
    let ident = answer_ident(answer.status);
    let variant = braced(8, &ident, &fields, ",");
    plan::Answer { docs: docs(answer, &ident), variant }
}

/// What the contract says of an answer, unless that is no more than its variant's name.
fn docs(answer: &Answer, ident: &str) -> Vec<String> {
    let label = match answer.status {
        Status::Code(code) => code.to_string(),
        Status::Range(hundred) => format!("{hundred}XX"),
        Status::Default => "any other status".to_owned(),
    };
    let said = doc_lines(answer.description.as_deref()).into_iter().next();
    let said = said.filter(|line| {
        let letters: String = line.chars().filter(|c| c.is_alphanumeric()).collect();
        !letters.eq_ignore_ascii_case(ident)
    });
    said.map(|line| format!("{label}: {line}")).into_iter().collect()
}

/// The fields of an answer: the status where it is open, headers, then the body.
fn answer_fields(answer: &Answer, speller: &mut Speller<'_>) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    if !matches!(answer.status, Status::Code(_)) {
        fields.push(("status".to_owned(), "u16".to_owned()));
    }
    for header in &answer.headers {
        let spelled = speller.spell(header.ty.present(), Position::Open);
        let ty = if header.required { spelled } else { format!("Option<{spelled}>") };
        fields.push((header_ident(&header.name), ty));
    }
    if let Some(body) = &answer.body {
        fields.push(("body".to_owned(), answer_type(answer, body, speller)));
    }
    fields
}

fn answer_type(answer: &Answer, body: &Body, speller: &mut Speller<'_>) -> String {
    body_type(body, &answer_body(&answer_ident(answer.status)), Position::Open, speller)
}

fn errors(system: &System, operation: &Operation, speller: &mut Speller<'_>) -> Vec<plan::Answer> {
    match &operation.errors {
        Errors::Problems(codes) => codes
            .iter()
            .filter_map(|code| system.problems.get(code))
            .map(|kind| plan::Answer {
                docs: vec![one_line(&format!("{} `{}`: {}", kind.status, kind.code, kind.title))],
                variant: format!(
                    "{}({}),",
                    variant_ident(&kind.name),
                    speller.spell(&Type::Problem, Position::Open)
                ),
            })
            .collect(),
        Errors::Statuses(answers) => answers.iter().map(|found| answer(found, speller)).collect(),
    }
}
