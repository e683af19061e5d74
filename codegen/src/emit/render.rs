//! Plans through templates to text.

use std::borrow::Cow;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;

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
        for (name, text) in templates {
            environment.add_template(name, text).expect("our templates parse: a test reads each");
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

/// A text as one line of a comment: no line break, and nothing that changes how it is read.
pub(crate) fn one_line(text: &str) -> String {
    prose(Some(&text.replace("\n\n", "\n")), usize::MAX).join(" ")
}

/// Signs that change the direction of text: compilers refuse them, lest code read otherwise.
fn turns_text(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Prose as lines for a doc comment: its first paragraph, wrapped.
pub(crate) fn prose(text: Option<&str>, width: usize) -> Vec<String> {
    let paragraph = text.unwrap_or_default().trim().split("\n\n").next().unwrap_or_default();
    let turned = !paragraph.is_ascii() && paragraph.contains(turns_text);
    let mut lines: Vec<String> = Vec::new();
    let mut columns = 0;
    for word in paragraph.split_whitespace() {
        let word = match turned {
            true => Cow::Owned(word.replace(turns_text, "")),
            false => Cow::Borrowed(word),
        };
        let length = word.chars().count();
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
