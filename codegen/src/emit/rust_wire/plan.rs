//! What the templates of wire crates say, every string final.

use serde::{Serialize, Serializer};

use crate::emit::render::joined;
use crate::emit::rust::{Heading, Manifest as Package, Module};

fn lines<S: Serializer>(lines: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    joined("", lines, serializer)
}

fn members<S: Serializer>(lines: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    joined("    ", lines, serializer)
}

fn docs<S: Serializer>(lines: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    joined("/// ", lines, serializer)
}

fn member_docs<S: Serializer>(lines: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    joined("    /// ", lines, serializer)
}

fn inner_docs<S: Serializer>(lines: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    joined("        /// ", lines, serializer)
}

fn statements<S: Serializer>(lines: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    joined("            ", lines, serializer)
}

#[derive(Debug, Serialize)]
pub(super) struct Manifest {
    #[serde(flatten)]
    pub(super) package: Package,
    /// Whether it has the feature `schemars`.
    pub(super) described: bool,
    /// The features of tags, as lines.
    pub(super) features: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Codecs {
    #[serde(flatten)]
    pub(super) heading: Heading,
    /// Who has them, as the end of a sentence, unless they are shared.
    pub(super) whose: String,
    /// The path of the types below the module of all of them.
    pub(super) path: String,
    pub(super) imports: String,
    /// The modules of what one tag needs alone.
    pub(super) modules: Vec<Module>,
    pub(super) codecs: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Library {
    #[serde(flatten)]
    pub(super) heading: Heading,
    /// Whether tags have features.
    pub(super) is_split: bool,
    pub(super) has_events: bool,
    pub(super) has_rules: bool,
    pub(super) has_codecs: bool,
    pub(super) has_sockets: bool,
    pub(super) modules: Vec<Module>,
}

#[derive(Debug, Serialize)]
pub(super) struct Types {
    /// Whether `schemars` can describe the types.
    pub(super) described: bool,
    #[serde(flatten)]
    pub(super) heading: Heading,
    /// Who has them, as the end of a sentence, unless they are shared.
    pub(super) whose: String,
    pub(super) imports: Vec<Vec<String>>,
    /// The modules of what one tag needs alone.
    pub(super) modules: Vec<Module>,
    pub(super) items: Vec<Item>,
    pub(super) same: Vec<Same>,
}

/// A type that says the same as another, and is that one.
#[derive(Debug, Serialize)]
pub(super) struct Same {
    pub(super) ident: String,
    pub(super) first: String,
}

/// A named type: exactly one of the four kinds is there.
#[derive(Debug, Serialize)]
pub(super) struct Item {
    pub(super) ident: String,
    #[serde(serialize_with = "docs")]
    pub(super) docs: Vec<String>,
    pub(super) object: Option<Object>,
    pub(super) enumeration: Option<Enumeration>,
    pub(super) union: Option<Union>,
    pub(super) alias: Option<Alias>,
}

#[derive(Debug, Serialize)]
pub(super) struct Object {
    pub(super) derives: &'static str,
    #[serde(serialize_with = "lines")]
    pub(super) attributes: Vec<String>,
    pub(super) fields: Vec<Field>,
    #[serde(serialize_with = "lines")]
    pub(super) checks: Vec<String>,
    /// Methods that say what absent members stand for.
    #[serde(serialize_with = "lines")]
    pub(super) defaults: Vec<String>,
    /// The statement that makes it read and written.
    pub(super) codec: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Field {
    pub(super) ident: String,
    pub(super) ty: String,
    #[serde(serialize_with = "member_docs")]
    pub(super) docs: Vec<String>,
    #[serde(serialize_with = "members")]
    pub(super) attributes: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Enumeration {
    pub(super) derives: &'static str,
    pub(super) codec: String,
    /// The variants packed, where none needs a line of its own.
    #[serde(serialize_with = "lines")]
    pub(super) listed: Vec<String>,
    pub(super) variants: Vec<EnumerationVariant>,
    pub(super) lifecycle: bool,
    pub(super) initial: String,
    pub(super) transitions: Vec<Transition>,
}

#[derive(Debug, Serialize)]
pub(super) struct EnumerationVariant {
    pub(super) ident: String,
    pub(super) wire: String,
    #[serde(serialize_with = "member_docs")]
    pub(super) docs: Vec<String>,
    #[serde(serialize_with = "members")]
    pub(super) attributes: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Transition {
    pub(super) from: String,
    pub(super) to: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Union {
    pub(super) codec: String,
    pub(super) checked: bool,
    /// Whether the variant a value is read as has checks of its own to pass.
    pub(super) by_variant: bool,
    #[serde(serialize_with = "lines")]
    pub(super) rules: Vec<String>,
    pub(super) variants: Vec<UnionVariant>,
}

#[derive(Debug, Serialize)]
pub(super) struct UnionVariant {
    pub(super) ident: String,
    pub(super) ty: String,
    pub(super) doc: Option<String>,
    /// How it is recognized.
    pub(super) read: String,
    pub(super) from: bool,
    pub(super) unchecked: bool,
    #[serde(serialize_with = "lines")]
    pub(super) checks: Vec<String>,
}

/// What rules say by name.
#[derive(Debug, Serialize)]
pub(super) struct Rules {
    #[serde(flatten)]
    pub(super) heading: Heading,
    /// Who has them, as the end of a sentence, unless they are shared.
    pub(super) whose: String,
    /// The modules of what one tag needs alone.
    pub(super) modules: Vec<Module>,
    pub(super) predicates: Vec<Predicate>,
}

#[derive(Debug, Serialize)]
pub(super) struct Predicate {
    pub(super) ident: String,
    #[serde(serialize_with = "lines")]
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
    pub(super) which: String,
    pub(super) imports: Vec<Vec<String>>,
    pub(super) operations: Vec<Operation>,
}

/// A parameter, as a field of the request.
#[derive(Debug, Serialize)]
pub(super) struct Parameter {
    pub(super) ident: String,
    pub(super) ty: String,
    #[serde(serialize_with = "inner_docs")]
    pub(super) docs: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Operation {
    pub(super) ident: String,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) summary: String,
    pub(super) request_derives: &'static str,
    pub(super) fields: Vec<Parameter>,
    pub(super) unasked: bool,
    #[serde(serialize_with = "lines")]
    pub(super) checks: Vec<String>,
    /// Methods that say what absent parameters stand for.
    #[serde(serialize_with = "lines")]
    pub(super) defaults: Vec<String>,
    /// Whether it has answers; what opens a socket has none of its own.
    pub(super) answered: bool,
    pub(super) answers: Vec<Answer>,
    pub(super) response_derives: &'static str,
    pub(super) error_derives: &'static str,
    /// The enums of bodies that come in several forms.
    pub(super) bodies: Vec<Body>,
    /// The requests that answers lead to.
    pub(super) links: Vec<Links>,
    /// The functions that find where a callback goes.
    pub(super) urls: Vec<Url>,
    /// The statement that makes the one body of every answer easy to reach.
    pub(super) same_body: Option<String>,
    /// The same for documented errors.
    pub(super) same_error: Option<String>,
    pub(super) errors: Vec<Answer>,
    pub(super) unchecked: bool,
    pub(super) infallible: bool,
    /// The messages of either side, if it opens a socket.
    pub(super) messages: Vec<Messages>,
}

/// The messages that go one way on a socket.
#[derive(Debug, Serialize)]
pub(super) struct Messages {
    pub(super) ident: &'static str,
    pub(super) doc: &'static str,
    pub(super) variants: Vec<Said>,
    /// Whether nothing goes this way.
    pub(super) silent: bool,
    pub(super) has_json: &'static str,
    /// How payloads are held; unused where none is JSON.
    pub(super) held: &'static str,
    #[serde(serialize_with = "statements")]
    pub(super) read: Vec<String>,
}

/// A message on a socket.
#[derive(Debug, Serialize)]
pub(super) struct Said {
    pub(super) ident: String,
    #[serde(serialize_with = "inner_docs")]
    pub(super) docs: Vec<String>,
    pub(super) ty: String,
    pub(super) wire: String,
    /// The frame it travels in, as an expression.
    pub(super) written: &'static str,
}

/// Where a callback goes.
#[derive(Debug, Serialize)]
pub(super) struct Url {
    pub(super) docs: String,
    /// The attribute that leaves it out with the feature it needs.
    pub(super) gate: Option<String>,
    /// The import that it brings along then.
    pub(super) import: Option<&'static str>,
    pub(super) signature: String,
    /// The URL, as an expression.
    pub(super) found: String,
}

/// The links of a response or of an error.
#[derive(Debug, Serialize)]
pub(super) struct Links {
    pub(super) owner: &'static str,
    pub(super) methods: Vec<Link>,
}

#[derive(Debug, Serialize)]
pub(super) struct Link {
    #[serde(serialize_with = "inner_docs")]
    pub(super) docs: Vec<String>,
    /// The attribute that leaves it out with the feature it needs.
    pub(super) gate: Option<String>,
    /// The import that it brings along then.
    pub(super) import: Option<&'static str>,
    pub(super) signature: String,
    /// The statement that takes the answer apart.
    pub(super) opened: String,
    /// The request, as an expression.
    pub(super) built: String,
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
    #[serde(serialize_with = "inner_docs")]
    pub(super) docs: Vec<String>,
    /// The variant with what it holds.
    pub(super) variant: String,
}
