//! What must hold, during a run and at its end.

use std::fmt;

use baseapp::audit::{GuildRecord, audit};
use serde::{Deserialize, Serialize};
use shared::store::Parts;
use shared::store::memory::MemoryStore;
use social::StoredGuild;

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Which one; the same for all failures of one kind.
    pub promise: &'static str,
    /// What was seen.
    pub what: String,
}

impl Broken {
    pub(super) const fn new(promise: &'static str, what: String) -> Self {
        Self { promise, what }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.promise, self.what)
    }
}

/// What an audit of the whole store at the end of a run has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audited {
    /// Players in the store.
    pub players: u64,
    /// Guilds with members.
    pub guilds: u64,
    /// Battles that were fought to their end.
    pub battles: u64,
    /// Mails that wait in mailboxes.
    pub mails: u64,
}

/// Closes the books of everybody.
pub(super) fn close_the_books(rows: &mut MemoryStore) -> Result<Audited, Broken> {
    let report = audit(rows, read_guild)
        .map_err(|error| Broken::new("the store can be read", error.to_string()))?;
    if let Some((asset, difference)) = report.differences().next() {
        let what =
            format!("{difference:+} {asset} more in the world than was minted and not spent");
        return Err(Broken::new("items and gold are conserved", what));
    }
    if let Some(finding) = report.findings.first() {
        return Err(Broken::new("records are whole", finding.to_string()));
    }
    let counts = report.counts;
    if counts.posts_waiting > 0 && counts.mails_waiting == 0 {
        let what = format!("{} mails are still in outboxes", counts.posts_waiting);
        return Err(Broken::new("mail arrives", what));
    }
    Ok(Audited {
        players: counts.players,
        guilds: counts.guilds,
        battles: counts.battles,
        mails: counts.mails_waiting,
    })
}

/// Guilds belong to the social service, players to the baseapp; here the two meet.
fn read_guild(parts: &Parts) -> Result<GuildRecord, String> {
    let StoredGuild { members, set_aside } = StoredGuild::read(parts)?;
    Ok(GuildRecord { members, set_aside })
}
