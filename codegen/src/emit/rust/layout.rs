//! Code in the shape a formatter would give it: on one line if it fits, else as many items a line
//! as fit.

/// Columns of a line.
const WIDTH: usize = 100;

/// `head { a, b }tail`; the first line stands behind `indent` columns that are already there.
pub(crate) fn braced(indent: usize, head: &str, items: &[String], tail: &str) -> String {
    if items.is_empty() {
        return format!("{head} {{}}{tail}");
    }
    match fits(indent, &[head, " {  }", tail], items) {
        true => [head, " { ", &items.join(", "), " }", tail].concat(),
        false => long(indent, &[head, " {"].concat(), items, &["}", tail].concat()),
    }
}

/// `head(a, b)tail`, with the brackets at the end of `head` and the beginning of `tail`.
pub(crate) fn bracketed(indent: usize, head: &str, items: &[String], tail: &str) -> String {
    match fits(indent, &[head, tail], items) {
        true => [head, &items.join(", "), tail].concat(),
        false => long(indent, head, items, tail),
    }
}

/// `use path::{A, B};`, as many names a line as fit.
pub(crate) fn import(path: &str, names: &[&str]) -> String {
    if let [name] = names {
        return format!("use {path}::{name};");
    }
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    bracketed(0, &format!("use {path}::{{"), &names, "};")
}

/// `pattern => value,`, the value in a block of its own if the line is too long.
pub(crate) fn arm(indent: usize, pattern: &str, value: &str) -> String {
    let pad = " ".repeat(indent);
    let long = || format!("{pattern} => {{\n{pad}    {value}\n{pad}}}");
    or_long(indent, format!("{pattern} => {value},"), long)
}

/// Items as lines that are as full as they can be, with a comma behind each.
pub(crate) fn filled(indent: usize, items: &[String]) -> Vec<String> {
    let pad = " ".repeat(indent);
    let mut lines: Vec<String> = Vec::new();
    let mut columns = 0;
    for item in items {
        let length = item.chars().count() + 1;
        match lines.last_mut() {
            Some(line) if columns + 1 + length <= WIDTH && !line.contains('\n') => {
                line.push(' ');
                line.push_str(item);
                line.push(',');
                columns += 1 + length;
            }
            Some(_) | None => {
                let mut line = String::with_capacity(WIDTH.max(indent + item.len() + 1));
                [&pad, item, ","].into_iter().for_each(|part| line.push_str(part));
                lines.push(line);
                columns = indent + length;
            }
        }
    }
    lines
}

/// The short form if it fits.
pub(crate) fn or_long(indent: usize, short: String, long: impl FnOnce() -> String) -> String {
    if indent + short.chars().count() <= WIDTH { short } else { long() }
}

/// Whether a line has room for items between these.
fn fits(indent: usize, around: &[&str], items: &[String]) -> bool {
    let columns = |text: &str| text.chars().count();
    let between = 2 * items.len().saturating_sub(1);
    let items = items.iter().map(|item| columns(item)).sum::<usize>();
    indent + around.iter().map(|text| columns(text)).sum::<usize>() + between + items <= WIDTH
}

fn long(indent: usize, head: &str, items: &[String], tail: &str) -> String {
    let pad = " ".repeat(indent);
    let lines = filled(indent + 4, items).join("\n");
    [head, "\n", &lines, "\n", &pad, tail].concat()
}

#[cfg(test)]
mod tests {
    use super::{arm, braced, import};

    #[test]
    fn breaks_what_is_too_long() {
        let items = ["a: 1".to_owned(), "b: 2".to_owned()];
        assert_eq!(braced(0, "X", &items, ";"), "X { a: 1, b: 2 };");
        assert_eq!(braced(90, "X", &items, ";").lines().count(), 4);
        assert_eq!(braced(84, "X {{ y", &items, ";").lines().count(), 3);
        assert_eq!(braced(0, "X", &[], ";"), "X {};");
        assert_eq!(
            arm(96, "1", "2"),
            format!("1 => {{\n{0}2\n{1}}}", " ".repeat(100), " ".repeat(96))
        );
        assert_eq!(import("a::b", &["C"]), "use a::b::C;");
    }
}
