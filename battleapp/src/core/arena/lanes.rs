//! The registry: every simulated component and resource with its stable number and its bytes.
//!
//! A lane is all values of one type, ordered by stable id. Numbers are part of the replay format:
//! they are never reused for something else. What is not here is derived from the setup or
//! rebuilt in every tick, and listed in the test that looks for components nobody registered.

#[cfg(test)]
use bevy_ecs::component::ComponentId;
use bevy_ecs::component::Mutable;
use bevy_ecs::prelude::*;

use super::super::bytes::Reader;
use super::combat::{Cooldowns, NextShot, SHOTS_MAX, Shot};
use super::geometry::UM;
use super::lives::{Hp, Life, Score};
use super::state::{Clock, FIRST_SHOT_ID};
use super::walking::{Gait, Place};
use crate::core::setup::{HALF_SIZE_MM_MAX, HP_MAX, RADIUS_MM_MAX, SPEED_MM_S_MAX};

/// A type with a stable number and fixed bytes.
pub(super) trait Lane: Sized {
    /// Its number.
    const ID: u16;
    /// Its name in reports.
    const NAME: &'static str;
    /// Appends the bytes.
    fn put(&self, out: &mut Vec<u8>);
    /// Reads what `put` wrote; `None` for what no battle can have.
    fn take(reader: &mut Reader) -> Option<Self>;
}

/// Entities with their stable ids, ordered by these.
type Listed = [(u32, Entity)];
type PutRows = fn(&World, &Listed, &mut Vec<u8>) -> u32;
type TakeRows = fn(&mut World, &Listed, u32, &mut Reader) -> Option<()>;

/// A lane as the registry holds it.
#[derive(Clone, Copy)]
pub(super) struct LaneInfo {
    pub(super) id: u16,
    pub(super) name: &'static str,
    /// Appends rows of the entities that have the component; the number of rows.
    pub(super) put: PutRows,
    /// Reads `rows` rows into the entities.
    pub(super) take: TakeRows,
    /// The type's id in a World.
    #[cfg(test)]
    pub(super) component: fn(&World) -> Option<ComponentId>,
}

/// All lanes, ordered by number. `Shot` is the one that says which projectiles there are.
pub(super) const LANES: [LaneInfo; 9] = [
    of_resource::<Clock>(),
    of_resource::<Score>(),
    of_resource::<NextShot>(),
    of_component::<Shot>(),
    of_component::<Place>(),
    of_component::<Gait>(),
    of_component::<Hp>(),
    of_component::<Cooldowns>(),
    of_component::<Life>(),
];

/// The stable ids of projectiles in rows of the `Shot` lane.
pub(super) fn shot_ids(rows: u32, bytes: &[u8]) -> Option<Vec<u32>> {
    if usize::try_from(rows).ok()? > SHOTS_MAX {
        return None;
    }
    let mut reader = Reader::new(bytes);
    let mut ids = Vec::new();
    for _ in 0..rows {
        let id = reader.u32()?;
        Shot::take(&mut reader)?;
        if id < FIRST_SHOT_ID || ids.last().is_some_and(|last| *last >= id) {
            return None;
        }
        ids.push(id);
    }
    Some(ids)
}

const fn of_component<T: Lane + Component<Mutability = Mutable>>() -> LaneInfo {
    LaneInfo {
        id: T::ID,
        name: T::NAME,
        put: |world, entities, out| {
            let mut rows = 0;
            for (id, entity) in entities {
                if let Some(value) = world.get::<T>(*entity) {
                    out.extend(id.to_le_bytes());
                    value.put(out);
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
                    *value = T::take(reader)?;
                    read += 1;
                }
            }
            (read == rows).then_some(())
        },
        #[cfg(test)]
        component: |world| world.component_id::<T>(),
    }
}

const fn of_resource<T: Lane + Resource<Mutability = Mutable>>() -> LaneInfo {
    LaneInfo {
        id: T::ID,
        name: T::NAME,
        put: |world, _, out| {
            world.resource::<T>().put(out);
            1
        },
        take: |world, _, rows, reader| {
            *world.resource_mut::<T>() = T::take(reader)?;
            (rows == 1).then_some(())
        },
        #[cfg(test)]
        component: |world| world.component_id::<T>(),
    }
}

impl Lane for Clock {
    const ID: u16 = 1;
    const NAME: &'static str = "Clock";
    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self.0.to_le_bytes());
    }
    fn take(reader: &mut Reader) -> Option<Self> {
        reader.u32().map(Self)
    }
}

impl Lane for Score {
    const ID: u16 = 2;
    const NAME: &'static str = "Score";
    fn put(&self, out: &mut Vec<u8>) {
        self.0.iter().for_each(|kills| out.extend(kills.to_le_bytes()));
    }
    fn take(reader: &mut Reader) -> Option<Self> {
        Some(Self([kills(reader)?, kills(reader)?]))
    }
}

