//! Security schemes as constants, and who calls as types.

use std::collections::{BTreeMap, BTreeSet};

use super::plan;
use crate::emit::render::one_line;
use crate::emit::rust::{
    braced, bracketed, doc_lines, field_ident, heading, literal, type_ident, variant_ident,
};
use crate::model::{Context, Location, Name, Operation, Scheme, SchemeKind, System, unique_names};

/// Letters of a type's name: nobody can read more.
const LETTERS: usize = 60;

/// A set of schemes that go together.
type All = BTreeSet<String>;

/// The types of callers that no type of the runtime stands for, by the schemes they come by.
#[derive(Debug, Default)]
pub(super) struct Callers {
    /// Of several schemes together.
    together: BTreeMap<All, String>,
    /// Of one of several alternatives.
    either: BTreeMap<BTreeSet<All>, String>,
}

impl Callers {
    /// Every type the operations of these contexts need.
    pub(super) fn of(system: &System, contexts: &[Context]) -> Self {
        let mut callers = Self::default();
        for operation in contexts.iter().flat_map(|context| &context.operations) {
            let alternatives = operation.callers().alternatives;
            for all in alternatives.iter().filter(|all| all.len() > 1) {
                callers.together.insert(all.clone(), together_name(system, all));
            }
            if alternatives.len() > 1 {
                let words: Vec<String> =
                    alternatives.iter().map(|all| together_name(system, all)).collect();
                callers.either.insert(alternatives, words.join("-or-"));
            }
        }
        let wanted = callers.together.values().chain(callers.either.values());
        let mut taken = BTreeSet::new();
        let idents: BTreeMap<String, String> = unique_names(wanted.map(String::as_str))
            .into_iter()
            .map(|(text, name)| (text.to_owned(), free(&mut taken, &name, type_ident)))
            .collect();
        for ident in callers.together.values_mut().chain(callers.either.values_mut()) {
            ident.clone_from(&idents[ident.as_str()]);
        }
        callers
    }

    /// The type of an operation's callers.
    pub(super) fn spell(&self, operation: &Operation) -> String {
        let callers = operation.callers();
        let spelled = match (callers.alternatives.first(), callers.alternatives.len()) {
            (None, _) => return "symbolon_server::Anonymous".to_owned(),
            (Some(all), 1) => match self.together.get(all) {
                Some(ident) => format!("crate::access::{ident}"),
                None => "symbolon_server::Principal".to_owned(),
            },
            (Some(_), _) => format!("crate::access::{}", self.either[&callers.alternatives]),
        };
        if callers.anonymous { format!("Option<{spelled}>") } else { spelled }
    }
}

/// A name nobody has taken yet, as close to the wanted one as can be had.
fn free(taken: &mut BTreeSet<String>, name: &Name, spell: fn(&Name) -> String) -> String {
    let short = name.within(LETTERS);
    let numbered = (2..).map(|number| short.numbered(number));
    std::iter::once(short.clone())
        .chain(numbered)
        .map(|name| spell(&name))
        .find(|ident| taken.insert(ident.clone()))
        .expect("numbers do not run out")
}

/// The schemes of a set, joined: `app-and-key`.
fn together_name(system: &System, all: &All) -> String {
    let words: Vec<String> =
        all.iter().map(|scheme| name(system, scheme).words().join("-")).collect();
    words.join("-and-")
}

fn name<'s>(system: &'s System, scheme: &str) -> &'s Name {
    &system.schemes[scheme].name
}

