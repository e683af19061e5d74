//! What the templates of wire crates say, every string final.

use serde::Serialize;

use crate::emit::rust::Heading;

#[derive(Debug, Serialize)]
pub(super) struct Library {
    #[serde(flatten)]
    pub(super) heading: Heading,
    pub(super) has_events: bool,
    pub(super) has_rules: bool,
    pub(super) modules: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Types {
    #[serde(flatten)]
    pub(super) heading: Heading,
    pub(super) imports: Vec<Vec<String>>,
    pub(super) items: Vec<Item>,
}

/// A named type: exactly one of the four kinds is there.
#[derive(Debug, Serialize)]
pub(super) struct Item {
    pub(super) ident: String,
    pub(super) docs: Vec<String>,
    pub(super) object: Option<Object>,
    pub(super) enumeration: Option<Enumeration>,
    pub(super) union: Option<Union>,
    pub(super) alias: Option<Alias>,
}

#[derive(Debug, Serialize)]
pub(super) struct Object {
    pub(super) derives: &'static str,
    pub(super) attributes: Vec<String>,
    pub(super) fields: Vec<Field>,
    pub(super) checks: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Field {
    pub(super) ident: String,
    pub(super) ty: String,
    pub(super) docs: Vec<String>,
    pub(super) attributes: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Enumeration {
    pub(super) derives: &'static str,
    /// The constant that lists every value.
    pub(super) all: String,
    pub(super) variants: Vec<EnumerationVariant>,
    pub(super) lifecycle: bool,
    pub(super) initial: String,
    pub(super) transitions: Vec<Transition>,
}

#[derive(Debug, Serialize)]
pub(super) struct EnumerationVariant {
    pub(super) ident: String,
    pub(super) wire: String,
    pub(super) docs: Vec<String>,
    pub(super) attributes: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Transition {
    pub(super) from: String,
    pub(super) to: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Union {
    pub(super) derives: &'static str,
    pub(super) untagged: bool,
    pub(super) tagged: bool,
    pub(super) property: String,
    pub(super) known: String,
    pub(super) checked: bool,
    pub(super) rules: Vec<String>,
    pub(super) variants: Vec<UnionVariant>,
}

#[derive(Debug, Serialize)]
pub(super) struct UnionVariant {
    pub(super) ident: String,
    pub(super) ty: String,
    pub(super) doc: Option<String>,
    /// The arm that reads it.
    pub(super) read: String,
    pub(super) from: bool,
    pub(super) unchecked: bool,
    pub(super) checks: Vec<String>,
}

/// What rules say by name.
#[derive(Debug, Serialize)]
pub(super) struct Rules {
    #[serde(flatten)]
    pub(super) heading: Heading,
    pub(super) predicates: Vec<Predicate>,
}

#[derive(Debug, Serialize)]
pub(super) struct Predicate {
    pub(super) ident: String,
    pub(super) lines: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Alias {
    pub(super) ty: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Context {
    #[serde(flatten)]
    pub(super) heading: Heading,
    pub(super) tag: String,
    pub(super) imports: Vec<Vec<String>>,
    pub(super) operations: Vec<Operation>,
}

#[derive(Debug, Serialize)]
pub(super) struct Operation {
    pub(super) ident: String,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) summary: String,
    pub(super) request_derives: &'static str,
    pub(super) fields: Vec<Field>,
    pub(super) unasked: bool,
    pub(super) checks: Vec<String>,
    pub(super) answers: Vec<Answer>,
    pub(super) response_derives: &'static str,
    pub(super) error_derives: &'static str,
    /// The enums of bodies that come in several forms.
    pub(super) bodies: Vec<Body>,
    /// The statement that makes the one body of every answer easy to reach.
    pub(super) same_body: Option<String>,
    /// The same for documented errors.
    pub(super) same_error: Option<String>,
    pub(super) errors: Vec<Answer>,
    pub(super) unchecked: bool,
    pub(super) infallible: bool,
}

/// A body that comes in several forms.
#[derive(Debug, Serialize)]
pub(super) struct Body {
    pub(super) ident: String,
    pub(super) doc: String,
    pub(super) derives: &'static str,
    pub(super) variants: Vec<BodyVariant>,
}

#[derive(Debug, Serialize)]
pub(super) struct BodyVariant {
    pub(super) ident: String,
    pub(super) doc: String,
    pub(super) ty: String,
    pub(super) from: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct Answer {
    pub(super) docs: Vec<String>,
    /// The variant with what it holds.
    pub(super) variant: String,
}
