//! Values read and checked as generated code reads and checks them.

use serde_json::{Map, Value};
use symbolon_codegen::model::{
    Additional, Constraints, Object, Rule, Scalar, Shape, System, Type, Union, Variant,
};
use symbolon_wire::Violations;

use super::runtime::{lower, number, pattern_of, predicate, upper};

/// A walk through a model with one value.
pub(super) struct Walk<'s> {
    system: &'s System,
    known: usize,
    lost: usize,
}

impl<'s> Walk<'s> {
    pub(super) fn new(system: &'s System) -> Self {
        Self { system, known: 0, lost: 0 }
    }

    pub(super) fn accepts(&mut self, ty: &Type, limits: &Constraints, value: &Value) -> bool {
        self.read(ty, value).is_some() && self.holds(ty, limits, value)
    }

    /// What is left of a value that was read as this type.
    fn read(&mut self, ty: &Type, value: &Value) -> Option<Value> {
        let is = |fits: bool| fits.then(|| value.clone());
        match ty {
            Type::Any => Some(value.clone()),
            Type::Nullable(_) if value.is_null() => Some(Value::Null),
            Type::Nullable(inner) => self.read(inner, value),
            Type::Scalar(Scalar::Null) => is(value.is_null()),
            Type::Scalar(Scalar::Boolean) => is(value.is_boolean()),
            Type::Scalar(Scalar::Double) => is(value.is_number()),
            Type::Scalar(Scalar::Text) => is(value.is_string()),
            Type::Scalar(Scalar::Int64) => is(value.is_i64()),
            Type::Scalar(Scalar::Uint64) => is(value.is_u64()),
            Type::Scalar(other) => panic!("{other:?}"),
            Type::List(item) => {
                value.as_array()?.iter().map(|found| self.read(item, found)).collect()
            }
            Type::Tuple(items) => {
                let found = value.as_array().filter(|found| found.len() == items.len())?;
                items.iter().zip(found).map(|(item, found)| self.read(item, found)).collect()
            }
            Type::Map(member) => {
                let read = value
                    .as_object()?
                    .iter()
                    .map(|(name, found)| self.read(member, found).map(|read| (name.clone(), read)));
                Some(Value::Object(read.collect::<Option<Map<String, Value>>>()?))
            }
            Type::Problem => panic!("no problem is sent"),
            Type::Named(id) => match &self.system.definition(id).shape {
                Shape::Alias(inner, _) => self.read(inner, value),
                Shape::Object(object) => self.read_object(object, value),
                Shape::Union(union) => self.choose(union, value).map(|(_, read)| read),
                Shape::Enumeration(found) => {
                    let text = value.as_str()?;
                    is(found.values.iter().any(|known| known.wire == text))
                }
            },
        }
    }

    fn read_object(&mut self, object: &Object, value: &Value) -> Option<Value> {
        let mut read = Map::new();
        for (name, member) in value.as_object()? {
            match (object.property(name), &object.additional) {
                (Some(property), _) => {
                    read.insert(name.clone(), self.read(&property.ty, member)?);
                    self.known += 1;
                }
                (None, Additional::Denied) => return None,
                (None, Additional::Ignored) => self.lost += 1,
                (None, Additional::Kept(ty, _)) => {
                    read.insert(name.clone(), self.read(ty, member)?);
                }
            }
        }
        let mut required = object.properties.iter().filter(|property| property.required);
        required.all(|property| read.contains_key(&property.wire)).then_some(Value::Object(read))
    }

