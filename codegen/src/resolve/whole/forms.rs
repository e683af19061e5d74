//! Bodies of forms and parts, once it is known what types their members have.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Kind};
use crate::model::{
    Answer, Body, BodyKind, Definition, Errors, Object, Offer, Operation, Part, Scalar, Shape,
    Style, System, Type, TypeId, form,
};
use crate::resolve::Scope;
use crate::resolve::operations::bodies;
use crate::source::{Place, Pointer};

type Types = BTreeMap<TypeId, Definition>;

/// Settles how the bodies of requests are encoded.
pub(in crate::resolve) fn settle(scope: &mut Scope<'_>, system: &mut System) {
    let types = &system.types;
    let contract = &system.contract;
    let contexts = system.contexts.iter_mut().chain(&mut system.webhooks);
    for operation in contexts.flat_map(|context| &mut context.operations) {
        let place = Place::new(contract.clone(), pointer(operation));
        let mut lost = Vec::new();
        if let Some(body) = &mut operation.body {
            for offer in &mut body.offers {
                lost.extend(encode(types, offer, scope.heeds_siblings));
            }
            prefer_parts(types, body);
        }
        let errors: &mut [Answer] = match &mut operation.errors {
            Errors::Statuses(answers) => answers,
            Errors::Problems(_) => &mut [],
        };
        let answers = operation.answers.iter_mut().chain(errors);
        let answered = answers.filter_map(|answer| answer.body.as_mut());
        for offer in answered.flat_map(|body| &mut body.offers) {
            lost.extend(encode_answer(types, offer, scope.heeds_siblings));
        }
        let told = |kind| Diagnostic::new(place.clone(), kind);
        scope.problems.extend(lost.into_iter().map(told));
    }
}

/// The same of an answer. Who reads it has no schema at hand: a form is carried only where its
/// members can be told one by one.
fn encode_answer(types: &Types, offer: &mut Offer, heeds_styles: bool) -> Vec<Kind> {
    if !matches!(offer.kind, BodyKind::Form | BodyKind::Multipart) {
        return Vec::new();
    }
    if offer.ty == Type::Any {
        bodies::as_bytes(offer);
        return Vec::new();
    }
    let mut lost = encode(types, offer, heeds_styles);
    if offer.kind != BodyKind::Bytes && form::members(types, offer).is_none() {
        let why = "a form in an answer is carried as bytes where its members nest, may be of \
                   several types or have a `style`";
        lost = vec![Kind::Degraded { what: "a body", why: why.to_owned() }];
        bodies::as_bytes(offer);
    }
    lost
}

fn pointer(operation: &Operation) -> Pointer {
    let path = Pointer::default().child("paths").child(&operation.path);
    path.child(&operation.method.to_lowercase())
}

/// Files travel in parts: JSON has no bytes.
fn prefer_parts(types: &Types, body: &mut Body) {
    let holds_files = |offer: &Offer| {
        let object = object(types, &offer.ty);
        let members = object.map(|object| object.properties.as_slice()).unwrap_or_default();
        offer.kind == BodyKind::Multipart && members.iter().any(|member| is_file(&member.ty))
    };
    if let Some(index) = body.offers.iter().position(holds_files) {
        let offer = body.offers.remove(index);
        body.offers.insert(0, offer);
    }
}

fn is_file(ty: &Type) -> bool {
    match ty.present() {
        Type::Scalar(scalar) => *scalar == Scalar::Binary,
        Type::List(item) => is_file(item),
        Type::Map(_)
        | Type::Tuple(_)
        | Type::Named(_)
        | Type::Nullable(_)
        | Type::Problem
        | Type::Any => false,
    }
}