impl Lane for NextShot {
    const ID: u16 = 3;
    const NAME: &'static str = "NextShot";
    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self.0.to_le_bytes());
    }
    fn take(reader: &mut Reader) -> Option<Self> {
        reader.u32().filter(|next| *next >= FIRST_SHOT_ID).map(Self)
    }
}

impl Lane for Shot {
    const ID: u16 = 10;
    const NAME: &'static str = "Shot";
    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self.owner.to_le_bytes());
        out.push(self.side);
        out.extend(self.towards.0.to_le_bytes());
        out.extend(self.towards.1.to_le_bytes());
        for number in [self.damage, self.radius_mm, self.stride_um.0, self.stride_um.1] {
            out.extend(number.to_le_bytes());
        }
        out.extend(self.ticks_left.to_le_bytes());
    }
    fn take(reader: &mut Reader) -> Option<Self> {
        let shot = Self {
            owner: reader.u32().filter(|owner| *owner < FIRST_SHOT_ID)?,
            side: reader.u8().filter(|side| *side <= 1)?,
            towards: (reader.i8()?, reader.i8()?),
            damage: within(reader, 0, HP_MAX)?,
            radius_mm: within(reader, 0, RADIUS_MM_MAX)?,
            stride_um: (stride(reader)?, stride(reader)?),
            ticks_left: reader.u32()?,
        };
        Some(shot)
    }
}

impl Lane for Place {
    const ID: u16 = 11;
    const NAME: &'static str = "Place";
    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self.x_mm.to_le_bytes());
        out.extend(self.y_mm.to_le_bytes());
    }
    fn take(reader: &mut Reader) -> Option<Self> {
        let mut along = || within(reader, -HALF_SIZE_MM_MAX, HALF_SIZE_MM_MAX);
        Some(Self { x_mm: along()?, y_mm: along()? })
    }
}

impl Lane for Gait {
    const ID: u16 = 12;
    const NAME: &'static str = "Gait";
    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self.rest_x_um.to_le_bytes());
        out.extend(self.rest_y_um.to_le_bytes());
    }
    fn take(reader: &mut Reader) -> Option<Self> {
        let mut rest = || within(reader, 0, UM - 1);
        Some(Self { rest_x_um: rest()?, rest_y_um: rest()? })
    }
}

impl Lane for Hp {
    const ID: u16 = 13;
    const NAME: &'static str = "Hp";
    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self.0.to_le_bytes());
    }
    fn take(reader: &mut Reader) -> Option<Self> {
        within(reader, 0, HP_MAX).map(Self)
    }
}

impl Lane for Cooldowns {
    const ID: u16 = 14;
    const NAME: &'static str = "Cooldowns";
    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self.melee.to_le_bytes());
        out.extend(self.ranged.to_le_bytes());
    }
    fn take(reader: &mut Reader) -> Option<Self> {
        Some(Self { melee: reader.u32()?, ranged: reader.u32()? })
    }
}

/// One byte, 0 alive or 1 dead, and the tick of the return.
impl Lane for Life {
    const ID: u16 = 15;
    const NAME: &'static str = "Life";
    fn put(&self, out: &mut Vec<u8>) {
        let (tag, until) = match *self {
            Self::Alive => (0u8, 0u32),
            Self::Dead { until } => (1, until),
        };
        out.push(tag);
        out.extend(until.to_le_bytes());
    }
    fn take(reader: &mut Reader) -> Option<Self> {
        match (reader.u8()?, reader.u32()?) {
            (0, 0) => Some(Self::Alive),
            (1, until) => Some(Self::Dead { until }),
            _ => None,
        }
    }
}

fn within(reader: &mut Reader, min: i32, max: i32) -> Option<i32> {
    reader.i32().filter(|number| (min..=max).contains(number))
}

fn stride(reader: &mut Reader) -> Option<i32> {
    let longest = SPEED_MM_S_MAX * UM;
    within(reader, -longest, longest)
}

/// Far more kills than ticks can bring, far fewer than would overflow.
fn kills(reader: &mut Reader) -> Option<u32> {
    reader.u32().filter(|kills| *kills <= 1 << 24)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_ascend_and_are_frozen() {
        let ids: Vec<_> = LANES.iter().map(|lane| (lane.id, lane.name)).collect();
        let expected = [
            (1, "Clock"),
            (2, "Score"),
            (3, "NextShot"),
            (10, "Shot"),
            (11, "Place"),
            (12, "Gait"),
            (13, "Hp"),
            (14, "Cooldowns"),
            (15, "Life"),
        ];
        assert_eq!(ids, expected);
    }
}
