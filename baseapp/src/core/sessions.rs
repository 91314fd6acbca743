//! Sessions: which client speaks for a player. The newest login wins.

use shared::core::Output;
use shared::ids::{Address, Key, LoginOrder, NodeId, PlayerId, SessionRef};
use shared::msg::Body;
use shared::msg::client::{Event, check_name};
use shared::msg::gateway_baseapp::FromBaseapp;
use shared::msg::refusal::{Refusal, RefusalCode};
use shared::store::Record;
use shared::tick::Tick;

use super::part::Batch;
use super::player::PlayerBundle;
use super::{Baseapp, PLAYERS_MAX};

/// Logins that may wait for one player's record. One more is refused with `Busy`.
const OPENINGS_PER_PLAYER_MAX: usize = 4;

/// A login on its way.
#[derive(Clone, Debug)]
pub(super) struct Opening {
    pub(super) account: String,
    pub(super) secret_hash: [u8; 32],
    pub(super) session: SessionRef,
}

/// What became of a login at the player's entity.
enum Attached {
    WrongSecret,
    /// Speaks for the player now, instead of another session perhaps.
    Yes {
        name: String,
        before: Option<SessionRef>,
    },
}

impl Baseapp {
    pub(super) fn open(&mut self, player: PlayerId, opening: Opening, outputs: &mut Vec<Output>) {
        if self.draining {
            let text = "this server is being shut down; connect again";
            outputs.push(refused(opening.session, RefusalCode::Draining, text));
            if !self.players.contains_key(&player) {
                // The store still names this node as the owner, after a commit whose end is not
                // known. Nobody else may take the player before that is put right: the key is
                // acquired, and given back at once.
                self.keeper.open(Key::Player(player), outputs);
            }
        } else if self.players.contains_key(&player) {
            self.attach(player, &opening, outputs);
        } else if self.nodes.is_suspended() {
            self.reloads.close(player, opening.session);
            let text = "the store is not reachable; try again later";
            outputs.push(refused(opening.session, RefusalCode::Unavailable, text));
        } else if self.players.len() + self.openings.len() >= PLAYERS_MAX {
            let text = "this server is full; try again later";
            outputs.push(refused(opening.session, RefusalCode::Busy, text));
        } else {
            let waiting = self.openings.entry(player).or_default();
            if waiting.iter().any(|known| known.session == opening.session) {
                return;
            }
            if waiting.len() >= OPENINGS_PER_PLAYER_MAX {
                let text = "too many logins of this account at once; try again later";
                outputs.push(refused(opening.session, RefusalCode::Busy, text));
                return;
            }
            waiting.push(opening);
            self.keeper.open(Key::Player(player), outputs);
        }
    }

    /// The player's record has come.
    pub(super) fn opened(&mut self, player: PlayerId, record: &Record, outputs: &mut Vec<Output>) {
        let mut openings = self.openings.remove(&player).unwrap_or_default();
        if let Some(again) = self.reloads.take(player) {
            self.counters.reloads += 1;
            openings.insert(0, again);
        }
        let mut stored = true;
        let bundle = match PlayerBundle::load(record) {
            Ok(Some(bundle)) => Ok(bundle),
            Ok(None) => {
                stored = false;
                self.new_player(player, openings.first())
            }
            Err(error) => {
                tracing::error!(%player, %error, "player cannot be loaded");
                let text = "your stored data cannot be read; please contact the operator";
                Err(Refusal::new(RefusalCode::Quarantined, text))
            }
        };
        match bundle {
            Ok(bundle) => {
                let entity = self.world.spawn(bundle).id();
                self.players.insert(player, entity);
                if stored {
                    self.find_changes();
                    self.world.resource_mut::<Batch>().forget(player);
                    self.make_loaded_card(player);
                }
                for opening in openings {
                    self.attach(player, &opening, outputs);
                }
                let unattended = self.with_player(player, |player| player.online.0.is_none());
                if unattended == Some(true) {
                    self.lingering.insert(player, Tick(0));
                }
            }
            Err(refusal) => {
                for opening in openings {
                    outputs.push(refuse(opening.session, refusal.clone()));
                }
                self.keeper.release(Key::Player(player), outputs);
            }
        }
    }

