//! A client logs in: who owns the player, or where is the player placed?

use shared::core::Output;
use shared::ids::{Address, Key, LoginOrder, PlayerId, Role, SessionId};
use shared::limits::{NAME_BYTES_MAX, NAME_BYTES_MIN};
use shared::msg::Body;
use shared::msg::client::{Login, PROTOCOL_VERSION, ServerFrame, Welcome, check_name};
use shared::msg::gateway_baseapp::{FromBaseapp, ToBaseapp, secret_hash};
use shared::msg::refusal::{Refusal, RefusalCode};
use shared::rng;
use shared::store::{OpId, Ownership, StoreReply, StoreRequest};

use super::limits::LOGIN_HOPS_MAX;
use super::session::{Attempt, Playing, State};
use super::sessions::EndedBy;
use super::{Gateway, to_client};

/// Ticks per second of battles, as clients are told.
const BATTLE_HZ: u32 = 20;

/// As whom a session was let in.
struct Named {
    player: PlayerId,
    name: String,
    order: LoginOrder,
}

impl Gateway {
    pub(super) fn login(&mut self, id: SessionId, login: Login, outputs: &mut Vec<Output>) {
        let Some(session) = self.sessions.get(&id) else {
            self.counters.stale += 1;
            return;
        };
        match &session.state {
            State::Connected { .. } => {}
            State::FindingOwner { .. } | State::Opening { .. } | State::Playing(_) => {
                return self.offend(id, outputs);
            }
            State::Closing { .. } => return,
        }
        if let Err(refusal) = check_login(&login) {
            return self.end(id, refusal, EndedBy::Gateway, outputs);
        }
        let attempt = Attempt {
            player: PlayerId::of_account(&login.account),
            secret_hash: secret_hash(&login.account, &login.secret),
            account: login.account,
            hops: 0,
            due: self.now.after(self.rules.login_ticks),
        };
        self.find_owner(id, attempt, outputs);
    }

    pub(super) fn find_owner(
        &mut self,
        id: SessionId,
        attempt: Attempt,
        outputs: &mut Vec<Output>,
    ) {
        self.ops += 1;
        let op = OpId(self.ops);
        self.lookups.insert(op, id);
        let key = Key::Player(attempt.player);
        outputs.push(Output::Store { op, request: StoreRequest::ReadOwner { key } });
        self.enter(id, State::FindingOwner { attempt, op });
    }

    /// The store has answered who owns the player.
    pub(super) fn owner_found(&mut self, op: OpId, reply: StoreReply, outputs: &mut Vec<Output>) {
        let Some(id) = self.lookups.remove(&op) else { return };
        let Some(session) = self.sessions.get(&id) else { return };
        let attempt = match &session.state {
            State::FindingOwner { attempt, .. } => attempt.clone(),
            State::Connected { .. }
            | State::Opening { .. }
            | State::Playing(_)
            | State::Closing { .. } => return,
        };
        let baseapp = match reply {
            StoreReply::Owner(ownership) => self.living(ownership).or_else(|| self.placed()),
            StoreReply::Claimed(_)
            | StoreReply::Taken(_)
            | StoreReply::Committed(_)
            | StoreReply::Released
            | StoreReply::Mail(_)
            | StoreReply::Relayed { .. }
            | StoreReply::Pending(_)
            | StoreReply::Guilds(_)
            | StoreReply::Failed(_) => None,
        };
        match baseapp {
            Some(baseapp) => self.open_at(id, attempt, baseapp, outputs),
            None => self.end_unavailable(id, EndedBy::Gateway, outputs),
        }
    }

    fn living(&self, ownership: Ownership) -> Option<Address> {
        let is_there =
            |owner: &Address| owner.role == Role::Baseapp && self.nodes.is_alive(owner.node);
        ownership.owner.filter(is_there)
    }

    fn placed(&mut self) -> Option<Address> {
        self.placements += 1;
        let draw = rng::mix(self.me.node.unique(0), &[self.placements]);
        self.nodes.place(Role::Baseapp, draw)
    }

    pub(super) fn open_at(
        &mut self,
        id: SessionId,
        attempt: Attempt,
        baseapp: Address,
        outputs: &mut Vec<Output>,
    ) {
        let open = ToBaseapp::Open {
            player: attempt.player,
            account: attempt.account.clone(),
            secret_hash: attempt.secret_hash,
            session: self.session_ref(id),
        };
        outputs.push(Output::Send { to: baseapp, body: Body::ToBaseapp(open) });
        let again = self.now.after(self.rules.open_again_ticks);
        self.enter(id, State::Opening { attempt, baseapp, again });
    }

