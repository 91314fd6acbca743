//! Inputs go to the battle, snapshots are fanned out.

use shared::core::{EdgeOutput, Output};
use shared::ids::{Address, BattleId, SessionId};
use shared::limits::DATAGRAM_BYTES_MAX;
use shared::msg::Body;
use shared::msg::battle_gateway::{BattleInput, BattleOutput};
use shared::msg::client::{BattleStart, ClientDatagram, DATAGRAM_SNAPSHOT, Event};

use super::session::{Playing, Seat, State};
use super::{Gateway, level};

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
            BattleOutput::Seated { session, view, start } => {
                self.seated(from, session, view, start, outputs);
            }
            BattleOutput::Snapshot { battle, view, bytes } => {
                self.snapshot(from, battle, view, &bytes, outputs);
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

    fn seated(
        &mut self,
        from: Address,
        id: SessionId,
        view: u16,
        start: BattleStart,
        outputs: &mut Vec<Output>,
    ) {
        let seat = Seat { battle: start.battle, view, battleapp: from };
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
        }
        self.seats.add(id, seat);
        self.event(id, Event::BattleStarted(start), outputs);
    }

    fn snapshot(
        &mut self,
        from: Address,
        battle: BattleId,
        view: u16,
        bytes: &[u8],
        outputs: &mut Vec<Output>,
    ) {
        let Some(viewers) = self.seats.viewers(from, battle, view) else {
            self.counters.stale += 1;
            return;
        };
        self.counters.snapshots += 1;
        if bytes.len() >= DATAGRAM_BYTES_MAX {
            self.counters.snapshots_too_long += 1;
            return;
        }
        let mut datagram = Vec::with_capacity(1 + bytes.len());
        datagram.push(DATAGRAM_SNAPSHOT);
        datagram.extend_from_slice(bytes);
        let sessions: Vec<_> = viewers.iter().copied().collect();
        self.counters.datagrams_out += level(sessions.len());
        outputs.push(Output::Edge(EdgeOutput::Datagram { sessions, bytes: datagram }));
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
