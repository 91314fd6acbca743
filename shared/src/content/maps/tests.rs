//! What every map that is compiled in has to keep, and what clearance promises.

use proptest::prelude::*;

use super::super::Content;
use super::*;

#[test]
fn there_are_maps_to_choose_from_and_both_sides_have_room() {
    let content = Content::builtin();
    assert!(content.maps.len() >= 3);
    for (name, map) in &content.maps {
        assert!(map.is_in_range(), "{name}");
        assert!(!map.walls.is_empty() && !map.pillars.is_empty() && !map.cover.is_empty());
        assert!(!map.points.is_empty(), "{name} has something to fight over");
        for passage in [Passage::Walking, Passage::Sight, Passage::Projectiles] {
            assert!(map.cover.iter().any(|cover| match passage {
                Passage::Walking => !cover.walking,
                Passage::Sight => !cover.sight,
                Passage::Projectiles => !cover.projectiles,
            }));
        }
    }
}

#[test]
fn the_order_in_the_file_makes_no_difference() {
    for map in Content::builtin().maps.values() {
        let mut other = Map::clone(map);
        other.walls.reverse();
        other.pillars.rotate_left(1);
        other.cover.reverse();
        assert_eq!(Clearance::of(&other), Clearance::of(map));
        assert_eq!(other.shapes(Passage::Sight), map.shapes(Passage::Sight));
    }
}

#[test]
fn every_way_between_neighbours_that_fit_is_free() {
    for map in Content::builtin().maps.values() {
        let (cells, shapes) = (Clearance::of(map), map.shapes(Passage::Walking));
        for radius_mm in [100, 380, 450, 700] {
            let mut ways = 0;
            for cell in (0..cells.cells()).filter(|cell| cells.fits(*cell, radius_mm)) {
                for (next, _) in cells.neighbours(cell).filter(|next| cells.fits(next.0, radius_mm))
                {
                    let (from, to) = (cells.centre(cell), cells.centre(next));
                    assert!(!shapes.iter().any(|shape| shape.bars(from, to, radius_mm)));
                    ways += 1;
                }
            }
            assert!(ways > 1_000, "{}: {ways}", map.name);
        }
    }
}

#[test]
fn large_maps_have_larger_cells_and_all_points_a_cell() {
    let mut map = Map::clone(&Content::builtin().maps["crossing"]);
    (map.half_width_mm, map.half_height_mm) = (MAP_HALF_MM_MAX, MAP_HALF_MM_MAX);
    let cells = Clearance::of(&map);
    assert!(cells.cells() <= 256 * 256 && cells.cell_mm() > 400);
    let end = MAP_HALF_MM_MAX;
    assert_eq!((cells.cell_at((-end, -end)), cells.cell_at((end, end))), (0, cells.cells() - 1));
    assert_eq!(cells.cell_at((i32::MIN, i32::MIN)), 0);
    for cell in [0, 1, 300, 40_000, cells.cells() - 1] {
        assert_eq!(cells.cell_at(cells.centre(cell)), cell);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn there_is_at_least_the_room_that_clearance_says(
        points in proptest::collection::vec((-15_000..15_000, -10_000..10_000), 100),
    ) {
        for map in Content::builtin().maps.values() {
            let (cells, shapes) = (Clearance::of(map), map.shapes(Passage::Walking));
            for &at in &points {
                let room = cells.room_mm(at);
                for shape in &shapes {
                    let near = shape.distance_mm(at);
                    prop_assert!(room <= 0 || near >= room);
                    prop_assert_eq!(shape.nearer_mm(at, i32::MAX), near);
                }
            }
        }
    }
}