    /// The variant that fits best, and what it read.
    fn choose<'u>(&mut self, union: &'u Union, value: &Value) -> Option<(&'u Variant, Value)> {
        if let Some(tag) = &union.tag {
            let text = value.as_object()?.get(&tag.wire)?.as_str()?;
            let told = |variant: &&Variant| variant.tags.iter().any(|known| known == text);
            let variant = union.variants.iter().find(told)?;
            return self.read(&variant.ty, value).map(|read| (variant, read));
        }
        let mut best: Option<(usize, usize, &Variant, Value)> = None;
        for variant in &union.variants {
            let mut walk = Walk::new(self.system);
            let Some(read) = walk.read(&variant.ty, value) else { continue };
            let better = best.as_ref().is_none_or(|(known, lost, ..)| {
                walk.known > *known || (walk.known == *known && walk.lost < *lost)
            });
            if better {
                best = Some((walk.known, walk.lost, variant, read));
            }
        }
        let (known, lost, variant, read) = best?;
        self.known += known;
        self.lost += lost;
        Some((variant, read))
    }

    /// Whether a value that can be read keeps to what is asked of it.
    fn holds(&self, ty: &Type, limits: &Constraints, value: &Value) -> bool {
        let own = match ty {
            Type::Nullable(_) if value.is_null() => return true,
            Type::Nullable(inner) => return self.holds(inner, limits, value),
            Type::Scalar(_) => scalar(limits, value),
            Type::List(item) => {
                let items = value.as_array().unwrap();
                let none = Constraints::default();
                let each = limits.each.as_deref().unwrap_or(&none);
                counted("Items", items.len(), limits)
                    && (!limits.unique || quiet(|at| at.unique(items)))
                    && items.iter().all(|found| self.holds(item, each, found))
            }
            Type::Tuple(items) => {
                let none = Constraints::default();
                let found = items.iter().zip(value.as_array().unwrap()).enumerate();
                found.into_iter().all(|(at, (item, found))| {
                    self.holds(item, limits.positions.get(at).unwrap_or(&none), found)
                })
            }
            Type::Map(member) => {
                let members = value.as_object().unwrap();
                counted("Properties", members.len(), limits)
                    && self.all_members(member, limits.each.as_deref(), limits, members)
            }
            Type::Named(id) => {
                let definition = self.system.definition(id);
                match &definition.shape {
                    Shape::Alias(inner, limits) => self.holds(inner, limits, value),
                    Shape::Enumeration(_) => true,
                    Shape::Object(object) => {
                        self.ruled(&definition.rules, value) && self.members(object, value)
                    }
                    Shape::Union(union) => {
                        self.ruled(&definition.rules, value)
                            && (union.ruled || self.holds_variant(union, value))
                    }
                }
            }
            Type::Any | Type::Problem => true,
        };
        own && self.ruled(&limits.rules, value)
    }

    fn holds_variant(&self, union: &Union, value: &Value) -> bool {
        let (variant, _) = Walk::new(self.system).choose(union, value).unwrap();
        self.holds(&variant.ty, &variant.constraints, value)
    }

    fn members(&self, object: &Object, value: &Value) -> bool {
        let members = value.as_object().unwrap();
        let known = object.properties.iter().all(|property| {
            let found = members.get(&property.wire);
            found.is_none_or(|found| self.holds(&property.ty, &property.constraints, found))
        });
        let Additional::Kept(ty, limits) = &object.additional else { return known };
        let kept: Map<String, Value> = members
            .iter()
            .filter(|(name, _)| object.property(name).is_none())
            .map(|(name, member)| (name.clone(), member.clone()))
            .collect();
        known && self.all_members(ty, Some(limits), limits, &kept)
    }

    fn all_members(
        &self,
        ty: &Type,
        each: Option<&Constraints>,
        limits: &Constraints,
        members: &Map<String, Value>,
    ) -> bool {
        let none = Constraints::default();
        let each = each.unwrap_or(&none);
        let named = members.keys().all(|name| {
            limits.names.as_ref().is_none_or(|names| {
                let name = Value::from(name.as_str());
                scalar(names, &name) && self.ruled(&names.rules, &name)
            })
        });
        named && members.values().all(|member| self.holds(ty, each, member))
    }

    fn ruled(&self, rules: &[Rule], value: &Value) -> bool {
        rules.iter().all(|rule| predicate(self.system, &rule.predicate).holds(value))
    }
}

fn scalar(limits: &Constraints, value: &Value) -> bool {
    let count = |count: u64| usize::try_from(count).unwrap();
    let texts = value.as_str().is_none_or(|text| {
        quiet(|at| {
            limits.min_length.into_iter().for_each(|least| at.min_length(text, count(least)));
            limits.max_length.into_iter().for_each(|most| at.max_length(text, count(most)));
            limits.patterns.iter().for_each(|found| at.pattern(text, pattern_of(found)));
        })
    });
    let multiple = limits.multiples.iter().all(|by| {
        symbolon_wire::Number::of(value).is_none_or(|found| found.is_multiple_of(number(*by)))
    });
    texts
        && multiple
        && limits.minimum.is_none_or(|bound| lower(bound).holds(value))
        && limits.maximum.is_none_or(|bound| upper(bound).holds(value))
        && (limits.listed.is_empty() || limits.listed.contains(value))
}

fn counted(what: &str, length: usize, limits: &Constraints) -> bool {
    let count = |count: u64| usize::try_from(count).unwrap();
    quiet(|at| {
        if let Some(least) = limits.min_count {
            at.min_count(&format!("min{what}"), length, count(least));
        }
        if let Some(most) = limits.max_count {
            at.max_count(&format!("max{what}"), length, count(most));
        }
    })
}

/// Whether a check finds nothing.
fn quiet(check: impl FnOnce(&mut Violations)) -> bool {
    let mut at = Violations::default();
    check(&mut at);
    at.is_empty()
}
