//! What has to hold for every scene and every client.

use proptest::prelude::*;

use super::*;

const HALF: (i32, i32) = (60_000, 60_000);
const RULES: Interest = Interest {
    inner_mm: 15_000,
    outer_mm: 30_000,
    margin_mm: 4_000,
    budget_bytes: 400,
    beacon: None,
};
const NEW_BYTES: usize = 12;
const UPDATED_BYTES: usize = 7;
const GONE_BYTES: usize = 2;

/// A client and the server's memory of it: things are told with the tick of their value.
#[derive(Default)]
struct Client {
    watcher: Watcher,
    /// The acknowledged snapshot: ids and the ticks of their values.
    baseline: Vec<(u16, u32)>,
    sent: Vec<(u16, u32)>,
    choice: Choice,
}

struct Things {
    ids: Vec<u16>,
    places: Vec<(i32, i32)>,
    /// When each has changed last.
    changed: Vec<u32>,
}

impl Things {
    fn of(places: &[(i32, i32)]) -> Self {
        let ids = (0..).zip(places).map(|(id, _): (u16, _)| id * 3).collect();
        Self { ids, places: places.to_vec(), changed: vec![1; places.len()] }
    }
}

impl Client {
    /// One tick. The snapshot is what was chosen; it becomes the baseline if it `arrives`.
    fn tick(&mut self, now: u32, things: &Things, own: Option<u16>, at: (i32, i32), arrives: bool) {
        let mut grid = Grid::new(HALF, 5_000);
        grid.fill(&things.places);
        let Things { ids, places, changed } = things;
        let scene = Scene { grid: &grid, places, ids, beacons: &[] };
        let acknowledged: Vec<u16> = self.baseline.iter().map(|(id, _)| *id).collect();
        let eye = Eye { rules: &RULES, at, own, baseline: &acknowledged };
        let baseline = &self.baseline;
        let mut cost = |change| match change {
            Change::New(_) => NEW_BYTES,
            Change::Updated(index, at) if changed[index] <= baseline[at].1 => 0,
            Change::Updated(..) => UPDATED_BYTES,
            Change::Gone(_) => GONE_BYTES,
        };
        self.watcher.look(&scene, &eye, &mut cost, &mut self.choice);
        let fresh = self.choice.fresh.iter().map(|index| (ids[*index], now));
        let kept = self.choice.kept.iter().map(|at| baseline[*at]);
        self.sent = fresh.chain(kept).collect();
        self.sent.sort_unstable();
        if arrives {
            self.baseline = self.sent.clone();
        }
    }

    fn fresh(&self, now: u32) -> impl Iterator<Item = u16> {
        self.sent.iter().filter(move |(_, tick)| *tick == now).map(|(id, _)| *id)
    }

    fn knows(&self, id: u16) -> bool {
        self.sent.iter().any(|(known, _)| *known == id)
    }
}

fn scattered(reach: i32) -> impl Strategy<Value = Vec<(i32, i32)>> {
    proptest::collection::vec((-reach..reach, -reach..reach), 1..150)
}

