//! What every crate of a system opens with: its heading, its manifest, its modules.

use serde::Serialize;

use super::idents::{doc_lines, literal, module_ident, operation_ident};
use super::layout::{bracketed, import, or_long};
use crate::emit::render::one_line;
use crate::model::{BodyKind, Context, Direction, Name, Operation, Style, System};

/// First lines of every generated file.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Heading {
    pub(crate) command: &'static str,
    pub(crate) contract: String,
    pub(crate) title: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Manifest {
    #[serde(flatten)]
    pub(crate) heading: Heading,
    pub(crate) package: String,
    /// As a TOML string.
    pub(crate) description: String,
}

/// What stands in the first line of every generated file.
pub(crate) fn heading(system: &System) -> Heading {
    Heading {
        command: system.command,
        contract: one_line(&system.contract),
        title: one_line(&system.title),
    }
}

/// The name of a package of this system: `calls-wire`.
pub(crate) fn package(system: &System, half: &str) -> String {
    format!("{}-{half}", system.name.words().join("-"))
}

/// What the manifest of a generated crate says.
pub(crate) fn manifest(system: &System, half: &str, what: &str) -> Manifest {
    let description = format!("{what} {}", one_line(&system.title));
    Manifest {
        heading: heading(system),
        package: package(system, half),
        description: toml::Value::String(description).to_string(),
    }
}

/// The module of each context; none takes the name of a module the crate has of its own.
pub(crate) fn context_module(context: &Context) -> String {
    let ident = module_ident(&context.name.ascii());
    let taken = [
        "access",
        "client",
        "codecs",
        "events",
        "keyring",
        "lib",
        "problems",
        "receive",
        "rules",
        "send",
        "serving",
        "sockets",
        "unreferenced",
        "wire",
    ];
    if taken.contains(&ident.as_str()) { format!("{ident}_") } else { ident }
}

/// What a context is for.
pub(crate) fn context_docs(context: &Context) -> Vec<String> {
    let docs = doc_lines(context.description.as_deref());
    if docs.is_empty() {
        return vec![format!("Operations tagged `{}`.", one_line(&context.tag))];
    }
    docs
}

/// Which operations a context has, as the end of a sentence.
pub(crate) fn which(context: &Context) -> String {
    match context.direction {
        Direction::Asked => format!("tagged `{}`", one_line(&context.tag)),
        Direction::Asking => format!("that callers answer: {}", one_line(&context.tag)),
    }
}

/// The requests that open sockets, as operations have them.
pub(crate) fn sockets_context(system: &System) -> Context {
    Context {
        name: Name::new("sockets"),
        tag: "sockets".to_owned(),
        direction: Direction::Asked,
        description: None,
        operations: system.handshakes().cloned().collect(),
    }
}

/// What a file of operations takes from `symbolon_wire`.
pub(crate) fn wire_imports(context: &Context) -> String {
    wire_imports_with(context, &["markers", "messages"])
}

/// The same, with these macros.
pub(crate) fn wire_imports_with(context: &Context, macros: &[&'static str]) -> String {
    let mut names = macros.to_vec();
    let styles = styles(context);
    if !styles.is_empty() {
        names.insert(0, "Parameter");
    }
    if styles.iter().any(Option::is_some) {
        names.insert(1, "Style");
    }
    import("symbolon_wire", &names)
}

/// The styles of all parameters, and of what is written like them: members of forms, headers.
fn styles(context: &Context) -> Vec<Option<Style>> {
    let operations = || context.operations.iter();
    let parameters = operations().flat_map(|found| &found.parameters);
    let bodies = operations().filter_map(|found| found.body.as_ref());
    let forms = bodies.flat_map(|body| &body.offers).filter(|offer| offer.kind == BodyKind::Form);
    let parts = forms.flat_map(|offer| &offer.parts).map(|part| part.style);
    let answers = operations().flat_map(Operation::every_answer);
    let headers = answers.flat_map(|answer| &answer.headers);
    let headers = headers.filter(|header| header.style.is_some() || header.explode.is_some());
    let headers = headers.map(|header| header.style);
    parameters.map(|parameter| parameter.style).chain(parts).chain(headers).collect()
}

/// The statement that declares the marker type of each operation.
pub(crate) fn markers(context: &Context) -> String {
    let idents: Vec<String> = context
        .operations
        .iter()
        .map(|operation| operation_ident(&context.name, &operation.name))
        .collect();
    bracketed(0, "markers!(", &idents, ");")
}

/// Where an operation stands: its path, or the URL that a callback goes to.
pub(crate) fn place(operation: &Operation) -> &str {
    operation.destination.as_ref().map_or(&operation.path, |found| &found.expression)
}

/// What the edge or a client has to know of an operation beforehand: what every operation has, and
/// what this one has besides.
pub(crate) fn info(operation: &Operation, path: &str, besides: &[String]) -> String {
    let facts = [literal(&operation.id), method(&operation.method), literal(path)];
    let head = bracketed(4, "const INFO: Info = Info::new(", &facts, ")");
    let one_line = format!("{head}{};", besides.concat());
    or_long(4, one_line, || {
        let calls = besides.iter().map(|call| format!("\n        {call}"));
        format!("{head}{};", calls.collect::<String>())
    })
}

/// A method as the runtimes name it.
fn method(name: &str) -> String {
    const KNOWN: [&str; 9] =
        ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "QUERY"];
    match KNOWN.contains(&name) {
        true => format!("Method::{name}"),
        false => format!("Method::Other({})", literal(name)),
    }
}
