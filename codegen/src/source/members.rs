//! Which members of a document are keywords, names its author chose, or plain data.

use serde_json::Value;

/// What the member names of an object are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// Keywords of the format.
    Keywords,
    /// Names the author chose: a property called `default` is no default.
    Chosen,
}

/// Keywords whose members have names the author chose.
const MAPS: [&str; 34] = [
    "$defs",
    "additionalOperations",
    "callbacks",
    "channels",
    "content",
    "correlationIds",
    "definitions",
    "dependentSchemas",
    "encoding",
    "examples",
    "headers",
    "links",
    "mapping",
    "mediaTypes",
    "messageTraits",
    "messages",
    "operationTraits",
    "operations",
    "parameters",
    "pathItems",
    "paths",
    "patternProperties",
    "properties",
    "replies",
    "replyAddresses",
    "requestBodies",
    "responses",
    "schemas",
    "securitySchemes",
    "serverVariables",
    "servers",
    "tags",
    "variables",
    "webhooks",
];

impl Names {
    /// What the names inside this member are; none for data, in which nothing is a reference.
    pub(super) fn inside(self, name: &str, value: &Value) -> Option<Self> {
        let is_data = || {
            matches!(name, "example" | "default" | "value" | "dataValue" | "const" | "enum")
                || name.starts_with("x-")
                || (name == "examples" && value.is_array())
        };
        match self {
            Self::Chosen => Some(Self::Keywords),
            Self::Keywords if is_data() => None,
            Self::Keywords if value.is_object() && MAPS.contains(&name) => Some(Self::Chosen),
            Self::Keywords => Some(Self::Keywords),
        }
    }
}
