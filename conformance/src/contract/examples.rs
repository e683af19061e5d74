//! Named examples, of requests and of responses.

use serde_json::Value;
use symbolon_codegen::source::Cursor;

use super::Reading;

/// The name of an example that has none, written as `example`.
pub(crate) const UNNAMED: &str = "example";

/// An example of a parameter, a body or a response.
#[derive(Debug, Clone)]
pub(crate) struct Example<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: &'a Value,
    /// The runtime expression that gives the value at run time, if one does.
    pub(crate) from: Option<&'a str>,
    /// The credential to send, if it is not the default one.
    pub(crate) credential: Option<&'a str>,
    pub(crate) at: Cursor<'a>,
}

/// The `examples` of this object, or its `example`.
pub(super) fn read<'a>(reading: &mut Reading<'a>, at: &Cursor<'a>) -> Vec<Example<'a>> {
    let named = reading.members(at, "examples");
    let mut examples: Vec<Example<'a>> = named
        .into_iter()
        .filter_map(|(name, at)| {
            let value = at.value.get("value")?;
            let (from, credential) = (at.text("x-from"), at.text("x-credential"));
            Some(Example { name, value, from, credential, at })
        })
        .collect();
    if let Some(at) = at.get("example") {
        let (name, value) = (UNNAMED, at.value);
        examples.push(Example { name, value, from: None, credential: None, at });
    }
    examples
}