/// The module, if the contract has security schemes.
pub(super) fn plan(system: &System, callers: &Callers) -> Option<plan::AccessModule> {
    if system.schemes.is_empty() {
        return None;
    }
    let constants: Vec<plan::Constant> = system.schemes.values().map(constant).collect();
    let idents: Vec<String> = constants.iter().map(|constant| constant.ident.clone()).collect();
    let together = callers.together.iter().map(|(all, ident)| together(system, all, ident));
    let either = callers.either.iter().map(|(sets, ident)| either(system, callers, sets, ident));
    Some(plan::AccessModule {
        heading: heading(system),
        all: bracketed(0, "pub const SCHEMES: &[Scheme] = &[", &idents, "];"),
        imports: if callers.together.is_empty() && callers.either.is_empty() {
            "use symbolon_server::{Proof, Scheme};"
        } else {
            "use symbolon_server::{Access, Admitted, Principal, Proof, Scheme};"
        },
        constants,
        together: together.collect(),
        either: either.collect(),
    })
}

fn constant(scheme: &Scheme) -> plan::Constant {
    let proof = match &scheme.kind {
        SchemeKind::ApiKey { location, parameter } => {
            let place = match location {
                Location::Query => "QueryKey",
                Location::Cookie => "CookieKey",
                Location::Header | Location::Path => "HeaderKey",
            };
            format!("{place}({})", literal(parameter))
        }
        SchemeKind::Http(word) => format!("Authorization({})", literal(word)),
        SchemeKind::OAuth2(_) | SchemeKind::OpenIdConnect(_) => {
            "Authorization(\"bearer\")".to_owned()
        }
        SchemeKind::MutualTls | SchemeKind::Unknown => "Own".to_owned(),
    };
    let fields = [format!("name: {}", literal(&scheme.wire)), format!("proof: Proof::{proof}")];
    let ident = constant_ident(scheme);
    plan::Constant {
        docs: docs(scheme),
        value: braced(0, &format!("pub const {ident}: Scheme = Scheme"), &fields, ";"),
        ident,
    }
}

fn constant_ident(scheme: &Scheme) -> String {
    let ident = field_ident(&scheme.name).to_uppercase();
    if ident == "SCHEMES" { "SCHEMES_".to_owned() } else { ident }
}

fn docs(scheme: &Scheme) -> Vec<String> {
    let mut docs = doc_lines(scheme.description.as_deref());
    if docs.is_empty() {
        docs.push(format!("Security scheme `{}`.", one_line(&scheme.wire)));
    }
    docs
}

/// How schemes are named in prose.
fn listed(all: &All) -> String {
    let names: Vec<String> = all.iter().map(|scheme| format!("`{}`", one_line(scheme))).collect();
    names.join(" and ")
}

fn together(system: &System, all: &All, ident: &str) -> plan::Together {
    let fields: Vec<plan::Holder> = all
        .iter()
        .map(|scheme| plan::Holder {
            doc: format!("Whom `{}` recognised.", one_line(scheme)),
            ident: field_ident(name(system, scheme)),
        })
        .collect();
    let schemes: Vec<String> = all.iter().map(|scheme| literal(scheme)).collect();
    plan::Together {
        ident: ident.to_owned(),
        doc: format!("A caller by {}.", listed(all)),
        first: fields.first().map(|field| field.ident.clone()).unwrap_or_default(),
        guard: format!("[{}]", schemes.join(", ")),
        fields,
    }
}

fn either(
    system: &System,
    callers: &Callers,
    alternatives: &BTreeSet<All>,
    ident: &str,
) -> plan::Either {
    let mut taken = BTreeSet::new();
    let variants = alternatives.iter().map(|all| {
        let text = together_name(system, all);
        let schemes: Vec<String> = all.iter().map(|scheme| literal(scheme)).collect();
        plan::Alternative {
            doc: format!("By {}.", listed(all)),
            ident: free(&mut taken, &Name::new(&text), variant_ident),
            ty: callers.together.get(all).cloned().unwrap_or_else(|| "Principal".to_owned()),
            guard: format!("[{}]", schemes.join(", ")),
            principal: if all.len() > 1 { "caller.principal()" } else { "caller" },
        }
    });
    let ways: Vec<String> = alternatives.iter().map(listed).collect();
    plan::Either {
        ident: ident.to_owned(),
        doc: format!("A caller by {}.", ways.join(", or by ")),
        variants: variants.collect(),
    }
}
