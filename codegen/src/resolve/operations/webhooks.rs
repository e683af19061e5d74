//! Webhooks and callbacks: operations that the system asks and its callers answer.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Found, methods, operation};
use crate::model::{
    BodyKind, Constraints, Context, Definition, Destination, Direction, Enumeration, Name,
    Operation, Piece, Shape, Source, System, Tag, Type, TypeId, Union, Variant, unique_names,
};
use crate::resolve::Scope;
use crate::resolve::schemas::component;
use crate::resolve::whole::links;
use crate::source::{Cursor, ValueId};

/// Callbacks of an operation while it is still being read.
#[derive(Debug)]
pub(in crate::resolve) struct Called<'a> {
    /// Id of the operation.
    pub(super) owner: String,
    /// The callbacks, by name.
    pub(super) at: Cursor<'a>,
}

/// Where a callback goes, as one of the operations that have it says.
#[derive(Debug)]
pub(in crate::resolve) struct Directed<'a> {
    /// Id of the operation.
    owner: String,
    /// Id of the callback.
    callback: String,
    /// What stands at the expression.
    at: Cursor<'a>,
}

/// Fills in what the system asks of its callers.
pub(in crate::resolve) fn resolve<'a>(
    scope: &mut Scope<'a>,
    root: &Cursor<'a>,
    system: &mut System,
) {
    let found = callbacks(scope);
    let hooks = hooks(scope, root);
    let webhooks = context(scope, root, "webhooks", hooks, system);
    let callbacks = context(scope, root, "callbacks", found, system);
    system.webhooks.extend(webhooks);
    system.webhooks.extend(callbacks);
}

/// The webhooks of a document.
fn hooks<'a>(scope: &mut Scope<'a>, root: &Cursor<'a>) -> Vec<Found<'a>> {
    let mut found = Vec::new();
    for (key, item) in root.get("webhooks").map(|hooks| hooks.members()).unwrap_or_default() {
        if !key.starts_with("x-") {
            found.extend(asked(scope, &item, key));
        }
    }
    found
}

/// The operations of a path item that no path leads to.
fn asked<'a>(scope: &mut Scope<'a>, item: &Cursor<'a>, key: &str) -> Vec<Found<'a>> {
    let Some(item) = scope.follow(item) else { return Vec::new() };
    let methods = methods(scope, &item);
    let several = methods.len() > 1;
    let mut found = Vec::new();
    for (method, at) in methods {
        let Some(at) = scope.follow(&at) else { continue };
        let id = if several { format!("{key} {}", method.to_lowercase()) } else { key.to_owned() };
        let path = format!("/{}", Name::new(&id).ascii().words().join("-"));
        found.push(Found { id, method, path, shadowed: None, item: item.clone(), at });
    }
    found
}

/// The callbacks of all operations, each once.
fn callbacks<'a>(scope: &mut Scope<'a>) -> Vec<Found<'a>> {
    let mut found: Vec<Found<'a>> = Vec::new();
    let mut known: BTreeMap<ValueId, Vec<(String, Cursor<'a>)>> = BTreeMap::new();
    for Called { owner, at } in std::mem::take(&mut scope.called) {
        for (key, at) in at.members() {
            if key.starts_with("x-") {
                continue;
            }
            let Some(at) = scope.follow(&at) else { continue };
            let ids = known.entry(at.id()).or_insert_with(|| {
                let shared = component(&at).is_some();
                let label = if shared { key.to_owned() } else { format!("{owner} {key}") };
                let called = expressions(scope, &at, &label);
                let ids = called.iter().map(|(one, item)| (one.id.clone(), item.clone())).collect();
                found.extend(called.into_iter().map(|(one, _)| one));
                ids
            });
            for (callback, at) in ids.iter() {
                let (owner, callback) = (owner.clone(), callback.clone());
                scope.directed.push(Directed { owner, callback, at: at.clone() });
            }
        }
    }
    found
}

