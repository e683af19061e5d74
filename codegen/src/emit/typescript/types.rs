//! Types as TypeScript types.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde_json::Value;

use super::idents::{literal, type_ident};
use super::usage::{Usage, single_text};
use crate::model::{Constraints, Definition, Name, Scalar, Shape, System, Type, TypeId};

/// Where a type stands: enumerations are open where a newer server may answer with more values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Position {
    /// In a request only: the contract's values and no others.
    Closed,
    /// In a response or an event.
    Open,
}

/// What carries a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// JSON or another text, in which bytes are text too.
    Text,
    /// Parts or bodies of their own, in which bytes are bytes.
    Raw,
}

/// Where a type stands, and what carries it there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) position: Position,
    pub(crate) carrier: Carrier,
}

impl Place {
    /// The place of everything a definition holds.
    pub(crate) fn of(definition: &Definition, id: &TypeId, usage: &Usage) -> Self {
        let position = if definition.in_responses { Position::Open } else { Position::Closed };
        let carrier = if usage.is_carried_raw(id) { Carrier::Raw } else { Carrier::Text };
        Self { position, carrier }
    }
}

/// Spells types and remembers what must be imported for them.
pub(crate) struct Speller<'a> {
    pub(crate) system: &'a System,
    pub(crate) usage: &'a Usage,
    /// What stands before a named type: empty, or the import of the module of types.
    prefix: &'static str,
    imports: BTreeSet<String>,
    names_types: bool,
}

impl<'a> Speller<'a> {
    /// A speller for the module of types itself.
    pub(crate) fn inside(system: &'a System, usage: &'a Usage) -> Self {
        Self { system, usage, prefix: "", imports: BTreeSet::new(), names_types: false }
    }

    /// A speller for modules that import the module of types as `types`.
    pub(crate) fn outside(system: &'a System, usage: &'a Usage) -> Self {
        Self { system, usage, prefix: "types.", imports: BTreeSet::new(), names_types: false }
    }

    /// Imports a type of the runtime; under another name where a type of the contract has its own.
    pub(crate) fn runtime(&mut self, name: &str) -> String {
        // Only the words of this very name are spelled like it.
        let id = TypeId(Name::new(name));
        let clash = self.prefix.is_empty()
            && self.system.types.contains_key(&id)
            && type_ident(&id.0) == name;
        if clash {
            self.imports.insert(format!("{name} as {name}_"));
            return format!("{name}_");
        }
        self.imports.insert(name.to_owned());
        name.to_owned()
    }

    /// Whether any type of the contract was spelled.
    pub(crate) fn names_types(&self) -> bool {
        self.names_types
    }

    /// Everything to import from the runtime, sorted.
    pub(crate) fn into_imports(self) -> String {
        self.imports.into_iter().collect::<Vec<_>>().join(", ")
    }

    /// The type as TypeScript spells it.
    pub(crate) fn spell(&mut self, ty: &Type, limits: &Constraints, place: Place) -> String {
        match ty {
            Type::Scalar(scalar) => self.scalar(*scalar, limits, place),
            Type::List(item) => {
                let item = self.element(item, limits, place);
                let composed = item.contains(" | ") || item.contains(" & ");
                if composed { format!("({item})[]") } else { format!("{item}[]") }
            }
            Type::Map(value) => {
                format!("{{ [name: string]: {} }}", self.element(value, limits, place))
            }
            Type::Tuple(elements) => {
                let none = Constraints::default();
                let spelled: Vec<String> = elements
                    .iter()
                    .enumerate()
                    .map(|(index, ty)| {
                        self.spell(ty, limits.positions.get(index).unwrap_or(&none), place)
                    })
                    .collect();
                format!("[{}]", spelled.join(", "))
            }
            Type::Named(id) => self.named(id, place),
            Type::Nullable(inner) => format!("{} | null", self.spell(inner, limits, place)),
            Type::Problem => self.runtime("Problem"),
            Type::Any => "unknown".to_owned(),
        }
    }

    fn element(&mut self, ty: &Type, limits: &Constraints, place: Place) -> String {
        match &limits.each {
            Some(each) => self.spell(ty, each, place),
            None => self.spell(ty, &Constraints::default(), place),
        }
    }

    fn named(&mut self, id: &TypeId, place: Place) -> String {
        if let (true, Some(text)) = (self.usage.is_constant(id), single_text(self.system, id)) {
            return literal(text);
        }
        self.names_types = true;
        let ident = format!("{}{}", self.prefix, type_ident(&id.0));
        let enumeration = matches!(self.system.definition(id).shape, Shape::Enumeration(_));
        match place.position {
            Position::Open if enumeration => format!("{}<{ident}>", self.runtime("Open")),
            Position::Open | Position::Closed => ident,
        }
    }

    fn scalar(&mut self, scalar: Scalar, limits: &Constraints, place: Place) -> String {
        match scalar {
            Scalar::Null => "null".to_owned(),
            Scalar::Boolean => listed("boolean", &limits.listed, Value::is_boolean, place.position),
            Scalar::Int8
            | Scalar::Int16
            | Scalar::Int32
            | Scalar::Int64
            | Scalar::Uint8
            | Scalar::Uint16
            | Scalar::Uint32
            | Scalar::Uint64
            | Scalar::Float
            | Scalar::Double => listed("number", &limits.listed, Value::is_number, place.position),
            Scalar::Text
            | Scalar::DateTime
            | Scalar::Date
            | Scalar::Uuid
            | Scalar::Decimal
            | Scalar::Base64 => "string".to_owned(),
            Scalar::Binary => match place.carrier {
                Carrier::Raw => self.runtime("Binary"),
                Carrier::Text => "string".to_owned(),
            },
        }
    }
}

/// The listed values of a kind; open like an enumeration of texts unless there is only one.
fn listed(
    kind: &str,
    listed: &[Value],
    is_kind: impl Fn(&Value) -> bool,
    position: Position,
) -> String {
    let mut values: Vec<&Value> = listed.iter().filter(|value| is_kind(value)).collect();
    values.sort_by(|one, two| one.as_f64().partial_cmp(&two.as_f64()).unwrap_or(Ordering::Equal));
    let mut spelled: Vec<String> = values.iter().map(|value| value.to_string()).collect();
    spelled.dedup();
    match (spelled.len(), position) {
        (0, _) => kind.to_owned(),
        (2.., _) if kind == "boolean" => kind.to_owned(),
        (2.., Position::Open) => {
            spelled.push(format!("({kind} & {{}})"));
            spelled.join(" | ")
        }
        (1, _) | (2.., Position::Closed) => spelled.join(" | "),
    }
}
