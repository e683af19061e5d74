//! Plans through templates to text.

use std::borrow::Cow;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::{Serialize, Serializer};

/// A file an emitter wants to exist.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GeneratedFile {
    /// Path relative to the emitter's root, with `/`.
    pub path: String,
    /// Its whole content.
    pub text: String,
}

impl GeneratedFile {
    pub(crate) fn new(path: impl Into<String>, text: String) -> Self {
        Self { path: path.into(), text }
    }
}

/// A template: its name and its text.
pub(crate) type Template = (&'static str, &'static str);

/// Templates ready to be filled in.
pub(crate) struct Renderer(Environment<'static>);

impl Renderer {
    pub(crate) fn new(templates: &[Template]) -> Self {
        let mut environment = Environment::empty();
        let syntax = SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .keep_trailing_newline(true)
            .build()
            .expect("the delimiters are the usual ones");
        environment.set_syntax(syntax);
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_formatter(|out, state, value| match value.as_str() {
            Some(text) => Ok(out.write_str(text)?),
            None => minijinja::escape_formatter(out, state, value),
        });
        for (name, text) in templates {
            environment
                .add_template_owned(*name, whole(text, templates))
                .expect("our templates parse: a test reads each");
        }
        Self(environment)
    }

    /// Fills in one template.
    pub(crate) fn file<P: Serialize>(&self, path: &str, template: &str, plan: &P) -> GeneratedFile {
        let template = self.0.get_template(template).expect("emitters name their own templates");
        let text = template.render(Serde(plan)).expect("plans hold every name their template uses");
        GeneratedFile::new(path, text)
    }
}

/// Lines as one text, each behind the same indentation: a template that repeated them would take
/// ten times as long.
pub(crate) fn joined<S: Serializer>(
    before: &str,
    lines: &[String],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let length = lines.iter().map(|line| before.len() + line.len() + 1).sum();
    let mut text = String::with_capacity(length);
    for (index, line) in lines.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        text.push_str(before);
        text.push_str(line);
    }
    serializer.serialize_str(&text)
}

/// A template with all that it includes in place: an include has a state of its own, which would be
/// made each time it is filled in.
fn whole(text: &str, templates: &[Template]) -> String {
    let Some((before, rest)) = text.split_once("{% include \"") else { return text.to_owned() };
    let (name, after) = rest.split_once("\" %}\n").expect("an include stands in a line of its own");
    let included = templates.iter().find(|(known, _)| *known == name);
    let (_, included) = included.expect("emitters list every template they include");
    [before, &whole(included, templates), &whole(after, templates)].concat()
}

/// A text as one line of a comment: no line break, and nothing that changes how it is read.
pub(crate) fn one_line(text: &str) -> String {
    let text = text.trim();
    if is_one_line(text, usize::MAX) {
        return text.to_owned();
    }
    prose(Some(&text.replace("\n\n", "\n")), usize::MAX).join(" ")
}

/// Signs that change the direction of text: compilers refuse them, lest code read otherwise.
fn turns_text(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Prose as lines for a doc comment: its first paragraph, wrapped.
pub(crate) fn prose(text: Option<&str>, width: usize) -> Vec<String> {
    let paragraph = first_paragraph(text.unwrap_or_default().trim()).trim_end();
    if is_one_line(paragraph, width) {
        return vec![paragraph.to_owned()];
    }
    let is_ascii = paragraph.is_ascii();
    let turned = !is_ascii && paragraph.contains(turns_text);
    let mut lines: Vec<String> = Vec::new();
    let mut columns = 0;
    for word in paragraph.split_whitespace() {
        let word = match turned {
            true => Cow::Owned(word.replace(turns_text, "")),
            false => Cow::Borrowed(word),
        };
        let length = if is_ascii { word.len() } else { word.chars().count() };
        match lines.last_mut() {
            Some(line) if columns + length < width => {
                line.push(' ');
                line.push_str(&word);
                columns += length + 1;
            }
            Some(_) | None => {
                columns = length;
                let mut line = String::with_capacity(paragraph.len().min(width).max(word.len()));
                line.push_str(&word);
                lines.push(line);
            }
        }
    }
    lines
}

/// A text up to its first empty line.
fn first_paragraph(text: &str) -> &str {
    let mut breaks = text.match_indices('\n').map(|(at, _)| at);
    let end = breaks.find(|at| text[at + 1..].starts_with('\n'));
    end.map_or(text, |end| &text[..end])
}

/// Whether a text is a line as it stands: short and plain, with one space between words.
fn is_one_line(text: &str, width: usize) -> bool {
    let mut before = b' ';
    !text.is_empty()
        && text.len() <= width
        && text.bytes().all(|byte| {
            let doubled = byte == b' ' && std::mem::replace(&mut before, byte) == b' ';
            before = byte;
            matches!(byte, b' '..=b'~') && !doubled
        })
}

#[cfg(test)]
mod tests {
    use super::{one_line, prose};

    #[test]
    fn prose_is_its_first_paragraph_in_lines() {
        let lines = |text| prose(Some(text), 12);
        assert_eq!(lines("one line"), ["one line"]);
        assert_eq!(lines(" one line \n\nand more"), ["one line"]);
        assert_eq!(lines("one  line\nand more"), ["one line and", "more"]);
        assert_eq!(lines("twelve chars"), ["twelve chars"]);
        assert_eq!(lines("a word that-is-longer"), ["a word", "that-is-longer"]);
        assert_eq!(lines("\u{202e}é"), ["é"]);
        assert_eq!(lines(" "), [""; 0]);
    }

    #[test]
    fn a_line_has_no_breaks() {
        assert_eq!(one_line(" a\n\nb\tc "), "a b c");
    }
}
