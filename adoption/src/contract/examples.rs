//! Named examples, and how those of a request pair with those of its responses.

use std::collections::BTreeSet;

use serde_json::Value;
use symbolon_codegen::source::Cursor;

use super::{Media, Operation, Response, members};

/// The name of an example that has none, written as `example`.
const UNNAMED: &str = "example";

/// An example of a parameter, a body or a response.
#[derive(Debug, Clone)]
pub struct Example {
    /// Its name; `example` where it has none.
    pub name: &'static str,
    /// Its value.
    pub value: &'static Value,
    /// Whether it shows a caller other than the usual one (`x-credential`).
    pub is_of_another_caller: bool,
}

/// The `examples` of this object, or its `example`.
pub(super) fn read(at: &Cursor<'static>) -> Vec<Example> {
    let named = members(at, "examples").into_iter().filter_map(|(name, at)| {
        let is_of_another_caller = at.get("x-credential").is_some();
        Some(Example { name, value: at.value.get("value")?, is_of_another_caller })
    });
    let mut examples: Vec<Example> = named.collect();
    if let Some(value) = at.value.get("example") {
        examples.push(Example { name: UNNAMED, value, is_of_another_caller: false });
    }
    examples
}

/// A request that the contract shows: all parameter and body examples of one name.
#[derive(Debug, Clone)]
pub struct Case<'c> {
    /// The name.
    pub name: &'static str,
    /// Parameters by their index, with the value shown.
    pub parameters: Vec<(usize, &'static Value)>,
    /// The body, by the index of its media type, with the value shown.
    pub body: Option<(usize, &'static Value)>,
    /// Whether it shows a caller other than the usual one.
    pub is_of_another_caller: bool,
    /// The response examples of that name; the first success first.
    pub answers: Vec<Shown<'c>>,
}

/// A response that the contract shows.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'c> {
    /// The response it stands under.
    pub response: &'c Response,
    /// The media type it stands under.
    pub media: &'c Media,
    /// The example.
    pub example: &'c Example,
}

/// The named requests of an operation, sorted by name.
pub(super) fn cases(operation: &Operation) -> Vec<Case<'_>> {
    let parameters = operation.parameters.iter().flat_map(|parameter| &parameter.examples);
    let bodies = operation.bodies.iter().flat_map(|media| &media.examples);
    let names: BTreeSet<&'static str> =
        parameters.chain(bodies).map(|example| example.name).collect();
    names.into_iter().map(|name| case(operation, name)).collect()
}

fn case<'c>(operation: &'c Operation, name: &'static str) -> Case<'c> {
    let of = |examples: &'c [Example]| examples.iter().find(|example| example.name == name);
    // What has no name pairs with what goes well: a refusal would need a reason to be meant.
    let is_meant = |shown: &Shown<'c>| {
        shown.example.name == name && (name != UNNAMED || shown.response.status.is_success())
    };
    let mut found = Case {
        name,
        parameters: Vec::new(),
        body: None,
        is_of_another_caller: false,
        answers: operation.shown().filter(is_meant).collect(),
    };
    for (index, parameter) in operation.parameters.iter().enumerate() {
        if let Some(example) = of(&parameter.examples) {
            found.parameters.push((index, example.value));
            found.is_of_another_caller |= example.is_of_another_caller;
        }
    }
    for (index, media) in operation.bodies.iter().enumerate() {
        if let Some(example) = of(&media.examples) {
            found.body = Some((index, example.value));
            found.is_of_another_caller |= example.is_of_another_caller;
            break;
        }
    }
    found
}
