//! Nodes come and go, homes move, and frames come back that did not arrive.

use shared::core::Output;
use shared::directory::DirectoryEvent;
use shared::ids::{Address, NodeId, Role, SessionId};
use shared::msg::Body;
use shared::msg::battle_gateway::BattleInput;
use shared::msg::gateway_baseapp::ToBaseapp;
use shared::msg::gateway_social::ToSocial;

use super::Gateway;
use super::farewells::say;
use super::session::{Attempt, State};
use super::sessions::EndedBy;

/// What a lost node means for a session.
enum Loss {
    Nothing,
    Login(Attempt),
    Player,
    Requests,
}

impl Gateway {
    pub(super) fn directory_changed(&mut self, event: &DirectoryEvent, outputs: &mut Vec<Output>) {
        self.nodes.apply(event);
        match event {
            // Sessions and what they wait for stay; whoever needs the store refuses.
            DirectoryEvent::Changed(_) | DirectoryEvent::Suspended | DirectoryEvent::Resumed => {}
            DirectoryEvent::Gone(node) => self.node_gone(*node, outputs),
        }
        let ready: Vec<_> = self.nodes.ready(Role::Social).map(|(address, _)| address).collect();
        if ready != self.social_ready {
            self.social_ready = ready;
            self.move_homes(outputs);
        }
    }

    fn node_gone(&mut self, node: NodeId, outputs: &mut Vec<Output>) {
        for (battle, battleapp) in self.seats.on(node) {
            for id in self.seats.sessions(battleapp, battle) {
                self.unseat(id, battle);
            }
        }
        let ids: Vec<_> = self.sessions.keys().copied().collect();
        for id in ids {
            match self.loss(id, node) {
                Loss::Nothing => {}
                Loss::Login(attempt) => self.find_owner(id, attempt, outputs),
                Loss::Player => {
                    self.give_up_at(id, node, outputs);
                    self.end_unavailable(id, EndedBy::Baseapp, outputs);
                }
                Loss::Requests => self.give_up_at(id, node, outputs),
            }
        }
    }

    fn loss(&self, id: SessionId, node: NodeId) -> Loss {
        let Some(session) = self.sessions.get(&id) else { return Loss::Nothing };
        match &session.state {
            State::Opening { attempt, baseapp, .. } if baseapp.node == node => {
                Loss::Login(attempt.clone())
            }
            State::Playing(playing) if playing.baseapp.node == node => Loss::Player,
            State::Playing(_) => Loss::Requests,
            State::Connected { .. }
            | State::FindingOwner { .. }
            | State::Opening { .. }
            | State::Closing { .. } => Loss::Nothing,
        }
    }

    fn give_up_at(&mut self, id: SessionId, node: NodeId, outputs: &mut Vec<Output>) {
        let text = "a node was lost while it worked on this; repeat it with the same id";
        self.give_up(id, |request| request.to.node == node, text, outputs);
    }

    /// Tells the lobby of all players, if it is another node than before.
    fn move_homes(&mut self, outputs: &mut Vec<Output>) {
        let ids: Vec<_> = self.sessions.keys().copied().collect();
        for id in ids {
            let Some(playing) = self.playing(id) else { continue };
            let (player, before) = (playing.player, playing.social);
            if self.nodes.lobby() == before {
                continue;
            }
            if let Some(before) = before {
                let offline = ToSocial::Offline { player, session: self.session_ref(id) };
                say(before, Body::ToSocial(offline), &self.nodes, outputs);
            }
            self.announce(id, outputs);
        }
    }

    /// Tells the lobby that the player is online.
    pub(super) fn announce(&mut self, id: SessionId, outputs: &mut Vec<Output>) {
        let session = self.session_ref(id);
        let Some(player) = self.playing(id).map(|playing| playing.player) else { return };
        let lobby = self.nodes.lobby();
        let Some(playing) = self.playing(id) else { return };
        playing.social = lobby;
        playing.announce_due = None;
        let Some(to) = lobby else { return };
        let (name, baseapp, order) = (playing.name.clone(), playing.baseapp, playing.order);
        let online = ToSocial::Online { player, name, session, baseapp, order };
        outputs.push(Output::Send { to, body: Body::ToSocial(online) });
    }

    /// A frame of ours did not arrive.
    pub(super) fn unsent(&mut self, to: Address, body: Body, outputs: &mut Vec<Output>) {
        match body {
            Body::ToBaseapp(message) => match message {
                ToBaseapp::Open { session, .. } => {
                    if self.opening_at(session.session, to).is_some() {
                        self.end_unavailable(session.session, EndedBy::Baseapp, outputs);
                    }
                }
                ToBaseapp::Request { session, id, .. } => {
                    self.not_delivered(to, session.session, id, outputs);
                }
                ToBaseapp::Close { .. } => self.keep_farewell(to, Body::ToBaseapp(message)),
            },
            Body::ToSocial(message) => match message {
                ToSocial::Online { session, .. } => self.announce_later(to, session.session),
                ToSocial::Request { session, id, .. } => {
                    self.not_delivered(to, session.session, id, outputs);
                }
                ToSocial::Offline { .. } => self.keep_farewell(to, Body::ToSocial(message)),
            },
            Body::BattleInput(message) => match message {
                BattleInput::Commands { .. } => self.counters.datagrams_dropped += 1,
                BattleInput::Left { .. } => self.keep_farewell(to, Body::BattleInput(message)),
            },
            Body::MailWaiting(_)
            | Body::FromBaseapp(_)
            | Body::FromSocial(_)
            | Body::ToMatchmaker(_)
            | Body::FromMatchmaker(_)
            | Body::CardRequest(_)
            | Body::Card(_)
            | Body::ToBattle(_)
            | Body::FromBattle(_)
            | Body::BattleOutput(_)
            | Body::Rejoin(_)
            | Body::ToPublisher(_)
            | Body::ToSubscriber(_) => self.counters.stale += 1,
        }
    }

    fn announce_later(&mut self, to: Address, id: SessionId) {
        let due = self.now.after(self.rules.retry_ticks);
        let Some(playing) = self.playing(id) else { return };
        if playing.social == Some(to) {
            playing.announce_due = Some(due);
            self.arm(id);
        }
    }

    fn keep_farewell(&mut self, to: Address, body: Body) {
        let due = self.now.after(self.rules.retry_ticks);
        if !self.nodes.is_alive(to.node) {
            return;
        }
        if !self.farewells.keep(due, to, body) {
            self.counters.farewells_dropped += 1;
        }
    }
}
