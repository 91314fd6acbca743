//! A bot's own book: what it owns as far as acknowledged changes say, and where the servers
//! contradict it.
//!
//! Bag and wallet change only by what the player asks for, so every read can be checked against
//! the book exactly. What the servers do on their own (letters, ratings, a guild's answer) is
//! bounded instead: what was announced must be there.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use shared::content::{Content, ItemUse};
use shared::ids::{GuildId, LetterId};
use shared::msg::client::{Attachments, Letter, Pet, PlayerRequest, Profile, Slot, Stack};

/// Claimed letters that are remembered; older ones are forgotten first.
const CLAIMED_REMEMBERED_MAX: usize = 256;

/// What a bot believes to own. Parts are `None` until they were read for the first time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Book {
    /// Gold pieces.
    pub gold: Option<u64>,
    /// The chosen hero.
    pub hero: Option<u16>,
    /// Counts by item.
    pub bag: Option<BTreeMap<u16, u32>>,
    /// What is worn, in the order of [`Slot::ALL`].
    pub worn: Option<[Option<u16>; 3]>,
    /// The pets as last read.
    pub pets: Vec<Pet>,
    /// Letters that came and were not claimed.
    pub letters: BTreeMap<LetterId, Letter>,
    /// Letters that were claimed; they must not come back.
    pub claimed: BTreeSet<LetterId>,
    /// The guild.
    pub guild: Affiliation,
    /// Battles that the bot was told are over; the profile counts at least as many.
    pub battles: u32,
}

/// What is known about the own guild.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Affiliation {
    /// Not read yet.
    #[default]
    Open,
    /// In no guild, as far as the bot was told.
    Free,
    /// An application was accepted; the answer is on its way.
    Applied,
    /// Out of this guild again.
    Left(GuildId),
    /// A member.
    Member(GuildId),
}

/// What the servers have stored of a player.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The profile.
    pub profile: Profile,
    /// The bag.
    pub bag: Vec<Stack>,
    /// What is worn.
    pub worn: [Option<u16>; 3],
    /// The pets.
    pub pets: Vec<Pet>,
    /// The inbox.
    pub inbox: Vec<Letter>,
}

impl Book {
    /// Enters that `request` was carried out.
    pub fn enter(&mut self, request: &PlayerRequest, content: &Content) {
        match request {
            PlayerRequest::ReadProfile
            | PlayerRequest::ReadBag
            | PlayerRequest::ReadPets
            | PlayerRequest::ReadEquipment
            | PlayerRequest::ReadInbox
            | PlayerRequest::ReadBattles => {}
            PlayerRequest::Equip { item } => self.equip(*item, content),
            PlayerRequest::Unequip { slot } => {
                if self.worn.is_none() {
                    self.bag = None;
                }
                if let Some(item) = self.wear(*slot, None) {
                    self.put(item, 1);
                }
            }
            PlayerRequest::UseItem { item } => {
                self.take(*item, 1);
                if let Some(ItemUse::Consumable { gold, .. }) = purpose(*item, content) {
                    self.gold = self.gold.map(|had| had.saturating_add(gold));
                }
            }
            PlayerRequest::FeedPet { item, .. } => self.take(*item, 1),
            PlayerRequest::ChooseHero { hero } => self.hero = Some(*hero),
            PlayerRequest::SendGift { gift, .. } => {
                self.gold = self.gold.map(|had| had.saturating_sub(gift.gold));
                gift.stacks.iter().for_each(|stack| self.take(stack.item, stack.count));
            }
            PlayerRequest::ClaimLetter { letter } => self.claim(*letter),
            // The answer can be faster than a retry's reply.
            PlayerRequest::FoundGuild { .. } | PlayerRequest::JoinGuild { .. } => {
                if !matches!(self.guild, Affiliation::Member(_)) {
                    self.guild = Affiliation::Applied;
                }
            }
            PlayerRequest::LeaveGuild => {
                if let Affiliation::Member(guild) = self.guild {
                    self.guild = Affiliation::Left(guild);
                }
            }
        }
    }

    /// Enters a letter that came.
    pub fn letter_came(&mut self, letter: Letter) {
        if !self.claimed.contains(&letter.letter) {
            self.letters.insert(letter.letter, letter);
        }
    }

    /// Compares a read profile and takes it over. Returns what contradicts the book.
    pub fn read_profile(&mut self, profile: &Profile) -> Option<String> {
        let differs = self.profile_differs(profile);
        self.gold = Some(profile.gold);
        self.hero = Some(profile.hero);
        self.guild = match (profile.guild, self.guild) {
            (Some(guild), _) => Affiliation::Member(guild),
            (None, same @ (Affiliation::Applied | Affiliation::Left(_))) => same,
            (None, Affiliation::Open | Affiliation::Free | Affiliation::Member(_)) => {
                Affiliation::Free
            }
        };
        differs
    }

    /// Compares a read bag and takes it over. Returns what contradicts the book.
    pub fn read_bag(&mut self, stacks: &[Stack]) -> Option<String> {
        let differs = self.bag_differs(stacks);
        self.bag = Some(counts(stacks));
        differs
    }

    /// Compares read equipment and takes it over. Returns what contradicts the book.
    pub fn read_worn(&mut self, worn: [Option<u16>; 3]) -> Option<String> {
        let differs = self.worn_differs(worn);
        self.worn = Some(worn);
        differs
    }

