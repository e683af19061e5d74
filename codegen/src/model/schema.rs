//! Types: what values look like, apart from how any language spells them.

use serde_json::Value;

use super::{Constraints, Name, Rule};

/// The name of a type, unique within its system.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeId(pub Name);

/// How a value is used at one place.
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    /// A scalar.
    Scalar(Scalar),
    /// An array.
    List(Box<Type>),
    /// An object with any member names and members of one type.
    Map(Box<Type>),
    /// An array of so many elements, each of a type of its own.
    Tuple(Vec<Type>),
    /// A named type.
    Named(TypeId),
    /// The value or `null`.
    Nullable(Box<Type>),
    /// The problem document of RFC 9457, which the runtimes bring.
    Problem,
    /// Anything: the contract does not say, or says what no type can.
    Any,
}

/// Scalars, with what their `format` adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar {
    /// `null` and nothing else.
    Null,
    /// `boolean`.
    Boolean,
    /// `integer`, 8 bits and signed.
    Int8,
    /// `integer`, 16 bits and signed.
    Int16,
    /// `integer`, 32 bits and signed.
    Int32,
    /// `integer`, 64 bits and signed.
    Int64,
    /// `integer` that is never negative, 8 bits.
    Uint8,
    /// `integer` that is never negative, 16 bits.
    Uint16,
    /// `integer` that is never negative, 32 bits.
    Uint32,
    /// `integer` that is never negative, 64 bits.
    Uint64,
    /// `number` of single precision.
    Float,
    /// `number`.
    Double,
    /// `string` without a format that changes its type.
    Text,
    /// `string`, format `date-time` (RFC 3339).
    DateTime,
    /// `string`, format `date` (RFC 3339).
    Date,
    /// `string`, format `uuid` (RFC 9562).
    Uuid,
    /// `string`, format `decimal`: a number of any precision, never rounded.
    Decimal,
    /// `string`, format `byte`: bytes in Base64 (RFC 4648).
    Base64,
    /// Raw bytes: format `binary`, a file, or a body without a schema.
    Binary,
}

/// A named type.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// What it is.
    pub shape: Shape,
    /// `description` of the schema.
    pub description: Option<String>,
    /// What its values must keep to beyond their shape; an alias has constraints instead.
    pub rules: Vec<Rule>,
    /// Whether a request can hold it.
    pub in_requests: bool,
    /// Whether somebody holds its values against its constraints: the edge of a server, of
    /// requests; that of who is told something; who publishes or consumes an event.
    pub held: bool,
    /// Whether a response or an event can hold it.
    pub in_responses: bool,
    /// Whether an event can hold it.
    pub in_messages: bool,
}

/// The kinds of named types.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// An object with known members.
    Object(Object),
    /// One of some texts.
    Enumeration(Enumeration),
    /// One of some types.
    Union(Union),
    /// Another type under this name.
    Alias(Type, Box<Constraints>),
}

/// An object with known members.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Object {
    /// Its members, sorted by their name on the wire.
    pub properties: Vec<Property>,
    /// What else it may hold.
    pub additional: Additional,
}

/// What an object may hold besides its known members.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Additional {
    /// Anything; it is read over.
    #[default]
    Ignored,
    /// Nothing.
    Denied,
    /// Members of this type, which are kept; the constraints are those of each of them, and of
    /// their names.
    Kept(Type, Box<Constraints>),
}

/// A member of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Property {
    /// Its name on the wire.
    pub wire: String,
    /// Its name as words.
    pub name: Name,
    /// Its type.
    pub ty: Type,
    /// Whether every value must hold it.
    pub required: bool,
    /// What its value must keep to.
    pub constraints: Constraints,
    /// Whether only responses hold it (`readOnly`).
    pub read_only: bool,
    /// Whether only requests hold it (`writeOnly`).
    pub write_only: bool,
    /// What an absent member stands for (`default`).
    pub default: Option<Value>,
    /// Whether the object would hold itself through this member without indirection.
    pub recursive: bool,
    /// Prose of the contract.
    pub description: Option<String>,
    /// Whether the contract advises against its use.
    pub deprecated: bool,
}

/// One of some texts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Enumeration {
    /// Its values, in the order of the contract.
    pub values: Vec<EnumerationValue>,
    /// How its values may follow each other (`x-lifecycle`).
    pub lifecycle: Option<Lifecycle>,
}

/// A value of an enumeration.
#[derive(Debug, Clone, PartialEq)]
pub struct EnumerationValue {
    /// The text on the wire.
    pub wire: String,
    /// Its name as words.
    pub name: Name,
    /// Prose of the contract.
    pub description: Option<String>,
}

/// How the values of an enumeration may follow each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Lifecycle {
    /// The first value.
    pub initial: String,
    /// From each value, the values that may follow, sorted.
    pub transitions: Vec<(String, Vec<String>)>,
}

/// One of some types.
#[derive(Debug, Clone, PartialEq)]
pub struct Union {
    /// The property whose value says which, if there is one.
    pub tag: Option<Tag>,
    /// The types; a value that several can read is of the one it fits best.
    pub variants: Vec<Variant>,
    /// Whether its rules ask all there is to ask: a value that reads as one variant may be one of
    /// another, and only they can tell.
    pub ruled: bool,
}

