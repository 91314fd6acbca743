//! One running battle: seats and their commands, the simulation, the recording.
//!
//! A panic of the simulation is caught here. It ends this battle alone: the battle is declared
//! void, which means drawn, without a change of ratings and without rewards, and its replay ends
//! with the tick that failed.

mod pause;
#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};

use shared::ids::{BattleId, NodeId, PlayerId, SessionRef};
use shared::msg::battle_gateway::BattleOutput;
use shared::msg::client::{ClientDatagram, Event, FighterResult};
use shared::msg::matchmaker_battle::{Seat, Stakes};
use shared::msg::snapshot::{FighterView, Kind, SPECTATOR, Snapshot};
use shared::mutation::{self, Mutation};
use shared::tick::TickRate;

use self::pause::Pause;
use super::BATTLE_HZ;
use super::egress::{Egress, NeverSent};
use super::inputs::InputBuffer;
use super::interest::Audience;
use super::modes::Modes;
use super::pilots::Crew;
use super::replay::Recorder;
use super::setup::Setup;
use super::sim::{BattleSim, Order, Verdict};

/// A battle that everybody has left for this long ends as it stands, so that a server that is
/// shut down does not wait for fights that nobody takes part in.
pub const DESERTED_MS: u64 = 3_000;
/// A client that has sent nothing this long after the start counts as gone.
pub const UNHEARD_MS: u64 = 10_000;

const RATE: TickRate = TickRate::new(BATTLE_HZ);

/// A seat of a running battle.
#[derive(Clone, Debug)]
pub struct Sitting {
    /// Who fights.
    pub player: PlayerId,
    /// 0 or 1.
    pub side: u8,
    /// Where the client is, or was.
    pub session: SessionRef,
    /// The client is gone; the fighter stands still.
    pub away: bool,
    /// What the rating changes by.
    pub stakes: Stakes,
    /// The client has sent commands at least once.
    heard: bool,
    inputs: InputBuffer,
}

/// Why a datagram was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputRefused {
    /// The player has no seat here, or another session sits in it.
    NotSeated,
    /// The commands are not what a proper client sends.
    Bad,
}

/// What a step of a battle has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stepped {
    /// It goes on.
    Going,
    /// It is over.
    Over(Ending),
    /// It stands still for a side that everybody has left.
    Paused,
    /// The simulation failed; the battle is void and must not be stepped again.
    Fault,
}

/// How a battle came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As the rules have it.
    Fought(Verdict),
    /// As it stood when everybody had been away for [`DESERTED_MS`].
    Deserted(Verdict),
    /// The simulation failed.
    Void,
}

/// A running battle.
pub struct Battle {
    setup: Setup,
    /// The players' seats, which have the first slots.
    seats: Vec<Sitting>,
    /// The slot of each player, ordered by player.
    slots: Vec<(PlayerId, u16)>,
    /// Who decides in the other slots.
    crew: Option<Crew>,
    sim: Box<dyn BattleSim>,
    recorder: Recorder,
    egress: Egress,
    /// Chooses what each client is told, in a mode in which not everybody is told everything.
    audience: Option<Audience>,
    orders: Vec<Order>,
    /// Ticks since the last client left; zero while somebody is there.
    deserted_ticks: u64,
    pause: Pause,
}

impl Battle {
    /// Begins a battle on the node that `salt` stands for; `None` if its mode is unknown.
    #[must_use]
    pub fn new(modes: Modes, setup: Setup, seats: &[Seat], build: &str, salt: u64) -> Option<Self> {
        let mode = modes.named(&setup.mode).ok()?;
        let mut sim = modes.create(&setup)?;
        let recorder = Recorder::new(modes, &setup, build, sim.as_mut());
        let sitting = |seat: &Seat| Sitting {
            player: seat.player,
            side: seat.side,
            session: seat.session,
            away: false,
            stakes: seat.stakes,
            heard: false,
            inputs: InputBuffer::new(mode.late_rule()),
        };
        let seats: Vec<Sitting> = seats.iter().map(sitting).collect();
        let mut egress = Egress::new(setup.battle, salt);
        for (slot, seat) in (0..).zip(&seats) {
            egress.add(seat.session, sim.class_of(slot));
        }
        let mut slots: Vec<_> = seats.iter().map(|seat| seat.player).zip(0..).collect();
        slots.sort_unstable();
        let audience = sim
            .interest()
            .map(|interest| Audience::new(interest, setup.rules.half_size_mm(), seats.len()));
        let crew = Crew::new(&setup);
        let (orders, deserted_ticks) = (Vec::new(), 0);
        let pause = Pause::new(mode.pause_ms());
        Some(Self {
            setup,
            seats,
            slots,
            crew,
            sim,
            recorder,
            egress,
            audience,
            orders,
            deserted_ticks,
            pause,
        })
    }

