//! The registry: what a mode's state consists of, with stable numbers and fixed bytes.
//!
//! A lane is all values of one component or resource, ordered by stable id. A mode lists its
//! lanes once; encoding, decoding, hashes and the rows that people compare all follow from that
//! list. Numbers of lanes are part of the replay format: they are never reused for something
//! else.
//!
//! Encoded state, little-endian: `u16` number of lanes, then for each lane in the order of the
//! numbers: `u16` number, `u32` rows, `u32` length, and as many bytes. A row of a component is
//! the `u32` stable id and the value's numbers; a resource has one row without an id.

mod row;
#[cfg(test)]
mod tests;

use bevy_ecs::component::{ComponentId, Mutable};
use bevy_ecs::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::bytes::Reader;
use super::sim::{LaneHash, StateError};

pub use row::{Number, Row};

/// A type with a stable number whose values are made of numbers.
pub trait Lane: Clone {
    /// Its number.
    const ID: u16;
    /// Its name in reports.
    const NAME: &'static str;
    /// Passes every number of the value to `row`, in the order of the bytes, and says `None` for
    /// what no battle can have. Writing, reading and comparing all go through this.
    fn row(&mut self, row: &mut Row) -> Option<()>;
}

/// Few lanes are longer.
const LANE_BYTES: usize = 1_024;
/// Bytes of the stable id in front of a component's row.
const ID_BYTES: usize = 4;

/// Entities with their stable ids, ordered by these.
pub type Listed = [(u32, Entity)];

/// One number of a state, for people to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldRow {
    /// The lane's number.
    pub lane: u16,
    /// The name of the component or resource.
    pub component: &'static str,
    /// Stable id; `None` for a resource.
    pub entity: Option<u32>,
    /// The field's name.
    pub field: &'static str,
    /// Its value.
    pub value: i64,
    /// Bytes it has in the encoded state.
    pub size: usize,
}

/// All rows of a lane: as bytes, and as numbers with their places among the bytes.
#[derive(Clone, Debug)]
pub struct LaneRows {
    /// The lane.
    pub info: LaneInfo,
    /// What is hashed.
    pub bytes: Vec<u8>,
    /// Each number and the place of its first byte.
    pub fields: Vec<(usize, FieldRow)>,
}

impl LaneRows {
    /// The lane's hash.
    #[must_use]
    pub fn hash(&self) -> LaneHash {
        LaneHash { lane: self.info.id, hash: xxh3_64(&self.bytes) }
    }
}

type PutRows = fn(&World, &Listed, &mut Vec<u8>) -> u32;
type TakeRows = fn(&mut World, &Listed, u32, &mut Reader) -> Option<()>;
type TellRows = fn(&World, &Listed, &mut Vec<FieldRow>);

/// A lane as a mode lists it.
#[derive(Clone, Copy, Debug)]
pub struct LaneInfo {
    /// Its number.
    pub id: u16,
    /// Its name in reports.
    pub name: &'static str,
    /// The type's id in a World; `None` if the World has never seen the type.
    pub component: fn(&World) -> Option<ComponentId>,
    put: PutRows,
    take: TakeRows,
    tell: TellRows,
}

/// The lane of a component.
#[must_use]
pub const fn of_component<T: Lane + Component<Mutability = Mutable>>() -> LaneInfo {
    LaneInfo {
        id: T::ID,
        name: T::NAME,
        component: |world| world.component_id::<T>(),
        put: |world, entities, out| {
            let mut rows = 0;
            for (id, entity) in entities {
                if let Some(value) = world.get::<T>(*entity) {
                    out.extend_from_slice(&id.to_le_bytes());
                    put(value, out);
                    rows += 1;
                }
            }
            rows
        },
        take: |world, entities, rows, reader| {
            let mut read = 0;
            for (id, entity) in entities {
                if let Some(mut value) = world.get_mut::<T>(*entity) {
                    (reader.u32()? == *id).then_some(())?;
                    value.row(&mut Row::Take(reader))?;
                    read += 1;
                }
            }
            (read == rows).then_some(())
        },
        tell: |world, entities, out| {
            for (id, entity) in entities {
                if let Some(value) = world.get::<T>(*entity) {
                    tell(value, Some(*id), out);
                }
            }
        },
    }
}

