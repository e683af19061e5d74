//! Operations: what can be asked of the system, and how it answers.

use serde_json::Value;

use super::{Constraints, Destination, Link, Name, Requirement, Rule, Server, Type};

/// The operations of one tag, or all webhooks, or all callbacks.
#[derive(Debug, Clone, PartialEq)]
pub struct Context {
    /// The tag as words.
    pub name: Name,
    /// The tag as written.
    pub tag: String,
    /// Who asks and who answers.
    pub direction: Direction,
    /// Prose of the contract.
    pub description: Option<String>,
    /// Sorted by name.
    pub operations: Vec<Operation>,
}

/// Who asks and who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Callers ask, the system answers.
    Asked,
    /// The system asks, callers answer.
    Asking,
}

/// One method on one path.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// `operationId`, or one made of method and path.
    pub id: String,
    /// The id as words, unique in its system.
    pub name: Name,
    /// HTTP method in capitals.
    pub method: String,
    /// Path template.
    pub path: String,
    /// The template of another operation of this method that the same paths match: no server can
    /// tell the two apart, so the other one answers.
    pub shadowed: Option<String>,
    /// `summary`.
    pub summary: Option<String>,
    /// `description`.
    pub description: Option<String>,
    /// Whether the contract advises against its use.
    pub deprecated: bool,
    /// Where it is served, if that is not where the rest of its contract is.
    pub server: Option<Server>,
    /// Where it goes, if it is a callback.
    pub destination: Option<Destination>,
    /// Parameters, sorted by location and name.
    pub parameters: Vec<Parameter>,
    /// The request body.
    pub body: Option<Body>,
    /// Success answers, sorted by status.
    pub answers: Vec<Answer>,
    /// Documented errors.
    pub errors: Errors,
    /// Alternatives (OR) of schemes that go together (AND).
    pub security: Vec<Vec<Requirement>>,
    /// `x-idempotency`.
    pub idempotency: Option<Idempotency>,
    /// `x-deadline`, in milliseconds.
    pub deadline_ms: Option<u64>,
    /// `x-rate-limit`.
    pub rate_limit: Option<RateLimit>,
    /// `x-pagination`.
    pub pagination: Option<Pagination>,
    /// `x-emits`: names of the messages a success leads to.
    pub emits: Vec<String>,
}

impl Operation {
    /// Successes, and the errors that have an answer of their own.
    pub fn every_answer(&self) -> impl Iterator<Item = &Answer> {
        let errors: &[Answer] = match &self.errors {
            Errors::Statuses(answers) => answers,
            Errors::Problems(_) => &[],
        };
        self.answers.iter().chain(errors)
    }

    /// Calls `visit` for the type of everything that is asked.
    pub fn each_asked<'o>(&'o self, visit: &mut dyn FnMut(&'o Type)) {
        self.parameters.iter().for_each(|parameter| visit(&parameter.ty));
        self.body.iter().flat_map(|body| &body.offers).for_each(|offer| visit(&offer.ty));
    }

    /// Calls `visit` for the type of everything that is answered.
    pub fn each_answered<'o>(&'o self, visit: &mut dyn FnMut(&'o Type)) {
        for answer in self.every_answer() {
            answer.headers.iter().for_each(|header| visit(&header.ty));
            answer.body.iter().flat_map(|body| &body.offers).for_each(|offer| visit(&offer.ty));
        }
    }

    /// Calls `visit` for every rule that a request is held against, but for those of its types.
    pub fn each_rule<'o>(&'o self, visit: &mut dyn FnMut(&'o Rule)) {
        for parameter in &self.parameters {
            parameter.constraints.each_rule(visit);
        }
        for offer in self.body.iter().flat_map(|body| &body.offers) {
            offer.constraints.each_rule(visit);
        }
    }
}

/// A parameter of an operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Its name on the wire.
    pub wire: String,
    /// Its name as words, unique in its operation.
    pub name: Name,
    /// Where it travels.
    pub location: Location,
    /// Whether every request must carry it.
    pub required: bool,
    /// How structure is spelled, where it is not the location's default.
    pub style: Option<Style>,
    /// Whether structure is spread over several pairs, where it is not the style's default.
    pub explode: Option<bool>,
    /// Whether reserved characters are sent as they are (`allowReserved`).
    pub allow_reserved: bool,
    /// Whether no value is as good as no parameter (`allowEmptyValue`).
    pub allow_empty: bool,
    /// Names of the members that a union of objects may be spread into, sorted: its type does not
    /// list them. Empty for anything else.
    pub spread: Vec<String>,
    /// Its type.
    pub ty: Type,
    /// What its value must keep to.
    pub constraints: Constraints,
    /// What an absent parameter stands for (`default`).
    pub default: Option<Value>,
    /// Prose of the contract.
    pub description: Option<String>,
}

