//! What an audit says in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use shared::ids::{GuildId, Key, PlayerId};

use crate::core::{Asset, Books, Tally};

/// Findings that are kept; further ones are only counted.
pub const FINDINGS_MAX: usize = 1_000;

/// The result of an audit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Where wealth is and what the books say of it.
    pub lines: BTreeMap<Asset, Line>,
    /// What is not whole or does not fit; at most [`FINDINGS_MAX`].
    pub findings: Vec<Finding>,
    /// How many more there are.
    pub findings_left_out: u64,
    /// How much was looked at.
    pub counts: Counts,
}

/// One asset in the whole world. Sums of a whole store fit into 128 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// In bags and wallets.
    pub bag: i128,
    /// Worn.
    pub worn: i128,
    /// Attached to letters in inboxes.
    pub letters: i128,
    /// In gifts in outboxes and mailboxes, and in gifts that were set aside.
    pub under_way: i128,
    /// In rewards that were not applied yet; minted when they are, so not in the world before.
    pub rewards: i128,
    /// Came into the world.
    pub minted: i128,
    /// Left the world.
    pub spent: i128,
    /// In gifts that no books knew when they were sent: only in stores older than books.
    pub carried: i128,
}

/// How much was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Keys that have anything stored.
    pub keys: u64,
    /// Keys that have an owner.
    pub owned: u64,
    /// Players.
    pub players: u64,
    /// Players in records that are older than books.
    pub players_without_books: u64,
    /// Players whose books were begun with what an older record held.
    pub players_with_late_books: u64,
    /// Guilds that have members.
    pub guilds: u64,
    /// Battles.
    pub battles: u64,
    /// Mails in mailboxes.
    pub mails_waiting: u64,
    /// Mails that could not be applied.
    pub mails_set_aside: u64,
    /// Mails in outboxes that have not reached their mailbox.
    pub posts_waiting: u64,
    /// Mails in outboxes that have, and are only not removed yet.
    pub posts_delivered: u64,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Something stored cannot be read.
    Damaged {
        /// Where.
        key: Key,
        /// What.
        what: String,
    },
    /// A player holds something else than the player's books say.
    Unbalanced {
        /// Who.
        player: PlayerId,
        /// Of what.
        asset: Asset,
        /// What is there.
        held: i128,
        /// What should be.
        booked: i128,
    },
    /// A player and a guild disagree, and no mail between them is under way.
    Guild {
        /// The player.
        player: PlayerId,
        /// The guild.
        guild: GuildId,
        /// What the player is to the guild.
        what: &'static str,
    },
    /// A mail is neither in the outbox nor was it delivered.
    MailMissing {
        /// From whom.
        source: Key,
        /// To whom.
        target: Key,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged { key, what } => write!(f, "{key}: {what}"),
            Self::Unbalanced { player, asset, held, booked } => {
                write!(f, "player:{player}: holds {held} of {asset}, the books say {booked}")
            }
            Self::Guild { player, guild, what } => {
                write!(f, "player:{player}: {what} of guild:{guild}, which does not agree")
            }
            Self::MailMissing { source, target } => {
                write!(f, "{source}: a mail to {target} is missing before those that wait")
            }
        }
    }
}

impl Line {
    /// All that is in the world.
    #[must_use]
    pub const fn in_world(&self) -> i128 {
        self.bag + self.worn + self.letters + self.under_way
    }

    /// How much more there is than should be; less, if negative.
    #[must_use]
    pub const fn difference(&self) -> i128 {
        self.in_world() - (self.minted - self.spent) - self.carried
    }

    pub(super) const fn bag(&mut self) -> &mut i128 {
        &mut self.bag
    }

    pub(super) const fn worn(&mut self) -> &mut i128 {
        &mut self.worn
    }

    pub(super) const fn letters(&mut self) -> &mut i128 {
        &mut self.letters
    }

    pub(super) const fn under_way(&mut self) -> &mut i128 {
        &mut self.under_way
    }

    pub(super) const fn rewards(&mut self) -> &mut i128 {
        &mut self.rewards
    }

    pub(super) const fn minted(&mut self) -> &mut i128 {
        &mut self.minted
    }

    pub(super) const fn spent(&mut self) -> &mut i128 {
        &mut self.spent
    }
}

impl Report {
    /// Assets of which there is more or less than the books say.
    pub fn differences(&self) -> impl Iterator<Item = (Asset, i128)> {
        let differences = self.lines.iter().map(|(asset, line)| (*asset, line.difference()));
        differences.filter(|(_, difference)| *difference != 0)
    }

    /// Whether all that is in the world is what was minted and not spent.
    #[must_use]
    pub fn is_conserved(&self) -> bool {
        self.differences().next().is_none()
    }

    /// Whether everything can be read and nothing contradicts itself.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.findings.is_empty()
    }

    pub(super) fn find(&mut self, finding: Finding) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        } else {
            self.findings_left_out += 1;
        }
    }

    pub(super) fn add(&mut self, tally: &Tally, column: impl Fn(&mut Line) -> &mut i128) {
        for (asset, amount) in tally.iter() {
            *column(self.lines.entry(asset).or_default()) += i128::from(amount);
        }
    }

    /// Enters what books that were begun late cannot know: gifts that were sent before.
    pub(super) fn carry(&mut self, given: &Tally, received: &Tally) {
        let mut sent_before: BTreeMap<Asset, i128> = BTreeMap::new();
        for (asset, line) in &self.lines {
            *sent_before.entry(*asset).or_default() += line.under_way;
        }
        for (asset, amount) in received.iter() {
            *sent_before.entry(asset).or_default() += i128::from(amount);
        }
        for (asset, amount) in given.iter() {
            *sent_before.entry(asset).or_default() -= i128::from(amount);
        }
        for (asset, amount) in sent_before.into_iter().filter(|(_, amount)| *amount > 0) {
            self.lines.entry(asset).or_default().carried = amount;
        }
    }
}

/// The assets of which a player holds something else than the books say: held, and booked.
pub(super) fn unbalanced(held: &Tally, books: &Books) -> Vec<(Asset, i128, i128)> {
    let amounts = |tally: &Tally| tally.iter().collect::<BTreeMap<Asset, u64>>();
    let of = |amounts: &BTreeMap<Asset, u64>, asset: &Asset| {
        amounts.get(asset).copied().map_or(0, i128::from)
    };
    let held = amounts(held);
    let came = [amounts(&books.minted), amounts(&books.received)];
    let went = [amounts(&books.spent), amounts(&books.given)];
    let assets: BTreeSet<Asset> =
        came.iter().chain(&went).chain([&held]).flat_map(|it| it.keys().copied()).collect();
    let sums = assets.into_iter().map(|asset| {
        let came: i128 = came.iter().map(|amounts| of(amounts, &asset)).sum();
        let went: i128 = went.iter().map(|amounts| of(amounts, &asset)).sum();
        (asset, of(&held, &asset), came - went)
    });
    sums.filter(|(_, held, booked)| held != booked).collect()
}