/// The lane of a resource, which has to be there always.
#[must_use]
pub const fn of_resource<T: Lane + Resource<Mutability = Mutable>>() -> LaneInfo {
    LaneInfo {
        id: T::ID,
        name: T::NAME,
        component: |world| world.component_id::<T>(),
        put: |world, _, out| {
            put(world.resource::<T>(), out);
            1
        },
        take: |world, _, rows, reader| {
            world.resource_mut::<T>().row(&mut Row::Take(reader))?;
            (rows == 1).then_some(())
        },
        tell: |world, _, out| tell(world.resource::<T>(), None, out),
    }
}

/// Where the state of a battle is.
pub struct State<'a> {
    /// What it consists of.
    pub lanes: Lanes,
    /// The World that holds it.
    pub world: &'a mut World,
    /// All entities that have lanes.
    pub entities: &'a Listed,
}

/// All lanes of a mode, ordered by number.
#[derive(Clone, Copy)]
pub struct Lanes(pub &'static [LaneInfo]);

impl Lanes {
    /// Appends the complete state of `world`, whose simulated entities are `entities`.
    pub fn encode(self, world: &World, entities: &Listed, out: &mut Vec<u8>) {
        out.extend(u16::try_from(self.0.len()).unwrap_or(0).to_le_bytes());
        let mut bytes = Vec::with_capacity(LANE_BYTES);
        for lane in self.0 {
            bytes.clear();
            let rows = (lane.put)(world, entities, &mut bytes);
            out.extend(lane.id.to_le_bytes());
            out.extend(rows.to_le_bytes());
            out.extend(u32::try_from(bytes.len()).unwrap_or(0).to_le_bytes());
            out.extend(&bytes);
        }
    }

    /// Cuts an encoded state into its lanes, so that the mode can make the entities that it has
    /// before the rows are taken.
    ///
    /// # Errors
    /// [`StateError`] if these are not the lanes of a state.
    pub fn parts(self, bytes: &[u8]) -> Result<Parts<'_>, StateError> {
        let mut reader = Reader::new(bytes);
        let unclear = StateError { lane: 0 };
        if reader.u16().map(usize::from) != Some(self.0.len()) {
            return Err(unclear);
        }
        let mut parts = Vec::with_capacity(self.0.len());
        for lane in self.0 {
            let part = lane_part(&mut reader).filter(|(id, ..)| *id == lane.id);
            let (_, rows, bytes) = part.ok_or(StateError { lane: lane.id })?;
            parts.push((*lane, rows, bytes));
        }
        if reader.left() == 0 { Ok(Parts(parts)) } else { Err(unclear) }
    }

    /// Appends the hash of each lane.
    pub fn hashes(self, world: &World, entities: &Listed, out: &mut Vec<LaneHash>) {
        let mut bytes = Vec::with_capacity(LANE_BYTES);
        out.extend(self.0.iter().map(|lane| {
            bytes.clear();
            (lane.put)(world, entities, &mut bytes);
            LaneHash { lane: lane.id, hash: xxh3_64(&bytes) }
        }));
    }

    /// Appends every number of the state.
    pub fn fields(self, world: &World, entities: &Listed, out: &mut Vec<FieldRow>) {
        for lane in self.0 {
            (lane.tell)(world, entities, out);
        }
    }

    /// Every lane with its bytes and its numbers, in the order of the lanes' numbers.
    #[must_use]
    pub fn rows(self, world: &World, entities: &Listed) -> Vec<LaneRows> {
        let each = |info: &LaneInfo| {
            let (mut bytes, mut rows) = (Vec::new(), Vec::new());
            (info.put)(world, entities, &mut bytes);
            (info.tell)(world, entities, &mut rows);
            let (mut at, mut entity) = (0, None);
            let place = |row: FieldRow| {
                if row.entity.is_some() && row.entity != entity {
                    (at, entity) = (at + ID_BYTES, row.entity);
                }
                at += row.size;
                (at - row.size, row)
            };
            LaneRows { info: *info, bytes, fields: rows.into_iter().map(place).collect() }
        };
        self.0.iter().map(each).collect()
    }

    /// The name of a lane.
    #[must_use]
    pub fn name(self, lane: u16) -> &'static str {
        self.0.iter().find(|info| info.id == lane).map_or("unknown", |info| info.name)
    }
}

