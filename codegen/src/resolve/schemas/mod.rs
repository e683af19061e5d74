//! Schemas to types.

mod all_of;
mod alternatives;
mod apart;
mod constraints;
mod deep_names;
mod enumerations;
mod evaluated;
pub(super) mod families;
mod members;
mod mistakes;
mod rules;
mod scalars;
mod siblings;
mod tags;
mod tuples;
mod unions;
mod untyped;

use std::collections::BTreeSet;

use serde_json::Value;

use self::all_of::is_prose;
use self::alternatives::all_know;
use self::constraints::{constraints, is_limit, is_pattern};
use self::deep_names::deep_name;
use self::rules::prefix;
use crate::diagnostic::Kind;
use crate::model::{
    Additional, Constraints, Definition, Name, Object, Predicate, Rule, Scalar, Shape, Type,
    TypeId, unique_names,
};
use crate::resolve::{Scope, keywords};
use crate::source::{Cursor, ValueId};

/// What one schema is: a shape that may need a name, and whether `null` is among its values.
pub(super) struct Built {
    pub(super) shape: Shape,
    pub(super) nullable: bool,
    /// What its values must keep to beyond their shape; empty for an alias.
    pub(super) rules: Vec<Rule>,
}

impl Built {
    pub(super) fn of(shape: Shape, nullable: bool) -> Self {
        Self { shape, nullable, rules: Vec::new() }
    }

    pub(super) fn plain(ty: Type, constraints: Constraints, nullable: bool) -> Self {
        Self::of(Shape::Alias(ty, Box::new(constraints)), nullable)
    }

    /// `null` and nothing else.
    pub(super) fn null() -> Self {
        Self::plain(Type::Scalar(Scalar::Null), Constraints::default(), false)
    }

    pub(super) fn any() -> Self {
        Self::plain(Type::Any, Constraints::default(), false)
    }
}

impl<'a> Scope<'a> {
    /// The type of the schema at this place; `name` is used if the type needs one.
    pub(super) fn type_of(&mut self, at: &Cursor<'a>, name: &Name) -> (Type, Constraints) {
        if let Some(unnamed) = self.unnamed(at) {
            return unnamed;
        }
        let schema = at.id();
        if !self.standing.insert(schema) {
            return (self.inside_itself(schema, name), Constraints::default());
        }
        let built = self.build(at, name);
        self.standing.remove(&schema);
        let Built { shape, nullable, rules } = built;
        match shape {
            Shape::Alias(ty, constraints) => {
                if let Some(id) = self.inline.get(&schema).cloned() {
                    let shape = Shape::Alias(ty.clone(), constraints.clone());
                    self.define(&id, at, Built::of(shape, nullable));
                }
                (if nullable { ty.or_null() } else { ty }, *constraints)
            }
            shape @ (Shape::Object(_) | Shape::Enumeration(_) | Shape::Union(_)) => {
                let referred = self.places.get(&schema).map(|(id, _)| id);
                let id = match self.inline.get(&schema).or(referred) {
                    Some(id) => id.clone(),
                    None => self.free_name(name),
                };
                self.define(&id, at, Built { shape, nullable, rules });
                self.inline.insert(schema, id.clone());
                let ty = Type::Named(id);
                (if nullable { ty.or_null() } else { ty }, Constraints::default())
            }
        }
    }

    /// The type of what needs no name here, whatever it is: a reference, or a plain scalar.
    pub(super) fn unnamed(&mut self, at: &Cursor<'a>) -> Option<(Type, Constraints)> {
        match at.reference() {
            Some(_) if self.has_siblings(at) => None,
            Some(_) => Some((self.led_to(at), Constraints::default())),
            None => self.plain_scalar(at),
        }
    }

    /// The type of a schema that says what scalar it is and nothing else that matters, as most do:
    /// none of the many ways to say more has to be looked for.
    fn plain_scalar(&mut self, at: &Cursor<'a>) -> Option<(Type, Constraints)> {
        let keywords = at.object()?;
        let ty = keywords.get("type")?.as_str()?;
        let is_scalar = matches!(ty, "string" | "integer" | "number" | "boolean");
        let is_plain = |key: &String| {
            matches!(key.as_str(), "type" | "format")
                || (is_limit(key) && key != "pattern")
                || (is_prose(key) && !key.starts_with("x-"))
        };
        if !is_scalar || !keywords.keys().all(is_plain) {
            return None;
        }
        self.check_keywords(at);
        let built = self.scalar(at, ty, at.flag("nullable"));
        let Shape::Alias(ty, limits) = built.shape else { return None };
        Some((if built.nullable { ty.or_null() } else { ty }, *limits))
    }

