//! What has to hold on every map, for any walk, look and way.

use proptest::prelude::*;
use shared::content::{Block, Content, Cover, Map, Pillar, Spot};

use super::*;

const RADIUS_MM: i32 = 450;

/// The maps that are compiled in, and one that is nothing but obstacles.
fn grounds() -> Vec<(Map, Ground)> {
    let builtin = Content::builtin().maps.into_values();
    let mut maps: Vec<Map> = builtin.map(|map| Map::clone(&map)).collect();
    maps.push(thicket());
    maps.into_iter().map(|map| (map.clone(), Ground::new(&map.into()))).collect()
}

/// Obstacles of all kinds that touch and overlap each other.
fn thicket() -> Map {
    let spread = |n: i32, by: i32| (n * 7_919 % 23_000 - 11_500, n * by % 15_000 - 7_500);
    let pillar = |n: i32| {
        let (x_mm, y_mm) = spread(n, 4_793);
        Pillar { x_mm, y_mm, radius_mm: 60 + n * 29 % 700 }
    };
    let block = |n: i32| {
        let (x_mm, y_mm) = spread(n, 6_151);
        Block { x_mm, y_mm, half_width_mm: 60 + n * 97 % 900, half_height_mm: 60 + n * 53 % 700 }
    };
    let cover = |n: i32| Cover {
        block: block(n + 40),
        walking: n % 2 == 0,
        sight: n % 3 == 0,
        projectiles: n % 3 == 1,
    };
    Map {
        name: String::from("Thicket"),
        half_width_mm: 12_000,
        half_height_mm: 8_000,
        walls: (0..20).map(block).collect(),
        pillars: (0..24).map(pillar).collect(),
        cover: (0..12).map(cover).collect(),
        entries: [(); 2].map(|()| vec![Spot { x_mm: 0, y_mm: 0 }]),
        points: Vec::new(),
    }
}

fn open_field(walls: Vec<Block>, pillars: Vec<Pillar>) -> Ground {
    let (cover, points) = (Vec::new(), Vec::new());
    Ground::new(&Map { walls, pillars, cover, points, ..thicket() }.into())
}

/// The nearest free place on a spiral around `at`.
fn free_near(ground: &Ground, at: Point) -> Option<Point> {
    let around = (0..40).flat_map(|ring| {
        [(1, 0), (0, 1), (-1, 0), (0, -1), (1, 1), (-1, -1)]
            .map(|(x, y)| moved(at, (x * ring * 150, y * ring * 150)))
    });
    around.into_iter().find(|at| ground.is_free(*at, RADIUS_MM))
}

fn any_point() -> impl Strategy<Value = Point> {
    (-16_500..16_500, -11_500..11_500)
}

#[test]
fn a_body_slides_along_walls_and_around_pillars() {
    let wall = Block { x_mm: 0, y_mm: 0, half_width_mm: 200, half_height_mm: 2_000 };
    let ground = open_field(vec![wall], Vec::new());
    let at = ground.walk((-1_000, 0), (600, 300), 450);
    assert!((-652..=-650).contains(&at.0) && (299..=300).contains(&at.1), "{at:?}");
    let mut at = (-651, 0);
    for _ in 0..60 {
        at = ground.walk(at, (100, 100), 450);
    }
    assert!(at.0 > 300, "around the end of the wall: {at:?}");

    let pillar = Pillar { x_mm: 0, y_mm: 0, radius_mm: 1_000 };
    let ground = open_field(Vec::new(), vec![pillar]);
    let mut at = (-3_000, 100);
    for _ in 0..200 {
        at = ground.walk(at, (100, 0), 400);
        assert!(ground.is_free(at, 400), "{at:?}");
    }
    assert!(at.0 > 1_400, "it has slid past: {at:?}");
}

#[test]
fn a_body_in_a_corner_stays_and_nothing_tunnels() {
    let walls = [(500, 0, 100, 2_000), (0, 500, 2_000, 100)].map(|(x_mm, y_mm, width, height)| {
        Block { x_mm, y_mm, half_width_mm: width, half_height_mm: height }
    });
    let ground = open_field(walls.to_vec(), Vec::new());
    let at = ground.walk((0, 0), (300, 300), 400);
    assert!(at.0 <= 0 && at.1 <= 0 && at.0 > -3 && at.1 > -3, "{at:?}");
    let at = ground.walk((-1_500, -1_500), (9_000, 40), 400);
    assert!(at.0 <= 0, "a step over the wall ends before it: {at:?}");
    let end = ground.walk((-11_000, -7_000), (-9_000, -9_000), 400);
    assert_eq!(end, (-11_600, -7_600), "the edge of the map is a wall too");
}

