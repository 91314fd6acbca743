//! The codec of wire messages and stored parts. The only file that knows bincode.
//!
//! Little-endian, variable-length integers (bincode's standard configuration). Trailing bytes are
//! refused, and so is everything longer than the limit that the caller names.

use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

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

/// No message of ours is larger; it also bounds what a length prefix inside can claim.
const DECODE_BYTES_MAX: usize = 4 << 20;

/// The bytes of `value`.
#[must_use]
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    bincode::serde::encode_to_vec(value, bincode::config::standard())
        .expect("wire types hold nothing that bincode cannot encode into memory")
}

/// Reads exactly one `T` from `bytes`, which may be at most `max` long.
///
/// # Errors
/// [`WireError`] says what is wrong; nothing about the bytes can make this panic.
pub fn decode<T: DeserializeOwned>(bytes: &[u8], max: usize) -> Result<T, WireError> {
    if bytes.len() > max {
        return Err(WireError::TooLong { len: bytes.len(), max });
    }
    let config = bincode::config::standard().with_limit::<DECODE_BYTES_MAX>();
    let (value, read) = bincode::serde::decode_from_slice(bytes, config)
        .map_err(|error| WireError::Malformed(error.to_string()))?;
    match bytes.len() - read {
        0 => Ok(value),
        trailing => Err(WireError::Trailing(trailing)),
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
    fn a_length_prefix_that_lies_is_refused_before_memory_is_taken() {
        let mut bytes = vec![253];
        bytes.extend_from_slice(&(1u64 << 40).to_le_bytes());
        assert!(decode::<Vec<u8>>(&bytes, 64).is_err());
    }
}
