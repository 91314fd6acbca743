//! Numbers of variable length: seven bits a byte, the lowest first, the eighth bit says that more
//! follow. Signed numbers are zigzagged first: 0, -1, 1, -2, ... become 0, 1, 2, 3, ...

use super::SnapshotError;

/// Appends a number.
pub(super) fn put(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Appends a difference.
pub(super) fn put_difference(out: &mut Vec<u8>, value: i32) {
    put(out, ((value << 1) ^ (value >> 31)).cast_unsigned());
}

/// Takes a number off the front. The shortest form alone is accepted.
pub(super) fn take(bytes: &mut &[u8]) -> Result<u32, SnapshotError> {
    let mut value = 0;
    for place in 0..5 {
        let byte = take_byte(bytes)?;
        if (byte == 0 && place > 0) || (place == 4 && byte > 0x0F) {
            return Err(SnapshotError::Range);
        }
        value |= u32::from(byte & 0x7F) << (7 * place);
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(SnapshotError::Range)
}

/// Takes a difference off the front.
pub(super) fn take_difference(bytes: &mut &[u8]) -> Result<i32, SnapshotError> {
    let value = take(bytes)?;
    Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
}

/// Takes a byte off the front.
pub(super) fn take_byte(bytes: &mut &[u8]) -> Result<u8, SnapshotError> {
    let (first, rest) = bytes.split_first().ok_or(SnapshotError::Length)?;
    *bytes = rest;
    Ok(*first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_known_bytes() {
        let bytes = |value| {
            let mut out = Vec::new();
            put_difference(&mut out, value);
            out
        };
        assert_eq!(bytes(0), [0]);
        assert_eq!(bytes(-1), [1]);
        assert_eq!(bytes(63), [126]);
        assert_eq!(bytes(-65), [0x81, 1]);
        assert_eq!(bytes(i32::MIN), [0xFF, 0xFF, 0xFF, 0xFF, 0x0F]);
    }

    #[test]
    fn every_difference_comes_back_and_longer_forms_are_refused() {
        for value in [0, 1, -1, 63, 64, -64, -65, 300, i32::MAX, i32::MIN] {
            let mut out = Vec::new();
            put_difference(&mut out, value);
            let mut rest = &out[..];
            assert_eq!(take_difference(&mut rest), Ok(value));
            assert!(rest.is_empty());
            assert_eq!(take_difference(&mut &out[..out.len() - 1]), Err(SnapshotError::Length));
        }
        for refused in [&[0x80, 0][..], &[0xFF; 5], &[0xFF, 0xFF, 0xFF, 0xFF, 0x10]] {
            assert_eq!(take(&mut &refused[..]), Err(SnapshotError::Range));
        }
    }
}
