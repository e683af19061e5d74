//! Types as Rust types.

use std::collections::{BTreeMap, BTreeSet};

use super::idents::type_ident;
use super::layout::import;
use crate::model::{Definition, Scalar, Shape, System, Type, TypeId};

/// Where a type stands: enums are open where a newer server may answer with values of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Position {
    /// In a request only: the contract's values and no others.
    Closed,
    /// In a response or an event.
    Open,
}

impl Position {
    /// The position of everything a definition holds.
    pub(crate) fn of(definition: &Definition) -> Self {
        if definition.in_responses { Self::Open } else { Self::Closed }
    }

    /// The position in which it is checked: what is only told may have values of its own.
    pub(crate) fn checking(definition: &Definition) -> Self {
        if definition.is_ruled() { Self::of(definition) } else { Self::Closed }
    }
}

/// Spells types and remembers what must be imported for them.
pub(crate) struct Speller<'a> {
    system: &'a System,
    /// What stands before a named type: empty, or the path to the module of types.
    prefix: &'static str,
    paths: Paths,
    imports: BTreeSet<&'static str>,
    /// The named types that were spelled without a path.
    bare: BTreeSet<TypeId>,
}

/// How what others define is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Paths {
    /// By its last part; the rest is imported.
    Imported,
    /// By all of it.
    Whole,
}

impl<'a> Speller<'a> {
    pub(crate) fn new(system: &'a System, prefix: &'static str) -> Self {
        Self {
            system,
            prefix,
            paths: Paths::Imported,
            imports: BTreeSet::new(),
            bare: BTreeSet::new(),
        }
    }

    /// One that spells whole paths, for what is left out while its file stays.
    pub(crate) fn whole(system: &'a System) -> Self {
        Self { paths: Paths::Whole, ..Self::new(system, "crate::types::") }
    }

    /// The system whose types are spelled.
    pub(crate) fn system(&self) -> &'a System {
        self.system
    }

    /// Notes an import that no type brings along.
    pub(crate) fn import(&mut self, path: &'static str) {
        self.imports.insert(path);
    }

    /// What another crate defines, as it is named here.
    pub(crate) fn name(&mut self, path: &'static str) -> &'static str {
        match self.paths {
            Paths::Imported => {
                self.import(path);
                path.rsplit("::").next().unwrap_or(path)
            }
            Paths::Whole => path,
        }
    }

    /// The named types that were spelled without a path.
    pub(crate) fn bare(&self) -> &BTreeSet<TypeId> {
        &self.bare
    }

    /// The path of everything to import, sorted.
    pub(crate) fn into_paths(self) -> Vec<&'static str> {
        self.imports.into_iter().collect()
    }

    /// Everything to import, one statement a module: the standard library, others, ourselves.
    pub(crate) fn into_imports(self) -> Vec<Vec<String>> {
        let mut groups: [BTreeMap<&str, Vec<&str>>; 3] = Default::default();
        for path in self.imports {
            let Some((module, name)) = path.rsplit_once("::") else { continue };
            let group = match module.split("::").next() {
                Some("std") => 0,
                Some("crate") => 2,
                Some(_) | None => 1,
            };
            groups[group].entry(module).or_default().push(name);
        }
        let spell = |group: BTreeMap<&str, Vec<&str>>| -> Vec<String> {
            group.into_iter().map(|(module, names)| import(module, &names)).collect()
        };
        groups.into_iter().filter(|group| !group.is_empty()).map(spell).collect()
    }

    /// The type as Rust spells it.
    pub(crate) fn spell(&mut self, ty: &Type, position: Position) -> String {
        match ty {
            Type::Scalar(scalar) => self.scalar(*scalar).to_owned(),
            Type::List(item) => format!("Vec<{}>", self.spell(item, position)),
            Type::Map(value) => {
                let map = self.name("std::collections::BTreeMap");
                format!("{map}<String, {}>", self.spell(value, position))
            }
            Type::Tuple(elements) => {
                let spelled: Vec<String> =
                    elements.iter().map(|element| self.spell(element, position)).collect();
                match spelled.as_slice() {
                    [single] => format!("({single},)"),
                    _ => format!("({})", spelled.join(", ")),
                }
            }
            Type::Named(id) => self.named(id, position),
            Type::Nullable(inner) => format!("Option<{}>", self.spell(inner, position)),
            Type::Problem => self.name("symbolon_wire::Problem").to_owned(),
            Type::Any => self.name("serde_json::Value").to_owned(),
        }
    }

    fn named(&mut self, id: &TypeId, position: Position) -> String {
        let ident = format!("{}{}", self.prefix, type_ident(&id.0));
        if self.prefix.is_empty() {
            self.bare.insert(id.clone());
        } else if self.paths == Paths::Imported {
            self.import("crate::types");
        }
        if position == Position::Open && is_open(self.system, id) {
            return format!("{}<{ident}>", self.name("symbolon_wire::Open"));
        }
        ident
    }

    fn scalar(&mut self, scalar: Scalar) -> &'static str {
        match scalar {
            Scalar::Null => "()",
            Scalar::Boolean => "bool",
            Scalar::Int8 => "i8",
            Scalar::Int16 => "i16",
            Scalar::Int32 => "i32",
            Scalar::Int64 => "i64",
            Scalar::Uint8 => "u8",
            Scalar::Uint16 => "u16",
            Scalar::Uint32 => "u32",
            Scalar::Uint64 => "u64",
            Scalar::Float => "f32",
            Scalar::Double => "f64",
            Scalar::Text => "String",
            Scalar::DateTime => self.name("jiff::Timestamp"),
            Scalar::Date => self.name("jiff::civil::Date"),
            Scalar::Uuid => self.name("uuid::Uuid"),
            Scalar::Decimal => self.name("symbolon_wire::Decimal"),
            Scalar::Base64 => self.name("symbolon_wire::Base64"),
            Scalar::Binary => self.name("symbolon_wire::Binary"),
        }
    }
}

/// Whether a newer server may answer with values of its own; not where there is but one.
pub(crate) fn is_open(system: &System, id: &TypeId) -> bool {
    match &system.definition(id).shape {
        Shape::Enumeration(enumeration) => enumeration.values.len() > 1,
        Shape::Object(_) | Shape::Union(_) | Shape::Alias(..) => false,
    }
}
