//! The same rules over vectors give the same battle.

use super::*;
use crate::core::arena::twin::Twin;

#[test]
fn the_twin_has_the_same_hash_after_every_tick() {
    let mut kills = 0;
    for setup in [grand_setup(0), grand_setup(1), fixture::setup(10, 60, 100_000)] {
        let seed = setup.seed;
        let (mut arena, mut twin) = (Arena::new(&setup), Twin::new(&setup));
        assert_eq!(arena.hash(), twin.hash(), "at the beginning");
        for tick in 0..1_000 {
            let orders = fixture::brawl(seed, tick, 10);
            arena.step(&orders);
            twin.step(&orders);
            assert_eq!(arena.hash(), twin.hash(), "seed {seed}, tick {}", twin.tick());
        }
        kills += arena.results().iter().map(|it| it.kills).sum::<u32>();
    }
    assert!(kills > 0, "there were fights");
}
