//! Objects, as generated codecs read and write them: from objects only, every bad member at once.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::fit;

/// The name by which a deserializer that goes on after a bad member recognizes one.
pub(crate) const MEMBER: &str = "$symbolon::Member";

/// What a record says when its bad members have been recorded one by one.
pub(crate) const REFUSED: &str = "members were refused";

/// An object with known members; implemented by [`record!`](crate::record).
pub trait Record: Sized {
    /// Names of its members on the wire.
    const FIELDS: &'static [&'static str];

    /// What it does with members of other names.
    const OTHERS: Others;

    /// Reads it.
    ///
    /// # Errors
    /// When a member is missing or cannot be read.
    fn read<'de, A: MapAccess<'de>>(from: &mut Members<'de, A>) -> Result<Self, A::Error>;
}

/// What a record does with members it does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// It reads over them.
    Ignored,
    /// It refuses them.
    Denied,
    /// It keeps them.
    Kept,
}

/// The members of an object while they are read. Each is offered to the fields of the record in
/// their order; the one whose turn it is takes it.
pub struct Members<'de, A: MapAccess<'de>> {
    access: A,
    fields: &'static [&'static str],
    others: Others,
    /// The member that is on offer: its index, or its name if it is unknown and kept.
    at: usize,
    /// The field it is offered to.
    turn: usize,
    name: String,
    refused: Vec<&'static str>,
    missing: Vec<&'static str>,
    /// What ended the reading.
    failed: Option<A::Error>,
}

impl<'de, A: MapAccess<'de>> Members<'de, A> {
    /// Goes to the next member that a field can take; false at the end. What no field can take is
    /// read over, or refused.
    #[allow(clippy::should_implement_trait, reason = "it is no iterator: members need reading")]
    pub fn next(&mut self) -> bool {
        while self.failed.is_none() {
            let Self { access, fields, others, name, .. } = self;
            let found = access.next_key_seed(Key { fields, others: *others, name });
            match found {
                Ok(Some(at)) => (self.at, self.turn) = (at, 0),
                Ok(None) => return false,
                Err(error) => {
                    self.failed = Some(error);
                    return false;
                }
            }
            if self.at < self.fields.len() || self.others == Others::Kept {
                return true;
            }
            self.skip();
        }
        false
    }

    /// Reads the member on offer into the next field, if it is that one's.
    pub fn take<T: Deserialize<'de>>(&mut self, slot: &mut Option<T>) {
        if self.is_next() {
            *slot = self.value();
            fit::known();
        }
    }

    /// Reads the member on offer into the next field, if it is that one's, and `null` as if there
    /// were none.
    pub fn lax<T: Deserialize<'de>>(&mut self, slot: &mut Option<T>) {
        if self.is_next() {
            *slot = self.value::<Option<T>>().flatten();
            fit::known();
        }
    }

    /// Keeps the member on offer, if no field bears its name.
    pub fn keep<T: Deserialize<'de>>(&mut self, kept: &mut BTreeMap<String, T>) {
        if self.at < self.fields.len() {
            return;
        }
        let name = std::mem::take(&mut self.name);
        if let Some(value) = self.value() {
            kept.insert(name, value);
        }
    }

    /// Notes a required member that is not there.
    pub fn lacks<T>(&mut self, wire: &'static str, slot: &Option<T>) {
        if slot.is_none() && !self.refused.contains(&wire) {
            self.missing.push(wire);
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// When it failed on the way, a required member is missing, or one was refused.
    pub fn settle(&mut self) -> Result<(), A::Error> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        match self.missing.as_slice() {
            [] if self.refused.is_empty() => Ok(()),
            [] => Err(de::Error::custom(REFUSED)),
            [name] => Err(de::Error::custom(format_args!("missing field `{name}`"))),
            names => Err(de::Error::custom(Missing(names))),
        }
    }

    /// The error after [`Self::settle`] let a missing member pass: it never does.
    pub fn lost(&self) -> A::Error {
        de::Error::custom(REFUSED)
    }

    fn is_next(&mut self) -> bool {
        let is_next = self.at == self.turn;
        self.turn += 1;
        is_next
    }

    fn skip(&mut self) {
        fit::lost();
        match self.others {
            Others::Denied => drop(self.value::<Nothing>()),
            Others::Ignored | Others::Kept => {
                self.failed = self.access.next_value::<de::IgnoredAny>().err();
            }
        }
    }

    fn value<T: Deserialize<'de>>(&mut self) -> Option<T> {
        match self.access.next_value_seed(Member(PhantomData)) {
            Ok(Some(value)) => Some(value),
            Ok(None) => {
                self.refused.push(self.fields.get(self.at).copied().unwrap_or_default());
                None
            }
            Err(error) => {
                self.failed = Some(error);
                None
            }
        }
    }
}

impl<'de, A: MapAccess<'de>> fmt::Debug for Members<'de, A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.fields.get(self.at);
        formatter.debug_struct("Members").field("fields", &self.fields).field("at", &at).finish()
    }
}

/// Several missing members; [`crate::parameter::Refusal`] reads this again.
struct Missing<'n>(&'n [&'n str]);

impl fmt::Display for Missing<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = serde_json::to_string(self.0).map_err(|_| fmt::Error)?;
        write!(formatter, "missing fields {names}")
    }
}

struct Key<'m> {
    fields: &'static [&'static str],
    others: Others,
    name: &'m mut String,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<usize, D::Error> {
        from.deserialize_identifier(self)
    }
}

impl<'de> Visitor<'de> for Key<'_> {
    type Value = usize;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<usize, E> {
        if let Some(at) = self.fields.iter().position(|field| *field == name) {
            return Ok(at);
        }
        if self.others == Others::Kept {
            name.clone_into(self.name);
        }
        Ok(usize::MAX)
    }
}