    /// What was built, as the type of one place: a shape that needs a name gets this one.
    pub(super) fn settle(
        &mut self,
        built: Built,
        at: &Cursor<'a>,
        name: &Name,
    ) -> (Type, Constraints) {
        match built.shape {
            Shape::Alias(ty, constraints) => (ty, *constraints),
            Shape::Object(_) | Shape::Enumeration(_) | Shape::Union(_) => {
                let id = self.free_name(name);
                self.define(&id, at, built);
                (Type::Named(id), Constraints::default())
            }
        }
    }

    /// The type of a schema that is being looked at: it holds itself without any reference, being
    /// composed of the schema it stands in. It gets its name now and its definition afterwards.
    fn inside_itself(&mut self, schema: ValueId, name: &Name) -> Type {
        let id = match self.inline.get(&schema) {
            Some(id) => id.clone(),
            None => self.free_name(name),
        };
        self.inline.insert(schema, id.clone());
        Type::Named(id)
    }

    /// The type a reference leads to. Its definition waits until the current one is done.
    pub(super) fn led_to(&mut self, at: &Cursor<'a>) -> Type {
        let Some(target) = self.follow(at) else {
            self.untyped(at, "its reference leads nowhere");
            return Type::Any;
        };
        if self.problem_schemas.contains(&target.id()) {
            return Type::Problem;
        }
        let known = self.places.get(&target.id()).map(|(id, _)| id);
        let id = match known.or(self.inline.get(&target.id())) {
            Some(id) => id.clone(),
            None => {
                let id = self.free_name(&deep_name(&target));
                self.places.insert(target.id(), (id.clone(), target.clone()));
                self.waiting.push((id.clone(), target.clone()));
                id
            }
        };
        let ty = Type::Named(id);
        if accepts_null(&target) { ty.or_null() } else { ty }
    }

    /// Defines every type that was named and not yet looked at.
    pub(super) fn drain(&mut self) {
        while let Some((id, at)) = self.waiting.pop() {
            let built = match at.reference() {
                Some(_) if !self.has_siblings(&at) => {
                    let ty = self.led_to(&at);
                    // The name of this very component was taken by what it points at.
                    if ty.present() == &Type::Named(id.clone()) {
                        match self.follow(&at) {
                            Some(target) => self.build(&target, &id.0),
                            None => Built::any(),
                        }
                    } else {
                        Built::plain(ty, Constraints::default(), false)
                    }
                }
                Some(_) | None => self.build(&at, &id.0),
            };
            self.define(&id, &at, built);
            self.say_by_name();
        }
    }

    pub(super) fn define(&mut self, id: &TypeId, at: &Cursor<'a>, built: Built) {
        if let Some(lifecycle) = at.get("x-lifecycle") {
            self.lifecycles.push((id.clone(), lifecycle));
        }
        let description = at.text("description").map(str::to_owned);
        let definition = Definition {
            shape: built.shape,
            description,
            rules: built.rules,
            in_requests: false,
            held: false,
            in_responses: false,
            in_messages: false,
        };
        self.types.insert(id.clone(), definition);
    }

    /// What the schema at this place is. If it is a reference, others stand beside it.
    pub(super) fn build(&mut self, at: &Cursor<'a>, name: &Name) -> Built {
        if let Some(built) = self.family(at, name) {
            return built;
        }
        let built = self.shape(at, name);
        let built = built.keeping(self.rules(at));
        self.note_untyped(at, &built.shape);
        built
    }

    fn shape(&mut self, at: &Cursor<'a>, name: &Name) -> Built {
        let Some(schema) = at.object() else {
            if !at.value.is_boolean() {
                self.degrade(at, "a schema", "it is neither an object nor a boolean");
            }
            return Built::any();
        };
        if at.reference().is_some() {
            return self.beside(at, name);
        }
        keywords::check_near(self, at, &["x-lifecycle"]);
        self.check_keywords(at);
        self.check_pattern(at);
        if let Some(names) = at.get("propertyNames") {
            self.check_pattern(&names);
        }
        let nullable = accepts_null(at);
        if let Some(value) = schema.get("const") {
            return self.enumeration(at, std::slice::from_ref(value), name, nullable);
        }
        if let Some(Value::Array(values)) = schema.get("enum") {
            return self.enumeration(at, values, name, nullable);
        }
        if schema.contains_key("allOf") {
            return self.all_of(at, name, nullable);
        }
        let structural = schema.contains_key("properties");
        for keyword in ["oneOf", "anyOf"] {
            if let Some(alternatives) = at.get(keyword) {
                // Beside properties, what they have are optional members, and a rule.
                if !structural || all_know(&alternatives, at) {
                    let rules = self.beside_alternatives(at, &alternatives);
                    return self.union(at, &alternatives, name, nullable).keeping(rules);
                }
            }
        }
        let types: Vec<&str> = type_names(at).into_iter().filter(|ty| *ty != "null").collect();
        match types.as_slice() {
            [] if structural || schema.contains_key("additionalProperties") => {
                self.object(at, name, nullable)
            }
            [] if schema.contains_key("items") || prefix(at).is_some() => {
                self.list(at, name, nullable)
            }
            [] if schema.contains_key("patternProperties") => self.object(at, name, nullable),
            [] if nullable && type_names(at) == ["null"] => Built::null(),
            [] if schema.contains_key("pattern") || schema.contains_key("maxLength") => {
                self.scalar(at, "string", nullable)
            }
            [] => Built::any(),
            ["object"] => self.object(at, name, nullable),
            ["array"] => self.list(at, name, nullable),
            [scalar] => self.scalar(at, scalar, nullable),
            several => self.several_types(at, several, name, nullable),
        }
    }

