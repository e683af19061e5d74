//! Parameters outside the body: how their values are written into a request and read back.
//!
//! Both halves use this one room, so what an SDK writes is what a server reads. It follows the
//! style table of OpenAPI 3.1 (Parameter Object, "Style Values") and RFC 6570.

mod decode;
mod encode;
mod field;
mod members;
mod reader;
mod refusal;

pub use encode::{EncodeError, encode_form, encode_form_as};
pub use field::{Field, decode_fields, decode_form, decode_form_as};
pub use members::{Member, members};
pub use refusal::Refusal;

use crate::In;

/// How a parameter's value is laid out as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `a,b,c`: the default of path and header parameters.
    Simple,
    /// `.a.b`: path parameters.
    Label,
    /// `;name=a;name=b`: path parameters.
    Matrix,
    /// `name=a&name=b`: the default of query and cookie parameters.
    Form,
    /// `name=a%20b`: lists in the query. No element may hold a space.
    SpaceDelimited,
    /// `name=a|b`: lists in the query. No element may hold a pipe.
    PipeDelimited,
    /// `name[key]=value`: objects in the query, nested ones included.
    DeepObject,
    /// `name=a; name=b`: cookies (OpenAPI 3.2). Nothing is percent-encoded, and what a cookie
    /// cannot hold as it is (RFC 6265, 4.1.1) is refused.
    Cookie,
    /// The value as JSON text: parameters that have `content` in place of `schema`.
    Json,
    /// The same as the whole query string, under no name (OpenAPI 3.2).
    Whole,
}

/// Descriptor of one parameter; generated code holds them as constants.
///
/// ```
/// use symbolon_wire::{Parameter, Style};
/// const TAG: Parameter = Parameter::query("tag").explode(false);
/// assert_eq!(TAG.encode_pairs(&["a", "b,c"])?, [("tag".into(), "a,b%2Cc".into())]);
/// assert_eq!(TAG.decode_pairs::<Vec<String>>(&[("tag", "a,b%2Cc")])?.unwrap(), ["a", "b,c"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Name on the wire.
    pub name: &'static str,
    /// The part of the request that carries it.
    pub location: In,
    /// Layout of its value.
    pub style: Style,
    /// Whether each element of a list or member of an object stands for itself.
    pub explode: bool,
    /// Whether reserved characters are written as they are (`allowReserved`).
    pub reserved: bool,
    /// Whether no value is read as no parameter (`allowEmptyValue`).
    pub or_empty: bool,
    /// Names of the members that it may be spread into, where its type does not list them: those of
    /// the objects of a union.
    pub spread: &'static [&'static str],
}

impl Parameter {
    /// A query parameter: form, exploded.
    pub const fn query(name: &'static str) -> Self {
        Self::new(name, In::Query, Style::Form, true)
    }

    /// A path parameter: simple, not exploded.
    pub const fn path(name: &'static str) -> Self {
        Self::new(name, In::Path, Style::Simple, false)
    }

    /// A header parameter: simple, not exploded.
    pub const fn header(name: &'static str) -> Self {
        Self::new(name, In::Header, Style::Simple, false)
    }

    /// A cookie parameter: form, exploded.
    pub const fn cookie(name: &'static str) -> Self {
        Self::new(name, In::Cookie, Style::Form, true)
    }

    const fn new(name: &'static str, location: In, style: Style, explode: bool) -> Self {
        Self { name, location, style, explode, reserved: false, or_empty: false, spread: &[] }
    }

    /// The same parameter with reserved characters (RFC 3986, 2.2) written as they are, but for
    /// those that would end a value in a query string.
    #[must_use]
    pub const fn reserved(mut self) -> Self {
        self.reserved = true;
        self
    }

    /// The same parameter, absent where it has no value that its type could be.
    #[must_use]
    pub const fn or_empty(mut self) -> Self {
        self.or_empty = true;
        self
    }

    /// The same parameter, whose objects have members of these names.
    #[must_use]
    pub const fn spread(mut self, names: &'static [&'static str]) -> Self {
        self.spread = names;
        self
    }

    /// The same parameter in another style; `explode` becomes what OpenAPI says for that style.
    #[must_use]
    pub const fn style(mut self, style: Style) -> Self {
        self.style = style;
        self.explode = matches!(style, Style::Form | Style::Cookie);
        self
    }

    /// The same parameter with `explode` as the contract says. Call it after [`Self::style`].
    #[must_use]
    pub const fn explode(mut self, explode: bool) -> Self {
        self.explode = explode;
        self
    }

    /// JSON pointer of this parameter in its part of the request.
    pub fn pointer(&self) -> String {
        format!("/{}", self.name.replace('~', "~0").replace('/', "~1"))
    }
}
