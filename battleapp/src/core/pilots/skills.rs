//! Which skill a pilot uses, and where it aims.

use shared::content::Point;
use shared::msg::client::Act;
use shared::msg::snapshot::FighterView;

use super::kit::{Purpose, Skill};
use super::sight::place;
use super::target::Trace;
use super::vector::{aim, aside, at, distance, offset, stretched};
use super::{DANGER_MM, Mind, Pilot};

const DRAW_EAGER: u64 = 2;
const DRAW_ERROR: u64 = 3;
/// Whoever has less than this is worth helping.
const HURT_PERMILLE: u16 = 750;
/// Nobody leaps at an enemy nearer than this.
const CHARGE_MM_MIN: i64 = 1_500;

impl Pilot {
    /// The skill to use, if one is ready and of use: of several, the one that does most good.
    pub(super) fn act(&self, fighter: &Mind<'_>, target: Option<Trace>) -> Act {
        let words = [u64::from(self.slot), u64::from(self.sight.tick), DRAW_EAGER];
        if fighter.own.casting.is_some()
            || fighter.field.draw(1_000, &words) >= self.traits.eager_permille
        {
            return Act::None;
        }
        let reaction = fighter.field.ticks(self.traits.reaction_ms);
        let then = self.sight.tick.saturating_add(reaction).saturating_add(1);
        let ready = fighter.kit.skills.iter();
        let ready = ready.filter(|skill| fighter.own.is_ready(usize::from(skill.number), then));
        let uses = ready.filter_map(|skill| {
            let to = self.use_of(fighter, skill, target.as_ref())?;
            Some((skill.worth, std::cmp::Reverse(skill.number), to))
        });
        let best = uses.max_by_key(|(worth, number, _)| (*worth, *number));
        best.map_or(Act::None, |(_, number, to)| Act::Skill { skill: number.0, aim_mm: aim(to) })
    }

    /// Where a skill would be aimed, as an offset; `None` if it is of no use now.
    fn use_of(
        &self,
        fighter: &Mind<'_>,
        skill: &Skill,
        target: Option<&Trace>,
    ) -> Option<(i64, i64)> {
        let own = place(&fighter.own);
        let gap = target.map(|target| distance(own, target.at));
        let is_hurt = fighter.own.hp_permille < HURT_PERMILLE;
        match skill.purpose {
            Purpose::Strike => {
                // Bodies have about the same size.
                let edges = gap? - 2 * i64::from(fighter.kit.radius_mm);
                (edges <= skill.range_mm).then(|| self.aimed(fighter, (skill, 0), target))?
            }
            Purpose::Shot { speed_mm_s, radius_mm } => {
                let flight_ms = gap? * 1_000 / speed_mm_s.max(1);
                let reaches = gap? <= skill.range_mm
                    && fighter.field.ground.touch(own, target?.at, radius_mm).is_none();
                reaches.then(|| self.aimed(fighter, (skill, flight_ms), target))?
            }
            Purpose::Blast { radius_mm, delay_ms } => {
                let reaches = gap? <= skill.range_mm + radius_mm * 7 / 10;
                reaches.then(|| self.aimed(fighter, (skill, delay_ms), target))?
            }
            Purpose::Charge => {
                let fits = (CHARGE_MM_MIN..=skill.range_mm).contains(&gap?);
                let is_careful = fighter.own.hp_permille < self.traits.careful_permille;
                (fits && !is_careful).then(|| self.aimed(fighter, (skill, 0), target))?
            }
            Purpose::Escape => {
                let away = offset(target?.at, own);
                (is_hurt && gap? < DANGER_MM / 2).then(|| stretched(away, skill.range_mm))
            }
            Purpose::Mend => self.mended(fighter, skill).map(|to| offset(own, to)),
            Purpose::Guard => (is_hurt && gap? < DANGER_MM).then_some((0, 0)),
        }
    }

    /// The one of the own side in range who is hurt most, the fighter included.
    fn mended(&self, fighter: &Mind<'_>, skill: &Skill) -> Option<Point> {
        let own = place(&fighter.own);
        let in_need = |other: &&FighterView| {
            fighter.field.side(other.slot) == Some(fighter.side)
                && (1..HURT_PERMILLE).contains(&other.hp_permille)
                && distance(own, place(other)) <= skill.range_mm
        };
        let hurt = self.sight.fighters.iter().filter(in_need);
        hurt.min_by_key(|other| (other.hp_permille, other.slot)).map(place)
    }

    /// The offset aimed at: ahead of who moves, by the time until the skill takes effect, and
    /// beside it by the pilot's error. Never (0, 0).
    fn aimed(
        &self,
        fighter: &Mind<'_>,
        (skill, flight_ms): (&Skill, i64),
        target: Option<&Trace>,
    ) -> Option<(i64, i64)> {
        let (own, target) = (place(&fighter.own), target?);
        let late_ms = flight_ms + skill.cast_ms + i64::from(self.traits.reaction_ms);
        let ahead = |mm_s: i64| mm_s * late_ms * self.traits.lead_permille / 1_000_000;
        let moves = (ahead(target.moves_mm_s.0), ahead(target.moves_mm_s.1));
        let straight = offset(own, at(target.at, moves));
        let most = u64::from(self.traits.aim_error_permille.unsigned_abs());
        let words = [u64::from(self.slot), u64::from(self.sight.tick), DRAW_ERROR];
        let drawn = fighter.field.draw(2 * most + 1, &words);
        let error = i64::try_from(drawn).unwrap_or(0) - i64::from(self.traits.aim_error_permille);
        let gap = distance(own, target.at);
        let beside = stretched(aside(straight, true), gap * error / 1_000);
        let to = (straight.0 + beside.0, straight.1 + beside.1);
        Some(if to == (0, 0) { (1, 0) } else { to })
    }
}
