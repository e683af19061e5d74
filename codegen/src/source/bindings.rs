//! Writes every reference by `$id`, and every `$dynamicRef`, as a plain reference to a place, so
//! that no other room has to know of them.
//!
//! What a `$dynamicRef` leads to hangs on the way that led to it (JSON Schema 2020-12, 8.2.3.2).
//! That way is the same for every value, so a schema that reads differently on another way is
//! copied for it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Map, Value};

use super::json_pointer::{percent_decode, tokens};
use super::load::{NameMistake, Sources};
use super::members::Names;
use super::origins::Origins;
use super::resources::{Index, absolute, heeds};
use super::{Cursor, Place, Pointer, ValueId};

/// Copies of schemas for other ways; more can only be meant to be too many.
const COPIES: usize = 1_000;

/// What the dynamic anchors lead to on a way, by name.
type Bound = BTreeMap<String, Place>;

/// Rewrites the files of a contract; says what of it is ambiguous or cannot be carried.
pub(super) fn settle(sources: &mut Sources) -> Vec<(Place, NameMistake)> {
    let speaks = sources.files().any(|file| !file.resources.is_empty() || file.is_dynamic);
    if !speaks {
        return Vec::new();
    }
    let index = Index::new(sources);
    let mut binding = Binding {
        sources,
        index: &index,
        reached: BTreeMap::new(),
        copies: BTreeMap::new(),
        waiting: VecDeque::new(),
        origins: BTreeMap::new(),
        problems: Vec::new(),
    };
    let repeated = index.repeated.iter().cloned();
    binding.problems.extend(repeated.map(|place| (place, NameMistake::Anchor)));
    let mut written: BTreeMap<String, Value> = BTreeMap::new();
    for file in sources.files() {
        let root = Cursor::root(sources, file);
        let value = binding.value(&root, Names::Keywords, &Bound::new(), &Way::of(&root));
        written.insert(file.path.clone(), value);
    }
    while let Some(copy) = binding.waiting.pop_front() {
        let mut value = binding.value(&copy.at, Names::Keywords, &copy.bound, &copy.way);
        // What stands there is copied for itself where it reads differently, too.
        if let Value::Object(members) = &mut value {
            members.remove("$defs");
        }
        if let Some(document) = written.get_mut(&copy.way.file) {
            insert(document, &copy.way.tokens, value);
        }
    }
    let Binding { origins, problems, .. } = binding;
    sources.rewrite(written, origins);
    problems
}

/// Puts a value where its tokens say; objects on the way are made.
fn insert(document: &mut Value, tokens: &[String], value: Value) {
    let Some((last, above)) = tokens.split_last() else { return };
    let owner = above.iter().try_fold(document, |value, token| match value {
        Value::Object(members) => {
            Some(members.entry(token.as_str()).or_insert_with(|| Map::new().into()))
        }
        Value::Array(items) => items.get_mut(token.parse::<usize>().ok()?),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    });
    if let Some(Value::Object(members)) = owner {
        members.insert(last.clone(), value);
    }
}

/// Where something is being written.
#[derive(Debug, Clone)]
struct Way {
    file: String,
    tokens: Vec<String>,
}

impl Way {
    fn of(at: &Cursor<'_>) -> Self {
        let tokens = at.pointer().tokens().map(Into::into).collect();
        Self { file: at.file.path.clone(), tokens }
    }

    fn then(&self, token: &str) -> Self {
        let tokens = [self.tokens.as_slice(), &[token.to_owned()]].concat();
        Self { file: self.file.clone(), tokens }
    }

    fn place(&self) -> Place {
        let root = Pointer::default();
        Place::new(&self.file, self.tokens.iter().fold(root, |at, token| at.child(token)))
    }
}

/// A schema to be written once more, as it reads on another way.
struct Copy<'a> {
    at: Cursor<'a>,
    bound: Bound,
    way: Way,
}

struct Binding<'a> {
    sources: &'a Sources,
    index: &'a Index,
    /// The names that may be looked for on the way from a schema.
    reached: BTreeMap<ValueId, BTreeSet<String>>,
    copies: BTreeMap<(Place, Bound), Way>,
    waiting: VecDeque<Copy<'a>>,
    origins: BTreeMap<String, Origins>,
    problems: Vec<(Place, NameMistake)>,
}