    /// Reports a pattern that no value will be held against.
    fn check_pattern(&mut self, at: &Cursor<'a>) {
        if let Some(pattern) = at.get("pattern")
            && !pattern.value.as_str().is_some_and(is_pattern)
        {
            let why = "its pattern is not enforced: it is no regular expression of ECMA-262";
            self.degrade(&pattern, "a schema", why);
        }
    }

    pub(super) fn object(&mut self, at: &Cursor<'a>, name: &Name, nullable: bool) -> Built {
        let mut parts = all_of::Parts::default();
        parts.take(at);
        parts.take_alternatives();
        self.object_of(at, parts, name, nullable)
    }

    /// An object with the members that were gathered, or a map if there are none.
    fn object_of(
        &mut self,
        at: &Cursor<'a>,
        parts: all_of::Parts<'a>,
        name: &Name,
        nullable: bool,
    ) -> Built {
        let (additional, mut asked) = self.additional(at, &parts, name);
        let unknown = |name: &&&str| !parts.properties.contains_key(**name);
        let demanded: Vec<String> =
            parts.required.iter().filter(unknown).map(|name| (*name).to_owned()).collect();
        if !demanded.is_empty() {
            let predicate = Predicate::Required(demanded);
            asked.push(Rule { keyword: "required", predicate });
        }
        if parts.properties.is_empty() {
            let constraints = constraints(at);
            let built = match additional {
                Additional::Denied => {
                    let shape = Shape::Object(Object { properties: Vec::new(), additional });
                    Built::of(shape, nullable)
                }
                Additional::Ignored => {
                    Built::plain(Type::Map(Box::new(Type::Any)), constraints, nullable)
                }
                Additional::Kept(ty, limits) => {
                    let mut constraints = constraints;
                    constraints.each = each(*limits);
                    Built::plain(Type::Map(Box::new(ty)), constraints, nullable)
                }
            };
            let is_object = matches!(built.shape, Shape::Object(_));
            let counted = if is_object { self.member_rules(at) } else { Vec::new() };
            return built.keeping(asked).keeping(counted);
        }
        let names = unique_names(parts.properties.keys().copied());
        let properties = self.members(at, &parts, &names, name);
        let additional = match additional {
            Additional::Ignored if speaks_of_all(at) => Additional::Kept(Type::Any, Box::default()),
            other => other,
        };
        let shape = Shape::Object(Object { properties, additional });
        Built::of(shape, nullable).keeping(self.member_rules(at)).keeping(asked)
    }

    /// What an object may hold besides its members, and the rule for those of some names alone.
    fn additional(
        &mut self,
        at: &Cursor<'a>,
        parts: &all_of::Parts<'a>,
        name: &Name,
    ) -> (Additional, Vec<Rule>) {
        let Some(schema) = &parts.additional else { return (Additional::Ignored, Vec::new()) };
        let name = name.then(&Name::new("value"));
        let additional = match schema.value {
            Value::Bool(false) => Additional::Denied,
            // A map is what it is; beside members, it says that there are others to keep.
            Value::Bool(true) if parts.properties.is_empty() => Additional::Ignored,
            Value::Bool(true) => Additional::Kept(Type::Any, Box::default()),
            _ => {
                let (ty, limits) = self.type_of(schema, &name);
                Additional::Kept(ty, Box::new(limits))
            }
        };
        let patterns = at.get("patternProperties").map(|found| found.members()).unwrap_or_default();
        if patterns.is_empty() || matches!(additional, Additional::Ignored) {
            return (additional, Vec::new());
        }
        // Members of these names are none of the others.
        let said: Vec<Cursor<'a>> = patterns.into_iter().map(|(_, schema)| schema).collect();
        let besides = match additional {
            Additional::Kept(ty, _) => Some(ty),
            Additional::Denied | Additional::Ignored => None,
        };
        let (ty, _) = self.any_of(&said, besides, &name);
        let mut rules = Vec::new();
        if at.get("additionalProperties").is_some_and(|it| it.value != &Value::Bool(true)) {
            let predicate = self.others(at, parts);
            rules.push(Rule { keyword: "additionalProperties", predicate });
        }
        (Additional::Kept(ty, Box::default()), rules)
    }