    fn new_player(
        &self,
        player: PlayerId,
        opening: Option<&Opening>,
    ) -> Result<PlayerBundle, Refusal> {
        let Some(opening) = opening else {
            return Err(Refusal::new(RefusalCode::NotFound, "there is no such player"));
        };
        check_name(&opening.account)?;
        Ok(PlayerBundle::new(player, opening, &self.content))
    }

    fn attach(&mut self, player: PlayerId, opening: &Opening, outputs: &mut Vec<Output>) {
        let session = opening.session;
        let attached = self.with_player(player, |player| {
            let known = &player.account;
            if known.secret_hash != opening.secret_hash || known.name != opening.account {
                return Attached::WrongSecret;
            }
            let before = player.online.0.replace(session).filter(|before| *before != session);
            Attached::Yes { name: player.account.name.clone(), before }
        });
        match attached {
            None | Some(Attached::WrongSecret) => {
                let text = "this account belongs to another device; check name and secret";
                outputs.push(refused(session, RefusalCode::WrongSecret, text));
            }
            Some(Attached::Yes { name, before }) => {
                self.counters.logins += 1;
                self.lingering.remove(&player);
                if let Some(before) = before {
                    let text = "you logged in somewhere else";
                    outputs.push(refused(before, RefusalCode::LoggedInElsewhere, text));
                }
                let epoch = self.keeper.epoch(Key::Player(player)).unwrap_or_default();
                let order = LoginOrder { epoch, login: self.counters.logins };
                let opened = FromBaseapp::Opened { session: session.session, player, name, order };
                let opened =
                    Output::Send { to: session.address(), body: Body::FromBaseapp(opened) };
                // If the player is lost before, the session is refused or opened again with it.
                self.world.resource_mut::<Batch>().tell(player, opened);
                self.keeper.look_for_mail(Key::Player(player), outputs);
            }
        }
    }

    /// Another node owns the player.
    pub(super) fn moved(&mut self, player: PlayerId, owner: Address, outputs: &mut Vec<Output>) {
        if let Some(again) = self.reloads.take(player) {
            let text = "your data moved to another server; connect again";
            outputs.push(refused(again.session, RefusalCode::Unavailable, text));
        }
        for opening in self.openings.remove(&player).unwrap_or_default() {
            let SessionRef { session, .. } = opening.session;
            let body = Body::FromBaseapp(FromBaseapp::Moved { session, owner });
            outputs.push(Output::Send { to: opening.session.address(), body });
        }
    }

    pub(super) fn close(&mut self, now: Tick, player: PlayerId, session: SessionRef) {
        self.reloads.close(player, session);
        if let Some(waiting) = self.openings.get_mut(&player) {
            waiting.retain(|opening| opening.session != session);
        }
        let closed = self.with_player(player, |player| {
            let is_it = player.online.0 == Some(session);
            if is_it {
                player.online.0 = None;
            }
            is_it
        });
        if closed == Some(true) {
            self.lingering.insert(player, now.after(self.linger_ticks));
        }
    }

    /// All sessions of a gateway are gone with its node.
    pub(super) fn gateway_gone(&mut self, now: Tick, gateway: NodeId) {
        self.reloads.close_all(gateway);
        let players: Vec<PlayerId> = self.players.keys().copied().collect();
        for player in players {
            let session = self.with_player(player, |player| player.online.0).flatten();
            if let Some(session) = session.filter(|session| session.gateway == gateway) {
                self.close(now, player, session);
            }
        }
    }
}

/// An event for a session's client.
pub(super) const fn event(session: SessionRef, event: Event) -> Output {
    let body = Body::FromBaseapp(FromBaseapp::Event { session: session.session, event });
    Output::Send { to: session.address(), body }
}

pub(super) fn refused(session: SessionRef, code: RefusalCode, text: &str) -> Output {
    refuse(session, Refusal::new(code, text))
}

fn refuse(session: SessionRef, refusal: Refusal) -> Output {
    let body = Body::FromBaseapp(FromBaseapp::Refused { session: session.session, refusal });
    Output::Send { to: session.address(), body }
}
