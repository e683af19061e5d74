//! The places of a model that hold any value at all.

use symbolon_codegen::model::{Additional, Body, Errors, Operation, Shape, System, Type};

/// How many there are: properties, elements, members, variants, parameters and bodies.
pub(super) fn count(system: &System) -> usize {
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