impl<'a> Binding<'a> {
    fn value(&mut self, at: &Cursor<'a>, names: Names, bound: &Bound, way: &Way) -> Value {
        match at.value {
            Value::Object(_) => self.object(at, names, bound, way),
            Value::Array(_) => {
                let elements = at.elements().into_iter().enumerate();
                let written = elements.map(|(index, element)| {
                    self.value(&element, Names::Keywords, bound, &way.then(&index.to_string()))
                });
                written.collect()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => at.value.clone(),
        }
    }

    fn object(&mut self, at: &Cursor<'a>, names: Names, bound: &Bound, way: &Way) -> Value {
        let place = at.place();
        let entered = at.file.resource_of(&place.pointer) == place;
        let mut inner = bound.clone();
        if entered {
            self.enter(&mut inner, &place);
        }
        let is_schema = names == Names::Keywords && heeds(&at.file.value);
        let mut written = Map::new();
        for (name, member) in at.members() {
            let keyword = is_schema.then_some(name);
            let value = match (keyword, member.value) {
                (Some("$id" | "$anchor" | "$dynamicAnchor"), Value::String(_)) => continue,
                (Some("$self"), Value::String(_)) if entered => continue,
                (Some("$dynamicRef"), Value::String(_)) => continue,
                (_, Value::String(reference)) if name == "$ref" => {
                    let target = self.target(at, reference);
                    self.spelled(at, reference, target, &inner, way).into()
                }
                (Some("mapping"), Value::Object(_)) if at.name() == Some("discriminator") => {
                    self.mapping(&member, &inner, way)
                }
                (_, value) => match names.inside(name, value) {
                    Some(within) => self.value(&member, within, &inner, &way.then(name)),
                    None => value.clone(),
                },
            };
            written.insert(name.to_owned(), value);
        }
        if is_schema && let Some(reference) = at.text("$dynamicRef") {
            let target = self.dynamic_target(at, reference, &inner);
            let spelled = self.spelled(at, reference, target, &inner, way);
            self.lead(&mut written, spelled, &place, way);
        }
        Value::Object(written)
    }

    /// Writes what a `$dynamicRef` leads to as a reference, beside one that may stand there.
    fn lead(&mut self, written: &mut Map<String, Value>, to: String, at: &Place, way: &Way) {
        let spot = if written.contains_key("$ref") {
            let parts = written.entry("allOf").or_insert_with(|| Value::Array(Vec::new()));
            let Value::Array(parts) = parts else { return };
            parts.push(Map::from_iter([("$ref".to_owned(), Value::String(to))]).into());
            way.then("allOf").then(&(parts.len() - 1).to_string())
        } else {
            written.insert("$ref".to_owned(), to.into());
            way.then("$ref")
        };
        let origin = self.sources.origin(at.child("$dynamicRef"));
        self.origins_of(&way.file).set(&spot.tokens, origin);
    }

    fn mapping(&mut self, at: &Cursor<'a>, bound: &Bound, way: &Way) -> Value {
        let mut written = at.value.clone();
        for (tag, name) in at.members() {
            if let Some(reference) = name.value.as_str().filter(|text| text.contains(['#', '/'])) {
                let target = self.target(at, reference);
                written[tag] = self.spelled(at, reference, target, bound, way).into();
            }
        }
        written
    }

    /// What the anchors of a resource lead to, unless one further out has their names.
    fn enter(&self, bound: &mut Bound, resource: &Place) {
        for (name, anchor) in self.index.anchors(resource).filter(|(_, it)| it.is_dynamic) {
            bound.entry(name.clone()).or_insert_with(|| anchor.place.clone());
        }
    }

    /// What a reference at this place leads to: by address and within its resource, else as if
    /// no schema had an address.
    fn target(&mut self, at: &Cursor<'a>, reference: &str) -> Option<Cursor<'a>> {
        let (path, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let pointer = at.pointer();
        let resource = if path.is_empty() {
            Some(at.file.resource_of(&pointer))
        } else {
            let address = absolute(at.file.base(&pointer), path);
            let places = self.sources.resources.get(&address).map(Vec::as_slice);
            if let Some([_, _, ..]) = places {
                let place = Place::new(&at.file.path, pointer);
                self.problems.push((place, NameMistake::Id { uri: address.clone() }));
            }
            places.and_then(|places| places.first()).cloned()
        };
        let inside = resource.and_then(|resource| self.inside(&resource, fragment));
        inside.or_else(|| at.target(reference).ok())
    }

    /// What a fragment names within a resource.
    fn inside(&self, resource: &Place, fragment: &str) -> Option<Cursor<'a>> {
        let decoded = percent_decode(fragment)?;
        if is_name(&decoded) {
            return self.at(&self.index.anchor(resource, &decoded)?.place);
        }
        tokens(&decoded).try_fold(self.at(resource)?, |at, token| at.child(&token))
    }

    fn at(&self, place: &Place) -> Option<Cursor<'a>> {
        let root = Cursor::root(self.sources, self.sources.file(&place.file)?);
        place.pointer.tokens().try_fold(root, |at, token| at.child(&token))
    }

    /// What a `$dynamicRef` leads to: the outermost anchor on the way, if it may be any of them.
    fn dynamic_target(
        &mut self,
        at: &Cursor<'a>,
        reference: &str,
        bound: &Bound,
    ) -> Option<Cursor<'a>> {
        let first = self.target(at, reference)?;
        let name = reference.split_once('#').map(|(_, fragment)| fragment)?;
        if first.text("$dynamicAnchor") != Some(name) {
            return Some(first);
        }
        let outermost = bound.get(name).and_then(|place| self.at(place));
        Some(outermost.unwrap_or(first))
    }