/// The operations of a callback, each with what stands at its expression.
fn expressions<'a>(
    scope: &mut Scope<'a>,
    at: &Cursor<'a>,
    label: &str,
) -> Vec<(Found<'a>, Cursor<'a>)> {
    let all = at.members().into_iter().filter(|(key, _)| !key.starts_with("x-"));
    let all: Vec<_> = all.collect();
    let several = all.len() > 1;
    let mut found = Vec::new();
    for (expression, item) in all {
        let label = if several { format!("{label} {expression}") } else { label.to_owned() };
        found.extend(asked(scope, &item, &label).into_iter().map(|one| (one, item.clone())));
    }
    found
}

fn context<'a>(
    scope: &mut Scope<'a>,
    root: &Cursor<'a>,
    what: &str,
    found: Vec<Found<'a>>,
    system: &System,
) -> Option<Context> {
    if found.is_empty() {
        return None;
    }
    let names = unique_names(found.iter().map(|found| found.id.as_str()));
    let mut operations = BTreeMap::new();
    for found in &found {
        let (linked, paginated) = (scope.linked.len(), scope.paginated.len());
        let name = &names[found.id.as_str()];
        let read = operation(scope, root, found, name, system);
        for links::Linked { at, .. } in scope.linked.split_off(linked) {
            scope.degrade(&at, "a webhook", "links of what its receiver answers are left out");
        }
        for (_, at) in scope.paginated.split_off(paginated) {
            scope.degrade(&at, "a webhook", "what its receiver answers has no pages");
        }
        for Called { at, .. } in std::mem::take(&mut scope.called) {
            scope.degrade(&at, "a webhook", "what its receiver calls in turn is left out");
        }
        // What the document asks of callers, it does not ask of itself.
        let security = match found.at.get("security") {
            Some(_) => read.security.clone(),
            None => Vec::new(),
        };
        let read = Operation { security, server: None, pagination: None, ..read };
        operations.entry(name.clone()).or_insert(read);
    }
    // Tags have their names first.
    let taken: BTreeSet<String> =
        system.contexts.iter().map(|context| context.name.key()).collect();
    let free = (2..).map(|number| Name::new(what).numbered(number));
    let mut names = std::iter::once(Name::new(what)).chain(free);
    let name = names.find(|name| !taken.contains(&name.key())).expect("numbers do not run out");
    let description = Some(match what {
        "callbacks" => "What callers are told at an address they gave.".to_owned(),
        _ => "What callers are told of their own accord.".to_owned(),
    });
    let operations = operations.into_values().collect();
    let (tag, direction) = (what.to_owned(), Direction::Asking);
    Some(Context { name, tag, direction, description, operations })
}

/// Finds where callbacks go, once every operation is known.
pub(in crate::resolve) fn direct(scope: &mut Scope<'_>, system: &mut System) {
    let mut found: BTreeMap<String, Destination> = BTreeMap::new();
    for Directed { owner, callback, at } in std::mem::take(&mut scope.directed) {
        let Some(expression) = at.name() else { continue };
        let destination = found.entry(callback).or_insert_with(|| Destination {
            expression: expression.to_owned(),
            owners: Vec::new(),
        });
        let asking = system.operations().find(|operation| operation.id == owner);
        let Some(asking) = asking else { continue };
        match pieces(expression, |source| links::unasked(system, asking, source)) {
            Ok(pieces) => destination.owners.push((owner, pieces)),
            Err(None) => {
                let why = "its URL is not in the request: its sender says where it goes";
                scope.degrade(&at, "a callback", why);
            }
            Err(Some(why)) => {
                let why = format!("`{expression}` {why}: the sender says where the callback goes");
                scope.defect(&at, why, "an expression names what the request has");
            }
        }
    }
    let callbacks = system.webhooks.iter_mut().filter(|context| context.tag == "callbacks");
    for operation in callbacks.flat_map(|context| &mut context.operations) {
        operation.destination = found.remove(&operation.id);
    }
}

