//! Whatever players and the machine do to a battle, its replay tells the same.

use proptest::prelude::*;
use shared::content::Content;
use shared::ids::SessionId;
use shared::msg::client::Command;

use super::super::conformance::{any_orders, any_seats, any_setup};
use super::super::replay::verify;
use super::*;

/// Something that happens between two ticks.
#[derive(Clone, Copy, Debug)]
enum Happening {
    /// A client sends what it does next, and what was on its way before.
    Commands { slot: usize, count: u32 },
    /// A client is gone.
    Leave { slot: usize },
    /// It is back, with another session.
    Rejoin { slot: usize },
    /// All clients of a gateway are gone.
    LoseGateway,
    /// The battle goes on from its encoded state, in a new simulation.
    Restore,
    /// Time goes on.
    Ticks { count: u32 },
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        6 => (0..40usize, 1..5u32).prop_map(|(slot, count)| Happening::Commands { slot, count }),
        1 => (0..40usize).prop_map(|slot| Happening::Leave { slot }),
        1 => (0..40usize).prop_map(|slot| Happening::Rejoin { slot }),
        1 => Just(Happening::LoseGateway),
        2 => Just(Happening::Restore),
        4 => (1..6u32).prop_map(|count| Happening::Ticks { count }),
    ]
}

/// A battle and its clients.
struct Table {
    battle: Battle,
    seats: Vec<Seat>,
    sequences: Vec<u32>,
    sessions: u64,
    over: Option<Ending>,
}

impl Table {
    fn new(mode: &str, seed: u64) -> Self {
        let setup = any_setup(Modes::BUILTIN, mode, seed).expect("it takes battles of a size");
        let count = u16::try_from(setup.seats.len()).expect("few");
        let sides = if setup.fighters_of(1) == 0 { 1 } else { 2 };
        let seats = any_seats(&Content::builtin(), count, sides);
        let sequences = vec![0; seats.len()];
        let battle = Battle::new(Modes::BUILTIN, setup, &seats, "test", 1).expect("it was checked");
        Self { battle, seats, sequences, sessions: 1_000, over: None }
    }

    fn take(&mut self, happening: Happening) {
        match happening {
            Happening::Commands { slot, count } => self.command(slot % self.seats.len(), count),
            Happening::Leave { slot } => {
                let seat = &self.seats[slot % self.seats.len()];
                self.battle.leave(seat.player, seat.session);
            }
            Happening::Rejoin { slot } => {
                let slot = slot % self.seats.len();
                self.sessions += 1;
                let seat = &mut self.seats[slot];
                seat.session.session = SessionId(self.sessions);
                self.sequences[slot] = 0;
                assert!(self.battle.rejoin(seat.player, seat.session).is_some());
            }
            Happening::LoseGateway => self.battle.leave_gateway(self.seats[0].session.gateway),
            Happening::Restore => self.battle.restore(),
            Happening::Ticks { count } => (0..count).for_each(|_| self.step()),
        }
    }

    fn command(&mut self, slot: usize, count: u32) {
        let tick = self.battle.sim.tick();
        let from = self.sequences[slot];
        self.sequences[slot] += count;
        let command = |sequence: u32| {
            let orders = any_orders(u64::from(sequence), tick, slot + 1);
            Command { sequence, walk: orders[slot].walk, act: orders[slot].act }
        };
        let datagram = ClientDatagram {
            battle: self.battle.id(),
            seen_tick: 0,
            commands: (from.max(1)..=from + count).map(command).collect(),
        };
        let seat = &self.seats[slot];
        let is_there = !self.battle.seats[slot].away;
        let taken = self.battle.take_commands(seat.player, seat.session, &datagram);
        let expected = if is_there { Ok(()) } else { Err(InputRefused::NotSeated) };
        assert_eq!(taken, expected, "{datagram:?}");
    }

    fn step(&mut self) {
        if self.over.is_some() {
            return;
        }
        match self.battle.step(&mut Vec::new()) {
            Stepped::Going | Stepped::Paused => {}
            Stepped::Over(ending) => self.over = Some(ending),
            Stepped::Fault => panic!("no order makes a battle fail"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn a_battle_with_leaving_coming_back_and_restores_verifies_in_every_mode(
        seed: u64,
        happenings in proptest::collection::vec(happening(), 1..150),
    ) {
        for mode in Modes::BUILTIN.0 {
            let mut table = Table::new(mode.name(), seed);
            happenings.iter().for_each(|it| table.take(*it));
            let ticks = table.battle.sim.tick();
            let ending =
                table.over.unwrap_or_else(|| Ending::Deserted(table.battle.sim.standing()));
            let (_, bytes) = table.battle.finish(ending);
            let report = verify(Modes::BUILTIN, &bytes, &mut |_, _| {});
            let report = report.map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!((report.ticks, report.complete), (ticks, true), "{}", mode.name());
        }
    }
}

#[test]
fn a_duel_waits_for_who_has_lost_the_connection_but_not_for_ever() {
    let mut table = Table::new("duel", 1);
    table.take(Happening::Ticks { count: 5 });
    let (leaver, other) = (0, 1);
    table.take(Happening::Leave { slot: leaver });
    assert_eq!((table.battle.step(&mut Vec::new()), table.battle.sim.tick()), (Stepped::Paused, 5));
    assert!(table.battle.paused_ms().is_some_and(|ms| ms < 10_000));
    table.take(Happening::Commands { slot: other, count: 3 });
    table.take(Happening::Rejoin { slot: leaver });
    assert!(table.battle.step(&mut Vec::new()) == Stepped::Going, "it goes on");
    assert_eq!((table.battle.paused_ms(), table.battle.sim.tick()), (None, 6));
    assert_eq!(table.battle.orders, [Order::STILL; 2], "what was sent meanwhile does not count");
    table.take(Happening::Leave { slot: leaver });
    let steps =
        (0..400).take_while(|_| table.battle.step(&mut Vec::new()) == Stepped::Paused).count();
    assert_eq!(steps, 199, "ten seconds in all, of which one tick was used before");
    assert_eq!(table.battle.sim.tick(), 7, "then it goes on without");
    table.take(Happening::Rejoin { slot: leaver });
    table.take(Happening::Leave { slot: other });
    assert!(table.battle.step(&mut Vec::new()) == Stepped::Paused, "the other has its own time");
    assert_eq!(table.battle.paused_ms(), Some(9_950));
    table.take(Happening::Rejoin { slot: other });
    table.take(Happening::Leave { slot: leaver });
    table.take(Happening::Leave { slot: other });
    assert!(table.battle.step(&mut Vec::new()) == Stepped::Going, "nobody is left to wait");
}

#[test]
fn an_arena_goes_on_without_a_side() {
    let mut table = Table::new("arena", 1);
    let leavers: Vec<usize> = (0..table.seats.len()).step_by(2).collect();
    leavers.into_iter().for_each(|slot| table.take(Happening::Leave { slot }));
    assert!(table.battle.step(&mut Vec::new()) == Stepped::Going);
}