    /// How a reference is written that leads there: as it is where that means the same.
    fn spelled(
        &mut self,
        at: &Cursor<'a>,
        reference: &str,
        target: Option<Cursor<'a>>,
        bound: &Bound,
        way: &Way,
    ) -> String {
        let Some(target) = target else { return reference.to_owned() };
        let place = target.place();
        let mut on_the_way = bound.clone();
        self.enter(&mut on_the_way, &target.file.resource_of(&place.pointer));
        let mut at_home = Bound::new();
        for resource in target.file.resources_of(&place.pointer) {
            self.enter(&mut at_home, &resource);
        }
        let reached = self.reached(&target);
        on_the_way.retain(|name, _| reached.contains(name));
        at_home.retain(|name, _| reached.contains(name));
        let place = if on_the_way == at_home {
            place
        } else {
            match self.copied(at, &target, on_the_way, way) {
                Some(copy) => copy,
                None => place,
            }
        };
        let means_the_same = || {
            let is_plain = !reference.split_once('#').is_some_and(|(_, name)| is_name(name));
            let found = at.target(reference).ok().filter(|_| is_plain)?;
            (at.file.path == way.file && found.place() == place).then(|| reference.to_owned())
        };
        means_the_same()
            .or_else(|| address(&way.file, &place))
            .unwrap_or_else(|| reference.to_owned())
    }

    /// The names that schemas look for which can be reached from this one.
    fn reached(&mut self, from: &Cursor<'a>) -> BTreeSet<String> {
        if let Some(known) = self.reached.get(&from.id()) {
            return known.clone();
        }
        let mut names = BTreeSet::new();
        if !self.index.is_contested {
            return names;
        }
        let mut seen = BTreeSet::new();
        let mut waiting = vec![(from.clone(), Names::Keywords)];
        while let Some((at, within)) = waiting.pop() {
            if !seen.insert(at.id()) {
                continue;
            }
            for keyword in ["$ref", "$dynamicRef"] {
                let Some(reference) = at.text(keyword) else { continue };
                let Some(target) = self.target(&at, reference) else { continue };
                if keyword == "$dynamicRef"
                    && let Some((_, name)) = reference.split_once('#')
                    && target.text("$dynamicAnchor") == Some(name)
                {
                    names.insert(name.to_owned());
                    let any = self.index.dynamic(name).filter_map(|it| self.at(&it.place));
                    waiting.extend(any.map(|at| (at, Names::Keywords)));
                }
                waiting.push((target, Names::Keywords));
            }
            for (name, member) in at.members() {
                if let Some(inner) = within.inside(name, member.value) {
                    waiting.push((member, inner));
                }
            }
            waiting.extend(at.elements().into_iter().map(|element| (element, Names::Keywords)));
        }
        self.reached.insert(from.id(), names.clone());
        names
    }