    /// Compares read pets and takes them over. Returns what contradicts the book.
    pub fn read_pets(&mut self, pets: &[Pet]) -> Option<String> {
        let differs = self.pets_differ(pets);
        self.pets = pets.to_vec();
        differs
    }

    /// Compares a read inbox and takes it over. Returns what contradicts the book.
    pub fn read_inbox(&mut self, inbox: &[Letter]) -> Option<String> {
        let differs = self.inbox_differs(inbox);
        self.letters = inbox.iter().map(|letter| (letter.letter, letter.clone())).collect();
        differs
    }

    /// All that contradicts the book in what is stored.
    #[must_use]
    pub fn differences(&self, stored: &Stored) -> Vec<String> {
        let profile = &stored.profile;
        let fought = u64::from(profile.wins) + u64::from(profile.losses) + u64::from(profile.draws);
        let ended = u64::from(self.battles);
        let lost = (fought < ended).then(|| format!("battles: {fought} stored, {ended} ended"));
        let all = [
            self.profile_differs(profile),
            self.bag_differs(&stored.bag),
            self.worn_differs(stored.worn),
            self.pets_differ(&stored.pets),
            self.inbox_differs(&stored.inbox),
            lost,
        ];
        all.into_iter().flatten().collect()
    }

    fn profile_differs(&self, profile: &Profile) -> Option<String> {
        if self.gold.is_some_and(|gold| gold != profile.gold) {
            return Some(format!("gold: {} stored, book {:?}", profile.gold, self.gold));
        }
        if self.hero.is_some_and(|hero| hero != profile.hero) {
            return Some(format!("hero: {} stored, book {:?}", profile.hero, self.hero));
        }
        let differs = match self.guild {
            // An answer may have come while the bot was away.
            Affiliation::Open | Affiliation::Free | Affiliation::Applied => false,
            Affiliation::Left(guild) => profile.guild == Some(guild),
            Affiliation::Member(guild) => profile.guild != Some(guild),
        };
        differs.then(|| format!("guild: {:?} stored, book {:?}", profile.guild, self.guild))
    }

    fn bag_differs(&self, stacks: &[Stack]) -> Option<String> {
        let (stored, book) = (counts(stacks), self.bag.as_ref()?);
        (stored != *book).then(|| format!("bag: {stored:?} stored, book {book:?}"))
    }

    fn worn_differs(&self, worn: [Option<u16>; 3]) -> Option<String> {
        let book = self.worn?;
        (worn != book).then(|| format!("equipment: {worn:?} stored, book {book:?}"))
    }

    /// Pets only ever grow.
    fn pets_differ(&self, pets: &[Pet]) -> Option<String> {
        let shrunk = self.pets.iter().zip(pets).any(|(had, has)| {
            had.species != has.species || (has.level, has.xp) < (had.level, had.xp)
        });
        let differs = shrunk || pets.len() < self.pets.len();
        differs.then(|| format!("pets: {pets:?} stored, book {:?}", self.pets))
    }

    /// A letter that came and was not claimed is there; one that was claimed is not.
    fn inbox_differs(&self, inbox: &[Letter]) -> Option<String> {
        if let Some(back) = inbox.iter().find(|letter| self.claimed.contains(&letter.letter)) {
            return Some(format!("inbox: letter {} was claimed and is back", back.letter));
        }
        let gone = self.letters.values().find(|letter| !inbox.contains(letter))?;
        Some(format!("inbox: letter {} came and is not there", gone.letter))
    }

    fn equip(&mut self, item: u16, content: &Content) {
        let Some(ItemUse::Equipment { slot, .. }) = purpose(item, content) else { return };
        self.take(item, 1);
        if self.worn.is_none() {
            // What was worn before is in the bag now, and nobody here knows what it was.
            self.bag = None;
        }
        if let Some(before) = self.wear(slot, Some(item)) {
            self.put(before, 1);
        }
    }

    /// Puts something into a slot and returns what was there.
    fn wear(&mut self, slot: Slot, item: Option<u16>) -> Option<u16> {
        let worn = self.worn.as_mut()?;
        std::mem::replace(&mut worn[slot.index()], item)
    }

    fn claim(&mut self, letter: LetterId) {
        self.claimed.insert(letter);
        if self.claimed.len() > CLAIMED_REMEMBERED_MAX {
            self.claimed.pop_first();
        }
        let Some(letter) = self.letters.remove(&letter) else { return };
        let Attachments { gold, stacks } = letter.attached;
        self.gold = self.gold.map(|had| had.saturating_add(gold));
        stacks.iter().for_each(|stack| self.put(stack.item, stack.count));
    }

    fn put(&mut self, item: u16, count: u32) {
        if let Some(bag) = &mut self.bag {
            let had = bag.entry(item).or_default();
            *had = had.saturating_add(count);
        }
    }

    fn take(&mut self, item: u16, count: u32) {
        let Some(bag) = &mut self.bag else { return };
        let left = bag.get(&item).copied().unwrap_or(0).saturating_sub(count);
        if left == 0 {
            bag.remove(&item);
        } else {
            bag.insert(item, left);
        }
    }
}

fn purpose(item: u16, content: &Content) -> Option<ItemUse> {
    content.items.get(&item).map(|item| item.purpose)
}

fn counts(stacks: &[Stack]) -> BTreeMap<u16, u32> {
    let mut counts: BTreeMap<u16, u32> = BTreeMap::new();
    for stack in stacks {
        let had = counts.entry(stack.item).or_default();
        *had = had.saturating_add(stack.count);
    }
    counts
}

#[cfg(test)]
mod tests;
