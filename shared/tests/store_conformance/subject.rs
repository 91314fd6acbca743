//! What is asked of a back-end under test, and short ways to ask. It knows no back-end.

use shared::ids::{Address, Epoch, Key, NodeId, Role, Version};
use shared::store::{
    Commit, CommitVerdict, MailEntry, PartId, Post, Record, Relayed, StoreReply, StoreRequest,
};

/// Something that answers requests in order.
pub(crate) trait Subject {
    /// Hands all requests over at once and waits for all answers.
    fn ask_all(&mut self, requests: &[StoreRequest]) -> Vec<StoreReply>;

    fn ask(&mut self, request: StoreRequest) -> StoreReply {
        self.ask_all(&[request]).pop().expect("one request, one answer")
    }
}

/// The baseapp of a node.
pub(crate) fn node(node: u16) -> Address {
    Address { node: NodeId { node, incarnation: 1 }, role: Role::Baseapp }
}

/// Claims a key that nobody has claimed since `seen`.
pub(crate) fn claim(subject: &mut dyn Subject, key: Key, by: u16, seen: u64) -> Record {
    let reply = subject.ask(StoreRequest::Claim { key, by: node(by), seen: Epoch(seen) });
    let StoreReply::Claimed(record) = reply else {
        panic!("{key} should be free: {reply:?}");
    };
    record
}

/// An empty commit by the owner of `epoch` that expects `version`.
pub(crate) fn commit(key: Key, epoch: u64, version: u64) -> Commit {
    Commit {
        key,
        epoch: Epoch(epoch),
        version: Version(version),
        parts: Vec::new(),
        mail_taken: None,
        posts: Vec::new(),
    }
}

pub(crate) fn part(mut commit: Commit, id: u8, bytes: &[u8]) -> Commit {
    commit.parts.push((PartId(id), bytes.to_vec()));
    commit
}

pub(crate) fn post(mut commit: Commit, target: Key, mail: &[u8]) -> Commit {
    commit.posts.push(Post { target, mail: mail.to_vec() });
    commit
}

pub(crate) fn commit_all(subject: &mut dyn Subject, commits: Vec<Commit>) -> Vec<CommitVerdict> {
    let reply = subject.ask(StoreRequest::Commit(commits));
    let StoreReply::Committed(verdicts) = reply else {
        panic!("a commit is answered by verdicts: {reply:?}");
    };
    verdicts
}

/// Commits and expects it to be done.
pub(crate) fn done(subject: &mut dyn Subject, commit: Commit) {
    assert_eq!(commit_all(subject, vec![commit]), [CommitVerdict::Done]);
}

pub(crate) fn relay(subject: &mut dyn Subject, source: Key) -> (Vec<Relayed>, u64) {
    let reply = subject.ask(StoreRequest::Relay { source });
    let StoreReply::Relayed { targets, entries_left } = reply else {
        panic!("a relay step is answered by its targets: {reply:?}");
    };
    (targets, entries_left)
}

pub(crate) fn peek(subject: &mut dyn Subject, key: Key, after: u64) -> Vec<MailEntry> {
    let reply = subject.ask(StoreRequest::PeekMail { key, after });
    let StoreReply::Mail(entries) = reply else {
        panic!("a peek is answered by mail: {reply:?}");
    };
    entries
}