/// Ticks after which each of `count` things has been told, whatever else is more urgent.
fn patience(count: usize, slowest: u32) -> u32 {
    let told = (RULES.budget_bytes / 2 - NEW_BYTES) / NEW_BYTES;
    let turns = u32::try_from(count / told + 2).expect("few");
    turns * INNER_URGENCY / slowest + 2
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn nothing_waits_for_ever_and_what_is_near_does_not_wait_long(
        places in scattered(16_000),
        arrives in any::<u64>(),
    ) {
        let mut things = Things::of(&places);
        let mut client = Client::default();
        let mut told = vec![0u32; places.len()];
        for now in 1..200u32 {
            things.changed.fill(now);
            client.tick(now, &things, None, (0, 0), arrives >> (now % 64) & 1 == 1);
            for id in client.fresh(now) {
                told[usize::from(id / 3)] = now;
            }
            for (at, last) in things.places.iter().zip(&told) {
                let square = square_between((0, 0), *at);
                let slowest = if square <= 15_000i64.pow(2) { INNER_URGENCY } else { 1 };
                let waits = now - *last;
                prop_assert!(waits <= patience(places.len(), slowest), "{at:?}: {waits}");
            }
        }
    }

    #[test]
    fn the_budget_holds_and_nothing_is_told_from_out_of_sight(
        places in scattered(60_000),
        steps in proptest::collection::vec((-3_000..3_000, -3_000..3_000, any::<bool>()), 1..60),
    ) {
        let mut things = Things::of(&places);
        let mut client = Client::default();
        let mut at = (0, 0);
        for (now, (x, y, arrives)) in (2..).zip(steps) {
            at = (at.0 + x, at.1 + y);
            for (n, place) in things.places.iter_mut().enumerate().step_by(2) {
                *place = (place.0 + x / 2, place.1 - y / 2);
                things.changed[n] = now;
            }
            let own = things.ids[0];
            client.tick(now, &things, Some(own), at, arrives);
            prop_assert!(client.choice.bytes <= RULES.budget_bytes);
            prop_assert!(client.sent.is_sorted_by(|a, b| a.0 < b.0), "{:?}", client.sent);
            for id in client.fresh(now).filter(|id| *id != own) {
                let square = square_between(at, things.places[usize::from(id / 3)]);
                let furthest = i64::from(RULES.outer_mm + RULES.margin_mm);
                prop_assert!(square <= furthest * furthest);
            }
            prop_assert!(client.fresh(now).any(|id| id == own), "its own thing comes first");
        }
    }

    #[test]
    fn two_servers_choose_the_same(places in scattered(40_000), seed in any::<u64>()) {
        let things = Things::of(&places);
        let [mut one, mut other] = [Client::default(), Client::default()];
        for now in 2..20 {
            let arrives = seed >> (now % 64) & 1 == 1;
            one.tick(now, &things, None, (0, 0), arrives);
            other.tick(now, &things, None, (0, 0), arrives);
            prop_assert_eq!(&one.sent, &other.sent);
        }
    }
}

#[test]
fn a_thing_on_the_border_comes_once_and_goes_once() {
    let mut client = Client::default();
    let mut seen = Vec::new();
    for (now, x) in (1..).zip([31_000, 29_900, 31_000, 33_900, 30_100, 34_100, 33_000, 29_000]) {
        let things = Things { changed: vec![now], ..Things::of(&[(x, 0)]) };
        client.tick(now, &things, None, (0, 0), true);
        seen.push(client.knows(0));
    }
    assert_eq!(seen, [false, true, true, true, true, false, false, true]);
}

#[test]
fn what_is_as_it_was_costs_nothing_and_stays() {
    let things = Things::of(&[(0, 0), (1_000, 0), (20_000, 5)]);
    let mut client = Client::default();
    client.tick(1, &things, None, (0, 0), true);
    assert_eq!(client.choice.bytes, 3 * NEW_BYTES);
    client.tick(2, &things, None, (0, 0), true);
    assert_eq!((client.choice.bytes, client.sent.len()), (0, 3));
}

#[test]
fn in_a_crowd_the_nearest_are_told_and_the_beacon_is() {
    let mut places: Vec<(i32, i32)> = (0..400).map(|n| (n % 20 * 100, n / 20 * 100)).collect();
    places.push((14_000, 14_000));
    let things = Things::of(&places);
    let mut grid = Grid::new(HALF, 500);
    grid.fill(&places);
    let scene = Scene { grid: &grid, places: &places, ids: &things.ids, beacons: &[400] };
    let mut watcher = Watcher::default();
    let mut choice = Choice::default();
    let rules = Interest { budget_bytes: 100_000, ..RULES };
    let eye = Eye { rules: &rules, at: (0, 0), own: None, baseline: &[] };
    watcher.look(&scene, &eye, &mut |_| 1, &mut choice);
    assert_eq!(choice.fresh.len(), CROWD_MAX + 1);
    assert!(choice.fresh.contains(&400) && choice.fresh.contains(&0));
    assert!(!choice.fresh.contains(&399), "the far corner of the crowd");
}
