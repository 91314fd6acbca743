//! Reads what bincode writes in its standard configuration, through serde.
//!
//! bincode's own reader makes room for as much as the bytes announce, takes most numbers for
//! rare ones and carries a large error through every call. This one borrows texts and bytes
//! from the input, takes no list for longer than what is left of it, and is short enough to be
//! inlined into the types that are read. Tests hold it against bincode.

#[cfg(test)]
mod tests;

use std::fmt;

use serde::de::value::U32Deserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

/// Entries for which a list or map makes room before the first one has come.
const ENTRIES_AT_FIRST: usize = 16;
/// First bytes that say that a number of 2, 4, 8 or 16 bytes follows. A smaller one is the number.
const TWO_BYTES: u8 = 251;
const FOUR_BYTES: u8 = 252;
const EIGHT_BYTES: u8 = 253;
const SIXTEEN_BYTES: u8 = 254;

/// Bytes that are being read.
pub(super) struct Reader<'de> {
    /// What is not read yet.
    pub(super) rest: &'de [u8],
}

/// What is wrong with the bytes. One pointer, because every value is read through it.
#[derive(Debug)]
pub(super) struct Fault(Box<str>);

impl Fault {
    #[cold]
    fn new(what: &str) -> Self {
        Self(what.into())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

impl Error for Fault {
    #[cold]
    fn custom<T: fmt::Display>(what: T) -> Self {
        Self::new(&what.to_string())
    }
}

type Result<T> = std::result::Result<T, Fault>;

impl<'de> Reader<'de> {
    #[inline]
    fn take(&mut self, count: usize) -> Result<&'de [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or_else(ended)?;
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    fn array<const COUNT: usize>(&mut self) -> Result<[u8; COUNT]> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or_else(ended)?;
        self.rest = rest;
        Ok(*taken)
    }

    #[inline]
    fn byte(&mut self) -> Result<u8> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    /// A number, whose first byte is `widest` at most.
    #[inline]
    fn number(&mut self, widest: u8) -> Result<u64> {
        let first = self.byte()?;
        if first > widest {
            return Err(out_of_range());
        }
        Ok(match first {
            TWO_BYTES => u64::from(u16::from_le_bytes(self.array()?)),
            FOUR_BYTES => u64::from(u32::from_le_bytes(self.array()?)),
            EIGHT_BYTES.. => u64::from_le_bytes(self.array()?),
            ..TWO_BYTES => u64::from(first),
        })
    }

    /// A number that has at most as many bytes as a `T`, which has no more than eight.
    #[inline]
    fn number_as<T: TryFrom<u64>>(&mut self) -> Result<T> {
        let widest = match size_of::<T>() {
            ..=2 => TWO_BYTES,
            3..=4 => FOUR_BYTES,
            5.. => EIGHT_BYTES,
        };
        T::try_from(self.number(widest)?).map_err(|_| out_of_range())
    }

    #[inline]
    fn large_number(&mut self) -> Result<u128> {
        if self.rest.first() == Some(&SIXTEEN_BYTES) {
            self.byte()?;
            return Ok(u128::from_le_bytes(self.array()?));
        }
        self.number(EIGHT_BYTES).map(u128::from)
    }

    /// How many entries follow, each of which takes at least one byte.
    #[inline]
    fn count(&mut self) -> Result<usize> {
        let count = self.number_as()?;
        if count > self.rest.len() {
            return Err(ended());
        }
        Ok(count)
    }

    #[inline]
    fn bytes(&mut self) -> Result<&'de [u8]> {
        let count = self.count()?;
        self.take(count)
    }

    #[inline]
    fn text(&mut self) -> Result<&'de str> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Fault::new("a text that is not UTF-8"))
    }

    fn char(&mut self) -> Result<char> {
        let width = match self.rest.first() {
            None | Some(..0x80) => 1,
            Some(..0xE0) => 2,
            Some(..0xF0) => 3,
            Some(_) => 4,
        };
        let text = std::str::from_utf8(self.take(width)?).ok();
        text.and_then(|text| text.chars().next()).ok_or_else(|| Fault::new("no character"))
    }
}

#[cold]
fn ended() -> Fault {
    Fault::new("the bytes end too soon")
}

#[cold]
fn out_of_range() -> Fault {
    Fault::new("a number out of range")
}

