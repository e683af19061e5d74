//! Credentials as the contract's security schemes have them, and which an operation gets.

use super::plan;
use crate::emit::render::one_line;
use crate::emit::rust::{bracketed, doc_lines, heading, literal, method_ident};
use crate::model::{Direction, Location, Operation, Scheme, SchemeKind, System};

/// What an operation says of credentials, unless it takes all a client has.
pub(super) fn security(
    system: &System,
    direction: Direction,
    operation: &Operation,
) -> Option<String> {
    // What callers are told has the credentials that its sender gives it.
    if direction == Direction::Asking {
        return None;
    }
    let callers = operation.callers();
    if callers.alternatives.is_empty() {
        return Some(".security(Security::None)".to_owned());
    }
    if !callers.anonymous && callers.alternatives.len() == 1 && system.schemes.len() == 1 {
        return None;
    }
    // The contract's order, each set once: the first that can be met is taken.
    let mut sets: Vec<String> = Vec::new();
    for all in &operation.security {
        let schemes: Vec<String> = all.iter().map(|one| literal(&one.scheme)).collect();
        let set = format!("&[{}]", schemes.join(", "));
        if !sets.contains(&set) {
            sets.push(set);
        }
    }
    Some(format!(".security(Security::AnyOf(&[{}]))", sets.join(", ")))
}

/// The builder of credentials, if the contract has security schemes.
pub(super) fn plan(system: &System) -> Option<plan::Keyring> {
    if system.schemes.is_empty() {
        return None;
    }
    let methods: Vec<plan::Credential> = system.schemes.values().map(method).collect();
    let mut imports = vec!["Auth", "Credentials as Asked", "Keyring"];
    let uses = |text: &str| methods.iter().any(|method| method.text.contains(text));
    for name in ["Anonymous", "Basic", "Place", "Secret"] {
        if uses(name) {
            imports.push(name);
        }
    }
    imports.sort_unstable();
    let imports = crate::emit::rust::import("symbolon_client", &imports);
    Some(plan::Keyring { heading: heading(system), imports, methods })
}

fn method(scheme: &Scheme) -> plan::Credential {
    let wire = literal(&scheme.wire);
    let mut docs = doc_lines(scheme.description.as_deref());
    if docs.is_empty() {
        docs.push(format!("Security scheme `{}`.", one_line(&scheme.wire)));
    }
    let secret = |place: String| {
        (vec!["secret: impl Into<Secret>".to_owned()], format!("secret({wire}, {place}, secret)"))
    };
    let authorization = |word: &str| secret(format!("Place::Authorization({})", literal(word)));
    let (arguments, adds) = match &scheme.kind {
        SchemeKind::ApiKey { location, parameter } => {
            let place = match location {
                Location::Query => "Query",
                Location::Cookie => "Cookie",
                Location::Header | Location::Path => "Header",
            };
            secret(format!("Place::{place}({})", literal(parameter)))
        }
        SchemeKind::Http(word) if word == "basic" => {
            let text = "impl std::fmt::Display";
            let arguments = vec![format!("username: {text}"), format!("password: {text}")];
            (arguments, format!("with({wire}, Basic::new(username, password))"))
        }
        SchemeKind::Http(word) if word != "bearer" => authorization(word),
        SchemeKind::Http(_) | SchemeKind::OAuth2(_) | SchemeKind::OpenIdConnect(_) => {
            authorization("Bearer")
        }
        SchemeKind::MutualTls => {
            docs.push("The certificate is the HTTP client's own.".to_owned());
            (Vec::new(), format!("with({wire}, Anonymous)"))
        }
        SchemeKind::Unknown => (vec!["auth: impl Auth".to_owned()], format!("with({wire}, auth)")),
    };
    let mut taken = vec!["self".to_owned()];
    taken.extend(arguments);
    let head = format!("pub fn {}(", method_ident(&scheme.name));
    let head = bracketed(4, &head, &taken, ") -> Self {");
    plan::Credential { docs, text: format!("{head}\n        Self(self.0.{adds})\n    }}") }
}
