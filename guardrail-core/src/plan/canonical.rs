//! The encoding that digests are made over: a serialiser that writes a tag before every value, a
//! length before every text and list, and the fields of maps in the order of their encoded keys.
//!
//! It is a serialiser and not a method on each type, so that a field that is added to a plan is in
//! its digest without anybody having to think of it. Integers of all widths are one type; absent
//! fields and fields that were left out are the same, as they are in the file.

use std::fmt;

use serde::ser::{self, Serialize};

/// The encoding of a value.
pub(super) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Err(Error(message)) = value.serialize(Writer(&mut bytes)) {
        // No type of a plan fails to serialise. One that did would be told apart by its message.
        bytes.push(b'!');
        text(&mut bytes, &message);
    }
    bytes
}

/// The encoding of a text.
pub(super) fn text(bytes: &mut Vec<u8>, value: &str) {
    tagged(bytes, b's', value.as_bytes());
}

fn tagged(bytes: &mut Vec<u8>, tag: u8, value: &[u8]) {
    bytes.push(tag);
    bytes.extend_from_slice(&(value.len() as u64).to_be_bytes());
    bytes.extend_from_slice(value);
}

/// An error of a value's own serialisation.
#[derive(Debug)]
pub(super) struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl ser::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

struct Writer<'b>(&'b mut Vec<u8>);

/// The items of a list, or the entries of a map.
struct Many<'b> {
    out: &'b mut Vec<u8>,
    tag: u8,
    items: Vec<Vec<u8>>,
}

impl<'b> Many<'b> {
    const fn new(out: &'b mut Vec<u8>, tag: u8) -> Self {
        Self { out, tag, items: Vec::new() }
    }

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let mut bytes = Vec::new();
        value.serialize(Writer(&mut bytes))?;
        self.items.push(bytes);
        Ok(())
    }

    fn field<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), Error> {
        let mut bytes = Vec::new();
        text(&mut bytes, key);
        value.serialize(Writer(&mut bytes))?;
        self.items.push(bytes);
        Ok(())
    }

    fn write(self) {
        self.out.push(self.tag);
        self.out.extend_from_slice(&(self.items.len() as u64).to_be_bytes());
        for item in &self.items {
            self.out.extend_from_slice(item);
        }
    }

    fn end(self) {
        self.write();
    }

    /// The order in which a map was filled says nothing.
    fn end_sorted(mut self) {
        self.items.sort_unstable();
        self.write();
    }
}

impl Writer<'_> {
    fn integer(self, value: i128) {
        self.0.push(b'i');
        self.0.extend_from_slice(&value.to_be_bytes());
    }

    fn variant(&mut self, name: &str) {
        self.0.push(b'v');
        text(self.0, name);
    }
}

macro_rules! integers {
    ($($method:ident: $type:ty,)*) => {
        $(fn $method(self, value: $type) -> Result<(), Error> {
            self.integer(i128::from(value));
            Ok(())
        })*
    };
}

impl<'b> ser::Serializer for Writer<'b> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Many<'b>;
    type SerializeTuple = Many<'b>;
    type SerializeTupleStruct = Many<'b>;
    type SerializeTupleVariant = Many<'b>;
    type SerializeMap = Many<'b>;
    type SerializeStruct = Many<'b>;
    type SerializeStructVariant = Many<'b>;

    integers! {
        serialize_i8: i8,
        serialize_i16: i16,
        serialize_i32: i32,
        serialize_i64: i64,
        serialize_u8: u8,
        serialize_u16: u16,
        serialize_u32: u32,
        serialize_u64: u64,
    }

    fn serialize_i128(self, value: i128) -> Result<(), Error> {
        self.integer(value);
        Ok(())
    }

    fn serialize_u128(self, value: u128) -> Result<(), Error> {
        self.0.push(b'I');
        self.0.extend_from_slice(&value.to_be_bytes());
        Ok(())
    }

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.0.push(if value { b'1' } else { b'0' });
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        self.serialize_f64(f64::from(value))
    }

    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        self.0.push(b'f');
        self.0.extend_from_slice(&value.to_bits().to_be_bytes());
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        text(self.0, value.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        text(self.0, value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        tagged(self.0, b'y', value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.0.push(b'n');
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        self.0.push(b'o');
        value.serialize(Writer(self.0))
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.0.push(b'u');
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(mut self, _: &'static str, _: u32, name: &'static str) -> Result<(), Error> {
        self.variant(name);
        self.serialize_unit()
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _: &'static str,
        _: u32,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.variant(name);
        value.serialize(self)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Many<'b>, Error> {
        Ok(Many::new(self.0, b'['))
    }

    fn serialize_tuple(self, _: usize) -> Result<Many<'b>, Error> {
        Ok(Many::new(self.0, b'['))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Many<'b>, Error> {
        Ok(Many::new(self.0, b'['))
    }

    fn serialize_tuple_variant(
        mut self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Many<'b>, Error> {
        self.variant(name);
        Ok(Many::new(self.0, b'['))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Many<'b>, Error> {
        Ok(Many::new(self.0, b'{'))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Many<'b>, Error> {
        Ok(Many::new(self.0, b'{'))
    }

    fn serialize_struct_variant(
        mut self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Many<'b>, Error> {
        self.variant(name);
        Ok(Many::new(self.0, b'{'))
    }

    fn is_human_readable(&self) -> bool {
        true
    }
}

macro_rules! lists {
    ($($trait:ident::$method:ident,)*) => {
        $(impl ser::$trait for Many<'_> {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.item(value)
            }

            fn end(self) -> Result<(), Error> {
                Many::end(self);
                Ok(())
            }
        })*
    };
}

lists! {
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field,
}

macro_rules! structs {
    ($($trait:ident,)*) => {
        $(impl ser::$trait for Many<'_> {
            type Ok = ();
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), Error> {
                self.field(key, value)
            }

            fn end(self) -> Result<(), Error> {
                self.end_sorted();
                Ok(())
            }
        })*
    };
}

structs! { SerializeStruct, SerializeStructVariant, }

impl ser::SerializeMap for Many<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.item(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        match self.items.last_mut() {
            Some(entry) => value.serialize(Writer(entry)),
            None => Err(Error("a value without a key".to_owned())),
        }
    }

    fn end(self) -> Result<(), Error> {
        self.end_sorted();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn different_values_have_different_encodings() {
        let values = [
            json!(null),
            json!(false),
            json!(true),
            json!(0),
            json!(0.0),
            json!(-1),
            json!(""),
            json!("0"),
            json!([]),
            json!([[]]),
            json!([[], []]),
            json!(["ab", "c"]),
            json!(["a", "bc"]),
            json!(["abc"]),
            json!({}),
            json!({"a": "b"}),
            json!({"a": {"b": 1}}),
            json!({"a": {}, "b": 1}),
            json!(["a", "b"]),
            json!([{"a": "b"}]),
        ];
        let encoded: std::collections::BTreeSet<_> = values.iter().map(encode).collect();
        assert_eq!(encoded.len(), values.len());
    }

    #[test]
    fn the_order_of_a_map_says_nothing() {
        struct Pairs(&'static [(&'static str, u8)]);
        impl Serialize for Pairs {
            fn serialize<S: ser::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_map(self.0.iter().copied())
            }
        }
        assert_eq!(encode(&Pairs(&[("a", 1), ("b", 2)])), encode(&Pairs(&[("b", 2), ("a", 1)])));
        assert_ne!(encode(&Pairs(&[("a", 1), ("b", 2)])), encode(&Pairs(&[("a", 2), ("b", 1)])));
    }
}
