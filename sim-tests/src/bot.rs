//! A player without a person: decides from what it hears what to ask for, and keeps a book of
//! what it owns.
//!
//! A [`Brain`] does no IO and knows no clock: it is told what came and what time it is, and puts
//! out [`Action`]s. The same seed and the same hearing give the same traffic, so it plays over
//! real sockets in a load run and over simulated ones in a test.
//!
//! A bot has at most one request under way. It asks at fixed moments, its slots; a slot that
//! passes while an answer is outstanding is made up for afterwards, and the request then counts
//! from the slot. So a slow server cannot hide its slowness by slowing the bots down.

mod book;
mod chores;
mod fight;
mod guild;
mod hearing;
mod life;
mod party;
mod plan;
mod refusals;
#[cfg(test)]
mod sample;

use std::collections::VecDeque;

use shared::ids::{BattleId, RequestId};
use shared::msg::client::{ClientDatagram, PlayerRequest, Reply, Request, Welcome};
use shared::msg::refusal::{Refusal, RefusalCode};
use shared::msg::snapshot::Snapshot;
use shared::rng::{self, Draws};
use thiserror::Error;

pub use book::{Affiliation, Book, Stored};
pub use plan::{Plan, account, player, secret};
pub use refusals::{is_expected, is_passing, kind};

use fight::Fight;
use guild::GuildSearch;
use party::Party;

/// A request without an answer is sent again, with the same id, after this time: longer than the
/// servers take to say that they do not know the outcome.
const ANSWER_MS: u64 = 20_000;
/// A refused request that is worth another try is sent again after this time.
const TRY_AGAIN_MS: u64 = 250;
/// So often a request is tried; then the bot calls it an error and goes on.
const TRIES_MAX: u32 = 40;
/// A bot without anything to do looks up after this time.
const IDLE_MS: u64 = 1_000;

/// What the shell of a bot is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send this request, perhaps once more with the same id.
    Request {
        /// Its id.
        id: RequestId,
        /// What is asked.
        request: Request,
    },
    /// Send this datagram; it may be lost.
    Commands(ClientDatagram),
    /// Call [`Brain::on_timer`] in this time, unless something comes before. Replaces earlier ones.
    Wait {
        /// Milliseconds from now.
        ms: u64,
    },
    /// Count this.
    Note(Note),
}

/// Something worth counting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A request has its final answer.
    Answered {
        /// The kind of request.
        kind: &'static str,
        /// Milliseconds on the brain's clock at which it was to be sent.
        due_ms: u64,
    },
    /// A gift was taken out of the own bag and is on its way.
    GiftSent,
    /// A gift of another player was claimed.
    GiftClaimed,
    /// A battle is over.
    BattleEnded(BattleId),
    /// A request was refused in a way that belongs to the game or passes.
    Refused {
        /// The kind of request.
        kind: &'static str,
        /// The code.
        code: RefusalCode,
    },
    /// Something that must not happen in a healthy cluster.
    Fault(Fault),
}

/// Something that must not happen in a healthy cluster.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// A request was refused in a way that a well-behaved player cannot meet.
    #[error("{kind} was refused: {refusal}")]
    Refused {
        /// The kind of request or event.
        kind: &'static str,
        /// The refusal.
        refusal: Refusal,
    },
    /// What is stored is not what was acknowledged.
    #[error("{kind} contradicts what was acknowledged: {what}")]
    Contradiction {
        /// The kind of request that showed it.
        kind: &'static str,
        /// What differs.
        what: String,
    },
    /// The answer has nothing to do with the question.
    #[error("{kind} was answered with something else")]
    WrongReply {
        /// The kind of request.
        kind: &'static str,
    },
    /// There was no final answer after many tries.
    #[error("{kind} was never answered")]
    Unanswered {
        /// The kind of request.
        kind: &'static str,
    },
    /// A battle fell silent without an end.
    #[error("battle {battle} fell silent")]
    Silent {
        /// The battle.
        battle: BattleId,
    },
}