/// Where a parameter travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Location {
    /// In the path.
    Path,
    /// In the query string.
    Query,
    /// In a header.
    Header,
    /// In a cookie.
    Cookie,
}

/// How OpenAPI spells structured parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `a,b`.
    Simple,
    /// `.a.b`.
    Label,
    /// `;x=a;x=b`.
    Matrix,
    /// `x=a&x=b`.
    Form,
    /// `x=a%20b`.
    SpaceDelimited,
    /// `x=a|b`.
    PipeDelimited,
    /// `x[k]=v`.
    DeepObject,
    /// `x=a; x=b`, and nothing is percent-encoded.
    Cookie,
    /// As a JSON text: a parameter with `content`.
    Json,
    /// As a JSON text that is the whole query string.
    Whole,
}

/// The body of a request or an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Body {
    /// Whether every such message must carry it.
    pub required: bool,
    /// The forms it may have, the best first; never empty.
    pub offers: Vec<Offer>,
}

impl Body {
    /// The form that is preferred.
    ///
    /// # Panics
    /// Never for bodies of a system: `resolve` makes none without an offer.
    pub fn best(&self) -> &Offer {
        self.offers.first().expect("resolve makes no body without an offer")
    }

    /// The offers by what they hold: those of a group differ in nothing but their encoding, so that
    /// one value can be sent as either. In the order of the first of each.
    pub fn variants(&self) -> Vec<Vec<&Offer>> {
        let mut variants: Vec<Vec<&Offer>> = Vec::new();
        for offer in &self.offers {
            match variants.iter_mut().find(|group| group[0].holds_what(offer)) {
                Some(group) => group.push(offer),
                None => variants.push(vec![offer]),
            }
        }
        variants
    }

    /// Whether any offer is a stream of items.
    pub fn is_streamed(&self) -> bool {
        let is_live = |offer: &Offer| match offer.stream {
            Some(Stream::Events | Stream::WholeEvents | Stream::Lines) => true,
            Some(Stream::Collected) | None => false,
        };
        self.offers.iter().any(is_live)
    }
}

/// One form of a body: media types of one schema, encoded alike.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    /// How it is encoded, as words; unique in its body.
    pub name: Name,
    /// How it is encoded.
    pub kind: BodyKind,
    /// The media types it may have; the first is the one sent.
    pub media_types: Vec<String>,
    /// Its type.
    pub ty: Type,
    /// What its value must keep to.
    pub constraints: Constraints,
    /// Whether it is a stream of items of the type, and how they follow each other.
    pub stream: Option<Stream>,
    /// How the members of a form are encoded, where it is not as their types say; sorted by name.
    pub parts: Vec<Part>,
}

impl Offer {
    /// The media type sent; where the contract leaves it open, the usual one of its kind.
    ///
    /// # Panics
    /// Never for offers of a system: `resolve` makes none without a media type.
    pub fn media_type(&self) -> &str {
        let first = self.media_types.first().expect("resolve makes no offer without a media type");
        match self.kind {
            _ if !first.contains('*') => first,
            BodyKind::Json => "application/json",
            BodyKind::Form => "application/x-www-form-urlencoded",
            BodyKind::Multipart => "multipart/form-data",
            BodyKind::Parts => "multipart/mixed",
            BodyKind::Text => "text/plain",
            BodyKind::Bytes => "application/octet-stream",
        }
    }

    /// Whether bytes are of a media type that the contract leaves open: a range such as `image/*`,
    /// or a form whose parts have no names, and whose boundary belongs to it.
    pub fn is_open(&self) -> bool {
        let is_open = |found: &String| found.contains('*') || found.starts_with("multipart/");
        self.kind == BodyKind::Bytes && self.media_types.iter().any(is_open)
    }

