//! Reads the file of a map and checks that it can be played on.

use std::ops::RangeInclusive;

use super::super::problem::ContentProblem;
use super::super::table::Table;
use super::{
    Block, CapturePoint, Cover, MAP_ENTRIES_MAX, MAP_HALF_MM_MAX, MAP_OBSTACLES_MAX,
    MAP_POINTS_MAX, Map, Pillar, Point, Spot, Terrain,
};
use crate::limits::ARENA_SIDE_FIGHTERS;

const HALF_MAP_MM: RangeInclusive<i64> = 4_000..=MAP_HALF_MM_MAX as i64;
const COORDINATE_MM: RangeInclusive<i64> = -(MAP_HALF_MM_MAX as i64)..=MAP_HALF_MM_MAX as i64;
const OBSTACLE_MM: RangeInclusive<i64> = 50..=MAP_HALF_MM_MAX as i64;
const POINT_RADIUS_MM: RangeInclusive<i64> = 500..=20_000;

/// Something of a map with the table it was read from, to report problems where it stands.
type Read<'a, T> = Vec<(T, Table<'a>)>;

/// Reads a map. Whether fighters fit and get everywhere is checked for bodies of `largest_mm`, if
/// that is known.
pub(in super::super) fn map(mut file: Table<'_>, largest_mm: Option<i32>) -> Terrain {
    let half = (file.int("half_width_mm", &HALF_MAP_MM), file.int("half_height_mm", &HALF_MAP_MM));
    let name = file.name("name");
    let walls = read(&mut file, "walls", 0..=MAP_OBSTACLES_MAX, |table| block(table, half, "wall"));
    let pillars = read(&mut file, "pillars", 0..=MAP_OBSTACLES_MAX, |table| pillar(table, half));
    let cover = read(&mut file, "cover", 0..=MAP_OBSTACLES_MAX, |table| cover(table, half));
    let mut entries = [Vec::new(), Vec::new()];
    for (side, into) in file.tables("sides", 2..=2).into_iter().zip(&mut entries) {
        *into = side_entries(side, half);
    }
    let points = read(&mut file, "points", 0..=MAP_POINTS_MAX, |table| point(table, half));
    file.report_unknown_keys();
    let map = Map {
        name,
        half_width_mm: half.0,
        half_height_mm: half.1,
        walls: values(&walls),
        pillars: values(&pillars),
        cover: values(&cover),
        entries: [values(&entries[0]), values(&entries[1])],
        points: values(&points),
    };
    // What nothing is wrong with otherwise is worth the look at every cell of its floor.
    if file.has_problems() {
        return map.into();
    }
    let terrain = Terrain::measured(map);
    if let Some(radius_mm) = largest_mm {
        let entries = entries.iter().flatten();
        let entries = entries.map(|(spot, table)| ("entry", spot.at(), table));
        let points =
            points.iter().map(|(point, table)| ("capture point", (point.x_mm, point.y_mm), table));
        check_ways(&terrain, radius_mm, &entries.chain(points).collect::<Vec<_>>(), &file);
    }
    terrain
}

/// Reads a list of tables, keeping them.
fn read<'a, T>(
    file: &mut Table<'a>,
    key: &'static str,
    count: RangeInclusive<usize>,
    value: impl Fn(&mut Table<'a>) -> T,
) -> Read<'a, T> {
    let tables = file.tables(key, count).into_iter();
    tables
        .map(|mut table| {
            let value = value(&mut table);
            table.report_unknown_keys();
            (value, table)
        })
        .collect()
}

fn values<T: Copy>(read: &Read<'_, T>) -> Vec<T> {
    read.iter().map(|(value, _)| *value).collect()
}

fn block(table: &mut Table<'_>, half: Point, what: &'static str) -> Block {
    let block = Block {
        x_mm: table.int("x_mm", &COORDINATE_MM),
        y_mm: table.int("y_mm", &COORDINATE_MM),
        half_width_mm: table.int("half_width_mm", &OBSTACLE_MM),
        half_height_mm: table.int("half_height_mm", &OBSTACLE_MM),
    };
    let size = (block.half_width_mm, block.half_height_mm);
    check_inside(table, what, ((block.x_mm, block.y_mm), size), half);
    block
}

