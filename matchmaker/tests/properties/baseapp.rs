//! The baseapp of the model: a real publisher, whose frames arrive when the test lets them.

use std::collections::BTreeMap;

use shared::core::Output;
use shared::ids::{Address, Epoch, Key, NodeId, PlayerId, Role, Version};
use shared::msg::Body;
use shared::msg::matchmaker_baseapp::PlayerCard;
use shared::msg::replication::{Component, Replicated, SubscriptionId, ToPublisher, ToSubscriber};
use shared::replication::Publisher;
use shared::tick::{Tick, TickRate};

/// Where the model's baseapp is.
pub(crate) const BASEAPP: Address =
    Address { node: NodeId { node: 31, incarnation: 1 }, role: Role::Baseapp };

/// The owner of all players.
pub(crate) struct Baseapp {
    matchmaker: Address,
    publisher: Publisher,
    /// What the matchmaker has said since the last answers.
    asked: Vec<ToPublisher>,
    /// What was published and is on its way.
    coming: Vec<ToSubscriber>,
    /// Whom the matchmaker follows.
    followed: BTreeMap<PlayerId, SubscriptionId>,
    /// Subscriptions ever.
    begun: usize,
    commits: u64,
}

impl Baseapp {
    pub(crate) fn new(matchmaker: Address) -> Self {
        Self {
            matchmaker,
            publisher: Publisher::new(TickRate::new(20)),
            asked: Vec::new(),
            coming: Vec::new(),
            followed: BTreeMap::new(),
            begun: 0,
            commits: 0,
        }
    }

    /// How many subscriptions the matchmaker holds.
    pub(crate) fn followed(&self) -> usize {
        self.followed.len()
    }

    /// How many subscriptions the matchmaker has begun.
    pub(crate) fn begun(&self) -> usize {
        self.begun
    }

    /// Takes what the matchmaker says; it is answered later.
    pub(crate) fn hear(&mut self, said: &ToPublisher) {
        match said {
            ToPublisher::Subscribe { subscription, key: Key::Player(player), .. } => {
                let known = self.followed.insert(*player, *subscription);
                let same = known.is_none_or(|known| known == *subscription);
                assert!(same, "{player} is followed twice");
                self.begun += usize::from(known.is_none());
            }
            ToPublisher::Subscribe { key, .. } => panic!("{key} is no player"),
            ToPublisher::Unsubscribe { subscription } => {
                self.followed.retain(|_, known| known != subscription);
            }
            ToPublisher::Resnapshot { .. } => {}
        }
        self.asked.push(said.clone());
    }

    /// The player has this rating from now on, if the player was ever asked for.
    pub(crate) fn rate(&mut self, now: Tick, player: PlayerId, rating: i32) {
        let key = Key::Player(player);
        if self.publisher.published(key, PlayerCard::ID).is_some() {
            self.publish(player, rating);
            let mut outputs = Vec::new();
            self.publisher.tick(now, &mut outputs);
            self.keep(outputs);
        }
    }

    /// Answers all that was asked; who is asked for the first time has a rating of about `rating`,
    /// or is not here if `missing`.
    pub(crate) fn answer(&mut self, now: Tick, rating: i32, missing: bool) {
        let mut outputs = Vec::new();
        for said in std::mem::take(&mut self.asked) {
            if let ToPublisher::Subscribe { key: Key::Player(player), .. } = said {
                if missing {
                    self.publisher.disown(Key::Player(player), &mut outputs);
                } else {
                    let spread = i32::try_from(player.0 % 7).expect("below 7") * 40;
                    self.publish(player, rating + spread);
                }
            }
            self.publisher.heard(now, self.matchmaker, said, &mut outputs);
        }
        self.publisher.tick(now, &mut outputs);
        self.keep(outputs);
    }

    /// What arrives now, and the ratings that the matchmaker then knows.
    pub(crate) fn arrivals(&mut self) -> (Vec<ToSubscriber>, Vec<(PlayerId, i32)>) {
        let coming = std::mem::take(&mut self.coming);
        let mut ratings = Vec::new();
        for said in &coming {
            if let ToSubscriber::Ended { subscription, .. } = said {
                self.followed.retain(|_, known| known != subscription);
            }
            let (ToSubscriber::Snapshot { subscription, components, .. }
            | ToSubscriber::Changes { subscription, components, .. }) = said
            else {
                continue;
            };
            let of = self.followed.iter().find(|(_, known)| *known == subscription);
            let card = components.first().and_then(PlayerCard::of_component);
            if let (Some((player, _)), Some(card)) = (of, card) {
                ratings.push((*player, card.rating));
            }
        }
        (coming, ratings)
    }

    fn publish(&mut self, player: PlayerId, rating: i32) {
        self.commits += 1;
        let (key, version) = (Key::Player(player), Version(self.commits));
        let published = self.publisher.publish(key, Epoch(1), version, card(player, rating));
        published.expect("a card is small");
    }

    fn keep(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            let Output::Send { body: Body::ToSubscriber(said), .. } = output else {
                panic!("a publisher speaks to subscribers only: {output:?}")
            };
            self.coming.push(said);
        }
    }
}

fn card(player: PlayerId, rating: i32) -> Component {
    let name = player.to_string();
    PlayerCard { name, level: 1, rating, hero: 1, ..PlayerCard::default() }.to_component()
}
