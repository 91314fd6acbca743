//! What the stages of a tick hand on to each other. Derived: empty or rebuilt in every tick.

use bevy_ecs::prelude::*;

use super::components::{Area, Place, Shot};
use super::state::{FIRST_PET_ID, Orders, Rules};

/// A living fighter or pet as others see it in this tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Body {
    pub(super) id: u32,
    pub(super) side: u8,
    pub(super) at: (i32, i32),
    pub(super) radius_mm: i32,
}

impl Body {
    pub(super) const fn is_fighter(&self) -> bool {
        self.id < FIRST_PET_ID
    }
}

/// All that live, ordered by id: fighters, then pets.
#[derive(Clone, Debug, Default)]
pub(super) struct Field(pub(super) Vec<Body>);

impl Field {
    /// The fighters of a side, or those of the other one.
    pub(super) fn fighters(&self, side: u8, same: bool) -> impl Iterator<Item = &Body> {
        let mine = move |body: &&Body| body.is_fighter() && (body.side == side) == same;
        self.0.iter().filter(mine)
    }

    /// All that a side can harm.
    pub(super) fn enemies(&self, side: u8) -> impl Iterator<Item = &Body> {
        self.0.iter().filter(move |body| body.side != side)
    }

    pub(super) fn find(&self, id: u32) -> Option<&Body> {
        self.0.binary_search_by_key(&id, |body| body.id).ok().and_then(|at| self.0.get(at))
    }
}

/// What every rule may look at.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    /// The tick that is being simulated.
    pub(super) tick: u32,
    pub(super) rules: &'a Rules,
    pub(super) field: &'a Field,
}

/// What a blow does. The order decides nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum BlowKind {
    Damage,
    Heal,
    Shield,
    Slow,
    Stun,
    Burn,
}

/// An effect on its way to whom it concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Blow {
    /// Stable id of a fighter or pet.
    pub(super) target: u32,
    /// Slot of the fighter whose doing it is.
    pub(super) source: u32,
    pub(super) kind: BlowKind,
    /// Points, or permille of a slow.
    pub(super) amount: i32,
    /// How long it lasts.
    pub(super) ticks: u32,
}

/// What is added to a fighter's tally.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Credit {
    pub(super) slot: u32,
    pub(super) kills: u32,
    pub(super) assists: u32,
    pub(super) damage: u32,
    pub(super) healing: u32,
    pub(super) capture: u32,
}

/// Something that is about to exist.
#[derive(Clone, Copy, Debug)]
pub(super) enum Spawn {
    Shot(Shot),
    Area(Area),
}

impl Spawn {
    /// Who made it and with what: a fighter makes one thing in a tick.
    pub(super) const fn owner(&self) -> u32 {
        match self {
            Self::Shot(shot) => shot.origin.owner,
            Self::Area(area) => area.origin.owner,
        }
    }
}

/// The doings of a tick.
#[derive(Clone, Debug, Default)]
pub(super) struct Doings {
    /// Sorted before they are resolved: the order in which they were struck is no matter.
    pub(super) blows: Vec<Blow>,
    pub(super) spawns: Vec<(Place, Spawn)>,
    pub(super) credits: Vec<Credit>,
}

/// All of that.
#[derive(Resource, Clone, Debug, Default)]
pub(super) struct Scratch {
    pub(super) orders: Orders,
    pub(super) field: Field,
    pub(super) doings: Doings,
}
