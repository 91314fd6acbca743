//! Players who are loaded again under their session: the store failed, or the node was suspended,
//! so that what is stored is not known; but nobody is known to have taken them over. Their clients
//! stay connected and are told to try again. To load one again is to log in once more.

use std::collections::BTreeMap;

use shared::core::Output;
use shared::ids::{Key, NodeId, PlayerId, SessionRef};
use shared::msg::refusal::RefusalCode;
use shared::ownership::LostReason;
use shared::tick::{Tick, TickRate};

use super::Baseapp;
use super::sessions::{Opening, refused};

/// How often players are tried to be loaded again.
const ROUND_MS: u64 = 100;
/// Players whom one round tries to load; others wait for the next round.
const ROUND_PLAYERS_MAX: usize = 1_024;
/// Between two tries of one player.
const TRY_AGAIN_MS: u64 = 500;

/// Who waits to be loaded again. Bounded by the players that were loaded.
#[derive(Debug)]
pub(super) struct Reloads {
    waiting: BTreeMap<PlayerId, Reload>,
    round_at: Tick,
    round_ticks: u64,
    try_ticks: u64,
}

/// A player without data.
#[derive(Debug)]
struct Reload {
    /// Who spoke for the player.
    opening: Opening,
    /// When to try next.
    due: Tick,
}

impl Reloads {
    pub(super) const fn new(rate: TickRate) -> Self {
        Self {
            waiting: BTreeMap::new(),
            round_at: Tick(0),
            round_ticks: rate.ticks_of_ms(ROUND_MS),
            try_ticks: rate.ticks_of_ms(TRY_AGAIN_MS),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Takes a player out, who is loaded or elsewhere now.
    pub(super) fn take(&mut self, player: PlayerId) -> Option<Opening> {
        self.waiting.remove(&player).map(|reload| reload.opening)
    }

    /// Whether the player waits under this session.
    pub(super) fn has(&self, player: PlayerId, session: SessionRef) -> bool {
        self.waiting.get(&player).is_some_and(|reload| reload.opening.session == session)
    }

    /// A session is over.
    pub(super) fn close(&mut self, player: PlayerId, session: SessionRef) {
        if self.has(player, session) {
            self.waiting.remove(&player);
        }
    }

    /// All sessions of a gateway are over.
    pub(super) fn close_all(&mut self, gateway: NodeId) {
        self.waiting.retain(|_, reload| reload.opening.session.gateway != gateway);
    }
}

impl Baseapp {
    /// The node cannot renew its lease: nobody may read what it holds beyond that.
    pub(super) fn suspend(&mut self, now: Tick, outputs: &mut Vec<Output>) {
        let mut events = Vec::new();
        self.keeper.suspend(outputs, &mut events);
        for event in events {
            self.keeper_event(now, event, outputs);
        }
    }

    /// The player is not owned any more. If nobody is known to have taken it, its session waits
    /// until it is loaded again; otherwise whoever speaks for it has to connect again.
    pub(super) fn lost(
        &mut self,
        now: Tick,
        player: PlayerId,
        reason: LostReason,
        outputs: &mut Vec<Output>,
    ) {
        if reason != LostReason::Suspended {
            tracing::warn!(%player, ?reason, "player lost");
        }
        let loaded = self.with_player(player, |player| {
            let session = player.online.0?;
            let (account, secret_hash) = (player.account.name.clone(), player.account.secret_hash);
            Some(Opening { account, secret_hash, session })
        });
        let opening = loaded.flatten().or_else(|| self.reloads.take(player));
        let session = opening.as_ref().map(|opening| opening.session);
        let mut over: Vec<SessionRef> = self
            .openings
            .remove(&player)
            .unwrap_or_default()
            .into_iter()
            .map(|opening| opening.session)
            .filter(|waiting| Some(*waiting) != session)
            .collect();
        match opening {
            Some(opening) if reason.may_return() => {
                let due = now.after(self.reloads.try_ticks);
                self.reloads.waiting.insert(player, Reload { opening, due });
            }
            Some(_) | None => over.extend(session),
        }
        for session in over {
            let text = "your data moved or the store is not reachable; connect again";
            outputs.push(refused(session, RefusalCode::Unavailable, text));
        }
        self.unload(player, outputs);
    }

    /// Tries to load players again whose time has come.
    pub(super) fn reload(&mut self, now: Tick, outputs: &mut Vec<Output>) {
        if self.draining {
            for reload in std::mem::take(&mut self.reloads.waiting).into_values() {
                let text = "this server is being shut down; connect again";
                outputs.push(refused(reload.opening.session, RefusalCode::Draining, text));
            }
        }
        let idle = self.reloads.waiting.is_empty() || self.nodes.is_suspended();
        if idle || now < self.reloads.round_at {
            return;
        }
        self.reloads.round_at = now.after(self.reloads.round_ticks);
        let again = now.after(self.reloads.try_ticks);
        let due = self.reloads.waiting.iter_mut().filter(|(_, reload)| reload.due <= now);
        for (player, reload) in due.take(ROUND_PLAYERS_MAX) {
            reload.due = again;
            self.keeper.open(Key::Player(*player), outputs);
        }
    }
}
