//! Links held against the operations they lead to and the values they name.

use serde_json::Value;

use crate::model::{
    Additional, Answer, Body, BodyKind, Errors, Link, Location, Name, Operation, Parameter, Shape,
    Source, Status, System, Type,
};
use crate::resolve::Scope;
use crate::source::Cursor;

/// Links of a response while its operation is still being read.
#[derive(Debug)]
pub(in crate::resolve) struct Linked<'a> {
    /// Name of the operation.
    pub(in crate::resolve) operation: Name,
    /// Which of its responses.
    pub(in crate::resolve) status: Status,
    /// The links, by name.
    pub(in crate::resolve) at: Cursor<'a>,
}

/// Gives answers their links, once every operation is known.
pub(in crate::resolve) fn resolve(scope: &mut Scope<'_>, system: &mut System) {
    let mut found: Vec<(Name, Status, Link)> = Vec::new();
    for Linked { operation, status, at } in std::mem::take(&mut scope.linked) {
        for (wire, at) in at.members() {
            if wire.starts_with("x-") {
                continue;
            }
            let Some(at) = scope.follow(&at) else { continue };
            let owner = system.operations().find(|found| found.name == operation);
            let Some(owner) = owner else { continue };
            let mut name = Name::new(wire);
            let is_like = |(of, _, link): &&(Name, Status, Link)| {
                *of == operation && link.name.key() == name.key()
            };
            if found.iter().any(|known| is_like(&known)) {
                name = name.then(&Name::new(&label(status)));
            }
            let read = Reading { system, owner, answer: answer(owner, status) };
            if let Some(link) = read.link(scope, &at, wire, name) {
                found.push((operation.clone(), status, link));
            }
        }
    }
    let operations = system.contexts.iter_mut().flat_map(|context| &mut context.operations);
    for operation in operations {
        let of = found.iter().filter(|(name, _, _)| *name == operation.name);
        let errors: &mut [Answer] = match &mut operation.errors {
            Errors::Statuses(answers) => answers,
            Errors::Problems(_) => &mut [],
        };
        for (_, status, link) in of {
            let mut answers = operation.answers.iter_mut().chain(errors.iter_mut());
            if let Some(answer) = answers.find(|answer| answer.status == *status) {
                answer.links.push(link.clone());
            }
        }
    }
}

fn label(status: Status) -> String {
    match status {
        Status::Code(code) => code.to_string(),
        Status::Range(hundred) => format!("{hundred}xx"),
        Status::Default => "default".to_owned(),
    }
}

fn answer(operation: &Operation, status: Status) -> Option<&Answer> {
    let errors: &[Answer] = match &operation.errors {
        Errors::Statuses(answers) => answers,
        Errors::Problems(_) => &[],
    };
    operation.answers.iter().chain(errors).find(|answer| answer.status == status)
}

/// Why no request of an operation says a value; nothing at all if only its answer does.
pub(in crate::resolve) fn unasked(
    system: &System,
    owner: &Operation,
    source: &Source,
) -> Option<Option<&'static str>> {
    match source {
        Source::Parameter(..) | Source::RequestBody(_) => {
            Reading { system, owner, answer: None }.refusal(source).map(Some)
        }
        Source::Constant(_)
        | Source::Header(_)
        | Source::AnswerBody(_)
        | Source::Status
        | Source::Method
        | Source::Url => Some(None),
    }
}

/// What the expressions of a link speak of.
struct Reading<'s> {
    system: &'s System,
    owner: &'s Operation,
    answer: Option<&'s Answer>,
}

