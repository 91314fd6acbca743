//! The store of the model: one key's rows, just large enough for the real rules to work on.

use shared::ids::{Address, Epoch, Key, NodeId, PlayerId, Role, Version};
use shared::store::rules::{self, Head, OutboxEntry, Rows, RowsError};
use shared::store::{
    Commit, CommitVerdict, MailEntry, PartId, Parts, Post, StoreReply, StoreRequest,
};

use super::Protocol;
use super::node::{Answer, Ask};

/// Requests of the client.
pub(crate) const REQUESTS: usize = 2;

const KEY: Key = Key::Player(PlayerId(1));
/// Effects are mails to this key: unlike a part, which the next commit overwrites, they add up.
const TARGET: Key = Key::Player(PlayerId(2));
/// The part that holds the request window.
const WINDOW: PartId = PartId(1);

/// What is stored of the key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Record {
    owner: Option<u8>,
    epoch: u8,
    version: u8,
    /// One bit per request whose result is stored.
    window: u8,
    /// How often each request had its effect.
    effects: [u8; REQUESTS],
}

impl Record {
    pub(crate) const fn epoch(&self) -> u8 {
        self.epoch
    }

    pub(crate) fn owner(&self) -> Option<usize> {
        self.owner.map(usize::from)
    }

    pub(crate) const fn effects(&self, request: usize) -> u8 {
        self.effects[request]
    }

    /// Whether the result of the request is stored.
    pub(crate) const fn knows(&self, request: usize) -> bool {
        self.window >> request & 1 == 1
    }

    /// Carries out what a node asks, by the real rules, and answers.
    pub(crate) fn carry_out(&mut self, ask: &Ask, protocol: Protocol) -> Option<Answer> {
        match *ask {
            Ask::Claim { by, seen } => {
                let seen = Epoch(u64::from(seen));
                let request = StoreRequest::Claim { key: KEY, by: address(small(by)), seen };
                let StoreReply::Claimed(record) = rules::answer(self, &request) else {
                    return None;
                };
                Some(Answer::Claimed {
                    to: by,
                    epoch: small(record.epoch.0),
                    version: small(record.version.0),
                    window: self.window,
                })
            }
            Ask::Commit { by, epoch, version, request, window } => {
                let compared = if protocol == Protocol::WithoutFence { self.epoch } else { epoch };
                let commit = Commit {
                    key: KEY,
                    epoch: Epoch(u64::from(compared)),
                    version: Version(u64::from(version)),
                    parts: vec![(WINDOW, vec![window])],
                    mail_taken: None,
                    posts: vec![Post { target: TARGET, mail: vec![small(request)] }],
                };
                let reply = rules::answer(self, &StoreRequest::Commit(vec![commit]));
                let done = reply == StoreReply::Committed(vec![CommitVerdict::Done]);
                Some(Answer::Committed { to: by, epoch, makes: version + 1, done })
            }
            Ask::Release { epoch, .. } => {
                let epoch = Epoch(u64::from(epoch));
                let reply = rules::answer(self, &StoreRequest::Release { key: KEY, epoch });
                assert_eq!(reply, StoreReply::Released);
                None
            }
        }
    }

    fn posted(&self) -> u64 {
        self.effects.iter().map(|&effects| u64::from(effects)).sum()
    }
}

fn address(node: u8) -> Address {
    let node = NodeId { node: u16::from(node), incarnation: 1 };
    Address { node, role: Role::Baseapp }
}

/// Nothing in the model is large.
fn small<N: TryInto<u8>>(number: N) -> u8 {
    number.try_into().ok().expect("the model is small")
}

impl Rows for Record {
    fn head(&self, key: Key) -> Result<Head, RowsError> {
        assert_eq!(key, KEY);
        Ok(Head {
            owner: self.owner.map(address),
            epoch: Epoch(u64::from(self.epoch)),
            version: Version(u64::from(self.version)),
            outbox_last: self.posted(),
            outbox_entries: self.posted(),
            ..Head::default()
        })
    }

    fn set_head(&mut self, key: Key, head: &Head) -> Result<(), RowsError> {
        assert_eq!((key, head.outbox_entries), (KEY, self.posted()));
        self.owner = head.owner.map(|owner| small(owner.node.node));
        self.epoch = small(head.epoch.0);
        self.version = small(head.version.0);
        Ok(())
    }

    fn parts(&self, _: Key) -> Result<Parts, RowsError> {
        Ok(vec![(WINDOW, vec![self.window])])
    }

    fn set_part(&mut self, _: Key, part: PartId, bytes: &[u8]) -> Result<(), RowsError> {
        assert_eq!((part, bytes.len()), (WINDOW, 1));
        self.window = bytes[0];
        Ok(())
    }

    fn put_outbox(&mut self, _: Key, entry: &OutboxEntry) -> Result<(), RowsError> {
        self.effects[usize::from(entry.mail[0])] += 1;
        Ok(())
    }

    fn sent(&self, _: Key, _: Key) -> Result<u64, RowsError> {
        Ok(self.posted())
    }

    fn set_sent(&mut self, _: Key, _: Key, sequence: u64) -> Result<(), RowsError> {
        assert_eq!(sequence, self.posted());
        Ok(())
    }

    // The model has no mail of its own, relays nothing and lists nothing.

    fn mail(&self, _: Key, _: u64, _: usize) -> Result<Vec<MailEntry>, RowsError> {
        Ok(Vec::new())
    }

    fn mail_positions(&self, _: Key, _: u64) -> Result<Vec<u64>, RowsError> {
        Ok(Vec::new())
    }

    fn put_mail(&mut self, _: Key, _: &MailEntry) -> Result<(), RowsError> {
        panic!("nothing is relayed")
    }

    fn remove_mail(&mut self, _: Key, _: u64) -> Result<(), RowsError> {
        panic!("there is no mail")
    }

    fn outbox(&self, _: Key, _: usize) -> Result<Vec<OutboxEntry>, RowsError> {
        Ok(Vec::new())
    }

    fn remove_outbox(&mut self, _: Key, _: u64) -> Result<(), RowsError> {
        panic!("nothing is relayed")
    }

    fn delivered(&self, _: Key, _: Key) -> Result<u64, RowsError> {
        Ok(0)
    }

    fn set_delivered(&mut self, _: Key, _: Key, _: u64) -> Result<(), RowsError> {
        panic!("nothing is relayed")
    }

    fn pending(&self, _: Option<Key>, _: usize) -> Result<Vec<Key>, RowsError> {
        Ok(Vec::new())
    }

    fn guilds(&self, _: Option<Key>, _: usize) -> Result<Vec<Key>, RowsError> {
        Ok(Vec::new())
    }
}