fn pillar(table: &mut Table<'_>, half: Point) -> Pillar {
    let pillar = Pillar {
        x_mm: table.int("x_mm", &COORDINATE_MM),
        y_mm: table.int("y_mm", &COORDINATE_MM),
        radius_mm: table.int("radius_mm", &OBSTACLE_MM),
    };
    let size = (pillar.radius_mm, pillar.radius_mm);
    check_inside(table, "pillar", ((pillar.x_mm, pillar.y_mm), size), half);
    pillar
}

fn cover(table: &mut Table<'_>, half: Point) -> Cover {
    let block = block(table, half, "cover");
    let cover = Cover {
        block,
        walking: table.flag("walking"),
        sight: table.flag("sight"),
        projectiles: table.flag("projectiles"),
    };
    if !cover.walking && !cover.sight && !cover.projectiles {
        table.report(ContentProblem::IdleCover);
    }
    cover
}

fn side_entries<'a>(mut side: Table<'a>, half: Point) -> Read<'a, Spot> {
    let entries = read(&mut side, "entries", ARENA_SIDE_FIGHTERS..=MAP_ENTRIES_MAX, |table| {
        let spot = Spot {
            x_mm: table.int("x_mm", &COORDINATE_MM),
            y_mm: table.int("y_mm", &COORDINATE_MM),
        };
        check_inside(table, "entry", (spot.at(), (0, 0)), half);
        spot
    });
    side.end();
    entries
}

fn point(table: &mut Table<'_>, half: Point) -> CapturePoint {
    let point = CapturePoint {
        x_mm: table.int("x_mm", &COORDINATE_MM),
        y_mm: table.int("y_mm", &COORDINATE_MM),
        radius_mm: table.int("radius_mm", &POINT_RADIUS_MM),
    };
    let size = (point.radius_mm, point.radius_mm);
    check_inside(table, "capture point", ((point.x_mm, point.y_mm), size), half);
    point
}

/// Reports what sticks out of the map. A half of zero was reported already.
fn check_inside(table: &Table<'_>, what: &'static str, (at, size): (Point, Point), half: Point) {
    let fits = |at: i32, size: i32, half: i32| half == 0 || at.abs() + size <= half;
    if !fits(at.0, size.0, half.0) || !fits(at.1, size.1, half.1) {
        let (half_width_mm, half_height_mm) = half;
        table.report(ContentProblem::OutsideMap { what, half_width_mm, half_height_mm });
    }
}

/// Reports places where the largest fighter cannot stand or cannot get to, and one place of the
/// floor that is cut off, if there is one.
fn check_ways(
    map: &Terrain,
    radius_mm: i32,
    places: &[(&'static str, Point, &Table<'_>)],
    file: &Table<'_>,
) {
    let (obstacles, half) = (map.obstacles(), map.half_mm());
    let is_free = |at: Point| {
        at.0.abs() + radius_mm <= half.0
            && at.1.abs() + radius_mm <= half.1
            && !obstacles.walls.iter().any(|wall| wall.overlaps(at, radius_mm))
    };
    let Some((_, first, _)) = places.first() else { return };
    let clearance = &obstacles.clearance;
    let reached = clearance.reached(*first, radius_mm);
    let is_reached = |cell: u32| reached.get(cell as usize) == Some(&true);
    let mut is_sound = true;
    for (what, at, table) in places {
        if !is_free(*at) {
            is_sound = false;
            table.report(ContentProblem::Obstructed { what, radius_mm });
        } else if !clearance.nearby(*at, radius_mm).any(is_reached) {
            is_sound = false;
            let what = String::from(*what);
            table.report(ContentProblem::Unreachable { what, radius_mm });
        }
    }
    let cut_off = |cell: &u32| clearance.fits(*cell, radius_mm) && !is_reached(*cell) && is_sound;
    if let Some(cell) = (0..clearance.cells()).find(cut_off) {
        let (x_mm, y_mm) = clearance.centre(cell);
        let what = format!("free floor around x_mm = {x_mm}, y_mm = {y_mm}");
        file.report(ContentProblem::Unreachable { what, radius_mm });
    }
}