    /// The login under way at `baseapp`, if there is one.
    pub(super) fn opening_at(&self, id: SessionId, baseapp: Address) -> Option<&Attempt> {
        match &self.sessions.get(&id)?.state {
            State::Opening { attempt, baseapp: asked, .. } if *asked == baseapp => Some(attempt),
            State::Opening { .. }
            | State::Connected { .. }
            | State::FindingOwner { .. }
            | State::Playing(_)
            | State::Closing { .. } => None,
        }
    }

    pub(super) fn take_baseapp(
        &mut self,
        from: Address,
        message: FromBaseapp,
        outputs: &mut Vec<Output>,
    ) {
        match message {
            FromBaseapp::Opened { session, player, name, order } => {
                self.opened(from, session, Named { player, name, order }, outputs);
            }
            FromBaseapp::Moved { session, owner } => self.moved(from, session, owner, outputs),
            FromBaseapp::Refused { session, refusal } => {
                let plays_there =
                    self.playing(session).is_some_and(|playing| playing.baseapp == from);
                if plays_there || self.opening_at(session, from).is_some() {
                    self.end(session, refusal, EndedBy::Baseapp, outputs);
                } else {
                    self.counters.stale += 1;
                }
            }
            FromBaseapp::Reply { session, id, result } => {
                self.reply(from, session, id, result, outputs);
            }
            FromBaseapp::Event { session, event } => {
                let plays_there =
                    self.playing(session).is_some_and(|playing| playing.baseapp == from);
                if plays_there {
                    self.event(session, event, outputs);
                } else {
                    self.counters.stale += 1;
                }
            }
        }
    }

    fn opened(&mut self, from: Address, id: SessionId, named: Named, outputs: &mut Vec<Output>) {
        let Named { player, name, order } = named;
        let expected = self.opening_at(id, from).is_some_and(|attempt| attempt.player == player);
        if !expected {
            // Nobody is there any more for whom the baseapp would keep the player.
            self.counters.stale += 1;
            if !self.sessions.contains_key(&id) {
                let close = ToBaseapp::Close { player, session: self.session_ref(id) };
                outputs.push(Output::Send { to: from, body: Body::ToBaseapp(close) });
            }
            return;
        }
        self.counters.logins += 1;
        let playing = Playing {
            player,
            name,
            order,
            baseapp: from,
            social: None,
            announce_due: None,
            seat: None,
            seat_before: None,
            in_flight: Vec::new(),
            leave_by: None,
        };
        self.enter(id, State::Playing(Box::new(playing)));
        let welcome = Welcome { player, battle_hz: BATTLE_HZ };
        to_client(id, ServerFrame::Welcome(welcome), outputs);
        self.announce(id, outputs);
    }

    fn moved(&mut self, from: Address, id: SessionId, owner: Address, outputs: &mut Vec<Output>) {
        let Some(attempt) = self.opening_at(id, from) else {
            self.counters.stale += 1;
            return;
        };
        let mut attempt = attempt.clone();
        attempt.hops += 1;
        self.counters.login_hops += 1;
        if attempt.hops > LOGIN_HOPS_MAX {
            self.end_unavailable(id, EndedBy::Baseapp, outputs);
        } else if owner.role == Role::Baseapp && self.nodes.is_alive(owner.node) {
            self.open_at(id, attempt, owner, outputs);
        } else {
            self.find_owner(id, attempt, outputs);
        }
    }

    /// Ends a login, or a session whose baseapp is gone.
    pub(super) fn end_unavailable(
        &mut self,
        id: SessionId,
        by: EndedBy,
        outputs: &mut Vec<Output>,
    ) {
        let text = "the player's data cannot be reached right now; connect again";
        let refusal = Refusal::new(RefusalCode::Unavailable, text);
        self.counters.refused(refusal.code);
        self.end(id, refusal, by, outputs);
    }
}

fn check_login(login: &Login) -> Result<(), Refusal> {
    if login.protocol != PROTOCOL_VERSION {
        let text = format!(
            "this server speaks protocol version {PROTOCOL_VERSION} and the client {}; update the \
             game",
            login.protocol
        );
        return Err(Refusal::new(RefusalCode::UpgradeNeeded, text));
    }
    check_name(&login.account)?;
    if login.account.contains(' ') {
        let text = format!(
            "an account name has {NAME_BYTES_MIN} to {NAME_BYTES_MAX} bytes of letters, digits, \
             '-', '_' and '.'"
        );
        return Err(Refusal::new(RefusalCode::BadName, text));
    }
    Ok(())
}
