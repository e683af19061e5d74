//! Expressions that both halves share: parameter descriptors and names of body kinds.

use super::idents::literal;
use crate::model::{BodyKind, Location, Parameter, Style};

/// A parameter as the descriptor of `symbolon_wire`.
pub(crate) fn descriptor(parameter: &Parameter) -> String {
    let location = match parameter.location {
        Location::Path => "path",
        Location::Query => "query",
        Location::Header => "header",
        Location::Cookie => "cookie",
    };
    let mut text = format!("Parameter::{location}({})", literal(&parameter.wire));
    if let Some(style) = parameter.style {
        let style = match style {
            Style::Simple => "Simple",
            Style::Label => "Label",
            Style::Matrix => "Matrix",
            Style::Form => "Form",
            Style::SpaceDelimited => "SpaceDelimited",
            Style::PipeDelimited => "PipeDelimited",
            Style::DeepObject => "DeepObject",
        };
        text.push_str(&format!(".style(Style::{style})"));
    }
    if let Some(explode) = parameter.explode {
        text.push_str(&format!(".explode({explode})"));
    }
    text
}

/// The method of the runtimes that reads or writes a body of this kind.
pub(crate) fn body_method(kind: BodyKind) -> &'static str {
    match kind {
        BodyKind::Json => "json",
        BodyKind::Form => "form",
        BodyKind::Multipart => "multipart",
        BodyKind::Text => "text",
        BodyKind::Bytes => "bytes",
    }
}