    /// The battle's id.
    #[must_use]
    pub const fn id(&self) -> BattleId {
        self.setup.battle
    }

    /// What it began with.
    #[must_use]
    pub const fn setup(&self) -> &Setup {
        &self.setup
    }

    /// The seats, by slot.
    #[must_use]
    pub fn seats(&self) -> &[Sitting] {
        &self.seats
    }

    /// Takes a client's commands.
    ///
    /// # Errors
    /// [`InputRefused`]; no command of the datagram was taken.
    pub fn take_commands(
        &mut self,
        player: PlayerId,
        session: SessionRef,
        datagram: &ClientDatagram,
    ) -> Result<(), InputRefused> {
        if self.egress.is_spectator(session) && datagram.commands.is_empty() {
            let seen = self.egress.acknowledge(session, datagram.seen_tick);
            return seen.map_err(|NeverSent| InputRefused::Bad);
        }
        let seat = self.seat_mut(player).ok_or(InputRefused::NotSeated)?;
        if seat.session != session || seat.away {
            return Err(InputRefused::NotSeated);
        }
        let seen = self.egress.acknowledge(session, datagram.seen_tick);
        seen.map_err(|NeverSent| InputRefused::Bad)?;
        let seat = self.seat_mut(player).ok_or(InputRefused::NotSeated)?;
        seat.inputs.take(&datagram.commands).map_err(|_| InputRefused::Bad)?;
        seat.heard = true;
        Ok(())
    }

    /// A session without a seat watches from now on.
    pub fn watch(&mut self, session: SessionRef) {
        self.egress.add(session, SPECTATOR);
    }

    /// The sessions that watch.
    pub fn spectators(&self) -> impl Iterator<Item = SessionRef> {
        self.egress.spectators()
    }

    /// The client is gone: the fighter stands still from now on.
    pub fn leave(&mut self, player: PlayerId, session: SessionRef) {
        self.egress.remove(session);
        if let Some(seat) = self.seat_mut(player).filter(|seat| seat.session == session) {
            seat.away = true;
            seat.inputs.clear();
        }
    }

    /// A gateway is gone with all its sessions.
    pub fn leave_gateway(&mut self, gateway: NodeId) {
        for seat in self.seats.iter_mut().filter(|seat| seat.session.gateway == gateway) {
            seat.away = true;
            seat.inputs.clear();
        }
        let there = self.egress.sessions().filter(|session| session.gateway == gateway);
        for session in there.collect::<Vec<_>>() {
            self.egress.remove(session);
        }
    }

    /// The player is back with a new session; the slot, or `None` without a seat.
    pub fn rejoin(&mut self, player: PlayerId, session: SessionRef) -> Option<u16> {
        let slot = self.slot_of(player)?;
        let seat = self.seats.get_mut(usize::from(slot))?;
        self.egress.remove(seat.session);
        seat.session = session;
        seat.away = false;
        seat.inputs.clear();
        self.egress.add(session, self.sim.class_of(slot));
        Some(slot)
    }

    /// For how long the battle may still stand still, in ms; `None` if it goes on.
    #[must_use]
    pub fn paused_ms(&self) -> Option<u32> {
        self.pause.left_ms()
    }