    /// Whether a value of one is a value of the other. What is carried as it comes is told apart by
    /// its media type alone.
    fn holds_what(&self, other: &Self) -> bool {
        let is_carried = |offer: &Self| match offer.kind {
            BodyKind::Json | BodyKind::Form | BodyKind::Multipart => false,
            BodyKind::Text => offer.media_type() != "text/plain",
            BodyKind::Bytes | BodyKind::Parts => true,
        };
        self.ty == other.ty
            && self.constraints == other.constraints
            && self.stream == other.stream
            && !is_carried(self)
            && !is_carried(other)
    }
}

/// How the items of a stream follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// `text/event-stream` (HTML Standard, 9.2); the type is that of `data`.
    Events,
    /// The same, where the type is that of the event as a whole, with members `event` and `data`.
    WholeEvents,
    /// One JSON document a line, or RFC 7464.
    Lines,
    /// The same carried whole, as requests are: the type is the list of them.
    Collected,
}

/// How one member of a form is encoded (Encoding Object of OpenAPI).
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The member's name on the wire.
    pub wire: String,
    /// Its media types, the one sent first; empty where its type decides.
    pub media_types: Vec<String>,
    /// How structure is spelled, where it is not the default.
    pub style: Option<Style>,
    /// Whether structure is spread over several pairs, where it is not the style's default.
    pub explode: Option<bool>,
}

/// How a body is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyKind {
    /// JSON.
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `multipart/form-data`.
    Multipart,
    /// Parts in order, without names: `multipart/mixed` and the like.
    Parts,
    /// Text.
    Text,
    /// Anything else.
    Bytes,
}

/// A documented answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Which status it documents.
    pub status: Status,
    /// Typed headers, sorted by name.
    pub headers: Vec<Header>,
    /// How the body is encoded and what it is; none for an answer without one.
    pub body: Option<Body>,
    /// The requests it leads to, sorted by name on the wire.
    pub links: Vec<Link>,
    /// Prose of the contract.
    pub description: Option<String>,
}

/// The status a response documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// One code.
    Code(u16),
    /// A hundred, `4` for `4XX`.
    Range(u8),
    /// Every code that no other response documents.
    Default,
}

impl Status {
    /// The answer to one who has the body already (RFC 9110, 15.4.5).
    pub const NOT_MODIFIED: Self = Self::Code(304);
}

/// A typed response header.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// Its name on the wire.
    pub wire: String,
    /// Its name as words.
    pub name: Name,
    /// Whether every such response carries it.
    pub required: bool,
    /// How structure is spelled, where it is not `simple`.
    pub style: Option<Style>,
    /// Whether each member of an object says its name and its value, `a=1`.
    pub explode: Option<bool>,
    /// Its type.
    pub ty: Type,
}

/// How an operation's errors are told apart.
#[derive(Debug, Clone, PartialEq)]
pub enum Errors {
    /// By the stable code of the problem (`x-problems`), sorted.
    Problems(Vec<String>),
    /// By status.
    Statuses(Vec<Answer>),
}

/// An entry of the problem catalogue.
#[derive(Debug, Clone, PartialEq)]
pub struct ProblemKind {
    /// Its stable code.
    pub code: String,
    /// The code as words.
    pub name: Name,
    /// The status it comes with.
    pub status: u16,
    /// Its title, the same every time.
    pub title: String,
    /// URI of the kind, if the contract gives one.
    pub type_uri: Option<String>,
    /// Prose of the contract.
    pub description: Option<String>,
}

/// `x-idempotency`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// Whether every request must carry a key.
    pub required: bool,
    /// What a repetition gets.
    pub replay: Replay,
    /// For how many seconds an answer is known at least.
    pub retention_s: u64,
}

/// What the repetition of an idempotent request gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replay {
    /// The first answer.
    Stored,
    /// The first answer with this status.
    Status(u16),
    /// A problem, 409.
    Conflict,
}

/// `x-rate-limit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// So many requests of a caller.
    pub requests: u32,
    /// In so many seconds.
    pub window_s: u32,
}

/// `x-pagination`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pagination {
    /// Response property that holds the items.
    pub items: String,
    /// Parameter that takes the cursor.
    pub cursor: String,
    /// Response property that holds the next cursor.
    pub next: String,
    /// Parameter that limits a page.
    pub limit: Option<String>,
}