/// The number whose zigzag code is `code`: 0, -1, 1, -2, …
#[inline]
const fn signed(code: u64) -> i64 {
    (code >> 1).cast_signed() ^ -(code & 1).cast_signed()
}

/// Methods for numbers: how they are read and what the visitor gets.
macro_rules! numbers {
    ($($method:ident $visit:ident $reader:ident => $value:expr),* $(,)?) => {
        $(
            #[inline]
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
                let $reader = self;
                visitor.$visit($value)
            }
        )*
    };
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Fault;

    numbers! {
        deserialize_i8 visit_i8 reader => i8::from_le_bytes(reader.array()?),
        deserialize_i16 visit_i16 reader => narrow(signed(reader.number_as::<u16>()?.into()))?,
        deserialize_i32 visit_i32 reader => narrow(signed(reader.number_as::<u32>()?.into()))?,
        deserialize_i64 visit_i64 reader => signed(reader.number_as()?),
        deserialize_u8 visit_u8 reader => reader.byte()?,
        deserialize_u16 visit_u16 reader => reader.number_as()?,
        deserialize_u32 visit_u32 reader => reader.number_as()?,
        deserialize_u64 visit_u64 reader => reader.number_as()?,
        deserialize_u128 visit_u128 reader => reader.large_number()?,
        deserialize_f32 visit_f32 reader => f32::from_le_bytes(reader.array()?),
        deserialize_f64 visit_f64 reader => f64::from_le_bytes(reader.array()?),
        deserialize_char visit_char reader => reader.char()?,
        deserialize_str visit_borrowed_str reader => reader.text()?,
        deserialize_string visit_borrowed_str reader => reader.text()?,
        deserialize_bytes visit_borrowed_bytes reader => reader.bytes()?,
        deserialize_byte_buf visit_borrowed_bytes reader => reader.bytes()?,
    }

    #[inline]
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.byte()? {
            0 => visitor.visit_bool(false),
            1 => visitor.visit_bool(true),
            2.. => Err(Fault::new("neither true nor false")),
        }
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.byte()? {
            0 => visitor.visit_none(),
            1 => visitor.visit_some(self),
            2.. => Err(Fault::new("neither something nor nothing")),
        }
    }

    #[inline]
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let left = self.count()?;
        visitor.visit_seq(Entries { reader: self, left })
    }

    #[inline]
    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value> {
        visitor.visit_seq(Entries { reader: self, left: len })
    }

    #[inline]
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_tuple(len, visitor)
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let left = self.count()?;
        visitor.visit_map(Entries { reader: self, left })
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_tuple(fields.len(), visitor)
    }

    #[inline]
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_enum(self)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value> {
        Err(Fault::new("the bytes do not say of which type they are"))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_any(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_any(visitor)
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        false
    }
}

#[inline]
fn narrow<T: TryFrom<i64>>(number: i64) -> Result<T> {
    T::try_from(number).map_err(|_| out_of_range())
}

/// What follows in a list, a map or a struct.
struct Entries<'a, 'de> {
    reader: &'a mut Reader<'de>,
    left: usize,
}

impl<'de> Entries<'_, 'de> {
    #[inline]
    fn next<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        seed.deserialize(&mut *self.reader).map(Some)
    }

    #[inline]
    fn room(&self) -> usize {
        self.left.min(ENTRIES_AT_FIRST)
    }
}

impl<'de> SeqAccess<'de> for Entries<'_, 'de> {
    type Error = Fault;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        self.next(seed)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        Some(self.room())
    }
}

impl<'de> MapAccess<'de> for Entries<'_, 'de> {
    type Error = Fault;

    #[inline]
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        self.next(seed)
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        seed.deserialize(&mut *self.reader)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        Some(self.room())
    }
}

impl<'de> EnumAccess<'de> for &mut Reader<'de> {
    type Error = Fault;
    type Variant = Self;

    #[inline]
    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self)> {
        let variant: U32Deserializer<Fault> = self.number_as::<u32>()?.into_deserializer();
        Ok((seed.deserialize(variant)?, self))
    }
}

impl<'de> VariantAccess<'de> for &mut Reader<'de> {
    type Error = Fault;

    #[inline]
    fn unit_variant(self) -> Result<()> {
        Ok(())
    }

    #[inline]
    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value> {
        seed.deserialize(self)
    }

    #[inline]
    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value> {
        self.deserialize_tuple(len, visitor)
    }

    #[inline]
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_tuple(fields.len(), visitor)
    }
}
