//! Names as TypeScript identifiers, texts as literals and comments.

use unicode_ident::{is_xid_continue, is_xid_start};

use crate::emit::render::prose;
use crate::model::Name;

/// Words that cannot name a binding of a module, in strict mode.
const KEYWORDS: [&str; 54] = [
    "arguments",
    "await",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "enum",
    "eval",
    "export",
    "exports",
    "extends",
    "false",
    "finally",
    "for",
    "function",
    "if",
    "implements",
    "import",
    "in",
    "instanceof",
    "interface",
    "let",
    "module",
    "new",
    "null",
    "package",
    "private",
    "protected",
    "public",
    "require",
    "return",
    "static",
    "super",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "undefined",
    "using",
    "var",
    "void",
    "while",
    "with",
    "yield",
    "globalThis",
];

/// Members every object has: in a request they would be found where the caller set nothing.
const INHERITED: [&str; 7] = [
    "constructor",
    "hasOwnProperty",
    "isPrototypeOf",
    "propertyIsEnumerable",
    "toLocaleString",
    "toString",
    "valueOf",
];

/// A name as a type or class: `ServiceCall`.
pub(crate) fn type_ident(name: &Name) -> String {
    identifier(cased(name, Case::Pascal), 'N')
}

/// A name as a member of a class or request: `serviceCallId`. Keywords may stand there.
pub(crate) fn member_ident(name: &Name) -> String {
    apart(identifier(cased(name, Case::Camel), 'n'), &INHERITED)
}

/// A name as an exported function: `submitServiceCall`. The import `types` is taken.
pub(crate) fn function_ident(name: &Name) -> String {
    let ident = apart(identifier(cased(name, Case::Camel), 'n'), &KEYWORDS);
    apart(ident, &["types"])
}

/// A name as a namespace import that methods use beside their parameters.
pub(crate) fn local_ident(name: &Name) -> String {
    apart(function_ident(name), &["core", "options", "request"])
}

/// A name as a constant: `SUBMIT_SERVICE_CALL`.
pub(crate) fn constant_ident(name: &Name) -> String {
    let words: Vec<String> = name.words().map(|word| word.to_uppercase()).collect();
    identifier(words.join("_"), 'N')
}

/// A name as a file: `service-calls`.
pub(crate) fn file_stem(name: &Name) -> String {
    name.words().join("-")
}

/// A wire name as a key in an object or interface, quoted where it is no plain identifier.
pub(crate) fn property_key(wire: &str) -> String {
    if is_plain(wire) { wire.to_owned() } else { literal(wire) }
}

/// The way to a member: `.items` or `['the items']`.
pub(crate) fn access(wire: &str) -> String {
    if is_plain(wire) { format!(".{wire}") } else { format!("[{}]", literal(wire)) }
}

/// A text as a string literal.
pub(crate) fn literal(text: &str) -> String {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'\'' | b'\\')) {
        return ["'", text, "'"].concat();
    }
    let mut quoted = String::from("'");
    for character in text.chars() {
        match character {
            '\'' => quoted.push_str("\\'"),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            character if character.is_control() || matches!(character, '\u{2028}' | '\u{2029}') => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            character => quoted.push(character),
        }
    }
    quoted.push('\'');
    quoted
}

/// Prose as the lines of a doc comment; none if there is nothing to say.
pub(crate) fn doc_comment(text: Option<&str>, notes: &[&str]) -> Vec<String> {
    let mut lines = prose(text, 94);
    lines.extend(notes.iter().map(|note| (*note).to_owned()));
    // A comment must not end where its text does not.
    for line in lines.iter_mut().filter(|line| line.contains('*') && line.contains("*/")) {
        *line = line.replace("*/", "*\\/");
    }
    match lines.as_slice() {
        [] => Vec::new(),
        [single] => vec![["/** ", single, " */"].concat()],
        several => {
            let mut comment = vec!["/**".to_owned()];
            comment.extend(several.iter().map(|line| [" * ", line].concat()));
            comment.push(" */".to_owned());
            comment
        }
    }
}

/// The tag of a doc comment that says what an absent value stands for.
pub(crate) fn default_value(default: &serde_json::Value) -> Option<String> {
    let text = default.to_string();
    (text.len() <= 60 && !text.contains('`')).then(|| format!("@defaultValue `{text}`"))
}

#[derive(Clone, Copy)]
enum Case {
    Camel,
    Pascal,
}

fn cased(name: &Name, case: Case) -> String {
    let mut ident = String::with_capacity(64);
    for (index, word) in name.words().enumerate() {
        // Two numbers in a row must not run together: `1 2` is no `12`.
        let number = word.starts_with(|c: char| c.is_ascii_digit());
        if number && ident.ends_with(|c: char| c.is_ascii_digit()) {
            ident.push('_');
        }
        let rises = match case {
            Case::Camel => index > 0,
            Case::Pascal => true,
        };
        let mut characters = word.chars();
        match characters.next() {
            Some(first) if rises && first.is_ascii() => ident.push(first.to_ascii_uppercase()),
            Some(first) if rises => ident.extend(first.to_uppercase()),
            Some(first) => ident.push(first),
            None => {}
        }
        ident.push_str(characters.as_str());
    }
    ident
}

/// Replaces what an identifier cannot hold, and leads with a letter where it cannot begin so.
fn identifier(text: String, letter: char) -> String {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if text.starts_with(is_xid_start) && (is_plain || text.chars().all(is_xid_continue)) {
        return text;
    }
    let mut ident = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_xid_continue(character) {
            ident.push(character);
        } else {
            ident.push_str(&format!("u{:x}", u32::from(character)));
        }
    }
    if ident.starts_with(is_xid_start) { ident } else { format!("{letter}{ident}") }
}

fn apart(ident: String, taken: &[&str]) -> String {
    if taken.contains(&ident.as_str()) { format!("{ident}_") } else { ident }
}

fn is_plain(text: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '$');
    text.starts_with(letter) && text.chars().all(|c| letter(c) || c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::{doc_comment, function_ident, literal, member_ident, property_key, type_ident};
    use crate::model::Name;

    #[test]
    fn keeps_out_of_the_way() {
        assert_eq!(function_ident(&Name::new("delete")), "delete_");
        assert_eq!(member_ident(&Name::new("delete")), "delete");
        assert_eq!(member_ident(&Name::new("constructor")), "constructor_");
        assert_eq!(type_ident(&Name::new("3d-model")), "N3dModel");
        assert_eq!(type_ident(&Name::new("日本")), "日本");
        assert_eq!(property_key("__proto__"), "__proto__");
        assert_eq!(property_key("the items"), "'the items'");
    }

    #[test]
    fn text_stays_inside() {
        assert_eq!(literal("it's\n\u{2028}"), "'it\\'s\\n\\u2028'");
        assert_eq!(doc_comment(Some("a */ b"), &[]), ["/** a *\\/ b */"]);
    }
}
