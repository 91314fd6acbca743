//! The codec of wire messages and stored parts. The only file that knows bincode.
//!
//! Little-endian, variable-length integers (bincode's standard configuration): bincode writes, and
//! `reader` reads. Trailing bytes are refused, and so is everything longer than the limit that the
//! caller names. A length that the bytes announce is not believed: memory is taken for what has
//! come.

mod reader;

use bincode::enc::write::Writer;
use bincode::error::EncodeError;
use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

use reader::Reader;

/// Why bytes were not accepted.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum WireError {
    /// More bytes than the caller allows for this kind of message.
    #[error("{len} bytes are more than the {max} allowed here")]
    TooLong {
        /// How many bytes there were.
        len: usize,
        /// How many are allowed.
        max: usize,
    },
    /// The bytes are not an encoding of the expected type.
    #[error("malformed: {0}")]
    Malformed(String),
    /// A complete message, and then more.
    #[error("{0} bytes follow the end of the message")]
    Trailing(usize),
}

/// The bytes of `value`.
#[must_use]
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    bincode::serde::encode_to_vec(value, bincode::config::standard())
        .expect("wire types hold nothing that bincode cannot encode into memory")
}

/// Appends the bytes of `value` to `bytes`.
pub fn encode_onto<T: Serialize>(value: &T, bytes: &mut Vec<u8>) {
    bincode::serde::encode_into_writer(value, Appender(bytes), bincode::config::standard())
        .expect("wire types hold nothing that bincode cannot encode into memory");
}

/// Reads exactly one `T` from `bytes`, which may be at most `max` long.
///
/// # Errors
/// [`WireError`] says what is wrong; nothing about the bytes can make this panic.
pub fn decode<T: DeserializeOwned>(bytes: &[u8], max: usize) -> Result<T, WireError> {
    if bytes.len() > max {
        return Err(WireError::TooLong { len: bytes.len(), max });
    }
    let mut reader = Reader { rest: bytes };
    let value =
        T::deserialize(&mut reader).map_err(|fault| WireError::Malformed(fault.to_string()))?;
    match reader.rest.len() {
        0 => Ok(value),
        trailing => Err(WireError::Trailing(trailing)),
    }
}

struct Appender<'a>(&'a mut Vec<u8>);

impl Writer for Appender<'_> {
    /// Most of what is written is a single byte: a small number or the tag of a variant.
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        match bytes {
            [byte] => self.0.push(*byte),
            _ => self.0.extend_from_slice(bytes),
        }
        Ok(())
    }
}

/// For `#[serde(with = "wire::byte_list")]`: the same bytes as a list of `u8`, moved in one piece.
pub mod byte_list {
    use std::fmt;

    use serde::de::{Deserializer, Error, Visitor};
    use serde::ser::Serializer;

    /// Writes `bytes`.
    ///
    /// # Errors
    /// What the serializer says.
    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    /// Reads a list of bytes.
    ///
    /// # Errors
    /// What the deserializer says.
    pub fn deserialize<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<u8>, D::Error> {
        // Borrowed bytes are copied once; owned ones would be zeroed first.
        source.deserialize_bytes(Bytes)
    }

    struct Bytes;

    impl Visitor<'_> for Bytes {
        type Value = Vec<u8>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of bytes")
        }

        fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
            Ok(bytes.to_vec())
        }

        fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
            Ok(bytes)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_frozen() {
        assert_eq!(encode(&(1u64, 300u16, "ab", Some(-1i32))), [1, 251, 44, 1, 2, 97, 98, 1, 1]);
    }

    #[test]
    fn a_byte_list_has_the_bytes_of_a_list_of_bytes_and_is_appended_as_it_is() {
        #[derive(Debug, PartialEq, Serialize, serde::Deserialize)]
        struct Piece(#[serde(with = "byte_list")] Vec<u8>);
        let list = (0..=u8::MAX).collect::<Vec<_>>();
        let mut bytes = vec![1];
        encode_onto(&Piece(list.clone()), &mut bytes);
        assert_eq!((bytes[0], &bytes[1..]), (1, &encode(&list)[..]));
        assert_eq!(decode(&bytes[1..], 300), Ok(Piece(list)));
    }

    #[test]
    fn truncated_trailing_and_oversized_bytes_are_refused() {
        let bytes = encode(&(7u64, String::from("seven")));
        for cut in 0..bytes.len() {
            assert!(decode::<(u64, String)>(&bytes[..cut], 64).is_err(), "cut at {cut}");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert_eq!(decode::<(u64, String)>(&longer, 64), Err(WireError::Trailing(1)));
        let refused = decode::<(u64, String)>(&bytes, 3);
        assert_eq!(refused, Err(WireError::TooLong { len: bytes.len(), max: 3 }));
    }

    #[test]
    fn lists_maps_and_texts_that_are_longer_than_what_is_made_room_for_come_whole() {
        let long = (
            (0..1_000u32).map(|n| n.to_string()).collect::<Vec<_>>(),
            (0..1_000u32).map(|n| (n, Some(n))).collect::<std::collections::BTreeMap<_, _>>(),
            "long ".repeat(1_000),
        );
        assert_eq!(decode(&encode(&long), 1 << 20), Ok(long));
    }

    #[test]
    fn a_length_prefix_that_lies_is_refused_before_memory_is_taken() {
        let mut bytes = vec![253];
        bytes.extend_from_slice(&(1u64 << 40).to_le_bytes());
        assert!(decode::<Vec<u8>>(&bytes, 64).is_err());
    }
}