    /// Simulates and records one tick with the commands that are there, unless it stands still, and
    /// puts out what the clients get of it.
    pub fn step(&mut self, outputs: &mut Vec<(NodeId, BattleOutput)>) -> Stepped {
        let was_paused = self.pause.is_on();
        let is_paused = self.pause.tick(&self.seats);
        if was_paused != is_paused {
            self.tell_pause(outputs);
        }
        if is_paused {
            return Stepped::Paused;
        }
        if was_paused {
            self.seats.iter_mut().for_each(|seat| seat.inputs.skip());
        }
        self.orders.clear();
        self.orders.extend(self.seats.iter_mut().map(|seat| seat.inputs.next_order()));
        self.orders.resize(self.setup.seats.len(), Order::STILL);
        let Self { sim, recorder, orders, egress, audience, seats, crew, .. } = self;
        // After a panic nothing of the simulation is used again, and the recorder adds a tick
        // only after the simulation has come through it.
        let tick = catch_unwind(AssertUnwindSafe(|| {
            if let Some(crew) = crew {
                crew.order(sim.as_mut(), orders);
            }
            sim.step(orders);
            if mutation::is_on(Mutation::RecordOtherOrders) {
                recorder.tick(&vec![Order::STILL; orders.len()], sim.as_mut());
            } else {
                recorder.tick(orders, sim.as_mut());
            }
            if let Some(audience) = audience {
                audience.begin(|all| {
                    sim.view_into(SPECTATOR, all);
                    add_seats(all, seats);
                });
                egress.look(|class, baseline, view| audience.tell(class, baseline, view));
            } else {
                egress.look(|class, _, view| {
                    sim.view_into(class, view);
                    view.sort();
                    add_seats(view, seats);
                    hide(class, view, sim.as_ref());
                });
            }
            sim.verdict()
        }));
        let Ok(verdict) = tick else { return Stepped::Fault };
        self.egress.tell(outputs);
        let ticks = u64::from(self.sim.tick());
        let patience = ticks < RATE.ticks_of_ms(UNHEARD_MS);
        let is_there = |seat: &Sitting| !seat.away && (seat.heard || patience);
        let somebody = self.seats.iter().any(is_there);
        self.deserted_ticks = if somebody { 0 } else { self.deserted_ticks + 1 };
        match verdict {
            Some(verdict) => Stepped::Over(Ending::Fought(verdict)),
            None if self.deserted_ticks >= RATE.ticks_of_ms(DESERTED_MS) => {
                Stepped::Over(Ending::Deserted(self.sim.standing()))
            }
            None => Stepped::Going,
        }
    }

    /// The score of each side and what each fighter has done, by slot.
    #[must_use]
    pub fn results(&self) -> ([u32; 2], Vec<FighterResult>) {
        (self.sim.score(), self.sim.results())
    }

    /// Ends the recording; the seats and the bytes of the replay.
    #[must_use]
    pub fn finish(self, ending: Ending) -> (Vec<Sitting>, Vec<u8>) {
        let bytes = match ending {
            Ending::Fought(verdict) => self.recorder.finish(verdict, false),
            Ending::Deserted(verdict) => self.recorder.finish(verdict, true),
            Ending::Void => self.recorder.fault(&self.orders),
        };
        (self.seats, bytes)
    }

    fn seat_mut(&mut self, player: PlayerId) -> Option<&mut Sitting> {
        let slot = self.slot_of(player)?;
        self.seats.get_mut(usize::from(slot))
    }

    fn slot_of(&self, player: PlayerId) -> Option<u16> {
        let at = self.slots.binary_search_by_key(&player, |(player, _)| *player).ok()?;
        self.slots.get(at).map(|(_, slot)| *slot)
    }

    /// Tells everybody who is there that the battle stands still, or goes on.
    fn tell_pause(&self, outputs: &mut Vec<(NodeId, BattleOutput)>) {
        let battle = self.id();
        for seat in self.seats.iter().filter(|seat| !seat.away) {
            let event = match self.paused_ms() {
                Some(ms) => Event::BattlePaused { battle, ms },
                None => Event::BattleResumed { battle },
            };
            let session = seat.session.session;
            outputs.push((seat.session.gateway, BattleOutput::Event { session, event }));
        }
    }

    /// Goes on from the encoded state in a new simulation.
    #[cfg(test)]
    fn restore(&mut self) {
        let mut state = Vec::new();
        self.sim.encode(&mut state);
        self.sim = Modes::BUILTIN.create(&self.setup).expect("it is fought already");
        self.sim.decode(&state).expect("it was just encoded");
    }

    /// Makes the step to `tick` fail.
    #[cfg(test)]
    pub(crate) fn sabotage(&mut self, tick: u32) {
        self.sim = Box::new(super::fixture::Faulty::new(&self.setup, tick));
    }
}

/// Adds what the battle knows of the seats to a view.
fn add_seats(view: &mut Snapshot, seats: &[Sitting]) {
    for row in view.rows.iter_mut().filter(|row| row.kind() == Kind::Fighter) {
        if let Some(seat) = seats.get(usize::from(row.id)) {
            let applied = i32::try_from(seat.inputs.applied()).unwrap_or(i32::MAX);
            row.set(FighterView::SEQUENCE, applied);
            row.set(FighterView::AWAY, seat.away.into());
        }
    }
}

/// Takes out what a class may not know. Whose commands were applied nobody else has to know.
fn hide(class: u16, view: &mut Snapshot, sim: &dyn BattleSim) {
    for row in view.rows.iter_mut().filter(|row| row.kind() == Kind::Fighter) {
        if class == SPECTATOR {
            row.set(FighterView::SEQUENCE, 0);
        } else if sim.class_of(row.id) != class {
            row.hide_own();
        }
    }
}
