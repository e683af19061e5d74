//! What can be wrong with a contract: a closed list, each with its place, its reason and a hint.

use std::io::IsTerminal;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use serde_json::Value;

use crate::source::{Place, Sources, locate};

/// A problem of a contract.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Diagnostic {
    /// Where it is.
    pub place: Place,
    /// What it is.
    pub kind: Kind,
    /// How bad it is.
    pub severity: Severity,
}

/// The kinds of problems.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Kind {
    /// A file cannot be read.
    #[error("`{path}` cannot be read: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// A file is neither JSON nor YAML.
    #[error("this is not valid YAML or JSON: {reason}")]
    Malformed {
        /// What the parser said.
        reason: String,
        /// Where, counting from 1.
        line: usize,
        /// Where, counting from 1, in characters.
        column: usize,
    },
    /// The document is of no kind or version that is understood.
    #[error("this is not a document we can read: {why}")]
    NotAContract {
        /// Why not.
        why: String,
    },
    /// A reference leads nowhere.
    #[error("`{reference}` does not exist")]
    RefNotFound {
        /// The reference as written.
        reference: String,
        /// A name that stands where it leads and looks alike.
        similar: Option<String>,
    },
    /// A reference leads to itself.
    #[error("`{reference}` leads back to itself")]
    RefCycle {
        /// The reference as written.
        reference: String,
    },
    /// Two operations have one id.
    #[error("the operationId `{id}` is already taken")]
    DuplicateOperationId {
        /// The id.
        id: String,
        /// Where it was first.
        first: Place,
    },
    /// A path template names a parameter that nothing declares.
    #[error("the path parameter `{name}` is not declared")]
    UndeclaredPathParameter {
        /// The parameter.
        name: String,
    },
    /// A keyword that looks like one of ours and is none.
    #[error("`{keyword}` is not a keyword we know")]
    UnknownKeyword {
        /// The keyword as written.
        keyword: String,
        /// The keyword that was probably meant, or the members it may have.
        similar: Option<String>,
    },
    /// One of our keywords with content it cannot have.
    #[error("`{keyword}` {why}")]
    BadKeyword {
        /// The keyword.
        keyword: &'static str,
        /// What is wrong with its content.
        why: String,
    },
    /// An example that its own schema refuses.
    #[error("this example violates its schema: {why}")]
    ExampleInvalid {
        /// What the schema says.
        why: String,
    },
    /// A construct that is carried only in part.
    #[error("{what} is carried only in part: {why}")]
    Degraded {
        /// The construct.
        what: &'static str,
        /// What is lost and why.
        why: String,
    },
}

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing is written.
    Error,
    /// Generation goes on.
    Warning,
}

impl Kind {
    /// How bad it is, unless someone bears with it.
    fn severity(&self) -> Severity {
        match self {
            Self::Degraded { .. } | Self::UndeclaredPathParameter { .. } => Severity::Warning,
            Self::Unreadable { .. }
            | Self::Malformed { .. }
            | Self::NotAContract { .. }
            | Self::RefNotFound { .. }
            | Self::RefCycle { .. }
            | Self::DuplicateOperationId { .. }
            | Self::UnknownKeyword { .. }
            | Self::BadKeyword { .. }
            | Self::ExampleInvalid { .. } => Severity::Error,
        }
    }