impl Fault {
    /// A short name for counts by cause.
    #[must_use]
    pub fn cause(&self) -> String {
        match self {
            Self::Refused { kind, refusal } => format!("{kind}: {:?}", refusal.code),
            Self::Contradiction { kind, .. } => format!("{kind}: contradiction"),
            Self::WrongReply { kind } => format!("{kind}: wrong reply"),
            Self::Unanswered { kind } => format!("{kind}: no answer"),
            Self::Silent { .. } => String::from("battle: silent"),
        }
    }
}

/// A bot's mind.
#[derive(Debug)]
pub struct Brain {
    seed: u64,
    index: u32,
    plan: Plan,
    draws: Draws,
    online: bool,
    /// Numbers the requests of this run.
    asked: u64,
    outstanding: Option<Outstanding>,
    slot_ms: u64,
    slots: u64,
    /// What is read at the beginning of every session.
    reads: VecDeque<PlayerRequest>,
    book: Book,
    party: Party,
    guild: GuildSearch,
    fight: Option<Fight>,
    /// Letters that did not fit, until something was used or given away.
    full: bool,
}

#[derive(Clone, Debug)]
struct Outstanding {
    id: RequestId,
    request: Request,
    due_ms: u64,
    again_ms: u64,
    tries: u32,
}

impl Brain {
    /// The mind of bot `index` of a run with `seed`.
    #[must_use]
    pub fn new(seed: u64, index: u32, plan: Plan) -> Self {
        let party = Party::new(index, plan.team_of(index), plan.queue.clone());
        Self {
            seed,
            index,
            draws: Draws::new(seed, u64::from(index)),
            online: false,
            asked: 0,
            outstanding: None,
            slot_ms: 0,
            slots: 0,
            reads: VecDeque::new(),
            book: Book::default(),
            party,
            guild: GuildSearch::default(),
            fight: None,
            full: false,
            plan,
        }
    }

    /// The login succeeded. What is outstanding is asked again with its old id.
    pub fn on_welcome(&mut self, now_ms: u64, welcome: &Welcome, out: &mut Vec<Action>) {
        if welcome.player != player(self.seed, self.index) {
            let what = format!("logged in as player {}", welcome.player);
            fault(out, Fault::Contradiction { kind: "login", what });
        }
        self.online = true;
        self.fight = None;
        self.party.welcome(now_ms);
        // The first moment is spread, so that bots do not ask all at once.
        let spread = rng::below(self.plan.pace_ms, self.seed, &[u64::from(self.index), 0x510]);
        self.slot_ms = now_ms + spread;
        self.reads = VecDeque::from([
            PlayerRequest::ReadProfile,
            PlayerRequest::ReadBag,
            PlayerRequest::ReadEquipment,
            PlayerRequest::ReadPets,
            PlayerRequest::ReadInbox,
        ]);
        if let Some(outstanding) = &mut self.outstanding {
            outstanding.again_ms = now_ms;
        }
        self.go(now_ms, out);
    }

    /// The connection is gone.
    pub fn on_disconnect(&mut self) {
        self.online = false;
        self.fight = None;
    }

    /// A request was answered.
    pub fn on_reply(
        &mut self,
        now_ms: u64,
        id: RequestId,
        result: Result<Reply, Refusal>,
        out: &mut Vec<Action>,
    ) {
        // An answer to something older is the second one to a request that was sent twice.
        if let Some(outstanding) = self.outstanding.take_if(|outstanding| outstanding.id == id) {
            self.answered(now_ms, outstanding, result, out);
        }
        self.go(now_ms, out);
    }

    /// A snapshot of the battle came.
    pub fn on_snapshot(&mut self, now_ms: u64, snapshot: &Snapshot, out: &mut Vec<Action>) {
        if let Some(fight) = &mut self.fight {
            fight.see(now_ms, snapshot);
        }
        self.go(now_ms, out);
    }

