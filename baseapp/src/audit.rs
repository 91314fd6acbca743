//! The audit of a whole store: whether all that is in the world is what the books of all players
//! say came in and did not leave, and whether records are whole.
//!
//! What a player holds must be what that player's books say, and all together, with the gifts
//! under way, must be what was minted and not spent. A reward is minted when it is applied, so
//! one that still waits in a mail is not in the world yet.
//!
//! In memory it keeps the mails under way, the rosters and the members of guilds, and for keys
//! that have an outbox the marks of their targets; not the records.

mod posts;
mod report;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use shared::ids::{GuildId, Key, PlayerId};
use shared::limits::MAIL_BYTES_MAX;
use shared::msg::mail::Mail;
use shared::store::Parts;
use shared::store::scan::{ScanError, ScannedRecord, StoreScan};
use shared::wire;

use self::posts::Posts;
pub use self::report::{Counts, FINDINGS_MAX, Finding, Line, Report};
pub use crate::core::Asset;
use crate::core::{Membership, StoredPlayer, Tally};

/// What an audit wants to know of a guild's record, which belongs to another service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuildRecord {
    /// Who is on the roster.
    pub members: Vec<PlayerId>,
    /// Mails that could not be applied.
    pub set_aside: Vec<Vec<u8>>,
}

/// Reads the parts of a guild's record, or says what cannot be read.
pub type ReadGuild = fn(&Parts) -> Result<GuildRecord, String>;

/// Looks at everything in a store.
///
/// # Errors
/// [`ScanError`] if the store cannot be read to the end; damaged records are findings instead.
pub fn audit(store: &mut dyn StoreScan, read_guild: ReadGuild) -> Result<Report, ScanError> {
    let mut audit = Audit::new(store.senders()?, read_guild);
    store.scan(&mut |key, record| audit.visit(key, record))?;
    Ok(audit.finish())
}

/// An audit under way: every record is shown to it once, in any order.
struct Audit {
    read_guild: ReadGuild,
    report: Report,
    posts: Posts,
    /// Players in a guild or on their way into one.
    memberships: BTreeMap<PlayerId, Membership>,
    /// Players of whom that cannot be read.
    unclear: BTreeSet<PlayerId>,
    rosters: BTreeMap<GuildId, BTreeSet<PlayerId>>,
    /// Guilds whose roster cannot be read.
    unclear_guilds: BTreeSet<GuildId>,
    /// Between whom mail is under way.
    writing: BTreeSet<(PlayerId, GuildId)>,
    given: Tally,
    received: Tally,
}

impl Audit {
    /// An audit of a store in which `senders` have an outbox that is not empty.
    fn new(senders: BTreeSet<Key>, read_guild: ReadGuild) -> Self {
        Self {
            read_guild,
            report: Report::default(),
            posts: Posts::new(senders),
            memberships: BTreeMap::new(),
            unclear: BTreeSet::new(),
            rosters: BTreeMap::new(),
            unclear_guilds: BTreeSet::new(),
            writing: BTreeSet::new(),
            given: Tally::default(),
            received: Tally::default(),
        }
    }

    fn visit(&mut self, key: Key, record: ScannedRecord) {
        let ScannedRecord { ownership, parts, mailbox, outbox, delivered, damage, .. } = record;
        let is_whole = damage.is_empty();
        for what in damage {
            self.report.find(Finding::Damaged { key, what });
        }
        self.report.counts.keys += 1;
        self.report.counts.owned += u64::from(ownership.owner.is_some());
        match key {
            Key::Player(player) => self.player(player, &parts, is_whole),
            Key::Guild(guild) => self.guild(guild, &parts),
            Key::Battle(_) => self.report.counts.battles += 1,
        }
        for entry in mailbox {
            self.report.counts.mails_waiting += 1;
            self.correspond(entry.source, key);
            self.contents(key, &entry.mail, "mailbox");
        }
        if !self.posts.note(key, outbox, delivered) {
            let what = String::from("its outbox is not in the index of those that wait");
            self.report.find(Finding::Damaged { key, what });
        }
    }

    fn player(&mut self, player: PlayerId, parts: &Parts, is_whole: bool) {
        let key = Key::Player(player);
        if parts.is_empty() {
            if !is_whole {
                self.unclear.insert(player);
            }
            return;
        }
        self.report.counts.players += 1;
        let stored = StoredPlayer::read(parts);
        for what in &stored.damage {
            self.report.find(Finding::Damaged { key, what: what.clone() });
        }
        // What is damaged in the store is missing here, and was told already.
        for part in stored.missing.iter().filter(|_| is_whole) {
            let what = format!("part {} is missing", part.0);
            self.report.find(Finding::Damaged { key, what });
        }
        match stored.membership {
            Some(Membership::None) => {}
            Some(membership) => drop(self.memberships.insert(player, membership)),
            None => drop(self.unclear.insert(player)),
        }
        for mail in &stored.set_aside {
            self.set_aside(key, mail);
        }
        self.books(player, &stored, is_whole);
    }

