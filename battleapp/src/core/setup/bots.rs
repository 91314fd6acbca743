//! What the bots of a battle bring.

use shared::content::Content;
use shared::msg::matchmaker_battle::BotSeat;
use shared::rng;

use super::{Occupant, SeatSetup};

/// Purpose of the draw that chooses the first hero.
const DRAW_HERO: u64 = 0x626F_7473;

/// Appends the bots' seats to those of the players.
pub(super) fn seat(content: &Content, seed: u64, bots: &[BotSeat], seats: &mut Vec<SeatSetup>) {
    let heroes: Vec<u16> = content.heroes.keys().copied().collect();
    let count = u64::try_from(heroes.len()).unwrap_or(0).max(1);
    let first = rng::below(count, seed, &[DRAW_HERO]);
    let bonus_hp = average(seats.iter().map(|seat| seat.bonus_hp));
    let bonus_damage = average(seats.iter().map(|seat| seat.bonus_damage));
    let bonus_armour = average(seats.iter().map(|seat| seat.bonus_armour));
    for (number, bot) in (1u64..).zip(bots) {
        let before = seats.iter().filter(|seat| seat.side == bot.side && seat.bot().is_some());
        let before = u64::try_from(before.count()).unwrap_or(0);
        let drawn = usize::try_from((first + before) % count).unwrap_or(0);
        seats.push(SeatSetup {
            side: bot.side,
            occupant: Occupant::Bot(bot.strength),
            name: format!("Bot {number}"),
            hero: heroes.get(drawn).copied().unwrap_or(0),
            bonus_hp,
            bonus_damage,
            bonus_armour,
            haste_permille: 0,
            pet: None,
        });
    }
}

/// Rounded towards zero; zero of nothing.
fn average(numbers: impl Iterator<Item = i32>) -> i32 {
    let (sum, count) = numbers.fold((0i64, 0i64), |(sum, n), x| (sum + i64::from(x), n + 1));
    i32::try_from(sum / count.max(1)).unwrap_or(0)
}
