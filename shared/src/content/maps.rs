//! Maps: what stands where, where sides enter, and what they fight over.
//!
//! A map is a file of the folder `maps/` of the content and known by the file's name. Its centre
//! is (0, 0). This module also knows the shapes of obstacles and how far each place of a map is
//! from them, which validation and battles both need.

mod clearance;
mod read;
mod shape;
mod terrain;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use clearance::Clearance;
pub(super) use read::map;
pub use shape::{Point, Shape};
pub use terrain::{Obstacles, Terrain};

/// Half of a map's longer side at most.
pub const MAP_HALF_MM_MAX: i32 = 200_000;
/// Walls, pillars and pieces of cover of a map at most, each.
const MAP_OBSTACLES_MAX: usize = 256;
/// Entries of a side at most.
const MAP_ENTRIES_MAX: usize = 64;
/// Capture points of a map at most.
const MAP_POINTS_MAX: usize = 16;

/// A place to fight.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Map {
    /// Shown.
    pub name: String,
    /// Half the width; the centre is (0, 0).
    pub half_width_mm: i32,
    /// Half the height.
    pub half_height_mm: i32,
    /// Block walking, sight and projectiles.
    pub walls: Vec<Block>,
    /// Block walking, sight and projectiles.
    pub pillars: Vec<Pillar>,
    /// Blocks what it says.
    pub cover: Vec<Cover>,
    /// Where fighters of each side enter.
    pub entries: [Vec<Spot>; 2],
    /// What the sides fight over.
    pub points: Vec<CapturePoint>,
}

/// A rectangle along the axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Block {
    /// Centre.
    pub x_mm: i32,
    /// Centre.
    pub y_mm: i32,
    /// Half the width.
    pub half_width_mm: i32,
    /// Half the height.
    pub half_height_mm: i32,
}

/// A round obstacle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Pillar {
    /// Centre.
    pub x_mm: i32,
    /// Centre.
    pub y_mm: i32,
    /// Radius.
    pub radius_mm: i32,
}

/// A rectangle that blocks some things and lets others pass: a bush, a fence, a ditch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cover {
    /// Where it stands.
    pub block: Block,
    /// Nobody walks through it.
    pub walking: bool,
    /// Nobody sees through it; who stands in it sees out and is seen.
    pub sight: bool,
    /// Projectiles end at it; those of a fighter who stands in it leave it.
    pub projectiles: bool,
}

/// A place on a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spot {
    /// Across.
    pub x_mm: i32,
    /// Along.
    pub y_mm: i32,
}

/// A circle that a side takes by standing in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapturePoint {
    /// Centre.
    pub x_mm: i32,
    /// Centre.
    pub y_mm: i32,
    /// Radius.
    pub radius_mm: i32,
}

/// What an obstacle can be in the way of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// Bodies on their feet.
    Walking,
    /// Looking.
    Sight,
    /// Projectiles in the air.
    Projectiles,
}

impl Map {
    /// Half the width and half the height.
    #[must_use]
    pub const fn half_mm(&self) -> Point {
        (self.half_width_mm, self.half_height_mm)
    }

    /// The shapes that are in the way of `passage`, sorted: the order in the file is no matter.
    #[must_use]
    pub fn shapes(&self, passage: Passage) -> Vec<Shape> {
        let cover = self.cover.iter().filter(|cover| match passage {
            Passage::Walking => cover.walking,
            Passage::Sight => cover.sight,
            Passage::Projectiles => cover.projectiles,
        });
        let blocks = self.walls.iter().chain(cover.map(|cover| &cover.block));
        let pillars = self.pillars.iter().map(|pillar| Shape::from(*pillar));
        let mut shapes: Vec<_> = blocks.map(|block| Shape::from(*block)).chain(pillars).collect();
        shapes.sort_unstable();
        shapes.dedup();
        shapes
    }

    /// Whether all numbers are within the limits with which geometry never overflows.
    #[must_use]
    pub fn is_in_range(&self) -> bool {
        let place = |x_mm: i32, y_mm: i32| {
            [x_mm, y_mm].iter().all(|at| (-MAP_HALF_MM_MAX..=MAP_HALF_MM_MAX).contains(at))
        };
        let size = |mm: i32| (1..=MAP_HALF_MM_MAX).contains(&mm);
        let block = |block: &Block| {
            place(block.x_mm, block.y_mm) && size(block.half_width_mm) && size(block.half_height_mm)
        };
        let spots = |spots: &Vec<Spot>| {
            (1..=MAP_ENTRIES_MAX).contains(&spots.len())
                && spots.iter().all(|spot| place(spot.x_mm, spot.y_mm))
        };
        let counts = [self.walls.len(), self.pillars.len(), self.cover.len()];
        (1_000..=MAP_HALF_MM_MAX).contains(&self.half_width_mm)
            && (1_000..=MAP_HALF_MM_MAX).contains(&self.half_height_mm)
            && counts.iter().all(|count| *count <= MAP_OBSTACLES_MAX)
            && self.walls.iter().all(block)
            && self.pillars.iter().all(|p| place(p.x_mm, p.y_mm) && size(p.radius_mm))
            && self.cover.iter().all(|cover| block(&cover.block))
            && self.entries.iter().all(spots)
            && self.points.len() <= MAP_POINTS_MAX
            && self.points.iter().all(|p| place(p.x_mm, p.y_mm) && size(p.radius_mm))
    }
}

impl Spot {
    /// As a point.
    #[must_use]
    pub const fn at(self) -> Point {
        (self.x_mm, self.y_mm)
    }
}