/// A member: `None` if a deserializer that goes on has recorded what is wrong with it.
struct Member<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for Member<T> {
    type Value = Option<T>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Option<T>, D::Error> {
        from.deserialize_newtype_struct(MEMBER, self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Member<T> {
    type Value = Option<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a member")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, from: D) -> Result<Option<T>, D::Error> {
        T::deserialize(from).map(Some)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut one: A) -> Result<Option<T>, A::Error> {
        one.next_element()
    }
}

/// A member that must not be there.
struct Nothing;

impl<'de> Deserialize<'de> for Nothing {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(de::Error::custom("unknown field ``"))
    }
}

struct Reader<R>(PhantomData<R>);

impl<'de, R: Record> Visitor<'de> for Reader<R> {
    type Value = R;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<R, A::Error> {
        R::read(&mut Members {
            access,
            fields: R::FIELDS,
            others: R::OTHERS,
            at: usize::MAX,
            turn: 0,
            name: String::new(),
            refused: Vec::new(),
            missing: Vec::new(),
            failed: None,
        })
    }
}

/// Reads a record.
///
/// # Errors
/// When there is no object, or a member is missing or cannot be read.
pub fn read_record<'de, R: Record, D: Deserializer<'de>>(from: D) -> Result<R, D::Error> {
    match R::OTHERS {
        Others::Kept => from.deserialize_map(Reader(PhantomData)),
        Others::Ignored | Others::Denied => {
            from.deserialize_struct("Record", R::FIELDS, Reader(PhantomData))
        }
    }
}

/// An object while it is written; the first member that cannot be written ends it.
pub struct Writer<S: Serializer>(Result<S::SerializeMap, S::Error>);

impl<S: Serializer> Writer<S> {
    /// An object without members.
    pub fn new(to: S) -> Self {
        Self(to.serialize_map(None))
    }

    /// Writes a member.
    pub fn need<T: Serialize>(&mut self, name: &str, value: &T) {
        if let Ok(map) = &mut self.0
            && let Err(error) = map.serialize_entry(name, value)
        {
            self.0 = Err(error);
        }
    }

    /// Writes a member, if there is one.
    pub fn opt<T: Serialize>(&mut self, name: &str, value: &Option<T>) {
        if let Some(value) = value {
            self.need(name, value);
        }
    }

    /// Writes a member, if there is one.
    pub fn lax<T: Serialize>(&mut self, name: &str, value: &Option<T>) {
        self.opt(name, value);
    }

    /// Writes members nobody knows.
    pub fn rest<T: Serialize>(&mut self, kept: &BTreeMap<String, T>) {
        for (name, value) in kept {
            self.need(name, value);
        }
    }

    /// The whole object.
    ///
    /// # Errors
    /// When a member could not be written.
    pub fn end(self) -> Result<S::Ok, S::Error> {
        self.0?.end()
    }
}

impl<S: Serializer> fmt::Debug for Writer<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Writer")
    }
}

/// Reads and writes an object: its members, each a field and its name on the wire.
///
/// `need` is a member every value has. `opt` may be absent, and is `null` only if its type says so;
/// `lax` may be absent and reads `null` as that. Members of other names are read over, unless the
/// record `denies` them or `keeps` them in a field.
#[macro_export]
macro_rules! record {
    ($name:ident { $($kind:ident $field:ident $wire:literal),* $(,)? }) => {
        $crate::record!(@ $name Ignored () { $($kind $field $wire),* });
    };
    ($name:ident denies { $($kind:ident $field:ident $wire:literal),* $(,)? }) => {
        $crate::record!(@ $name Denied () { $($kind $field $wire),* });
    };
    ($name:ident keeps $rest:ident { $($kind:ident $field:ident $wire:literal),* $(,)? }) => {
        $crate::record!(@ $name Kept ($rest) { $($kind $field $wire),* });
    };
    (
        @ $name:ident $others:ident ($($rest:ident)?)
        { $($kind:ident $field:ident $wire:literal),* }
    ) => {
        impl $crate::Record for $name {
            const FIELDS: &'static [&'static str] = &[$($wire),*];
            const OTHERS: $crate::Others = $crate::Others::$others;
            #[allow(unused_mut)]
            fn read<'de, A: $crate::serde::de::MapAccess<'de>>(
                from: &mut $crate::Members<'de, A>,
            ) -> Result<Self, A::Error> {
                $(let mut $field = None;)*
                $(let mut $rest = std::collections::BTreeMap::new();)?
                while from.next() {
                    $($crate::record!(@read $kind from $field);)*
                    $(from.keep(&mut $rest);)?
                }
                $($crate::record!(@lacks $kind from $field $wire);)*
                from.settle()?;
                $($crate::record!(@bind $kind from $field);)*
                Ok(Self { $($field,)* $($rest)? })
            }
        }
        impl<'de> $crate::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                $crate::read_record(from)
            }
        }
        impl $crate::serde::Serialize for $name {
            fn serialize<S: $crate::serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                #[allow(unused_mut)]
                let mut to = $crate::Writer::<S>::new(to);
                $(to.$kind($wire, &self.$field);)*
                $(to.rest(&self.$rest);)?
                to.end()
            }
        }
    };
    (@read lax $from:ident $field:ident) => { $from.lax(&mut $field) };
    (@read $kind:ident $from:ident $field:ident) => { $from.take(&mut $field) };
    (@lacks need $from:ident $field:ident $wire:literal) => { $from.lacks($wire, &$field) };
    (@lacks $kind:ident $from:ident $field:ident $wire:literal) => {};
    (@bind need $from:ident $field:ident) => {
        let Some($field) = $field else { return Err($from.lost()) };
    };
    (@bind $kind:ident $from:ident $field:ident) => {};
}
