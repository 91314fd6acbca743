//! A map as battles share it.

use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Clearance, Map, Passage, Shape};

/// A map that any number of battles share, with what is in the way on it. Measuring that takes
/// about a millisecond, so content does it once. It is equal to another one, and stored, as the
/// map alone.
#[derive(Clone, Debug, Default)]
pub struct Terrain {
    map: Arc<Map>,
    obstacles: Option<Arc<Obstacles>>,
}

/// What is in the way on a map. Battles on one map share it: a thousand copies would not stay in
/// the caches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacles {
    /// What bodies on their feet cannot pass; sorted, as all of these are.
    pub walls: Vec<Shape>,
    /// What cannot be seen through.
    pub opaque: Vec<Shape>,
    /// What stops projectiles.
    pub solid: Vec<Shape>,
    /// How far each part of the map is from its walls.
    pub clearance: Clearance,
}

impl Obstacles {
    fn of(map: &Map) -> Self {
        Self {
            walls: map.shapes(Passage::Walking),
            opaque: map.shapes(Passage::Sight),
            solid: map.shapes(Passage::Projectiles),
            clearance: Clearance::of(map),
        }
    }
}

impl Terrain {
    /// A map whose numbers are in range, measured.
    #[must_use]
    pub fn measured(map: Map) -> Self {
        let obstacles = Some(Arc::new(Obstacles::of(&map)));
        Self { map: Arc::new(map), obstacles }
    }

    /// What is in the way; measured now if it has not been. The map's numbers are in range.
    #[must_use]
    pub fn obstacles(&self) -> Arc<Obstacles> {
        self.obstacles.clone().unwrap_or_else(|| Arc::new(Obstacles::of(&self.map)))
    }
}

impl From<Map> for Terrain {
    /// A map that is not measured: nobody has looked yet whether its numbers are in range.
    fn from(map: Map) -> Self {
        Self { map: Arc::new(map), obstacles: None }
    }
}

impl Deref for Terrain {
    type Target = Map;

    fn deref(&self) -> &Map {
        &self.map
    }
}

impl PartialEq for Terrain {
    fn eq(&self, other: &Self) -> bool {
        self.map == other.map
    }
}

impl Eq for Terrain {}

impl Serialize for Terrain {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.map.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Terrain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Map::deserialize(deserializer).map(Self::from)
    }
}