    /// Where a schema is written as it reads on this way.
    fn copied(
        &mut self,
        at: &Cursor<'a>,
        target: &Cursor<'a>,
        bound: Bound,
        way: &Way,
    ) -> Option<Place> {
        let key = (target.place(), bound.clone());
        if let Some(known) = self.copies.get(&key) {
            return Some(known.place());
        }
        if self.copies.len() == COPIES {
            self.problems.push((at.place(), NameMistake::Ways));
            return None;
        }
        let way = self.room(way, target);
        let from = target.place();
        let tokens: Vec<String> = from.pointer.tokens().map(Into::into).collect();
        let before = self.sources.origins_of(&from.file);
        self.origins_of(&way.file).graft(&way.tokens, &before, &tokens);
        self.waiting.push_back(Copy { at: target.clone(), bound, way: way.clone() });
        self.copies.insert(key, way.clone());
        Some(way.place())
    }

    /// A free place for a copy, as near to who needs it as can be: in its component, else in its
    /// resource, else in its document.
    fn room(&self, way: &Way, target: &Cursor<'a>) -> Way {
        let root = self.sources.file(&way.file).map(|file| &file.value);
        let is_document = root.is_some_and(|it| it.get("info").is_some());
        let own = self.sources.file(&way.file).map(|file| file.resource_of(&way.place().pointer));
        let depth = match way.tokens.as_slice() {
            [components, schemas, _, ..] if components == "components" && schemas == "schemas" => 3,
            _ => own.map_or(0, |own| own.pointer.tokens().count()),
        };
        let mut room = Way { file: way.file.clone(), tokens: way.tokens[..depth].to_vec() };
        room = match is_document && depth == 0 {
            true => room.then("components").then("schemas"),
            false => room.then("$defs"),
        };
        let wanted = target.pointer().last();
        let wanted = wanted.unwrap_or_else(|| super::file_stem(&target.file.path).to_owned());
        let mut number = 1;
        loop {
            let key = if number == 1 { wanted.clone() } else { format!("{wanted}{number}") };
            let free = room.then(&key);
            let is_taken = self
                .copies
                .values()
                .any(|copy| copy.file == free.file && copy.tokens == free.tokens);
            if !is_taken && self.at(&free.place()).is_none() {
                return free;
            }
            number += 1;
        }
    }

    fn origins_of(&mut self, file: &str) -> &mut Origins {
        let known = self.sources.origins_of(file);
        self.origins.entry(file.to_owned()).or_insert(known)
    }
}

/// Whether a fragment is a name that a schema gives itself, and no pointer.
fn is_name(fragment: &str) -> bool {
    !fragment.is_empty() && !fragment.starts_with('/')
}

/// A reference to a place, as written in the file `from`; nothing if no path leads there.
fn address(from: &str, to: &Place) -> Option<String> {
    let fragment = to.pointer.as_str().replace('%', "%25");
    if from == to.file {
        return Some(format!("#{fragment}"));
    }
    if super::is_remote(&to.file) {
        return Some(format!("{}#{fragment}", to.file));
    }
    let (here, there): (Vec<&str>, Vec<&str>) =
        (from.split('/').collect(), to.file.split('/').collect());
    let folder = &here[..here.len().saturating_sub(1)];
    let shared = folder.iter().zip(&there).take_while(|(left, right)| left == right).count();
    let up = &folder[shared..];
    if super::is_remote(from) || up.contains(&"..") {
        return None;
    }
    let steps = up.iter().map(|_| "..").chain(there[shared..].iter().copied());
    let path = steps.collect::<Vec<_>>().join("/").replace('%', "%25").replace('#', "%23");
    Some(format!("{path}#{fragment}"))
}
