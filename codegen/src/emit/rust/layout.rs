//! Code in the shape a formatter would give it: on one line if it fits, else one item a line.

/// Columns of a line.
const WIDTH: usize = 100;

/// `head { a, b }tail`; the first line stands behind `indent` columns that are already there.
pub(crate) fn braced(indent: usize, head: &str, items: &[String], tail: &str) -> String {
    if items.is_empty() {
        return format!("{head} {{}}{tail}");
    }
    let short = format!("{head} {{ {} }}{tail}", items.join(", "));
    or_long(indent, short, || long(indent, &format!("{head} {{"), items, &format!("}}{tail}")))
}

/// `head(a, b)tail`, with the brackets at the end of `head` and the beginning of `tail`.
pub(crate) fn bracketed(indent: usize, head: &str, items: &[String], tail: &str) -> String {
    let short = format!("{head}{}{tail}", items.join(", "));
    or_long(indent, short, || long(indent, head, items, tail))
}

/// `use path::{A, B};`, as many names a line as fit.
pub(crate) fn import(path: &str, names: &[&str]) -> String {
    if let [name] = names {
        return format!("use {path}::{name};");
    }
    let short = format!("use {path}::{{{}}};", names.join(", "));
    or_long(0, short, || {
        let mut lines = vec![format!("use {path}::{{")];
        let mut line = String::new();
        for name in names {
            if !line.is_empty() && line.len() + name.len() + 6 > WIDTH {
                lines.push(format!("   {line}"));
                line.clear();
            }
            line.push_str(&format!(" {name},"));
        }
        lines.push(format!("   {line}"));
        lines.push("};".to_owned());
        lines.join("\n")
    })
}

/// `pattern => value,`, the value in a block of its own if the line is too long.
pub(crate) fn arm(indent: usize, pattern: &str, value: &str) -> String {
    let pad = " ".repeat(indent);
    let long = || format!("{pattern} => {{\n{pad}    {value}\n{pad}}}");
    or_long(indent, format!("{pattern} => {value},"), long)
}

/// The short form if it fits.
pub(crate) fn or_long(indent: usize, short: String, long: impl FnOnce() -> String) -> String {
    if indent + short.chars().count() <= WIDTH { short } else { long() }
}

fn long(indent: usize, head: &str, items: &[String], tail: &str) -> String {
    let pad = " ".repeat(indent);
    let items: Vec<String> = items.iter().map(|item| format!("{pad}    {item},\n")).collect();
    format!("{head}\n{}{pad}{tail}", items.concat())
}

#[cfg(test)]
mod tests {
    use super::{arm, braced, import};

    #[test]
    fn breaks_what_is_too_long() {
        let items = ["a: 1".to_owned(), "b: 2".to_owned()];
        assert_eq!(braced(0, "X", &items, ";"), "X { a: 1, b: 2 };");
        assert_eq!(braced(90, "X", &items, ";").lines().count(), 4);
        assert_eq!(braced(0, "X", &[], ";"), "X {};");
        assert_eq!(
            arm(96, "1", "2"),
            format!("1 => {{\n{0}2\n{1}}}", " ".repeat(100), " ".repeat(96))
        );
        assert_eq!(import("a::b", &["C"]), "use a::b::C;");
    }
}
