//! No place of a model holds any value at all without a word on why.

use std::fs;

use symbolon_codegen::model::{Additional, Body, Errors, Operation, Shape, System, Type};

use crate::cases::{cases_folder, contract};

#[test]
fn whatever_is_any_json_is_listed_with_its_reason() {
    let mut open = 0;
    for folder in fs::read_dir(cases_folder()).unwrap().map(|entry| entry.unwrap().path()) {
        if folder.join("openapi.yaml").exists() {
            let contract = contract(&folder, "openapi.yaml", &[]);
            let places = count(&contract.system);
            assert!(places == 0 || !contract.untyped.is_empty(), "{folder:?}: {places} places");
            open += usize::from(places > 0);
        }
    }
    assert!(open > 10, "nearly no case leaves anything open");
}

/// How many there are: properties, elements, members, variants, parameters and bodies.
fn count(system: &System) -> usize {
    let types = system.types.values().map(|definition| in_shape(&definition.shape));
    types.chain(system.operations().map(in_operation)).sum()
}

fn in_shape(shape: &Shape) -> usize {
    match shape {
        Shape::Object(object) => {
            let additional = match &object.additional {
                Additional::Kept(ty, _) => in_type(ty),
                Additional::Ignored | Additional::Denied => 0,
            };
            let properties = object.properties.iter().map(|property| in_type(&property.ty));
            properties.sum::<usize>() + additional
        }
        Shape::Union(union) => union.variants.iter().map(|variant| in_type(&variant.ty)).sum(),
        Shape::Alias(ty, _) => in_type(ty),
        Shape::Enumeration(_) => 0,
    }
}

fn in_type(ty: &Type) -> usize {
    match ty {
        Type::Any => 1,
        Type::Tuple(items) => items.iter().map(in_type).sum(),
        Type::List(inner) | Type::Map(inner) | Type::Nullable(inner) => in_type(inner),
        Type::Scalar(_) | Type::Named(_) | Type::Problem => 0,
    }
}

fn in_operation(operation: &Operation) -> usize {
    let errors = match &operation.errors {
        Errors::Statuses(answers) => answers.as_slice(),
        Errors::Problems(_) => &[],
    };
    let in_body = |body: &Option<Body>| {
        let offers = body.as_ref().map_or(&[][..], |body| &body.offers);
        offers.iter().map(|offer| in_type(&offer.ty)).sum::<usize>()
    };
    let parameters = operation.parameters.iter().map(|parameter| in_type(&parameter.ty));
    let answers = operation.answers.iter().chain(errors);
    let answered = answers.map(|answer| {
        let headers = answer.headers.iter().map(|header| in_type(&header.ty));
        headers.sum::<usize>() + in_body(&answer.body)
    });
    parameters.chain(answered).sum::<usize>() + in_body(&operation.body)
}