/// One hash over the hashes of all lanes.
#[must_use]
pub fn combined(lanes: &[LaneHash]) -> u64 {
    let mut all = Vec::with_capacity(lanes.len() * 10);
    for lane in lanes {
        all.extend(lane.lane.to_le_bytes());
        all.extend(lane.hash.to_le_bytes());
    }
    xxh3_64(&all)
}

/// An encoded state, cut into its lanes: each with its number of rows and its bytes.
pub struct Parts<'a>(Vec<(LaneInfo, u32, &'a [u8])>);

impl Parts<'_> {
    /// Replaces the state of `entities` and of the resources.
    ///
    /// # Errors
    /// [`StateError`]; the World must be thrown away then.
    pub fn take(&self, world: &mut World, entities: &Listed) -> Result<(), StateError> {
        for (lane, rows, bytes) in &self.0 {
            let mut reader = Reader::new(bytes);
            (lane.take)(world, entities, *rows, &mut reader)
                .filter(|()| reader.left() == 0)
                .ok_or(StateError { lane: lane.id })?;
        }
        Ok(())
    }

    /// The stable ids of all that have a `T`: at most `max`, ascending from `first` on.
    ///
    /// # Errors
    /// [`StateError`] if the lane's rows are anything else.
    pub fn ids<T: Lane + Default>(&self, first: u32, max: usize) -> Result<Vec<u32>, StateError> {
        let ids = || {
            let (_, rows, bytes) = self.0.iter().find(|(lane, ..)| lane.id == T::ID)?;
            usize::try_from(*rows).ok().filter(|rows| *rows <= max)?;
            let mut reader = Reader::new(bytes);
            let mut ids = Vec::new();
            for _ in 0..*rows {
                let id = reader.u32().filter(|id| *id >= first)?;
                T::default().row(&mut Row::Take(&mut reader))?;
                ids.last().is_none_or(|last| *last < id).then_some(())?;
                ids.push(id);
            }
            Some(ids)
        };
        ids().ok_or(StateError { lane: T::ID })
    }
}

fn lane_part<'a>(reader: &mut Reader<'a>) -> Option<(u16, u32, &'a [u8])> {
    let (id, rows) = (reader.u16()?, reader.u32()?);
    let len = usize::try_from(reader.u32()?).ok()?;
    Some((id, rows, reader.take(len)?))
}

/// The hash of a lane whose rows are these, ordered by stable id.
#[cfg(any(test, feature = "twin"))]
pub(crate) fn lane_hash<'a, T: Lane + 'a>(
    rows: impl Iterator<Item = (Option<u32>, &'a T)>,
) -> LaneHash {
    let mut bytes = Vec::new();
    for (id, value) in rows {
        bytes.extend(id.into_iter().flat_map(u32::to_le_bytes));
        put(value, &mut bytes);
    }
    LaneHash { lane: T::ID, hash: xxh3_64(&bytes) }
}

fn put<T: Lane>(value: &T, out: &mut Vec<u8>) {
    // Writing refuses nothing: what the simulation made is what has to be compared.
    let _ = value.clone().row(&mut Row::Put(out));
}

fn tell<T: Lane>(value: &T, entity: Option<u32>, out: &mut Vec<FieldRow>) {
    let about = FieldRow { lane: T::ID, component: T::NAME, entity, field: "", value: 0, size: 0 };
    let _ = value.clone().row(&mut Row::Tell { about, out });
}
