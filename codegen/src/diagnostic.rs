//! What can be wrong with a contract: a closed list, each with its place, its reason and a hint.

mod report;

use std::borrow::Cow;

use crate::source::{Place, is_remote};

pub use report::{render, to_json};

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
    /// A reference leads to a file outside the folder of the contract.
    #[error("`{path}` is not read: it lies outside the folder of the contract")]
    OutsideFolder {
        /// The file.
        path: String,
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
    /// An overlay that cannot be laid, or not all of it.
    #[error("this overlay cannot be laid: {why}")]
    BadOverlay {
        /// Why not.
        why: String,
    },
    /// An action of an overlay that changes nothing.
    #[error("`{target}` selects nothing")]
    OverlayUnused {
        /// The JSONPath.
        target: String,
    },
    /// An overlay that was made for another document.
    #[error("this overlay extends `{extended}`, which is none of the documents")]
    OverlayElsewhere {
        /// What it extends.
        extended: String,
    },
    /// A reference leads nowhere.
    #[error("`{reference}` does not exist")]
    RefNotFound {
        /// The reference as written.
        reference: String,
        /// A name that stands where it leads and looks alike.
        similar: Option<String>,
    },
    /// A reference leads out of the file system.
    #[error("`{reference}` is not read: it is no file beside this one")]
    RemoteRef {
        /// The reference as written.
        reference: String,
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
    /// Two templates of one method that the same paths match.
    #[error("every path that `{path}` matches is one of `{first}` already")]
    ClashingPaths {
        /// The template.
        path: String,
        /// The template that stood there first.
        first: String,
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
    /// A problem code whose status the operation does not document.
    #[error("`{code}` comes with status {status}, which this operation does not document")]
    UndocumentedStatus {
        /// The code.
        code: String,
        /// Its status in the catalogue.
        status: u16,
    },
    /// A problem response to which no code of its operation leads.
    #[error("no code in `x-problems` of this operation comes with status {status}")]
    UnlistedStatus {
        /// The status.
        status: u16,
    },
    /// A security requirement of a scheme that nothing defines.
    #[error("`{scheme}` is no security scheme of this document")]
    UnknownScheme {
        /// The scheme as written.
        scheme: String,
        /// A scheme that looks alike.
        similar: Option<String>,
    },
    /// A message that no channel has.
    #[error("no channel of the AsyncAPI document has a message `{name}`")]
    UnknownMessage {
        /// The message.
        name: String,
        /// A message that looks alike.
        similar: Option<String>,
    },
    /// A pagination that the operation is not shaped for.
    #[error("`x-pagination.{member}` names `{name}`, which {why}")]
    NotPageable {
        /// The member of `x-pagination`.
        member: &'static str,
        /// What it names.
        name: String,
        /// What is wrong with that.
        why: &'static str,
        /// What must be there.
        needs: &'static str,
    },
    /// An example that its own schema refuses.
    #[error("this example violates its schema: {why}")]
    ExampleInvalid {
        /// What the schema says.
        why: String,
    },
    /// A place of the document that says what OpenAPI has no meaning for.
    #[error("{why}")]
    Defect {
        /// What is wrong, and what is made of it.
        why: String,
        /// How to mend it.
        hint: Cow<'static, str>,
    },
    /// A place that any JSON fits.
    #[error("any JSON fits here: {why}")]
    Untyped {
        /// What the contract leaves open, or no type can say.
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
    /// Nothing is wrong.
    Note,
}

impl Kind {
    /// How bad it is, unless someone bears with it.
    fn severity(&self) -> Severity {
        match self {
            Self::Untyped { .. } => Severity::Note,
            Self::Degraded { .. }
            | Self::UndeclaredPathParameter { .. }
            | Self::OverlayUnused { .. }
            | Self::OverlayElsewhere { .. } => Severity::Warning,
            Self::Unreadable { .. }
            | Self::OutsideFolder { .. }
            | Self::Malformed { .. }
            | Self::NotAContract { .. }
            | Self::BadOverlay { .. }
            | Self::RefNotFound { .. }
            | Self::RemoteRef { .. }
            | Self::RefCycle { .. }
            | Self::DuplicateOperationId { .. }
            | Self::ClashingPaths { .. }
            | Self::UnknownKeyword { .. }
            | Self::BadKeyword { .. }
            | Self::UndocumentedStatus { .. }
            | Self::UnlistedStatus { .. }
            | Self::UnknownScheme { .. }
            | Self::UnknownMessage { .. }
            | Self::NotPageable { .. }
            | Self::Defect { .. }
            | Self::ExampleInvalid { .. } => Severity::Error,
        }
    }

    /// Its stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "unreadable",
            Self::OutsideFolder { .. } => "outside-folder",
            Self::Malformed { .. } => "malformed",
            Self::NotAContract { .. } => "not-a-contract",
            Self::BadOverlay { .. } => "bad-overlay",
            Self::OverlayUnused { .. } => "overlay-unused",
            Self::OverlayElsewhere { .. } => "overlay-elsewhere",
            Self::RefNotFound { .. } => "ref-not-found",
            Self::RemoteRef { .. } => "remote-ref",
            Self::RefCycle { .. } => "ref-cycle",
            Self::DuplicateOperationId { .. } => "duplicate-operation-id",
            Self::ClashingPaths { .. } => "clashing-paths",
            Self::UndeclaredPathParameter { .. } => "undeclared-path-parameter",
            Self::UnknownKeyword { .. } => "unknown-keyword",
            Self::BadKeyword { .. } => "bad-keyword",
            Self::UndocumentedStatus { .. } => "undocumented-status",
            Self::UnlistedStatus { .. } => "unlisted-status",
            Self::UnknownScheme { .. } => "unknown-scheme",
            Self::UnknownMessage { .. } => "unknown-message",
            Self::NotPageable { .. } => "not-pageable",
            Self::ExampleInvalid { .. } => "example-invalid",
            Self::Defect { .. } => "defect",
            Self::Untyped { .. } => "untyped",
            Self::Degraded { .. } => "degraded",
        }
    }

    fn label(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "read from here",
            Self::OutsideFolder { .. } => "outside",
            Self::Malformed { .. } => "the parser stopped here",
            Self::NotAContract { .. } => "in this document",
            Self::BadOverlay { .. } => "here",
            Self::OverlayUnused { .. } => "selects nothing",
            Self::OverlayElsewhere { .. } => "made for this",
            Self::RefNotFound { .. } => "nothing at this address",
            Self::RemoteRef { .. } => "remote",
            Self::RefCycle { .. } => "the circle begins here",
            Self::DuplicateOperationId { .. } => "taken",
            Self::ClashingPaths { .. } => "the same method at the same paths",
            Self::UndeclaredPathParameter { .. } => "named in this path",
            Self::UnknownKeyword { .. } => "unknown",
            Self::BadKeyword { .. } => "here",
            Self::UndocumentedStatus { .. } => "this code",
            Self::UnlistedStatus { .. } => "this response",
            Self::UnknownScheme { .. } => "this scheme",
            Self::UnknownMessage { .. } => "this message",
            Self::NotPageable { .. } => "named here",
            Self::ExampleInvalid { .. } => "refused",
            Self::Defect { .. } => "here",
            Self::Untyped { .. } => "any JSON",
            Self::Degraded { .. } => "this construct",
        }
    }

    fn hint(&self) -> String {
        match self {
            Self::Unreadable { path, .. } if is_remote(path) => {
                "download it, or let it be fetched (--allow-remote)".into()
            }
            Self::Unreadable { .. } => "check the path and the permissions".into(),
            Self::OutsideFolder { .. } => {
                "copy it beside the contract, or name the folder that holds all of it (--root)"
                    .into()
            }
            Self::Malformed { .. } => "mend the syntax; nothing else was looked at".into(),
            Self::NotAContract { .. } => {
                "OpenAPI 3.0 to 3.2 and AsyncAPI 2.0 to 3.1 are read, as YAML or JSON".into()
            }
            Self::BadOverlay { .. } => {
                "Overlay 1.0 and 1.1 are read; targets are JSONPath (RFC 9535)".into()
            }
            Self::OverlayUnused { .. } => {
                "the document has changed, or an earlier action took it; take the action out".into()
            }
            Self::OverlayElsewhere { .. } => "it is laid over the contract all the same".into(),
            Self::RefNotFound { similar: Some(name), .. } => format!("did you mean `{name}`?"),
            Self::RefNotFound { similar: None, .. } => "define it, or mend the address".into(),
            Self::RemoteRef { .. } => {
                "download the file and refer to it by its path, or let it be fetched \
                 (--allow-remote)"
                    .into()
            }
            Self::RefCycle { .. } => "let one of the references lead to a definition".into(),
            Self::DuplicateOperationId { first, .. } => format!(
                "every operationId is unique in its document; the first is at {}#{}",
                first.file, first.pointer
            ),
            Self::ClashingPaths { first, .. } => format!(
                "the names of parameters tell no paths apart, so clients have this operation and \
                 servers do not; move it to `{first}`, or give one of them a text of its own"
            ),
            Self::UndeclaredPathParameter { .. } => {
                "it is taken for required text; declare it with `in: path`".into()
            }
            Self::UnknownKeyword { similar: Some(name), .. } => format!("did you mean `{name}`?"),
            Self::UnknownKeyword { similar: None, .. } => {
                "contracts/README.md lists the keywords and their members".into()
            }
            Self::BadKeyword { .. } => "contracts/README.md shows its form".into(),
            Self::UndocumentedStatus { status, .. } => {
                format!("add a response `{status}`, or take the code out")
            }
            Self::UnlistedStatus { .. } => {
                "list the codes of this response in `x-problems`, or take the response out".into()
            }
            Self::UnknownScheme { similar: Some(name), .. } => format!("did you mean `{name}`?"),
            Self::UnknownScheme { similar: None, .. } => {
                "define it under `components.securitySchemes`, or take it out".into()
            }
            Self::UnknownMessage { similar: Some(name), .. } => format!("did you mean `{name}`?"),
            Self::UnknownMessage { similar: None, .. } => {
                "add the message to a channel, or take it out of `x-emits`".into()
            }
            Self::NotPageable { needs, .. } => (*needs).into(),
            Self::Defect { hint, .. } => hint.clone().into_owned(),
            Self::ExampleInvalid { .. } => "mend the example or the schema".into(),
            Self::Untyped { .. } => "say of what type it is, if there is one".into(),
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

    /// Calls `visit` for every place it speaks of.
    pub fn each_place(&mut self, visit: &mut dyn FnMut(&mut Place)) {
        visit(&mut self.place);
        if let Kind::DuplicateOperationId { first, .. } = &mut self.kind {
            visit(first);
        }
    }

    /// Whether the document itself is at fault: it says what no tool could carry, and everything
    /// else is carried.
    pub fn is_defect(&self) -> bool {
        matches!(
            self.kind,
            Kind::Defect { .. }
                | Kind::RefCycle { .. }
                | Kind::DuplicateOperationId { .. }
                | Kind::ClashingPaths { .. }
                | Kind::UndeclaredPathParameter { .. }
                | Kind::UnknownScheme { .. }
        )
    }

    /// Whether something of the contract is left untyped or out, and everything else is carried.
    pub fn is_degradation(&self) -> bool {
        let speaks_of_more = matches!(
            self.kind,
            Kind::ExampleInvalid { .. }
                | Kind::OverlayUnused { .. }
                | Kind::OverlayElsewhere { .. }
        );
        self.is_bearable() && !speaks_of_more && !self.is_defect()
    }

    /// Whether everything else can be generated all the same: one place is left untyped or out.
    pub fn is_bearable(&self) -> bool {
        match &self.kind {
            // Nothing can come of a contract whose own file cannot be had.
            Kind::Unreadable { path, .. } => *path != self.place.file,
            Kind::Malformed { .. } | Kind::NotAContract { .. } | Kind::BadOverlay { .. } => false,
            Kind::UnknownKeyword { .. }
            | Kind::BadKeyword { .. }
            | Kind::UndocumentedStatus { .. }
            | Kind::UnlistedStatus { .. }
            | Kind::UnknownMessage { .. }
            | Kind::NotPageable { .. }
            | Kind::Untyped { .. } => false,
            Kind::OutsideFolder { .. }
            | Kind::RefNotFound { .. }
            | Kind::RemoteRef { .. }
            | Kind::RefCycle { .. }
            | Kind::DuplicateOperationId { .. }
            | Kind::ClashingPaths { .. }
            | Kind::UndeclaredPathParameter { .. }
            | Kind::OverlayUnused { .. }
            | Kind::OverlayElsewhere { .. }
            | Kind::ExampleInvalid { .. }
            | Kind::UnknownScheme { .. }
            | Kind::Defect { .. }
            | Kind::Degraded { .. } => true,
        }
    }
}