#[test]
fn bushes_hide_what_is_behind_them_and_not_who_stands_in_them() {
    let block = Block { x_mm: 0, y_mm: 0, half_width_mm: 500, half_height_mm: 500 };
    let bush = Cover { block, walking: false, sight: true, projectiles: false };
    let map = Map { walls: vec![], pillars: vec![], cover: vec![bush], ..thicket() };
    let ground = Ground::new(&map.into());
    assert!(!ground.sees((-2_000, 0), (2_000, 0)));
    assert!(ground.sees((-2_000, 0), (400, 0)) && ground.sees((400, 0), (-2_000, 0)));
    assert_eq!(ground.walk((-1_000, 0), (500, 0), 400), (-500, 0));
    assert_eq!(ground.flight((-2_000, 0), (2_000, 0), 100), None);
}

#[test]
fn projectiles_end_at_walls_and_leave_the_cover_they_come_from() {
    let block = Block { x_mm: 0, y_mm: 0, half_width_mm: 500, half_height_mm: 500 };
    let ground = open_field(vec![block], Vec::new());
    assert_eq!(ground.flight((-2_000, 0), (2_000, 0), 100), Some((-600, 0)));
    assert_eq!(ground.touch((-2_000, 0), (2_000, 0), 100), Some(1_400 * 4_000));
    assert_eq!(ground.flight((-2_000, 700), (2_000, 700), 100), None);
    let haze = Cover { block, walking: false, sight: false, projectiles: true };
    let map = Map { walls: vec![], pillars: vec![], cover: vec![haze], ..thicket() };
    let ground = Ground::new(&map.into());
    assert_eq!(ground.flight((0, 0), (2_000, 0), 100), None);
    assert_eq!(ground.flight((2_000, 0), (0, 0), 100), Some((600, 0)));
}

#[test]
fn ways_lead_around_walls_and_end_near_what_cannot_be_reached() {
    let wall = Block { x_mm: 0, y_mm: 0, half_width_mm: 200, half_height_mm: 4_000 };
    let closed = Pillar { x_mm: 8_000, y_mm: 0, radius_mm: 1_000 };
    let ground = open_field(vec![wall], vec![closed]);
    let mut scratch = PathScratch::default();
    assert_eq!(ground.path((-5_000, 0), (-4_000, 50), 450, &mut scratch), [(-4_000, 50)]);
    let way = ground.path((-2_000, 500), (2_000, 500), 450, &mut scratch).to_vec();
    assert_eq!(way.last(), Some(&(2_000, 500)));
    assert!(way.len() <= 4 && way.iter().any(|at| at.1 > 4_400), "around the near end: {way:?}");
    let end = *ground.path((2_000, 0), (8_000, 0), 450, &mut scratch).last().expect("a way");
    let gap = (end.0 - 8_000).abs().max(end.1.abs());
    assert!((1_000..2_000).contains(&gap), "up to the pillar: {end:?}");
    assert!(ground.path((8_000, 0), (2_000, 0), 450, &mut scratch).is_empty());
    assert!(ground.path((1_000, 0), (1_000, 0), 450, &mut scratch).is_empty());
}

#[test]
fn entries_of_both_sides_lead_to_each_other_on_every_map() {
    let mut scratch = PathScratch::default();
    for (map, ground) in grounds().iter().take(3) {
        for (from, to) in map.entries[0].iter().zip(&map.entries[1]) {
            let way = ground.path(from.at(), to.at(), RADIUS_MM, &mut scratch);
            assert_eq!(way.last(), Some(&to.at()), "{}", map.name);
            assert!(way.len() < 20, "{}: {way:?}", map.name);
        }
    }
}

