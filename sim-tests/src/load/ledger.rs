//! The ledger: what was acknowledged to each bot, and whether it is still there.

use std::path::Path;

use serde::{Deserialize, Serialize};
use shared::content::Content;
use shared::msg::client::Request;

use crate::bot::{Book, Stored};

use super::LoadError;

/// What was acknowledged to one bot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerLine {
    /// Seed of the run; account and secret follow from it.
    pub seed: u64,
    /// The bot.
    pub index: u32,
    /// What it owned after the last acknowledged change.
    pub book: Book,
    /// A request whose answer it did not see: carried out or not, both are right.
    pub in_doubt: Option<Request>,
}

/// What came of comparing a ledger with what is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LedgerVerdict {
    /// Bots that were compared.
    pub players: u32,
    /// Bots with a request in doubt.
    pub in_doubt: u32,
    /// Of those, how many of these requests turned out to have been carried out.
    pub in_doubt_done: u32,
    /// Bots for which something acknowledged is not there: account and what differs.
    pub differing: Vec<(String, Vec<String>)>,
}

/// How one line compares with what is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compared {
    /// All that was acknowledged is there, and the request in doubt was not carried out.
    Kept,
    /// All that was acknowledged is there, and the request in doubt was carried out.
    KeptWithDoubtful,
    /// Something is not as it was acknowledged.
    Differs(Vec<String>),
}

impl LedgerLine {
    /// Compares with what is stored now.
    #[must_use]
    pub fn compare(&self, stored: &Stored, content: &Content) -> Compared {
        let differences = self.book.differences(stored);
        if differences.is_empty() {
            return Compared::Kept;
        }
        if let Some(Request::Player(request)) = &self.in_doubt {
            let mut after = self.book.clone();
            after.enter(request, content);
            if after.differences(stored).is_empty() {
                return Compared::KeptWithDoubtful;
            }
        }
        Compared::Differs(differences)
    }
}

/// Writes a ledger: one JSON object a line.
///
/// # Errors
/// [`LoadError::Ledger`] if the file cannot be written.
pub(crate) async fn write(path: &Path, lines: &[LedgerLine]) -> Result<(), LoadError> {
    let mut text = String::new();
    for line in lines {
        text.push_str(&json(line));
        text.push('\n');
    }
    let failed = |source| LoadError::Ledger { path: path.to_owned(), source };
    tokio::fs::write(path, text).await.map_err(failed)
}

/// Reads what [`write()`] wrote.
///
/// # Errors
/// [`LoadError::Ledger`] if the file cannot be read, [`LoadError::LedgerLine`] if a line is none.
pub(crate) async fn read(path: &Path) -> Result<Vec<LedgerLine>, LoadError> {
    let failed = |source| LoadError::Ledger { path: path.to_owned(), source };
    let text = tokio::fs::read_to_string(path).await.map_err(failed)?;
    let parse = |(number, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|source| LoadError::LedgerLine {
            path: path.to_owned(),
            line: number + 1,
            source,
        })
    };
    text.lines().enumerate().map(parse).collect()
}

fn json(line: &LedgerLine) -> String {
    serde_json::to_string(line).expect("a ledger line is plain data with keys that are numbers")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use shared::ids::{BattleId, GuildId, LetterId, PlayerId};
    use shared::msg::client::{Attachments, Letter, PlayerRequest, Profile, Sender, Stack};

    use super::*;
    use crate::bot::{Affiliation, player};

    const SWORD: u16 = 1;

    fn letter() -> Letter {
        let attached = Attachments { gold: 5, stacks: vec![Stack { item: SWORD, count: 2 }] };
        Letter { letter: LetterId(u64::MAX), from: Sender::Battle(BattleId(1)), attached }
    }

    fn line() -> LedgerLine {
        let book = Book {
            gold: Some(100),
            hero: Some(1),
            bag: Some(BTreeMap::from([(SWORD, 3)])),
            worn: Some([None; 3]),
            letters: BTreeMap::from([(LetterId(u64::MAX), letter())]),
            guild: Affiliation::Member(GuildId(4)),
            ..Book::default()
        };
        LedgerLine { seed: 1, index: 2, book, in_doubt: None }
    }

    fn stored() -> Stored {
        Stored {
            profile: Profile {
                player: player(1, 2),
                name: String::from("bot-1-2"),
                level: 1,
                xp: 0,
                gold: 100,
                rating: 1500,
                wins: 0,
                losses: 0,
                draws: 0,
                hero: 1,
                guild: Some(GuildId(4)),
            },
            bag: vec![Stack { item: SWORD, count: 3 }],
            worn: [None; 3],
            pets: Vec::new(),
            inbox: vec![letter()],
        }
    }

    fn check(in_doubt: Option<PlayerRequest>, change: impl Fn(&mut Stored), expected: &Compared) {
        let line = LedgerLine { in_doubt: in_doubt.map(Request::Player), ..line() };
        let mut stored = stored();
        change(&mut stored);
        let compared = line.compare(&stored, &Content::builtin());
        match expected {
            Compared::Kept | Compared::KeptWithDoubtful => assert_eq!(compared, *expected),
            Compared::Differs(_) => {
                assert!(matches!(compared, Compared::Differs(_)), "{compared:?}");
            }
        }
    }

    #[test]
    fn what_is_as_acknowledged_is_kept_and_any_loss_is_found() {
        let lost = Compared::Differs(Vec::new());
        check(None, |_| {}, &Compared::Kept);
        check(None, |stored| stored.profile.gold -= 1, &lost);
        check(None, |stored| stored.bag.clear(), &lost);
        check(None, |stored| stored.bag[0].count += 1, &lost);
        check(None, |stored| stored.inbox.clear(), &lost);
        check(None, |stored| stored.profile.guild = None, &lost);
        check(None, |stored| stored.worn[0] = Some(SWORD), &lost);
    }

    #[test]
    fn a_request_in_doubt_may_be_there_or_not_but_not_by_half() {
        let claim = Some(PlayerRequest::ClaimLetter { letter: LetterId(u64::MAX) });
        check(claim.clone(), |_| {}, &Compared::Kept);
        let claimed = |stored: &mut Stored| {
            stored.inbox.clear();
            stored.profile.gold += 5;
            stored.bag[0].count += 2;
        };
        check(claim.clone(), claimed, &Compared::KeptWithDoubtful);
        check(claim, |stored| stored.inbox.clear(), &Compared::Differs(Vec::new()));
        let gift = Attachments { gold: 3, stacks: Vec::new() };
        let gift = Some(PlayerRequest::SendGift { to: PlayerId(9), gift });
        check(gift.clone(), |stored| stored.profile.gold -= 3, &Compared::KeptWithDoubtful);
        check(gift, |stored| stored.profile.gold -= 6, &Compared::Differs(Vec::new()));
    }

    #[test]
    fn a_line_survives_being_written_and_read() {
        let in_doubt = Some(Request::Player(PlayerRequest::LeaveGuild));
        let line = LedgerLine { in_doubt, ..line() };
        let read: LedgerLine = serde_json::from_str(&json(&line)).expect("just written");
        assert_eq!(read, line);
    }
}
