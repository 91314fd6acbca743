//! How points are captured and what they score.

use super::components::{Point, Score};
use super::geometry::Vec2;
use super::scratch::{Credit, Scene};

/// More fighters than this on a point make it no faster.
const CAPTURERS_MAX: usize = 3;

/// Moves a point's progress towards the side that stands on it alone. Without anybody, or with
/// both, it stays. A point that is held is lost when its progress has gone back to the middle.
pub(super) fn capture(
    scene: Scene<'_>,
    (centre, radius_mm): ((i32, i32), i32),
    point: &mut Point,
    credits: &mut Vec<Credit>,
) {
    let on_it = |side: u8| {
        scene.field.fighters(side, true).filter(move |body| {
            let radius = i64::from(radius_mm);
            Vec2::between(centre, body.at).square() <= radius * radius
        })
    };
    let counts = [on_it(0).count(), on_it(1).count()];
    let side = match counts {
        [0, 0] => return,
        [_, 0] => 0u8,
        [0, _] => 1,
        [_, _] => return,
    };
    let most = scene.rules.capture.ticks;
    let speed = i32::try_from(counts.iter().sum::<usize>().min(CAPTURERS_MAX)).unwrap_or(1);
    let towards = if side == 0 { -speed } else { speed };
    let before = point.progress;
    point.progress = before.saturating_add(towards).clamp(-most, most);
    if point.progress == before {
        return;
    }
    let owner = if point.progress < 0 { 1 } else { 2 };
    if point.progress.abs() == most {
        point.holder = owner;
    } else if point.holder != owner || point.progress == 0 {
        point.holder = 0;
    }
    let credit = |slot| Credit { slot, capture: 1, ..Credit::default() };
    credits.extend(on_it(side).map(|body| credit(body.id)));
}

/// Adds what held points score, once a second.
pub(super) fn score(scene: Scene<'_>, holder: u8, score: &mut Score) {
    let rules = &scene.rules.capture;
    if !scene.tick.is_multiple_of(rules.every_ticks) {
        return;
    }
    let side = usize::from(holder).checked_sub(1);
    if let Some(score) = side.and_then(|side| score.0.get_mut(side)) {
        *score = score.saturating_add(rules.score);
    }
}
