//! A stored player as an audit sees it: read part by part, so that one damaged part does not
//! hide the others.

use shared::store::PartId;

use super::account::Account;
use super::bag::Bag;
use super::battles::Battles;
use super::books::{Books, Tally};
use super::equipment::Equipment;
use super::guild::Membership;
use super::inbox::Inbox;
use super::mail::is_set_aside;
use super::part::Part;
use super::pets::Pets;
use super::profile::{Progress, Wallet};
use super::requests::Requests;

/// What an audit wants to know of a player.
#[derive(Debug, Default)]
pub(crate) struct StoredPlayer {
    /// What is in bag and wallet.
    pub(crate) bag: Tally,
    /// What is worn.
    pub(crate) worn: Tally,
    /// What is attached to letters.
    pub(crate) letters: Tally,
    /// Whether all that holds wealth could be read.
    pub(crate) is_counted: bool,
    /// `None` in a record that is older than books, and if they cannot be read.
    pub(crate) books: Option<Books>,
    /// `None` if it cannot be read.
    pub(crate) membership: Option<Membership>,
    /// Mails that could not be applied.
    pub(crate) set_aside: Vec<Vec<u8>>,
    /// Parts that are not there.
    pub(crate) missing: Vec<PartId>,
    /// What cannot be read, in words.
    pub(crate) damage: Vec<String>,
}

impl StoredPlayer {
    /// Reads the parts of a player's record.
    pub(crate) fn read(parts: &[(PartId, Vec<u8>)]) -> Self {
        let mut read = Self::default();
        read.check::<Account>(parts);
        read.check::<Progress>(parts);
        read.check::<Pets>(parts);
        read.check::<Requests>(parts);
        if let Err(error) = Battles::load(parts) {
            read.damage.push(error.to_string());
        }
        read.membership = read.required(parts);
        let (wallet, bag) = (read.required::<Wallet>(parts), read.required::<Bag>(parts));
        let equipment = read.required::<Equipment>(parts);
        let inbox = read.required::<Inbox>(parts);
        if let Some(wallet) = &wallet {
            read.bag.add_gold(wallet.gold());
        }
        if let Some(bag) = &bag {
            read.bag.add_stacks(&bag.stacks());
        }
        if let Some(equipment) = &equipment {
            read.worn = equipment.held();
        }
        if let Some(inbox) = &inbox {
            read.letters = inbox.held();
        }
        read.is_counted =
            wallet.is_some() && bag.is_some() && equipment.is_some() && inbox.is_some();
        read.books = Books::load(parts).unwrap_or_else(|error| {
            read.damage.push(error.to_string());
            read.is_counted = false;
            None
        });
        let set_aside = parts.iter().filter(|(part, _)| is_set_aside(*part));
        read.set_aside = set_aside.map(|(_, mail)| mail.clone()).collect();
        read
    }

    /// All that the player holds.
    pub(crate) fn held(&self) -> Tally {
        let mut held = self.bag.clone();
        held.add_all(&self.worn);
        held.add_all(&self.letters);
        held
    }

    /// Reads a part that every player has; notes if that fails.
    fn required<P: Part>(&mut self, parts: &[(PartId, Vec<u8>)]) -> Option<P> {
        match P::load(parts) {
            Ok(Some(part)) => return Some(part),
            Ok(None) => self.missing.push(P::ID),
            Err(error) => self.damage.push(error.to_string()),
        }
        None
    }

    /// As [`Self::required`], for a part of which nothing else is asked.
    fn check<P: Part>(&mut self, parts: &[(PartId, Vec<u8>)]) {
        drop(self.required::<P>(parts));
    }
}

impl Equipment {
    /// What is worn.
    pub(super) fn held(&self) -> Tally {
        let mut held = Tally::default();
        let worn = self.0.iter().flatten();
        held.add_stacks(&worn.map(|item| super::bag::one(*item)).collect::<Vec<_>>());
        held
    }
}

impl Inbox {
    /// What is attached to all letters.
    pub(super) fn held(&self) -> Tally {
        let mut held = Tally::default();
        for letter in self.letters() {
            held.add_attached(&letter.attached);
        }
        held
    }
}