    /// Its stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "unreadable",
            Self::Malformed { .. } => "malformed",
            Self::NotAContract { .. } => "not-a-contract",
            Self::RefNotFound { .. } => "ref-not-found",
            Self::RefCycle { .. } => "ref-cycle",
            Self::DuplicateOperationId { .. } => "duplicate-operation-id",
            Self::UndeclaredPathParameter { .. } => "undeclared-path-parameter",
            Self::UnknownKeyword { .. } => "unknown-keyword",
            Self::BadKeyword { .. } => "bad-keyword",
            Self::ExampleInvalid { .. } => "example-invalid",
            Self::Degraded { .. } => "degraded",
        }
    }

    fn label(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "read from here",
            Self::Malformed { .. } => "the parser stopped here",
            Self::NotAContract { .. } => "in this document",
            Self::RefNotFound { .. } => "nothing at this address",
            Self::RefCycle { .. } => "the circle begins here",
            Self::DuplicateOperationId { .. } => "taken",
            Self::UndeclaredPathParameter { .. } => "named in this path",
            Self::UnknownKeyword { .. } => "unknown",
            Self::BadKeyword { .. } => "here",
            Self::ExampleInvalid { .. } => "refused",
            Self::Degraded { .. } => "this construct",
        }
    }

    fn hint(&self) -> String {
        match self {
            Self::Unreadable { .. } => "check the path and the permissions".into(),
            Self::Malformed { .. } => "mend the syntax; nothing else was looked at".into(),
            Self::NotAContract { .. } => {
                "OpenAPI 3.0 and 3.1 and AsyncAPI 3.0 are read, as YAML or JSON".into()
            }
            Self::RefNotFound { similar: Some(name), .. } => format!("did you mean `{name}`?"),
            Self::RefNotFound { similar: None, .. } => "define it, or mend the address".into(),
            Self::RefCycle { .. } => "let one of the references lead to a definition".into(),
            Self::DuplicateOperationId { first, .. } => format!(
                "every operationId is unique in its document; the first is at {}#{}",
                first.file, first.pointer
            ),
            Self::UndeclaredPathParameter { .. } => {
                "it is taken for required text; declare it with `in: path`".into()
            }
            Self::UnknownKeyword { similar: Some(name), .. } => format!("did you mean `{name}`?"),
            Self::UnknownKeyword { similar: None, .. } => {
                "contracts/README.md lists the keywords and their members".into()
            }
            Self::BadKeyword { .. } => "contracts/README.md shows its form".into(),
            Self::ExampleInvalid { .. } => "mend the example or the schema".into(),
            Self::Degraded { .. } => "everything else in the document is generated as usual".into(),
        }
    }
}

impl Diagnostic {
    /// The problem at this place.
    pub fn new(place: Place, kind: Kind) -> Self {
        let severity = kind.severity();
        Self { place, kind, severity }
    }

    /// The line it is on, counting from 1; 1 where its file could not be read.
    pub fn line(&self, sources: &Sources) -> usize {
        if let Kind::Malformed { line, .. } = &self.kind {
            return *line;
        }
        sources
            .file(&self.place.file)
            .map_or(1, |file| locate(&file.text, &self.place.pointer).line)
    }

    /// The problem as an entry of `--json`.
    pub fn to_json(&self, sources: &Sources) -> Value {
        serde_json::json!({
            "code": self.kind.code(),
            "pointer": self.place.pointer.as_str(),
            "file": self.place.file,
            "line": self.line(sources),
            "why": self.kind.to_string(),
        })
    }
}

/// All problems as text, each with its line of source and a hint, worst first.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let renderer =
        if std::io::stderr().is_terminal() { Renderer::styled() } else { Renderer::plain() };
    let mut sorted: Vec<&Diagnostic> = diagnostics.iter().collect();
    sorted.sort_by_key(|diagnostic| (diagnostic.severity, *diagnostic));
    let texts: Vec<String> =
        sorted.into_iter().map(|diagnostic| one(diagnostic, sources, &renderer)).collect();
    texts.join("\n\n")
}

fn one(diagnostic: &Diagnostic, sources: &Sources, renderer: &Renderer) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let message = diagnostic.kind.to_string();
    let title = level.primary_title(&message).id(diagnostic.kind.code());
    let hint = diagnostic.kind.hint();
    let help = Level::HELP.message(&hint);
    let Some(file) = sources.file(&diagnostic.place.file) else {
        return renderer.render(&[title.element(help)]);
    };
    let range = match &diagnostic.kind {
        Kind::Malformed { line, column, .. } => byte_of(&file.text, *line, *column),
        _ => {
            let found = locate(&file.text, &diagnostic.place.pointer);
            found.start..found.end
        }
    };
    let window = window(&file.text, range.start);
    let source = &file.text[window.clone()];
    let first_line = file.text[..window.start].matches('\n').count() + 1;
    let range = range.start - window.start..(range.end - window.start).min(source.len());
    let snippet = Snippet::source(source)
        .line_start(first_line)
        .path(&diagnostic.place.file)
        .annotation(AnnotationKind::Primary.span(range).label(diagnostic.kind.label()));
    renderer.render(&[title.element(snippet).element(help)])
}

/// The line around a byte: rendering must not walk a document of many megabytes.
fn window(text: &str, at: usize) -> std::ops::Range<usize> {
    let at = at.min(text.len());
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[at..].find('\n').map_or(text.len(), |newline| at + newline);
    start..end
}

fn byte_of(text: &str, line: usize, column: usize) -> std::ops::Range<usize> {
    let mut start = 0;
    for _ in 1..line {
        start = text[start..].find('\n').map_or(text.len(), |newline| start + newline + 1);
    }
    let offset: usize = text[start..].chars().take(column - 1).map(char::len_utf8).sum();
    let at = (start + offset).min(text.len());
    let length = text[at..].chars().next().map_or(0, char::len_utf8);
    at..at + length
}