    /// Time has passed.
    pub fn on_timer(&mut self, now_ms: u64, out: &mut Vec<Action>) {
        self.go(now_ms, out);
    }

    /// The run ends: the bot asks for nothing new, but still waits for what is outstanding.
    pub fn wind_down(&mut self) {
        self.slot_ms = u64::MAX;
        self.fight = None;
    }

    /// What the bot believes to own.
    #[must_use]
    pub const fn book(&self) -> &Book {
        &self.book
    }

    /// The request that may or may not have been carried out.
    #[must_use]
    pub fn in_doubt(&self) -> Option<&Request> {
        self.outstanding.as_ref().map(|outstanding| &outstanding.request)
    }

    /// Whether the bot is in a battle.
    #[must_use]
    pub const fn is_fighting(&self) -> bool {
        self.fight.is_some()
    }

    /// Does everything that is due, and says when to look up again.
    fn go(&mut self, now_ms: u64, out: &mut Vec<Action>) {
        if self.online {
            self.step_fight(now_ms, out);
            self.ask_again(now_ms, out);
            while self.outstanding.is_none() && self.slot_ms <= now_ms {
                let due_ms = self.slot_ms;
                self.slot_ms += self.plan.pace_ms;
                self.slots += 1;
                if let Some(request) = self.choose(now_ms) {
                    self.ask(now_ms, due_ms, request, out);
                }
            }
        }
        out.retain(|action| !matches!(action, Action::Wait { .. }));
        out.push(Action::Wait { ms: self.next_ms(now_ms).saturating_sub(now_ms).max(1) });
    }

    fn next_ms(&self, now_ms: u64) -> u64 {
        if !self.online {
            return now_ms + IDLE_MS;
        }
        let asks = self.outstanding.as_ref().map_or(self.slot_ms, |waits| waits.again_ms);
        let fights = self.fight.as_ref().map_or(u64::MAX, Fight::next_ms);
        asks.min(fights).min(now_ms + IDLE_MS)
    }

    fn step_fight(&mut self, now_ms: u64, out: &mut Vec<Action>) {
        let Some(fight) = &mut self.fight else { return };
        if fight.is_silent(now_ms) {
            fault(out, Fault::Silent { battle: fight.battle() });
            self.fight = None;
            self.party.battle_ended(now_ms);
            return;
        }
        out.extend(fight.step(now_ms).map(Action::Commands));
    }

    fn ask(&mut self, now_ms: u64, due_ms: u64, request: Request, out: &mut Vec<Action>) {
        self.asked += 1;
        let id = RequestId(rng::mix(self.plan.run, &[u64::from(self.index), self.asked]));
        let again_ms = now_ms + ANSWER_MS;
        out.push(Action::Request { id, request: request.clone() });
        self.outstanding = Some(Outstanding { id, request, due_ms, again_ms, tries: 1 });
    }

    fn ask_again(&mut self, now_ms: u64, out: &mut Vec<Action>) {
        let Some(outstanding) = self.outstanding.take_if(|waits| waits.again_ms <= now_ms) else {
            return;
        };
        if outstanding.tries >= TRIES_MAX {
            fault(out, Fault::Unanswered { kind: kind(&outstanding.request) });
            self.forget();
            return;
        }
        let Outstanding { id, request, due_ms, tries, .. } = outstanding;
        out.push(Action::Request { id, request: request.clone() });
        let again_ms = now_ms + ANSWER_MS;
        self.outstanding = Some(Outstanding { id, request, due_ms, again_ms, tries: tries + 1 });
    }

    /// Whether a change was carried out stays unknown: nothing is believed until it is read anew.
    fn forget(&mut self) {
        self.book = Book { claimed: self.book.claimed.clone(), ..Book::default() };
    }
}

fn fault(out: &mut Vec<Action>, fault: Fault) {
    out.push(Action::Note(Note::Fault(fault)));
}

#[cfg(test)]
mod tests;
