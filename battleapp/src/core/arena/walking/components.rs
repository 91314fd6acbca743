//! Where things are.

use bevy_ecs::prelude::*;

/// Position in millimetres from the centre of the map.
#[derive(Component, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Place {
    pub(in super::super) x_mm: i32,
    pub(in super::super) y_mm: i32,
}

/// Movement of less than a millimetre that is still owed, `0..1000` each.
#[derive(Component, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Gait {
    pub(in super::super) rest_x_um: i32,
    pub(in super::super) rest_y_um: i32,
}

/// A living fighter as others see it in this tick.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Body {
    pub(in super::super) id: u32,
    pub(in super::super) side: u8,
    pub(in super::super) at: (i32, i32),
    pub(in super::super) radius_mm: i32,
}

/// All living fighters, ordered by id. Derived: rebuilt in every tick.
#[derive(Resource, Clone, Debug, Default)]
pub(in super::super) struct Field(pub(in super::super) Vec<Body>);
