//! What has to hold for the registry, whatever the mode.

use super::*;

#[derive(Component, Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Pair {
    small: u8,
    large: i64,
}

impl Lane for Pair {
    const ID: u16 = 9;
    const NAME: &'static str = "Pair";
    fn row(&mut self, row: &mut Row) -> Option<()> {
        row.number("small", &mut self.small, 0..=3)?;
        row.any("large", &mut self.large)
    }
}

const LANES: Lanes = Lanes(&[of_component::<Pair>()]);

fn world() -> (World, Vec<(u32, Entity)>) {
    let mut world = World::new();
    let listed = vec![
        (7, world.spawn(Pair { small: 3, large: -5 }).id()),
        (8, world.spawn(Pair { small: 0, large: i64::MAX }).id()),
    ];
    (world, listed)
}

#[test]
fn bytes_are_frozen_and_fields_have_names() {
    let (world, listed) = world();
    let mut bytes = Vec::new();
    LANES.encode(&world, &listed[..1], &mut bytes);
    let expected = [
        &[1, 0, 9, 0, 1, 0, 0, 0, 13, 0, 0, 0, 7, 0, 0, 0, 3][..],
        &[251, 255, 255, 255, 255, 255, 255, 255],
    ];
    assert_eq!(bytes, expected.concat());
    let mut rows = Vec::new();
    LANES.fields(&world, &listed, &mut rows);
    let told: Vec<_> = rows.iter().map(|row| (row.entity, row.field, row.value)).collect();
    let of = |id| move |(field, value)| (Some(id), field, value);
    let first = [("small", 3), ("large", -5)].map(of(7));
    let second = [("small", 0), ("large", i64::MAX)].map(of(8));
    assert_eq!(told, [first, second].concat());
}

#[test]
fn a_state_goes_back_and_one_that_no_battle_has_is_refused() {
    let (world, listed) = world();
    let mut bytes = Vec::new();
    LANES.encode(&world, &listed, &mut bytes);
    let decode = |bytes: &[u8]| {
        let mut other = World::new();
        let listed = [7, 8].map(|id| (id, other.spawn(Pair::default()).id()));
        let parts = LANES.parts(bytes)?;
        assert_eq!(parts.ids::<Pair>(7, 2), Ok(vec![7, 8]));
        assert_eq!(parts.ids::<Pair>(8, 2), Err(StateError { lane: 9 }));
        assert_eq!(parts.ids::<Pair>(0, 1), Err(StateError { lane: 9 }));
        parts.take(&mut other, &listed)?;
        Ok::<_, StateError>(listed.map(|(_, entity)| *other.get::<Pair>(entity).expect("there")))
    };
    let there = [Pair { small: 3, large: -5 }, Pair { small: 0, large: i64::MAX }];
    assert_eq!(decode(&bytes), Ok(there));
    assert_eq!(decode(&bytes[..20]), Err(StateError { lane: 9 }));
    assert_eq!(decode(&[0, 0]), Err(StateError { lane: 0 }));
}
