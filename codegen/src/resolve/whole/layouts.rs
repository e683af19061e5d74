//! Parameters and headers whose values hold more than their style has a layout for.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Answer, Definition, Errors, Location, Parameter, Shape, Style, System, Type, TypeId,
};

type Types = BTreeMap<TypeId, Definition>;

/// Settles how such values are spelled, of which OpenAPI says nothing. What nests is spelled
/// in queries or cookies with brackets; what has to be one text is JSON.
pub(in crate::resolve) fn settle(system: &mut System) {
    let types = &system.types;
    for socket in &mut system.sockets {
        settle_parameters(types, &mut socket.handshake.parameters);
    }
    let contexts = system.contexts.iter_mut().chain(&mut system.webhooks);
    for operation in contexts.flat_map(|context| &mut context.operations) {
        let errors: &mut [Answer] = match &mut operation.errors {
            Errors::Statuses(answers) => answers,
            Errors::Problems(_) => &mut [],
        };
        let answers = operation.answers.iter_mut().chain(errors);
        for header in answers.flat_map(|answer| &mut answer.headers) {
            if depth(types, &header.ty, DEPTH) > 1 {
                header.style = Some(Style::Json);
            }
            // One text of a list is the same either way.
            let is_whole = matches!(header.ty.present(), Type::Scalar(_) | Type::List(_));
            if is_whole || header.style.is_some() {
                header.explode = None;
            }
        }
        settle_parameters(types, &mut operation.parameters);
    }
}

fn settle_parameters(types: &Types, parameters: &mut [Parameter]) {
    for parameter in parameters {
        let is_json = matches!(parameter.style, Some(Style::Json | Style::Whole));
        if !is_json && !has_pairs(parameter) && depth(types, &parameter.ty, DEPTH) > 1 {
            parameter.style = Some(Style::Json);
            parameter.explode = None;
        }
        if has_pairs(parameter) && parameter.style != Some(Style::DeepObject) {
            let mut names = BTreeSet::new();
            spread(types, &parameter.ty, UNIONS, &mut names);
            parameter.spread = names.into_iter().collect();
        }
    }
}

/// Unions stand in unions.
const UNIONS: usize = 4;

/// Collects the names of the members of all objects that a union may be.
fn spread(types: &Types, ty: &Type, left: usize, names: &mut BTreeSet<String>) {
    let Type::Named(id) = ty.present() else { return };
    match types.get(id).map(|definition| &definition.shape) {
        Some(Shape::Union(union)) if left > 0 => {
            for variant in &union.variants {
                spread(types, &variant.ty, left - 1, names);
            }
        }
        Some(Shape::Object(object)) if left < UNIONS => {
            names.extend(object.properties.iter().map(|member| member.wire.clone()));
        }
        Some(Shape::Alias(inner, _)) if left > 0 => spread(types, inner, left, names),
        Some(Shape::Union(_) | Shape::Object(_) | Shape::Alias(..) | Shape::Enumeration(_))
        | None => {}
    }
}

/// No layout but that of JSON and that of brackets has room for more than one.
const DEPTH: usize = 2;

/// Whether a value may be spread over several pairs of names and texts.
fn has_pairs(parameter: &Parameter) -> bool {
    let is_paired = matches!(parameter.location, Location::Query | Location::Cookie);
    let is_spread = match parameter.style {
        Some(Style::DeepObject) => true,
        None | Some(Style::Form | Style::Cookie) => parameter.explode != Some(false),
        Some(
            Style::Simple
            | Style::Label
            | Style::Matrix
            | Style::SpaceDelimited
            | Style::PipeDelimited
            | Style::Json
            | Style::Whole,
        ) => parameter.explode == Some(true),
    };
    is_paired && is_spread
}

/// How many lists and objects a value has inside each other, counted up to `left`. What may as well
/// be a scalar counts as one.
fn depth(types: &Types, ty: &Type, left: usize) -> usize {
    if left == 0 {
        return 0;
    }
    match ty {
        Type::Scalar(_) | Type::Any => 0,
        Type::Problem => 1,
        Type::Nullable(inner) => depth(types, inner, left),
        Type::List(inner) | Type::Map(inner) => 1 + depth(types, inner, left - 1),
        Type::Tuple(elements) => {
            let inner = elements.iter().map(|element| depth(types, element, left - 1));
            1 + inner.max().unwrap_or_default()
        }
        Type::Named(id) => match types.get(id).map(|definition| &definition.shape) {
            Some(Shape::Object(object)) => {
                let members = object.properties.iter();
                let inner = members.map(|member| depth(types, &member.ty, left - 1));
                1 + inner.max().unwrap_or_default()
            }
            Some(Shape::Alias(inner, _)) => depth(types, inner, left),
            Some(Shape::Union(union)) => {
                let variants = union.variants.iter();
                variants.map(|variant| depth(types, &variant.ty, left - 1)).min().unwrap_or(0)
            }
            Some(Shape::Enumeration(_)) | None => 0,
        },
    }
}