impl Reading<'_> {
    fn link<'a>(
        &self,
        scope: &mut Scope<'a>,
        at: &Cursor<'a>,
        wire: &str,
        name: Name,
    ) -> Option<Link> {
        let target = self.target(scope, at)?;
        if let Some(server) = at.get("server") {
            scope.degrade(&server, "a link", "it leads to where its operation is served");
        }
        let mut parameters = Vec::new();
        for (key, value) in at.get("parameters").map(|found| found.members()).unwrap_or_default() {
            let Some(parameter) = parameter(target, key) else {
                let why = format!("`{key}` is no parameter of `{}`; it is left out", target.id);
                scope.defect(&value, why, "name a parameter of the operation that is linked");
                continue;
            };
            if let Some(source) = self.source(scope, &value) {
                parameters.push((parameter.location, parameter.wire.clone(), source));
            }
        }
        let body = at.get("requestBody").and_then(|value| match &target.body {
            Some(body) if body.variants().len() == 1 => self.source(scope, &value),
            Some(_) => {
                let why = "the body it leads to has several forms; callers bring it";
                scope.degrade(&value, "a link", why);
                None
            }
            None => {
                let why = format!("`{}` takes no body; it is left out", target.id);
                scope.defect(&value, why, "take `requestBody` out of the link");
                None
            }
        });
        let description = at.text("description").map(str::to_owned);
        let (wire, target) = (wire.to_owned(), target.id.clone());
        Some(Link { wire, name, target, parameters, body, description })
    }

    /// The operation a link leads to.
    fn target<'a>(&self, scope: &mut Scope<'a>, at: &Cursor<'a>) -> Option<&Operation> {
        let hint = "name an operation by its `operationId`, or point at it by `operationRef`";
        if let Some(id) = at.text("operationId") {
            let found = self.system.operations().find(|operation| operation.id == id);
            if found.is_none() {
                scope.defect(
                    at,
                    format!("no operation has the id `{id}`: the link is left out"),
                    hint,
                );
            }
            return found;
        }
        let Some(reference) = at.text("operationRef") else {
            let why = "it leads to no operation: the link is left out".to_owned();
            scope.defect(at, why, hint);
            return None;
        };
        let place = at.target(reference).ok().map(|found| found.id());
        let name = place.and_then(|place| scope.operations.get(&place));
        let found = name.and_then(|name| self.system.operations().find(|it| it.name == *name));
        if found.is_none() {
            let why = format!("`{reference}` is no operation: the link is left out");
            scope.defect(at, why, hint);
        }
        found
    }

    /// Where a value is, if that is somewhere the contract knows of.
    fn source<'a>(&self, scope: &mut Scope<'a>, at: &Cursor<'a>) -> Option<Source> {
        let text = match at.value {
            Value::String(text) => text,
            Value::Null | Value::Bool(_) | Value::Number(_) => {
                return Some(Source::Constant(at.value.clone()));
            }
            Value::Array(_) | Value::Object(_) => {
                scope.degrade(at, "a link", "a value with structure; callers bring it");
                return None;
            }
        };
        let is_template = text.contains("{$");
        if is_template || (text.starts_with('$') && Source::parse(text).is_none()) {
            let why = "an expression that is not a value alone; callers bring it";
            scope.degrade(at, "a link", why);
            return None;
        }
        if text == "$url" {
            let why = "the URL of the request is known to the transport alone; callers bring it";
            scope.degrade(at, "a link", why);
            return None;
        }
        let Some(source) = Source::parse(text) else {
            return Some(Source::Constant(at.value.clone()));
        };
        match self.refusal(&source) {
            Some(why) => {
                let hint = "an expression names what the request or the response has";
                scope.defect(at, format!("`{text}` {why}; callers bring it"), hint);
                None
            }
            None => Some(source),
        }
    }

    /// Why there can be no such value.
    fn refusal(&self, source: &Source) -> Option<&'static str> {
        match source {
            Source::Constant(_) | Source::Status | Source::Method | Source::Url => None,
            Source::Parameter(location, wire) => {
                let is_it = |found: &&Parameter| {
                    found.location == *location
                        && (found.wire == *wire
                            || (*location == Location::Header
                                && found.wire.eq_ignore_ascii_case(wire)))
                };
                let missing = self.owner.parameters.iter().find(is_it).is_none();
                missing.then_some("is no parameter of the request")
            }
            Source::Header(wire) => {
                let headers = self.answer.map(|answer| answer.headers.as_slice());
                let mut headers = headers.unwrap_or_default().iter();
                let missing = !headers.any(|header| header.wire.eq_ignore_ascii_case(wire));
                missing.then_some("is no typed header of the response")
            }
            Source::RequestBody(pointer) => self.nothing_at(self.owner.body.as_ref(), pointer),
            Source::AnswerBody(pointer) => {
                let body = self.answer.and_then(|answer| answer.body.as_ref());
                self.nothing_at(body, pointer)
            }
        }
    }

    fn nothing_at(&self, body: Option<&Body>, pointer: &str) -> Option<&'static str> {
        let Some(body) = body else { return Some("speaks of a body that is not there") };
        let [offer] = body.offers.as_slice() else {
            return (body.variants().len() > 1).then_some("speaks of a body of several forms");
        };
        let is_read = match offer.kind {
            BodyKind::Json | BodyKind::Form => true,
            BodyKind::Text => pointer.is_empty(),
            BodyKind::Multipart | BodyKind::Parts | BodyKind::Bytes => false,
        };
        if offer.stream.is_some() || !is_read {
            return Some("speaks of a body that is no value");
        }
        let tokens = pointer.split('/').skip(1).map(|token| token.replace("~1", "/"));
        let tokens: Vec<String> = tokens.map(|token| token.replace("~0", "~")).collect();
        (!self.holds(&offer.ty, &tokens, 0)).then_some("is no place of the body")
    }

    /// Whether a value may stand at the end of a way; types that leave it open may hold anything.
    fn holds(&self, ty: &Type, way: &[String], aliases: usize) -> bool {
        let Some((token, rest)) = way.split_first() else { return true };
        match ty.present() {
            Type::Any | Type::Problem => true,
            Type::Map(inner) => self.holds(inner, rest, 0),
            Type::List(inner) => token.parse::<usize>().is_ok() && self.holds(inner, rest, 0),
            Type::Tuple(_) => token.parse::<usize>().is_ok(),
            Type::Scalar(_) | Type::Nullable(_) => false,
            Type::Named(id) => match &self.system.definition(id).shape {
                Shape::Alias(inner, _) => aliases > 32 || self.holds(inner, way, aliases + 1),
                Shape::Enumeration(_) => false,
                Shape::Union(_) => true,
                Shape::Object(object) => match (object.property(token), &object.additional) {
                    (Some(property), _) => self.holds(&property.ty, rest, 0),
                    (None, Additional::Kept(inner, _)) => self.holds(inner, rest, 0),
                    (None, Additional::Ignored | Additional::Denied) => false,
                },
            },
        }
    }
}

/// The parameter that a key names, alone or behind its place: `id`, `path.id`.
fn parameter<'o>(operation: &'o Operation, key: &str) -> Option<&'o Parameter> {
    let places = [
        ("path.", Location::Path),
        ("query.", Location::Query),
        ("header.", Location::Header),
        ("cookie.", Location::Cookie),
    ];
    let mut parameters = operation.parameters.iter();
    let alone = parameters.find(|found| found.wire == key);
    alone.or_else(|| {
        let (location, wire) =
            places.iter().find_map(|(prefix, at)| Some((at, key.strip_prefix(prefix)?)))?;
        let mut parameters = operation.parameters.iter();
        parameters.find(|found| found.location == *location && found.wire == wire)
    })
}
