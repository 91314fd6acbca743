//! A map as battles share it.

use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Clearance, Map};

/// A map that any number of battles share, with what is measured of it. Measuring takes about a
/// millisecond, so content does it once. It is equal to another one, and stored, as the map alone.
#[derive(Clone, Debug, Default)]
pub struct Terrain {
    map: Arc<Map>,
    clearance: Option<Arc<Clearance>>,
}

impl Terrain {
    /// A map whose numbers are in range, measured.
    #[must_use]
    pub fn measured(map: Map) -> Self {
        let clearance = Some(Arc::new(Clearance::of(&map)));
        Self { map: Arc::new(map), clearance }
    }

    /// How far each part of the map is from what is in the way; measured now if it has not been.
    /// The map's numbers are in range.
    #[must_use]
    pub fn clearance(&self) -> Arc<Clearance> {
        let known = self.clearance.clone();
        known.unwrap_or_else(|| Arc::new(Clearance::of(&self.map)))
    }
}

impl From<Map> for Terrain {
    /// A map that is not measured: nobody has looked yet whether its numbers are in range.
    fn from(map: Map) -> Self {
        Self { map: Arc::new(map), clearance: None }
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
