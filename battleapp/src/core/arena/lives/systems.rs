//! How hits take effect and how the dead return.

use bevy_ecs::prelude::*;
use shared::rng;

use super::super::combat::Hits;
use super::super::state::{Clock, Kit, Rules, Side, StableId};
use super::super::walking::{Gait, Place};
use super::components::{Hp, Life, Score};

/// Purpose of the draw that chooses where a fighter returns.
const DRAW_ENTRY: u64 = 1;

/// Applies all hits of the tick at once: two fighters can kill each other. The sum of a
/// fighter's hits decides, so no order matters. A kill counts for the other side.
pub(super) fn take_hits(
    clock: Res<Clock>,
    rules: Res<Rules>,
    mut hits: ResMut<Hits>,
    mut score: ResMut<Score>,
    mut fighters: Query<(&StableId, &Side, &mut Hp, &mut Life)>,
) {
    if hits.0.is_empty() {
        return;
    }
    for (id, side, mut hp, mut life) in &mut fighters {
        if *life != Life::Alive {
            continue;
        }
        let taken = hits.0.iter().filter(|hit| hit.target == id.0);
        let left = taken.fold(hp.0, |left, hit| left.saturating_sub(hit.damage));
        hp.0 = left.max(0);
        if left <= 0 {
            *life = Life::Dead { until: clock.0.saturating_add(rules.respawn_ticks) };
            if let Some(kills) = score.0.get_mut(usize::from(1 - side.0.min(1))) {
                *kills += 1;
            }
        }
    }
    hits.0.clear();
}

/// Puts fighters whose time is up onto one of their side's entries, unhurt.
pub(super) fn return_the_dead(
    clock: Res<Clock>,
    rules: Res<Rules>,
    mut fighters: Query<(&StableId, &Side, &Kit, &mut Hp, &mut Life, &mut Place, &mut Gait)>,
) {
    for (id, side, kit, mut hp, mut life, mut place, mut gait) in &mut fighters {
        let Life::Dead { until } = *life else { continue };
        if clock.0 < until {
            continue;
        }
        let entries = &rules.entries[usize::from(side.0.min(1))];
        let count = u64::try_from(entries.len()).unwrap_or(0);
        let words = [u64::from(clock.0), u64::from(id.0), DRAW_ENTRY];
        let drawn = usize::try_from(rng::below(count, rules.seed, &words)).unwrap_or(0);
        let (x_mm, y_mm) = entries.get(drawn).copied().unwrap_or_default();
        *place = Place { x_mm, y_mm };
        *gait = Gait::default();
        hp.0 = kit.hp_max;
        *life = Life::Alive;
    }
}
