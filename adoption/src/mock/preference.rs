//! `Prefer` (RFC 7240): which of the documented answers a caller wants to see.

/// What a caller prefers. The names are those that Prism reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Preference {
    /// `code=404`: the response of this status.
    pub(super) code: Option<u16>,
    /// `example=name`: the response example of this name.
    pub(super) example: Option<String>,
    /// `dynamic=true`: a value made from the schema, though there is an example.
    pub(super) is_dynamic: bool,
}

impl Preference {
    /// Reads the header; what is not understood is passed over, as RFC 7240 asks.
    pub(super) fn read(header: Option<&str>) -> Self {
        let mut preference = Self::default();
        for part in header.unwrap_or_default().split([',', ';']) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "code" => preference.code = value.parse().ok(),
                "example" => preference.example = Some(value.to_owned()),
                "dynamic" => preference.is_dynamic = value == "true",
                _ => {}
            }
        }
        preference
    }
}
