//! Names as Rust identifiers.

use std::borrow::Cow;

use crate::emit::render::prose;
use crate::model::Name;

/// Words Rust keeps for itself, in any edition.
const KEYWORDS: [&str; 52] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "union", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Letters of the longest of them.
const LONGEST_KEYWORD: usize = 8;

/// Type names that generated files need for something else.
const TAKEN_TYPES: [&str; 42] = [
    "BTreeMap",
    "Base64",
    "Binary",
    "Box",
    "Clone",
    "Copy",
    "Date",
    "Debug",
    "Decimal",
    "Default",
    "Deserialize",
    "Deserializer",
    "Display",
    "Documented",
    "Eq",
    "Err",
    "From",
    "Hash",
    "In",
    "JsonSchema",
    "None",
    "Ok",
    "Open",
    "Option",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "Pattern",
    "Problem",
    "Result",
    "Self",
    "Serialize",
    "Serializer",
    "Some",
    "String",
    "Tagged",
    "Timestamp",
    "Uuid",
    "Validate",
    "Value",
    "Vec",
    "Violations",
];

/// A name as a type: `ServiceCall`.
pub(crate) fn type_ident(name: &Name) -> String {
    let ident = camel(name);
    if TAKEN_TYPES.contains(&ident.as_str()) { format!("{ident}_") } else { ident }
}

/// Names that files of operations need for something else.
const TAKEN_OPERATIONS: [&str; 33] = [
    "Arc",
    "Call",
    "Client",
    "DecodeError",
    "Err",
    "Fault",
    "Future",
    "IdempotencyRule",
    "Incoming",
    "Info",
    "Input",
    "Method",
    "None",
    "Ok",
    "Operation",
    "Option",
    "Outcome",
    "Outgoing",
    "Paged",
    "Parameter",
    "Rejected",
    "Replay",
    "Reply",
    "Requirement",
    "Result",
    "Routes",
    "Security",
    "Self",
    "Send",
    "Some",
    "Style",
    "Sync",
    "Vec",
];

/// A context as a trait or a client: `ServiceCalls`.
pub(crate) fn context_ident(name: &Name) -> String {
    let ident = camel(name);
    if TAKEN_OPERATIONS.contains(&ident.as_str()) { format!("{ident}_") } else { ident }
}

/// An operation as a marker type, apart from the name of its context.
pub(crate) fn operation_ident(context: &Name, operation: &Name) -> String {
    let ident = camel(operation);
    // Whoever is called so already moves on by one, so that no two meet.
    match ident.strip_prefix(&camel(context)) {
        Some(rest) if rest.replace("Operation", "").is_empty() => format!("{ident}Operation"),
        Some(_) | None => context_ident(operation),
    }
}

/// Methods that everything has, or that a client has of its own.
const TAKEN_METHODS: [&str; 10] = [
    "as_mut",
    "as_ref",
    "borrow",
    "clone",
    "clone_into",
    "drop",
    "into",
    "new",
    "to_owned",
    "try_into",
];

/// An operation as a method of a trait or a client.
pub(crate) fn method_ident(operation: &Name) -> String {
    let ident = field_ident(operation);
    if TAKEN_METHODS.contains(&ident.as_str()) { format!("{ident}_") } else { ident }
}

/// Crates and modules that generated files name in paths.
const TAKEN_MODULES: [&str; 9] = [
    "jiff",
    "schemars",
    "serde",
    "serde_json",
    "std",
    "symbolon_client",
    "symbolon_wire",
    "types",
    "uuid",
];

/// A name as a variant of an enum: `AlreadyRunning`.
pub(crate) fn variant_ident(name: &Name) -> String {
    let ident = camel(name);
    if ident == "Self" { "Self_".to_owned() } else { ident }
}

/// A name as a field, function or variable: `service_call_id`.
pub(crate) fn field_ident(name: &Name) -> String {
    let mut ident = String::with_capacity(64);
    for word in name.words() {
        if !ident.is_empty() {
            ident.push('_');
        }
        ident.push_str(&spelled(word));
    }
    if ident.len() <= LONGEST_KEYWORD && KEYWORDS.contains(&ident.as_str()) {
        ident.push('_');
        return ident;
    }
    lead(ident, "n")
}

/// A name as a module.
pub(crate) fn module_ident(name: &Name) -> String {
    let ident = field_ident(name);
    if TAKEN_MODULES.contains(&ident.as_str()) { format!("{ident}_") } else { ident }
}

/// A text as a string literal.
pub(crate) fn literal(text: &str) -> String {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')) {
        return ["\"", text, "\""].concat();
    }
    format!("{text:?}")
}

/// Prose as the text of doc comments.
pub(crate) fn doc_lines(text: Option<&str>) -> Vec<String> {
    prose(text, 90)
}

fn camel(name: &Name) -> String {
    let mut ident = String::with_capacity(64);
    for word in name.words() {
        let word = spelled(word);
        // Two numbers in a row must not run together: `1 2` is no `12`.
        let number = word.starts_with(|c: char| c.is_ascii_digit());
        if number && ident.ends_with(|c: char| c.is_ascii_digit()) {
            ident.push('_');
        }
        let mut characters = word.chars();
        match characters.next() {
            Some(first) if first.is_ascii() => ident.push(first.to_ascii_uppercase()),
            Some(first) => ident.extend(first.to_uppercase()),
            None => {}
        }
        ident.push_str(characters.as_str());
    }
    lead(ident, "N")
}

/// An identifier cannot begin with a digit.
fn lead(ident: String, letter: &str) -> String {
    if ident.starts_with(|c: char| c.is_ascii_digit()) { format!("{letter}{ident}") } else { ident }
}

/// A word in letters that an identifier may hold.
fn spelled(word: &str) -> Cow<'_, str> {
    if word.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Cow::Borrowed(word);
    }
    let may_stay = |c: char| c.is_ascii_alphanumeric() || c.is_alphabetic();
    if word.chars().all(may_stay) {
        return Cow::Borrowed(word);
    }
    let mut spelled = String::with_capacity(word.len() + 8);
    for character in word.chars() {
        if may_stay(character) {
            spelled.push(character);
        } else {
            spelled.push_str(&format!("u{:x}", u32::from(character)));
        }
    }
    Cow::Owned(spelled)
}

#[cfg(test)]
mod tests {
    use super::{field_ident, type_ident};
    use crate::model::Name;

    #[test]
    fn keeps_out_of_the_way() {
        assert_eq!(field_ident(&Name::new("type")), "type_");
        assert_eq!(field_ident(&Name::new("3d-model")), "n3d_model");
        assert_eq!(type_ident(&Name::new("option")), "Option_");
        assert_eq!(type_ident(&Name::new("ServiceCall")), "ServiceCall");
    }
}