    /// Enters what a player holds, and the player's books.
    fn books(&mut self, player: PlayerId, stored: &StoredPlayer, is_whole: bool) {
        let held = stored.held();
        let is_counted = stored.is_counted && is_whole;
        for (tally, column) in [
            (&stored.bag, Line::bag as fn(&mut Line) -> &mut i128),
            (&stored.worn, Line::worn),
            (&stored.letters, Line::letters),
        ] {
            self.report.add(tally, column);
        }
        let Some(books) = &stored.books else {
            if is_counted {
                self.report.counts.players_without_books += 1;
                self.report.add(&held, Line::minted);
            }
            return;
        };
        self.report.counts.players_with_late_books += u64::from(books.is_late);
        self.report.add(&books.minted, Line::minted);
        self.report.add(&books.spent, Line::spent);
        self.given.add_all(&books.given);
        self.received.add_all(&books.received);
        if is_counted {
            for (asset, held, booked) in report::unbalanced(&held, books) {
                self.report.find(Finding::Unbalanced { player, asset, held, booked });
            }
        }
    }

    fn guild(&mut self, guild: GuildId, parts: &Parts) {
        match (self.read_guild)(parts) {
            Ok(GuildRecord { members, set_aside }) => {
                self.report.counts.guilds += u64::from(!members.is_empty());
                self.rosters.insert(guild, members.into_iter().collect());
                for mail in set_aside {
                    self.set_aside(Key::Guild(guild), &mail);
                }
            }
            Err(what) => {
                self.report.find(Finding::Damaged { key: Key::Guild(guild), what });
                self.unclear_guilds.insert(guild);
            }
        }
    }

    /// A mail that nobody will apply: what it holds is still in the world.
    fn set_aside(&mut self, key: Key, mail: &[u8]) {
        self.report.counts.mails_set_aside += 1;
        self.contents(key, mail, "quarantine");
    }

    /// A mail has not been applied yet.
    fn correspond(&mut self, source: Key, target: Key) {
        if let (Key::Player(player), Key::Guild(guild)) | (Key::Guild(guild), Key::Player(player)) =
            (source, target)
        {
            self.writing.insert((player, guild));
        }
    }

    fn contents(&mut self, key: Key, mail: &[u8], place: &'static str) {
        let mut held = Tally::default();
        match wire::decode(mail, MAIL_BYTES_MAX) {
            Ok(Mail::Gift { attached, .. }) => {
                held.add_attached(&attached);
                self.report.add(&held, Line::under_way);
            }
            Ok(Mail::BattleResult { attached, .. }) => {
                held.add_attached(&attached);
                self.report.add(&held, Line::rewards);
            }
            Ok(
                Mail::GuildApplication { .. } | Mail::GuildLeft { .. } | Mail::GuildAnswer { .. },
            ) => {}
            Err(error) => {
                let what = format!("a mail in its {place} cannot be read: {error}");
                self.report.find(Finding::Damaged { key, what });
            }
        }
    }

    fn finish(mut self) -> Report {
        let posts = std::mem::take(&mut self.posts).settle();
        self.report.counts.posts_waiting = posts.waiting.len() as u64;
        self.report.counts.posts_delivered = posts.delivered;
        for gap in posts.gaps {
            self.report.find(gap);
        }
        for (source, target, mail) in posts.waiting {
            self.correspond(source, target);
            self.contents(source, &mail, "outbox");
        }
        self.compare_guilds();
        let counts = &self.report.counts;
        if counts.players_without_books + counts.players_with_late_books > 0 {
            self.report.carry(&self.given, &self.received);
        }
        self.report
    }

    /// Rosters and members have to agree, unless mail between the two is under way.
    fn compare_guilds(&mut self) {
        let mut findings = Vec::new();
        for (player, membership) in &self.memberships {
            let (guild, is_member) = match membership {
                Membership::None => continue,
                Membership::Applied(guild) => (*guild, false),
                Membership::Member(guild) => (*guild, true),
            };
            let listed = self.rosters.get(&guild).is_some_and(|roster| roster.contains(player));
            let is_clear = !self.unclear_guilds.contains(&guild);
            if is_clear && !self.writing.contains(&(*player, guild)) && !(is_member && listed) {
                let what = if is_member { "is a member" } else { "waits for an answer" };
                findings.push(Finding::Guild { player: *player, guild, what });
            }
        }
        for (guild, roster) in &self.rosters {
            for player in roster.iter().filter(|player| !self.unclear.contains(player)) {
                let named = match self.memberships.get(player) {
                    // An application that was let in is found above, if nobody says so.
                    Some(Membership::Member(named) | Membership::Applied(named)) => Some(*named),
                    Some(Membership::None) | None => None,
                };
                if named != Some(*guild) && !self.writing.contains(&(*player, *guild)) {
                    let what = "is on the roster, but not a member";
                    findings.push(Finding::Guild { player: *player, guild: *guild, what });
                }
            }
        }
        for finding in findings {
            self.report.find(finding);
        }
    }
}