/// What of an offer's encoding is not carried; the offer is left with what is.
fn encode(types: &Types, offer: &mut Offer, heeds_styles: bool) -> Vec<Kind> {
    let mut lost = Vec::new();
    match offer.kind {
        BodyKind::Multipart if !has_members(types, &offer.ty) => {
            let why = "the parts of this body have no names: it is carried as bytes".to_owned();
            let hint = "describe an object, whose members are the parts".into();
            lost.push(Kind::Defect { why, hint });
            bodies::as_bytes(offer);
        }
        BodyKind::Multipart => {
            let is_other = |part: &Part| match part.style {
                Some(Style::Form | Style::DeepObject) | None => false,
                Some(
                    Style::Simple
                    | Style::Label
                    | Style::Matrix
                    | Style::Cookie
                    | Style::SpaceDelimited
                    | Style::PipeDelimited
                    | Style::Json
                    | Style::Whole,
                ) => true,
            };
            // OpenAPI 3.0 knows styles of `application/x-www-form-urlencoded` only.
            if heeds_styles && offer.parts.iter().any(is_other) {
                let why =
                    "the styles of its parts: lists repeat, objects travel as JSON".to_owned();
                lost.push(Kind::Degraded { what: "a multipart body", why });
            }
            offer.parts.retain(|part| {
                !part.media_types.is_empty() || part.style == Some(Style::DeepObject)
            });
        }
        BodyKind::Form => lay_out(types, offer),
        BodyKind::Json | BodyKind::Text | BodyKind::Parts | BodyKind::Bytes => {
            offer.parts.clear();
        }
    }
    lost
}

/// Settles how the members of a form are laid out: what is as usual is not said.
fn lay_out(types: &Types, offer: &mut Offer) {
    let object = object(types, &offer.ty);
    let is_list = |wire: &str| {
        let members = object.map(|object| object.properties.as_slice()).unwrap_or_default();
        let member = members.iter().find(|member| member.wire == wire);
        member.is_some_and(|member| matches!(member.ty.present(), Type::List(_)))
    };
    for part in &mut offer.parts {
        let is_json = part.media_types.iter().any(|found| found.contains("json"));
        if is_json {
            part.style = Some(Style::Json);
            part.explode = None;
        }
        part.style = part.style.filter(|style| *style != Style::Form);
    }
    // An object is spelled with brackets anyway.
    offer.parts.retain(|part| match part.style {
        Some(Style::DeepObject) => is_list(&part.wire),
        None => part.explode == Some(false),
        Some(
            Style::Simple
            | Style::Label
            | Style::Matrix
            | Style::Form
            | Style::Cookie
            | Style::SpaceDelimited
            | Style::PipeDelimited
            | Style::Json
            | Style::Whole,
        ) => true,
    });
}

fn object<'t>(types: &'t Types, ty: &Type) -> Option<&'t Object> {
    let Type::Named(id) = ty.present() else { return None };
    match &types.get(id)?.shape {
        Shape::Object(object) => Some(object),
        Shape::Alias(inner, _) => object_of_alias(types, inner),
        Shape::Enumeration(_) | Shape::Union(_) => None,
    }
}

/// One step is enough: an alias of an alias has no members of its own to tell.
fn object_of_alias<'t>(types: &'t Types, ty: &Type) -> Option<&'t Object> {
    let Type::Named(id) = ty.present() else { return None };
    match &types.get(id)?.shape {
        Shape::Object(object) => Some(object),
        Shape::Alias(..) | Shape::Enumeration(_) | Shape::Union(_) => None,
    }
}

/// Whether values are objects, whatever their members.
fn has_members(types: &Types, ty: &Type) -> bool {
    match ty.present() {
        Type::Map(_) | Type::Any => true,
        Type::Scalar(_) | Type::List(_) | Type::Tuple(_) | Type::Nullable(_) | Type::Problem => {
            false
        }
        Type::Named(id) => match types.get(id).map(|definition| &definition.shape) {
            Some(Shape::Object(_) | Shape::Union(_)) => true,
            Some(Shape::Alias(inner, _)) => !matches!(inner, Type::Scalar(_) | Type::List(_)),
            Some(Shape::Enumeration(_)) | None => false,
        },
    }
}
