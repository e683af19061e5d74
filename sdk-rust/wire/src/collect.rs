//! JSON read as far as it goes: everything that cannot be read is recorded, with its place.

use std::cell::RefCell;
use std::marker::PhantomData;

use serde::de::value::StrDeserializer;
use serde::de::{
    Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor,
};
use serde_json::Value;

use crate::parameter::Refusal;
use crate::record::{MEMBER, REFUSED};
use crate::validate::REPORTED;

/// Reads a JSON body. Where it cannot be read, every place that stands in the way is reported.
///
/// # Errors
/// Syntax errors alone; else every refusal found, at least one.
pub fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Vec<Refusal>> {
    let error = match serde_json::from_slice(bytes) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    let first = Refusal::from_json(&error);
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return Err(vec![first]) };
    Err(refusals::<T>(&value, first))
}

/// Reads a value. Where it cannot be read, every place that stands in the way is reported.
///
/// # Errors
/// Every refusal found, at least one.
pub(crate) fn read_value<T: DeserializeOwned>(value: &Value) -> Result<T, Vec<Refusal>> {
    T::deserialize(value).map_err(|error| refusals::<T>(value, Refusal::from_json(&error)))
}

/// What stands in the way of reading a value; `first` is what reading ended with.
fn refusals<T: DeserializeOwned>(value: &Value, first: Refusal) -> Vec<Refusal> {
    let found = refused(|log| T::deserialize(Collector { value, log }));
    if found.is_empty() { vec![first] } else { found }
}

/// Where what is refused is recorded, and the place that is read.
#[derive(Clone, Copy)]
pub(crate) struct Log<'p> {
    place: Place<'p>,
    found: &'p RefCell<Vec<Refusal>>,
}

/// Where a value stands.
#[derive(Clone, Copy)]
enum Place<'p> {
    Whole,
    Item(&'p Place<'p>, usize),
    Member(&'p Place<'p>, &'p str),
}

impl<'p> Log<'p> {
    pub(crate) fn item(&'p self, index: usize) -> Self {
        Self { place: Place::Item(&self.place, index), ..*self }
    }

    pub(crate) fn member(&'p self, name: &'p str) -> Self {
        Self { place: Place::Member(&self.place, name), ..*self }
    }

    pub(crate) fn record(&self, refusal: Refusal) {
        if refusal.detail != REFUSED && self.found.borrow().len() < REPORTED {
            let each = refusal.apart().into_iter().map(|refusal| located(&self.place, refusal));
            self.found.borrow_mut().extend(each);
        }
    }
}

/// Everything that a reading refuses.
pub(crate) fn refused<T>(read: impl FnOnce(Log<'_>) -> Result<T, Refusal>) -> Vec<Refusal> {
    let found = RefCell::new(Vec::new());
    let log = Log { place: Place::Whole, found: &found };
    if let Err(refusal) = read(log) {
        log.record(refusal);
    }
    found.into_inner()
}

fn located(place: &Place<'_>, refusal: Refusal) -> Refusal {
    match place {
        Place::Whole => refusal,
        Place::Item(outer, index) => located(outer, refusal.within(index)),
        Place::Member(outer, name) => located(outer, refusal.within(name)),
    }
}

#[derive(Clone, Copy)]
struct Collector<'v, 'p> {
    value: &'v Value,
    log: Log<'p>,
}

impl<'v> Collector<'v, '_> {
    /// Reads a part, or records why not.
    fn part<S: DeserializeSeed<'v>>(self, seed: S) -> Option<S::Value> {
        match seed.deserialize(self) {
            Ok(value) => Some(value),
            Err(refusal) => {
                self.log.record(refusal);
                None
            }
        }
    }
}

macro_rules! forward {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'v>>(self, visitor: V) -> Result<V::Value, Refusal> {
            self.value.$method(visitor).map_err(|error| Refusal::from_json(&error))
        }
    )*};
}

impl<'v> Deserializer<'v> for Collector<'v, '_> {
    type Error = Refusal;

