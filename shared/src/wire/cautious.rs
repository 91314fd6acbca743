//! A deserializer that believes no length: memory is taken for what has come, not for what the
//! bytes say will come.
//!
//! A few bytes can announce a text of megabytes or a list of a million entries. The codec would
//! make room for the text at once, and a list is begun with up to a mebibyte. Wrapped in this,
//! texts and byte lists are borrowed from the input first, which finds out that they are not all
//! there, and a list begins with room for a few entries and grows as they come.

use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor,
};

/// Entries for which a list or map makes room before the first one has come.
const ENTRIES_AT_FIRST: usize = 16;

/// A part of serde's machinery that hands on everything but announced lengths.
pub(super) struct Cautious<T>(pub(super) T);

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Cautious<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(Cautious(source))
    }
}

/// Methods that only wrap the visitor.
macro_rules! hand_on {
    ($($method:ident => $inner:ident ( $($name:ident : $kind:ty),* )),* $(,)?) => {
        $(
            fn $method<V: Visitor<'de>>(
                self,
                $($name: $kind,)*
                visitor: V,
            ) -> Result<V::Value, Self::Error> {
                self.0.$inner($($name,)* Cautious(visitor))
            }
        )*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Cautious<D> {
    type Error = D::Error;

    hand_on! {
        deserialize_any => deserialize_any(),
        deserialize_bool => deserialize_bool(),
        deserialize_i8 => deserialize_i8(),
        deserialize_i16 => deserialize_i16(),
        deserialize_i32 => deserialize_i32(),
        deserialize_i64 => deserialize_i64(),
        deserialize_i128 => deserialize_i128(),
        deserialize_u8 => deserialize_u8(),
        deserialize_u16 => deserialize_u16(),
        deserialize_u32 => deserialize_u32(),
        deserialize_u64 => deserialize_u64(),
        deserialize_u128 => deserialize_u128(),
        deserialize_f32 => deserialize_f32(),
        deserialize_f64 => deserialize_f64(),
        deserialize_char => deserialize_char(),
        deserialize_str => deserialize_str(),
        deserialize_string => deserialize_str(),
        deserialize_bytes => deserialize_bytes(),
        deserialize_byte_buf => deserialize_bytes(),
        deserialize_option => deserialize_option(),
        deserialize_unit => deserialize_unit(),
        deserialize_unit_struct => deserialize_unit_struct(name: &'static str),
        deserialize_newtype_struct => deserialize_newtype_struct(name: &'static str),
        deserialize_seq => deserialize_seq(),
        deserialize_tuple => deserialize_tuple(len: usize),
        deserialize_tuple_struct => deserialize_tuple_struct(name: &'static str, len: usize),
        deserialize_map => deserialize_map(),
        deserialize_struct =>
            deserialize_struct(name: &'static str, fields: &'static [&'static str]),
        deserialize_enum => deserialize_enum(name: &'static str, variants: &'static [&'static str]),
        deserialize_identifier => deserialize_identifier(),
        deserialize_ignored_any => deserialize_ignored_any(),
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }
}

/// Methods that hand a plain value on.
macro_rules! visit {
    ($($method:ident ( $kind:ty )),* $(,)?) => {
        $(
            fn $method<E: Error>(self, value: $kind) -> Result<V::Value, E> {
                self.0.$method(value)
            }
        )*
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Cautious<V> {
    type Value = V::Value;

    visit! {
        visit_bool(bool), visit_i8(i8), visit_i16(i16), visit_i32(i32), visit_i64(i64),
        visit_i128(i128), visit_u8(u8), visit_u16(u16), visit_u32(u32), visit_u64(u64),
        visit_u128(u128), visit_f32(f32), visit_f64(f64), visit_char(char), visit_str(&str),
        visit_borrowed_str(&'de str), visit_string(String), visit_bytes(&[u8]),
        visit_borrowed_bytes(&'de [u8]), visit_byte_buf(Vec<u8>),
    }

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, source: D) -> Result<V::Value, D::Error> {
        self.0.visit_some(Cautious(source))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, source: D) -> Result<V::Value, D::Error> {
        self.0.visit_newtype_struct(Cautious(source))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, entries: A) -> Result<V::Value, A::Error> {
        self.0.visit_seq(Cautious(entries))
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(Cautious(entries))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, variant: A) -> Result<V::Value, A::Error> {
        self.0.visit_enum(Cautious(variant))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Cautious<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(Cautious(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint().map(|entries| entries.min(ENTRIES_AT_FIRST))
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Cautious<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.0.next_key_seed(Cautious(seed))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.0.next_value_seed(Cautious(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint().map(|entries| entries.min(ENTRIES_AT_FIRST))
    }
}

impl<'de, A: EnumAccess<'de>> EnumAccess<'de> for Cautious<A> {
    type Error = A::Error;
    type Variant = Cautious<A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), A::Error> {
        let (value, variant) = self.0.variant_seed(Cautious(seed))?;
        Ok((value, Cautious(variant)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Cautious<A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.0.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.0.newtype_variant_seed(Cautious(seed))
    }

    hand_on! {
        tuple_variant => tuple_variant(len: usize),
        struct_variant => struct_variant(fields: &'static [&'static str]),
    }
}
