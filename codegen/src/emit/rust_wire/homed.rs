//! The files of what operations share: types, how they are read and written, and what rules say.
//! In a contract whose tags have features each comes in parts: what all share, and a file a tag.

use std::collections::{BTreeMap, BTreeSet};

use super::{Described, plan, types};
use crate::emit::render::{GeneratedFile, Renderer, one_line};
use crate::emit::rust::{
    Home, Homes, Module, Speller, grouped, heading, import, module, predicate, rule_ident, split,
    type_ident, unreferenced,
};
use crate::model::{System, TypeId};

const TYPES: &str = "wire/types.rs.j2";
const CODECS: &str = "wire/codecs.rs.j2";
const RULES: &str = "wire/rules.rs.j2";

/// The files, and what their library must know of them.
pub(super) struct Homed {
    pub(super) files: Vec<GeneratedFile>,
    pub(super) has_codecs: bool,
}

/// All of the files.
pub(super) fn files(
    renderer: &Renderer,
    system: &System,
    homes: &Homes<'_>,
    checked: &BTreeSet<TypeId>,
    described: Described,
) -> Homed {
    let mut files = Vec::new();
    let living = grouped(system.types.keys(), |id| homes.of_type(id));
    let saying = grouped(system.predicates.keys(), |id| homes.of_rule(id));
    let at = |living: &BTreeMap<_, Vec<_>>, home| living.get(&home).cloned().unwrap_or_default();
    let (mut typed, mut coded, mut ruled) = (Vec::new(), Vec::new(), Vec::new());
    for Part { home, module, whose } in parts(system) {
        let ident = &module.ident;
        let types = types(system, &at(&living, home), checked, described);
        let codecs = codecs(system, &types, &format!("::{ident}"));
        if !types.items.is_empty() || !types.same.is_empty() {
            let types = plan::Types { whose: whose.clone(), ..types };
            files.push(renderer.file(&format!("src/types/{ident}.rs"), TYPES, &types));
            typed.push(module.clone());
        }
        if !codecs.codecs.is_empty() {
            let codecs = plan::Codecs { whose: whose.clone(), ..codecs };
            files.push(renderer.file(&format!("src/codecs/{ident}.rs"), CODECS, &codecs));
            coded.push(module.clone());
        }
        let rules = rules(system, &at(&saying, home));
        if !rules.predicates.is_empty() {
            let rules = plan::Rules { whose, ..rules };
            files.push(renderer.file(&format!("src/rules/{ident}.rs"), RULES, &rules));
            ruled.push(module.clone());
        }
    }
    let types = types(system, &at(&living, Home::Shared), checked, described);
    let codecs = codecs(system, &types, "");
    let has_codecs = !codecs.codecs.is_empty() || !coded.is_empty();
    let types = plan::Types { modules: typed, ..types };
    files.push(renderer.file("src/types.rs", TYPES, &types));
    if !system.predicates.is_empty() {
        let rules = plan::Rules { modules: ruled, ..rules(system, &at(&saying, Home::Shared)) };
        files.push(renderer.file("src/rules.rs", RULES, &rules));
    }
    if has_codecs {
        let codecs = plan::Codecs { modules: coded, ..codecs };
        files.push(renderer.file("src/codecs.rs", CODECS, &codecs));
    }
    Homed { files, has_codecs }
}

/// What lives apart from what is shared.
struct Part {
    home: Home,
    module: Module,
    /// Who needs it, as the end of a sentence.
    whose: String,
}

/// A part for each tag that has a feature, and one for what no operation needs.
fn parts(system: &System) -> Vec<Part> {
    let tags = split(system).iter().enumerate();
    let mut parts: Vec<Part> = tags
        .map(|(index, context)| Part {
            home: Home::Tag(index),
            module: module(system, context),
            whose: format!(", for operations tagged `{}` alone", one_line(&context.tag)),
        })
        .collect();
    if !parts.is_empty() {
        let whose = ", that no operation needs".to_owned();
        parts.push(Part { home: Home::Unreferenced, module: unreferenced(), whose });
    }
    parts.sort_by(|left, right| left.module.ident.cmp(&right.module.ident));
    parts
}

fn types(
    system: &System,
    ids: &[&TypeId],
    checked: &BTreeSet<TypeId>,
    described: Described,
) -> plan::Types {
    let mut speller = Speller::new(system, "");
    let items = types::plan(system, checked, described, ids, &mut speller);
    let same = types::same(system, ids);
    let firsts = ids.iter().filter_map(|id| system.same.get(*id));
    let mentioned: BTreeSet<String> = firsts
        .chain(speller.bare())
        .filter(|id| ids.binary_search(id).is_err())
        .map(|id| type_ident(&id.0))
        .collect();
    let mentioned: Vec<&str> = mentioned.iter().map(String::as_str).collect();
    let mut imports = speller.into_imports();
    if !mentioned.is_empty() {
        imports.push(vec![import("super", &mentioned)]);
    }
    plan::Types {
        heading: heading(system),
        described: described == Described::Yes,
        whose: String::new(),
        modules: Vec::new(),
        imports,
        items,
        same,
    }
}

fn codecs(system: &System, types: &plan::Types, path: &str) -> plan::Codecs {
    let codecs = types::codecs(&types.items);
    let macros: Vec<&str> = ["record", "tagged", "text_enum", "untagged"]
        .into_iter()
        .filter(|name| codecs.iter().any(|codec| codec.starts_with(&format!("{name}!"))))
        .collect();
    plan::Codecs {
        heading: heading(system),
        whose: String::new(),
        path: path.to_owned(),
        imports: import("symbolon_wire", &macros),
        modules: Vec::new(),
        codecs,
    }
}

fn rules(system: &System, ids: &[&TypeId]) -> plan::Rules {
    let said = ids.iter().filter_map(|id| Some((*id, system.predicates.get(*id)?)));
    let predicates = said.map(|(id, said)| {
        let mut lines: Vec<String> =
            predicate(said).into_iter().map(|line| format!("    {line}")).collect();
        if let Some(last) = lines.last_mut() {
            last.push(';');
        }
        plan::Predicate { ident: rule_ident(id), lines }
    });
    plan::Rules {
        heading: heading(system),
        whose: String::new(),
        modules: Vec::new(),
        predicates: predicates.collect(),
    }
}