/// A text with expressions in it, or that nothing asked says it all, and why it never could.
fn pieces(
    text: &str,
    unasked: impl Fn(&Source) -> Option<Option<&'static str>>,
) -> Result<Vec<Piece>, Option<&'static str>> {
    let fit = |expression: &str| match Source::parse(expression) {
        Some(source) => match unasked(&source) {
            Some(why) => Err(why),
            None => Ok(Piece::Value(source)),
        },
        None => Err(Some("is no runtime expression")),
    };
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, tail)) = rest.split_once('{') {
        let (expression, tail) = tail.split_once('}').ok_or(Some("has a brace left open"))?;
        if !before.is_empty() {
            pieces.push(Piece::Text(before.to_owned()));
        }
        pieces.push(fit(expression)?);
        rest = tail;
    }
    match rest {
        "" => {}
        bare if bare.starts_with('$') && pieces.is_empty() => pieces.push(fit(bare)?),
        text => pieces.push(Piece::Text(text.to_owned())),
    }
    Ok(pieces)
}

/// One type for whatever may arrive where all webhooks arrive: a union of what they bring, told
/// apart by a property whose values no two of them share, if there is one.
pub(in crate::resolve) fn unite(scope: &mut Scope<'_>, system: &mut System) {
    let hooks = system.webhooks.iter().filter(|context| context.tag == "webhooks");
    let bodies =
        hooks.flat_map(|context| &context.operations).filter_map(|found| found.body.as_ref());
    let offers = bodies.filter_map(|body| match body.offers.as_slice() {
        [offer] if offer.kind == BodyKind::Json && offer.stream.is_none() => Some(offer),
        _ => None,
    });
    let mut brought: BTreeSet<TypeId> = BTreeSet::new();
    for offer in offers {
        if let Type::Named(id) = &offer.ty {
            brought.insert(id.clone());
        }
    }
    if brought.len() < 2 {
        return;
    }
    let tag = tag(system, &brought);
    let variant = |id: &TypeId| Variant {
        name: id.0.clone(),
        ty: Type::Named(id.clone()),
        constraints: Constraints::default(),
        tags: tag.as_ref().map(|(_, values)| values[id].clone()).unwrap_or_default(),
        recursive: false,
    };
    let variants = brought.iter().map(variant).collect();
    let tag = tag.as_ref().map(|(wire, _)| Tag { wire: wire.clone(), otherwise: None });
    let id = scope.free_name(&Name::new("webhook payload"));
    let definition = Definition {
        shape: Shape::Union(Union { tag, variants, ruled: false }),
        description: Some("What may arrive where all webhooks arrive.".to_owned()),
        rules: Vec::new(),
        in_requests: false,
        held: false,
        in_responses: true,
        in_messages: false,
    };
    system.types.insert(id.clone(), definition);
    system.webhook_payload = Some(id);
}

/// The property that tells objects apart, and its values of each.
fn tag(
    system: &System,
    brought: &BTreeSet<TypeId>,
) -> Option<(String, BTreeMap<TypeId, Vec<String>>)> {
    let first = object(system, brought.first()?)?;
    first.properties.iter().filter(|property| property.required).find_map(|property| {
        let wire = &property.wire;
        let mut seen = BTreeSet::new();
        let mut values = BTreeMap::new();
        for id in brought {
            let own = object(system, id)?.property(wire).filter(|found| found.required)?;
            let own = texts(system, &own.ty, &own.constraints.listed)?;
            if !own.iter().all(|value| seen.insert(value.clone())) {
                return None;
            }
            values.insert(id.clone(), own);
        }
        Some((wire.clone(), values))
    })
}

fn object<'s>(system: &'s System, id: &TypeId) -> Option<&'s crate::model::Object> {
    match &system.types.get(id)?.shape {
        Shape::Object(object) => Some(object),
        Shape::Enumeration(_) | Shape::Union(_) | Shape::Alias(..) => None,
    }
}

fn texts(system: &System, ty: &Type, listed: &[Value]) -> Option<Vec<String>> {
    if let Type::Named(id) = ty
        && let Shape::Enumeration(Enumeration { values, .. }) = &system.types.get(id)?.shape
    {
        return Some(values.iter().map(|value| value.wire.clone()).collect());
    }
    let texts: Option<Vec<String>> =
        listed.iter().map(|value| value.as_str().map(str::to_owned)).collect();
    texts.filter(|texts| !texts.is_empty())
}