/// Pairs of points, many for one look at the maps.
fn pairs() -> impl Strategy<Value = Vec<(Point, Point)>> {
    proptest::collection::vec((any_point(), any_point()), 24)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_walk_never_ends_in_an_obstacle_and_never_passes_one(
        starts in proptest::collection::vec(any_point(), 16),
        steps in proptest::collection::vec((-900..900, -900..900), 1..30),
    ) {
        for (_, ground) in &grounds() {
            for at in starts.iter().filter_map(|at| free_near(ground, *at)) {
                let mut at = at;
                for step in &steps {
                    let next = ground.walk(at, *step, RADIUS_MM);
                    prop_assert!(ground.is_free(next, RADIUS_MM), "{at:?} + {step:?} = {next:?}");
                    let (x, y) = (i64::from(next.0 - at.0), i64::from(next.1 - at.1));
                    let length = i64::from(step.0).pow(2) + i64::from(step.1).pow(2);
                    prop_assert!(x * x + y * y <= (length.isqrt() + 12).pow(2), "no step grows");
                    at = next;
                }
            }
        }
    }

    #[test]
    fn long_steps_do_not_tunnel(tries in pairs()) {
        let mut scratch = PathScratch::default();
        for (_, ground) in grounds().iter().take(3) {
            for (at, to) in &tries {
                let Some(at) = free_near(ground, *at) else { continue };
                let to = ground.walk(at, (to.0 * 2, to.1 * 2), RADIUS_MM);
                // Whatever way it slid, it can be walked.
                let end = ground.path(at, to, RADIUS_MM, &mut scratch).last().copied();
                let end = end.unwrap_or(at);
                let gap = (end.0 - to.0).abs().max((end.1 - to.1).abs());
                prop_assert!(gap < 1_500, "{at:?} to {to:?} ends at {end:?}");
            }
        }
    }

    #[test]
    fn sight_and_open_ways_are_the_same_from_both_ends(tries in pairs()) {
        for (_, ground) in &grounds() {
            for &(a, b) in &tries {
                prop_assert_eq!(ground.sees(a, b), ground.sees(b, a));
                let there = ground.is_open(a, b, RADIUS_MM);
                prop_assert_eq!(there, ground.is_open(b, a, RADIUS_MM));
            }
        }
    }

    #[test]
    fn every_leg_of_a_way_can_be_walked(tries in pairs()) {
        let mut scratch = PathScratch::default();
        for (_, ground) in &grounds() {
            for (a, b) in &tries {
                let ends = free_near(ground, *a).zip(free_near(ground, *b));
                let Some((a, b)) = ends else { continue };
                let way = ground.path(a, b, RADIUS_MM, &mut scratch).to_vec();
                let mut at = a;
                for next in &way {
                    prop_assert!(ground.is_open(at, *next, RADIUS_MM), "{at:?} to {next:?}");
                    at = *next;
                }
                let mut fresh = PathScratch::default();
                prop_assert_eq!(ground.path(a, b, RADIUS_MM, &mut fresh), way);
            }
        }
    }

    #[test]
    fn what_is_not_near_a_way_bars_no_part_of_it(tries in pairs(), part in 0..=100i32) {
        for (_, ground) in &grounds() {
            for &(a, b) in &tries {
                let to = (a.0 + (b.0 - a.0) * part / 100, a.1 + (b.1 - a.1) * part / 100);
                for wall in &ground.obstacles.walls {
                    let bars = wall.bars(a, to, RADIUS_MM);
                    prop_assert!(!bars || wall.is_near(a, b, RADIUS_MM), "{a:?} to {to:?}");
                }
            }
        }
    }

    #[test]
    fn a_flight_ends_where_nothing_was_touched_before(tries in pairs()) {
        for (_, ground) in &grounds() {
            let solid = &ground.obstacles.solid;
            let free = |at: Point| !solid.iter().any(|shape| shape.overlaps(at, 150));
            for &(a, b) in tries.iter().filter(|(a, _)| free(*a)) {
                let Some(end) = ground.flight(a, b, 150) else {
                    prop_assert!(!solid.iter().any(|shape| shape.bars(a, b, 150)));
                    continue;
                };
                prop_assert!(solid.iter().any(|shape| shape.distance_mm(end) <= 153));
                let early = solid.iter().any(|shape| shape.bars(a, end, 147));
                prop_assert!(!early, "{a:?} to {end:?}");
            }
        }
    }

    #[test]
    fn the_order_of_obstacles_makes_no_difference(tries in pairs(), turn in 0usize..20) {
        for (map, ground) in &grounds() {
            let mut map = map.clone();
            map.pillars.reverse();
            let turn = turn % map.walls.len();
            map.walls.rotate_left(turn);
            map.cover.reverse();
            let other = Ground::new(&map.into());
            let (mut one, mut two) = (PathScratch::default(), PathScratch::default());
            for (at, to) in &tries {
                let Some(at) = free_near(ground, *at) else { continue };
                let step = (to.0 / 8, to.1 / 8);
                let walked = ground.walk(at, step, RADIUS_MM);
                prop_assert_eq!(other.walk(at, step, RADIUS_MM), walked);
                let way = ground.path(at, *to, RADIUS_MM, &mut one);
                prop_assert_eq!(other.path(at, *to, RADIUS_MM, &mut two), way);
            }
        }
    }
}