    forward! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_u128 deserialize_f32 deserialize_f64 deserialize_char deserialize_str
        deserialize_string deserialize_bytes deserialize_byte_buf deserialize_unit
        deserialize_identifier deserialize_ignored_any deserialize_any
    }

    fn deserialize_option<V: Visitor<'v>>(self, visitor: V) -> Result<V::Value, Refusal> {
        if self.value.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'v>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        if name == MEMBER {
            return visitor.visit_seq(One(Some(self)));
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'v>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self.value {
            Value::Array(items) => {
                visitor.visit_seq(Items { of: self, items: items.iter(), at: 0 })
            }
            other => other.deserialize_seq(visitor).map_err(|error| Refusal::from_json(&error)),
        }
    }

    fn deserialize_tuple<V: Visitor<'v>>(self, _: usize, visitor: V) -> Result<V::Value, Refusal> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'v>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'v>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self.value {
            Value::Object(members) => {
                visitor.visit_map(Entries { of: self, members: members.iter(), value: None })
            }
            other => other.deserialize_map(visitor).map_err(|error| Refusal::from_json(&error)),
        }
    }

    fn deserialize_struct<V: Visitor<'v>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.deserialize_map(visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'v>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_enum<V: Visitor<'v>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        let read = self.value.deserialize_enum(name, variants, visitor);
        read.map_err(|error| Refusal::from_json(&error))
    }
}

/// A member on its own: nothing once it is refused.
struct One<'v, 'p>(Option<Collector<'v, 'p>>);

impl<'v> SeqAccess<'v> for One<'v, '_> {
    type Error = Refusal;

    fn next_element_seed<S: DeserializeSeed<'v>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Refusal> {
        Ok(self.0.take().and_then(|of| of.part(seed)))
    }
}

struct Items<'v, 'p> {
    of: Collector<'v, 'p>,
    items: std::slice::Iter<'v, Value>,
    at: usize,
}

impl<'v> SeqAccess<'v> for Items<'v, '_> {
    type Error = Refusal;

    fn next_element_seed<S: DeserializeSeed<'v>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Refusal> {
        let Some(item) = self.items.next() else { return Ok(None) };
        let log = self.of.log.item(self.at);
        self.at += 1;
        Ok(Collector { value: item, log }.part(seed))
    }

    /// Goes on behind a refused item.
    fn next_element<T: Deserialize<'v>>(&mut self) -> Result<Option<T>, Refusal> {
        while self.items.len() > 0 {
            let found = self.next_element_seed(PhantomData)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}

struct Entries<'v, 'p> {
    of: Collector<'v, 'p>,
    members: serde_json::map::Iter<'v>,
    value: Option<(&'v str, &'v Value)>,
}

impl<'v> MapAccess<'v> for Entries<'v, '_> {
    type Error = Refusal;

    fn next_key_seed<S: DeserializeSeed<'v>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Refusal> {
        let Some((name, value)) = self.members.next() else { return Ok(None) };
        self.value = Some((name, value));
        let key = seed.deserialize(StrDeserializer::new(name));
        key.map(Some).map_err(|refusal: Refusal| refusal.within(name))
    }

    fn next_value_seed<S: DeserializeSeed<'v>>(&mut self, seed: S) -> Result<S::Value, Refusal> {
        let Some((name, value)) = self.value.take() else {
            return Err(Refusal::new("syntax", "has a value without a name"));
        };
        let log = self.of.log.member(name);
        let refused = Err(Refusal::new("type", REFUSED));
        Collector { value, log }.part(seed).map_or(refused, Ok)
    }

    /// Goes on behind a refused member.
    fn next_entry<K: Deserialize<'v>, V: Deserialize<'v>>(
        &mut self,
    ) -> Result<Option<(K, V)>, Refusal> {
        while let Some(name) = self.next_key()? {
            if let Ok(value) = self.next_value() {
                return Ok(Some((name, value)));
            }
        }
        Ok(None)
    }
}
