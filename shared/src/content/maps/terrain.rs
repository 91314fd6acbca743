//! A map as battles share it.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Clearance, Map};

/// A map that any number of battles share, with what is measured of it. Measuring takes about a
/// millisecond, so it is done once, when it is first asked for. It is equal to another one, and
/// stored, as the map alone.
#[derive(Clone, Debug, Default)]
pub struct Terrain(Arc<Measured>);

#[derive(Debug, Default)]
struct Measured {
    map: Map,
    clearance: OnceLock<Clearance>,
}

impl Terrain {
    /// How far each part of the map is from what is in the way. The map's numbers are in range.
    #[must_use]
    pub fn clearance(&self) -> &Clearance {
        self.0.clearance.get_or_init(|| Clearance::of(&self.0.map))
    }
}

impl From<Map> for Terrain {
    fn from(map: Map) -> Self {
        Self(Arc::new(Measured { map, clearance: OnceLock::new() }))
    }
}

impl Deref for Terrain {
    type Target = Map;

    fn deref(&self) -> &Map {
        &self.0.map
    }
}

impl PartialEq for Terrain {
    fn eq(&self, other: &Self) -> bool {
        self.0.map == other.0.map
    }
}

impl Eq for Terrain {}

impl Serialize for Terrain {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.map.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Terrain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Map::deserialize(deserializer).map(Self::from)
    }
}
