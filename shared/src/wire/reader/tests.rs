//! The reader beside bincode's own: it takes the same bytes for the same values, and refuses the
//! same bytes.

use std::collections::BTreeMap;
use std::fmt::Debug;

use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Reader;

/// Every shape that a type can have on the wire.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Shapes {
    small: (u8, i8, bool, char),
    unsigned: (u16, u32, u64, u128),
    signed: (i16, i32, i64),
    fractions: [f32; 2],
    fraction: f64,
    text: String,
    maybe: Option<Box<u32>>,
    outcome: Result<u8, String>,
    list: Vec<Shape>,
    map: BTreeMap<u16, Vec<u8>>,
    unit: (),
    wrapped: Wrapped,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Wrapped(u64);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Unit,
    One(i64),
    Two(u16, String),
    Named { list: Vec<u32>, bytes: Bytes },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Bytes(#[serde(with = "crate::wire::byte_list")] Vec<u8>);

fn encoded(value: &impl Serialize) -> Vec<u8> {
    bincode::serde::encode_to_vec(value, bincode::config::standard()).unwrap()
}

/// Whether both read the same and leave the same number of bytes, or both refuse.
fn agree<T: DeserializeOwned + Debug>(bytes: &[u8]) -> Result<(), TestCaseError> {
    let config = bincode::config::standard().with_limit::<{ 1 << 20 }>();
    let by_bincode = bincode::serde::decode_from_slice::<T, _>(bytes, config);
    let by_bincode = by_bincode.ok().map(|(value, read)| (value, bytes.len() - read));
    // As texts: what is not a number is not equal to itself.
    prop_assert_eq!(format!("{:?}", by_reader::<T>(bytes)), format!("{by_bincode:?}"));
    Ok(())
}

fn by_reader<T: DeserializeOwned>(bytes: &[u8]) -> Option<(T, usize)> {
    let mut reader = Reader { rest: bytes };
    let value = T::deserialize(&mut reader).ok()?;
    Some((value, reader.rest.len()))
}

/// Numbers of all lengths, and what is next to them.
fn number() -> impl Strategy<Value = u64> {
    let edges = [0, 250, 251, 252, 255, 256, 0xFFFF, 0x1_0000, 0xFFFF_FFFF, 1 << 32, u64::MAX];
    prop_oneof![prop::sample::select(edges.to_vec()), any::<u64>(), 0..300u64]
}

fn shape() -> impl Strategy<Value = Shape> {
    prop_oneof![
        Just(Shape::Unit),
        number().prop_map(|n| Shape::One(n.cast_signed())),
        (any::<u16>(), ".{0,20}").prop_map(|(n, text)| Shape::Two(n, text)),
        (prop::collection::vec(any::<u32>(), 0..40), prop::collection::vec(any::<u8>(), 0..300))
            .prop_map(|(list, bytes)| Shape::Named { list, bytes: Bytes(bytes) }),
    ]
}

prop_compose! {
    fn shapes()(
        small in any::<(u8, i8, bool, char)>(),
        unsigned in (any::<u16>(), any::<u32>(), number(), any::<u128>()),
        signed in any::<(i16, i32, i64)>(),
        halves in any::<(i16, i16, i32)>(),
        text in ".{0,30}",
        maybe in any::<Option<u32>>(),
        outcome in any::<Result<u8, String>>(),
        list in prop::collection::vec(shape(), 0..30),
        map in prop::collection::btree_map(
            any::<u16>(), prop::collection::vec(any::<u8>(), 0..9), 0..30,
        ),
    ) -> Shapes {
        Shapes {
            small,
            unsigned,
            signed,
            fractions: [f32::from(halves.0) / 2.0, f32::from(halves.1)],
            fraction: f64::from(halves.2) / 2.0,
            text,
            maybe: maybe.map(Box::new),
            outcome,
            list,
            map,
            unit: (),
            wrapped: Wrapped(unsigned.2),
        }
    }
}

proptest! {
    #[test]
    fn what_bincode_writes_is_read(value in shapes()) {
        let bytes = encoded(&value);
        prop_assert_eq!(by_reader::<Shapes>(&bytes), Some((value, 0)));
    }

    #[test]
    fn changed_bytes_are_taken_or_refused_as_by_bincode(
        value in shapes(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = encoded(&value);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        agree::<Shapes>(&bytes)?;
        let bytes = &bytes[..cut.index(bytes.len())];
        agree::<Shapes>(bytes)?;
    }

    #[test]
    fn random_bytes_are_taken_or_refused_as_by_bincode(
        bytes in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        agree::<Shape>(&bytes)?;
        agree::<char>(&bytes)?;
        agree::<(u16, u32)>(&bytes)?;
        agree::<(i16, i32, i64)>(&bytes)?;
        agree::<u128>(&bytes)?;
        agree::<Vec<String>>(&bytes)?;
    }
}
