//! From a typed value to named members, with the files it holds apart from what JSON can say.

use serde::ser::{self, Serialize, Serializer};
use serde_json::{Map, Value};

use super::EncodeError;
use crate::Binary;
use crate::binary::FILE;

/// A value that may hold files.
#[derive(Debug, Clone, PartialEq)]
pub enum Member {
    /// What JSON can say.
    Value(Value),
    /// A file.
    File(Binary),
    /// Several values.
    List(Vec<Member>),
    /// Named values.
    Map(Vec<(String, Member)>),
}

impl Member {
    /// The value as JSON; a file is an array of numbers in it.
    pub fn into_json(self) -> Value {
        match self {
            Self::Value(value) => value,
            Self::File(file) => Value::from(file.bytes),
            Self::List(items) => items.into_iter().map(Self::into_json).collect(),
            Self::Map(members) => {
                let members = members.into_iter().map(|(name, member)| (name, member.into_json()));
                Value::Object(members.collect::<Map<_, _>>())
            }
        }
    }
}

/// The members of an object, in its order.
///
/// # Errors
/// When the value is no object, or cannot be serialized.
pub fn members<T: Serialize + ?Sized>(value: &T) -> Result<Vec<(String, Member)>, EncodeError> {
    match value.serialize(Writer { is_file: false }) {
        Ok(Member::Map(members)) => Ok(members),
        Ok(Member::Value(_) | Member::File(_) | Member::List(_)) => Err(EncodeError::Nested),
        Err(_) => Err(EncodeError::Unserializable),
    }
}

type Failure = serde_json::Error;
type Written = Result<Member, Failure>;

/// Writes members. What it writes as a file is packed by `Binary`.
struct Writer {
    is_file: bool,
}

fn scalar<T: Serialize>(value: T) -> Written {
    serde_json::to_value(value).map(Member::Value)
}

fn nested<T: Serialize + ?Sized>(value: &T) -> Written {
    value.serialize(Writer { is_file: false })
}

fn tagged(variant: &str, member: Member) -> Member {
    Member::Map(vec![(variant.to_owned(), member)])
}

macro_rules! scalars {
    ($($method:ident: $ty:ty)*) => {$(
        fn $method(self, value: $ty) -> Written {
            scalar(value)
        }
    )*};
}

impl Serializer for Writer {
    type Ok = Member;
    type Error = Failure;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Entries;

    scalars! {
        serialize_bool: bool serialize_i8: i8 serialize_i16: i16 serialize_i32: i32
        serialize_i64: i64 serialize_i128: i128 serialize_u8: u8 serialize_u16: u16
        serialize_u32: u32 serialize_u64: u64 serialize_u128: u128 serialize_f32: f32
        serialize_f64: f64 serialize_char: char serialize_str: &str
    }

    fn is_human_readable(&self) -> bool {
        !self.is_file
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Written {
        let packed = if self.is_file { Binary::unpacked(bytes) } else { None };
        Ok(Member::File(packed.unwrap_or_else(|| Binary::new(bytes))))
    }

    fn serialize_none(self) -> Written {
        Ok(Member::Value(Value::Null))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Written {
        nested(value)
    }

    fn serialize_unit(self) -> Written {
        self.serialize_none()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Written {
        self.serialize_none()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Written {
        scalar(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Written {
        value.serialize(Self { is_file: name == FILE })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Written {
        Ok(tagged(variant, nested(value)?))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items, Failure> {
        Ok(Items { items: Vec::new(), variant: None })
    }

    fn serialize_tuple(self, _: usize) -> Result<Items, Failure> {
        self.serialize_seq(None)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items, Failure> {
        self.serialize_seq(None)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Items, Failure> {
        Ok(Items { items: Vec::new(), variant: Some(variant) })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries, Failure> {
        Ok(Entries::default())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Entries, Failure> {
        Ok(Entries::default())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Entries, Failure> {
        Ok(Entries { variant: Some(variant), ..Entries::default() })
    }
}

struct Items {
    items: Vec<Member>,
    variant: Option<&'static str>,
}

impl Items {
    fn finish(self) -> Written {
        let list = Member::List(self.items);
        Ok(match self.variant {
            Some(variant) => tagged(variant, list),
            None => list,
        })
    }
}

macro_rules! items {
    ($($owner:ident $method:ident)*) => {$(
        impl ser::$owner for Items {
            type Ok = Member;
            type Error = Failure;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failure> {
                self.items.push(nested(value)?);
                Ok(())
            }

            fn end(self) -> Written {
                self.finish()
            }
        }
    )*};
}

items! {
    SerializeSeq serialize_element SerializeTuple serialize_element
    SerializeTupleStruct serialize_field SerializeTupleVariant serialize_field
}

#[derive(Default)]
struct Entries {
    members: Vec<(String, Member)>,
    key: Option<String>,
    variant: Option<&'static str>,
}

impl Entries {
    fn finish(self) -> Written {
        let map = Member::Map(self.members);
        Ok(match self.variant {
            Some(variant) => tagged(variant, map),
            None => map,
        })
    }
}

impl ser::SerializeMap for Entries {
    type Ok = Member;
    type Error = Failure;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Failure> {
        self.key = Some(match serde_json::to_value(key)? {
            Value::String(text) => text,
            other => other.to_string(),
        });
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failure> {
        let key = self.key.take().unwrap_or_default();
        self.members.push((key, nested(value)?));
        Ok(())
    }

    fn end(self) -> Written {
        self.finish()
    }
}

macro_rules! entries {
    ($($owner:ident)*) => {$(
        impl ser::$owner for Entries {
            type Ok = Member;
            type Error = Failure;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), Failure> {
                self.members.push((key.to_owned(), nested(value)?));
                Ok(())
            }

            fn end(self) -> Written {
                self.finish()
            }
        }
    )*};
}

entries! { SerializeStruct SerializeStructVariant }