/// The property that tells the variants of a union apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Tag {
    /// Its name on the wire.
    pub wire: String,
    /// The variant of values without a tag, or with one that chooses none; else they are refused.
    pub otherwise: Option<Name>,
}

/// A variant of a union.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    /// Its name as words.
    pub name: Name,
    /// Its type.
    pub ty: Type,
    /// What its value must keep to.
    pub constraints: Constraints,
    /// The values of the tag that choose it.
    pub tags: Vec<String>,
    /// Whether the union would hold itself through this variant without indirection.
    pub recursive: bool,
}

impl Type {
    /// The type without `null`.
    pub fn present(&self) -> &Self {
        match self {
            Self::Nullable(inner) => inner.present(),
            Self::Scalar(_)
            | Self::List(_)
            | Self::Map(_)
            | Self::Tuple(_)
            | Self::Named(_)
            | Self::Problem
            | Self::Any => self,
        }
    }

    /// Whether `null` is among its values.
    pub fn is_nullable(&self) -> bool {
        matches!(self, Self::Nullable(_))
    }

    /// This type or `null`.
    #[must_use]
    pub fn or_null(self) -> Self {
        match self {
            Self::Nullable(_) | Self::Any | Self::Scalar(Scalar::Null) => self,
            Self::Scalar(_)
            | Self::List(_)
            | Self::Map(_)
            | Self::Tuple(_)
            | Self::Named(_)
            | Self::Problem => Self::Nullable(Box::new(self)),
        }
    }

    /// Calls `visit` for every type name this type mentions, to change it.
    pub fn each_name_mut(&mut self, visit: &mut dyn FnMut(&mut TypeId)) {
        match self {
            Self::Named(id) => visit(id),
            Self::List(inner) | Self::Map(inner) | Self::Nullable(inner) => {
                inner.each_name_mut(visit);
            }
            Self::Tuple(elements) => {
                for element in elements {
                    element.each_name_mut(visit);
                }
            }
            Self::Scalar(_) | Self::Problem | Self::Any => {}
        }
    }

    /// Calls `visit` for every type name this type mentions.
    pub fn each_name<'a>(&'a self, visit: &mut dyn FnMut(&'a TypeId)) {
        match self {
            Self::Named(id) => visit(id),
            Self::List(inner) | Self::Map(inner) | Self::Nullable(inner) => inner.each_name(visit),
            Self::Tuple(elements) => {
                for element in elements {
                    element.each_name(visit);
                }
            }
            Self::Scalar(_) | Self::Problem | Self::Any => {}
        }
    }
}

impl Definition {
    /// Whether its values are held against all that is said of them: by whoever only is told
    /// something they are held against keywords alone.
    pub fn is_ruled(&self) -> bool {
        self.in_requests || self.in_messages
    }

    /// Calls `visit` for every rule that its values are held against.
    pub fn each_rule<'d>(&'d self, visit: &mut dyn FnMut(&'d Rule)) {
        self.rules.iter().for_each(&mut *visit);
        match &self.shape {
            Shape::Object(object) => {
                for property in &object.properties {
                    property.constraints.each_rule(visit);
                }
                if let Additional::Kept(_, limits) = &object.additional {
                    limits.each_rule(visit);
                }
            }
            Shape::Union(union) => {
                for variant in &union.variants {
                    variant.constraints.each_rule(visit);
                }
            }
            Shape::Alias(_, limits) => limits.each_rule(visit),
            Shape::Enumeration(_) => {}
        }
    }

    /// Keeps the keywords of its constraints alone.
    pub fn forget_rules(&mut self) {
        self.rules.clear();
        match &mut self.shape {
            Shape::Object(object) => {
                object.properties.iter_mut().for_each(|found| found.constraints.forget_rules());
                if let Additional::Kept(_, limits) = &mut object.additional {
                    limits.forget_rules();
                }
            }
            Shape::Union(union) => {
                union.ruled = false;
                union.variants.iter_mut().for_each(|found| found.constraints.forget_rules());
            }
            Shape::Alias(_, limits) => limits.forget_rules(),
            Shape::Enumeration(_) => {}
        }
    }
}

impl Shape {
    /// Calls `visit` for every type name this definition mentions, to change it.
    pub fn each_name_mut(&mut self, visit: &mut dyn FnMut(&mut TypeId)) {
        match self {
            Self::Object(object) => {
                for property in &mut object.properties {
                    property.ty.each_name_mut(visit);
                }
                if let Additional::Kept(ty, _) = &mut object.additional {
                    ty.each_name_mut(visit);
                }
            }
            Self::Union(union) => {
                for variant in &mut union.variants {
                    variant.ty.each_name_mut(visit);
                }
            }
            Self::Alias(ty, _) => ty.each_name_mut(visit),
            Self::Enumeration(_) => {}
        }
    }

    /// Calls `visit` for every type name this definition mentions.
    pub fn each_name<'a>(&'a self, visit: &mut dyn FnMut(&'a TypeId)) {
        match self {
            Self::Object(object) => {
                for property in &object.properties {
                    property.ty.each_name(visit);
                }
                if let Additional::Kept(ty, _) = &object.additional {
                    ty.each_name(visit);
                }
            }
            Self::Union(union) => {
                for variant in &union.variants {
                    variant.ty.each_name(visit);
                }
            }
            Self::Alias(ty, _) => ty.each_name(visit),
            Self::Enumeration(_) => {}
        }
    }
}
