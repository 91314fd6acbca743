//! Inputs go to the battle, snapshots are fanned out.

use shared::core::{EdgeOutput, Output};
use shared::ids::{Address, BattleId, SessionId};
use shared::limits::DATAGRAM_BYTES_MAX;
use shared::msg::Body;
use shared::msg::battle_gateway::{BattleInput, BattleOutput, Encoded};
use shared::msg::client::{ClientDatagram, Event, ServerFrame};

use super::farewells::say;
use super::session::{Playing, Seat, State};
use super::{Gateway, level, to_client};

/// What becomes of a datagram.
enum Verdict {
    Pass { seat: Seat },
    Drop,
    Offence,
}

impl Gateway {
    pub(super) fn datagram(
        &mut self,
        id: SessionId,
        datagram: ClientDatagram,
        outputs: &mut Vec<Output>,
    ) {
        let (now, rule) = (self.now, self.rules.datagrams);
        let Some(session) = self.sessions.get_mut(&id) else {
            self.counters.stale += 1;
            return;
        };
        self.counters.datagrams_in += 1;
        if !session.datagrams.take(rule, now) {
            self.counters.datagrams_dropped += 1;
            return self.exceed(id, outputs);
        }
        let (verdict, player) = match &session.state {
            State::Playing(playing) => (judge(playing, datagram.battle), playing.player),
            State::Closing { .. } => return,
            State::Connected { .. } | State::FindingOwner { .. } | State::Opening { .. } => {
                return self.offend(id, outputs);
            }
        };
        match verdict {
            Verdict::Pass { seat } => {
                let session = self.session_ref(id);
                let commands = BattleInput::Commands { player, session, datagram };
                let body = Body::BattleInput(commands);
                outputs.push(Output::Send { to: seat.battleapp, body });
            }
            Verdict::Drop => self.counters.datagrams_dropped += 1,
            Verdict::Offence => self.offend(id, outputs),
        }
    }

    pub(super) fn take_battle(
        &mut self,
        from: Address,
        message: BattleOutput,
        outputs: &mut Vec<Output>,
    ) {
        match message {
            BattleOutput::Seated { session, start } => {
                let seat = Seat { battle: start.battle, battleapp: from, watches: false };
                self.seated(session, seat, Event::BattleStarted(start), outputs);
            }
            BattleOutput::Watching { session, start } => {
                let seat = Seat { battle: start.battle, battleapp: from, watches: true };
                self.watching(session, seat, Event::WatchStarted(start), outputs);
            }
            BattleOutput::Snapshots { battle, encoded } => {
                self.snapshots(from, battle, encoded, outputs);
            }
            BattleOutput::Event { session, event } => self.event(session, event, outputs),
            BattleOutput::Over { battle } => {
                for id in self.seats.sessions(from, battle) {
                    self.unseat(id, battle);
                }
            }
            BattleOutput::NotSeated { session, battle } => {
                // The seat is taken away first, so that one lost seat is one offence.
                let late = self.playing(session).is_none_or(|playing| {
                    playing.seat.is_none_or(|seat| seat.battle != battle || seat.battleapp != from)
                });
                if late {
                    self.counters.stale += 1;
                } else {
                    self.unseat(session, battle);
                    self.offend(session, outputs);
                }
            }
        }
    }

    /// A session begins to watch, unless it fights by now.
    fn watching(&mut self, id: SessionId, seat: Seat, told: Event, outputs: &mut Vec<Output>) {
        let fights = |seat: &Seat| !seat.watches;
        match self.playing(id).map(|playing| playing.seat) {
            Some(before) if !before.as_ref().is_some_and(fights) => {
                self.seated(id, seat, told, outputs);
            }
            Some(_) | None => {
                self.counters.stale += 1;
                self.stop_seat(id, seat, outputs);
            }
        }
    }

    /// A session stops watching. False if it does not watch.
    pub(super) fn stop_watching(&mut self, id: SessionId, outputs: &mut Vec<Output>) -> bool {
        let seat = self.playing(id).and_then(|playing| playing.seat);
        let Some(seat) = seat.filter(|seat| seat.watches) else { return false };
        self.unseat(id, seat.battle);
        self.stop_seat(id, seat, outputs);
        true
    }

    /// Tells a battle that a session does not look at it any more.
    fn stop_seat(&mut self, id: SessionId, seat: Seat, outputs: &mut Vec<Output>) {
        let Some(player) = self.playing(id).map(|playing| playing.player) else { return };
        let (battle, session) = (seat.battle, self.session_ref(id));
        let left = BattleInput::Left { battle, player, session };
        say(seat.battleapp, Body::BattleInput(left), &self.nodes, outputs);
    }

    fn seated(&mut self, id: SessionId, seat: Seat, told: Event, outputs: &mut Vec<Output>) {
        let Some(playing) = self.playing(id) else {
            // The fighter's client is gone; its end was not known there yet. Without the player's
            // id nothing can be said, and the battle goes on without inputs.
            self.counters.stale += 1;
            return;
        };
        let before = playing.seat.replace(seat);
        if let Some(before) = before.filter(|before| before.battle != seat.battle) {
            playing.seat_before = Some(before.battle);
        }
        if let Some(before) = before {
            self.seats.remove(id, before);
            if before.watches && before.battle != seat.battle {
                self.stop_seat(id, before, outputs);
            }
        }
        self.seats.add(id, seat);
        self.event(id, told, outputs);
    }

    fn snapshots(
        &mut self,
        from: Address,
        battle: BattleId,
        encoded: Vec<Encoded>,
        outputs: &mut Vec<Output>,
    ) {
        let Some(viewers) = self.seats.viewers(from, battle) else {
            self.counters.stale += 1;
            return;
        };
        self.counters.snapshots += level(encoded.len());
        for Encoded { by_stream, mut sessions, bytes } in encoded {
            sessions.retain(|session| viewers.contains(session));
            if !by_stream && bytes.len() > DATAGRAM_BYTES_MAX {
                self.counters.snapshots_too_long += 1;
            } else if by_stream {
                self.counters.snapshots_by_stream += level(sessions.len());
                for session in sessions {
                    to_client(session, ServerFrame::Snapshot(bytes.clone()), outputs);
                }
            } else if !sessions.is_empty() {
                self.counters.datagrams_out += level(sessions.len());
                outputs.push(Output::Edge(EdgeOutput::Datagram { sessions, bytes }));
            }
        }
    }

    /// Takes the seat in `battle` away from a session.
    pub(super) fn unseat(&mut self, id: SessionId, battle: BattleId) {
        let Some(playing) = self.playing(id) else { return };
        if let Some(seat) = playing.seat.take_if(|seat| seat.battle == battle) {
            playing.seat_before = Some(battle);
            self.seats.remove(id, seat);
        }
    }
}

fn judge(playing: &Playing, battle: BattleId) -> Verdict {
    match playing.seat {
        Some(seat) if seat.battle == battle => Verdict::Pass { seat },
        // Inputs that were on their way when the battle ended.
        Some(_) | None if playing.seat_before == Some(battle) => Verdict::Drop,
        Some(_) | None => Verdict::Offence,
    }
}