    pub(super) fn list(&mut self, at: &Cursor<'a>, name: &Name, nullable: bool) -> Built {
        if prefix(at).is_some() {
            return self.positions(at, name, nullable);
        }
        let mut limits = constraints(at);
        let Some(items) = at.get("items") else {
            return Built::plain(Type::List(Box::new(Type::Any)), limits, nullable);
        };
        let (item, inner) = match self.unnamed(&items) {
            Some(unnamed) => unnamed,
            None => self.type_of(&items, &name.then(&Name::new("item"))),
        };
        limits.each = each(inner);
        Built::plain(Type::List(Box::new(item)), limits, nullable)
    }

    /// Tells problem documents apart, so that they become the runtimes' type.
    pub(super) fn mark_problem_schema(&mut self, schema: &Cursor<'a>) {
        if let Some(target) = self.follow(schema) {
            self.problem_schemas.insert(target.id());
        }
    }

    /// Reports an unknown keyword that looks like one of ours.
    pub(super) fn unknown_keyword(&mut self, at: &Cursor<'a>, keyword: &str, near: Option<String>) {
        self.report(at, Kind::UnknownKeyword { keyword: keyword.to_owned(), similar: near });
    }
}

/// The name of a component, or of what stands at the top of another file.
pub(super) fn component(at: &Cursor<'_>) -> Option<Name> {
    match at.way_within(3)?.as_slice() {
        [components, _, name] if components == "components" => Some(Name::new(name)),
        [name] => Some(Name::new(name)),
        _ => None,
    }
}

/// Whether a schema asks something of members that it does not name.
fn speaks_of_all(at: &Cursor<'_>) -> bool {
    ["minProperties", "maxProperties", "propertyNames", "patternProperties"]
        .into_iter()
        .any(|keyword| at.get(keyword).is_some())
}

fn each(constraints: Constraints) -> Option<Box<Constraints>> {
    (!constraints.is_empty()).then(|| Box::new(constraints))
}

/// The names in `type`, which may be one or several.
pub(super) fn type_names<'v>(at: &Cursor<'v>) -> Vec<&'v str> {
    match at.value.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Whether `null` is among the values, in any spelling of 3.0 or 3.1.
pub(super) fn accepts_null(at: &Cursor<'_>) -> bool {
    match null_here(at) {
        Nullness::Told(told) => return told,
        Nullness::OfAlternatives => {}
    }
    let mut waiting = vec![at.clone()];
    let mut seen = BTreeSet::new();
    while let Some(at) = waiting.pop() {
        match null_here(&at) {
            Nullness::Told(true) => return true,
            Nullness::Told(false) => continue,
            Nullness::OfAlternatives => {}
        }
        for alternatives in ["oneOf", "anyOf"].into_iter().filter_map(|keyword| at.get(keyword)) {
            let found = alternatives.elements().into_iter().filter_map(|at| at.follow().ok());
            waiting.extend(found.filter(|at| seen.insert(at.id())));
        }
    }
    false
}

/// What a schema says of `null`.
enum Nullness {
    /// Whether it is among its values.
    Told(bool),
    /// It is if it is among those of an alternative.
    OfAlternatives,
}

fn null_here(at: &Cursor<'_>) -> Nullness {
    let Value::Object(keywords) = at.value else { return Nullness::Told(false) };
    let mut listed = None;
    let mut has_alternatives = false;
    let mut is_null = false;
    for (keyword, value) in keywords {
        match (keyword.as_str(), value) {
            ("nullable", Value::Bool(true)) => return Nullness::Told(true),
            ("type", Value::String(name)) if name == "null" => return Nullness::Told(true),
            ("type", Value::Array(names)) if names.iter().any(|name| name == "null") => {
                return Nullness::Told(true);
            }
            ("enum", Value::Array(values)) => listed = Some(values.contains(&Value::Null)),
            ("const", Value::Null) => is_null = true,
            ("oneOf" | "anyOf", _) => has_alternatives = true,
            _ => {}
        }
    }
    match listed {
        Some(has_null) => Nullness::Told(has_null),
        None if has_alternatives && !is_null => Nullness::OfAlternatives,
        None => Nullness::Told(is_null),
    }
}
