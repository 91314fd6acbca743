//! Names of messages: for counting, and for reading a history.

use shared::msg::Body;
use shared::msg::battle_gateway::BattleOutput;
use shared::store::{StoreReply, StoreRequest};

/// Characters of a message that are shown.
const SHOWN_MAX: usize = 160;

/// Messages that every campaign with faults has to meet.
pub(super) const MESSAGES: [&str; 23] = [
    "message: MailWaiting",
    "message: ToBaseapp",
    "message: FromBaseapp",
    "message: ToSocial",
    "message: FromSocial",
    "message: ToMatchmaker",
    "message: FromMatchmaker",
    "message: ToBattle",
    "message: FromBattle",
    "message: BattleInput",
    "message: BattleOutput",
    "message: Rejoin",
    "message: ToPublisher",
    "message: ToSubscriber",
    "store: ReadOwner",
    "store: Claim",
    "store: Commit",
    "store: Release",
    "store: PeekMail",
    "store: Relay",
    "store: PendingOutboxes",
    "store: ListGuilds",
    "presence: members were followed to the end",
];
/// Refusals that every campaign with faults has to meet.
pub(super) const REFUSALS: [&str; 9] = [
    "refusal: BadAmount",
    "refusal: InGuild",
    "refusal: InQueue",
    "refusal: NoTeam",
    "refusal: NotFound",
    "refusal: NotOwned",
    "refusal: OutcomeUnknown",
    "refusal: Unavailable",
    "goodbye: Draining",
];

/// What a frame is counted as.
pub(super) const fn of_body(body: &Body) -> &'static str {
    match body {
        Body::MailWaiting(_) => "message: MailWaiting",
        Body::ToBaseapp(_) => "message: ToBaseapp",
        Body::FromBaseapp(_) => "message: FromBaseapp",
        Body::ToSocial(_) => "message: ToSocial",
        Body::FromSocial(_) => "message: FromSocial",
        Body::ToMatchmaker(_) => "message: ToMatchmaker",
        Body::FromMatchmaker(_) => "message: FromMatchmaker",
        Body::CardRequest(_) => "message: CardRequest",
        Body::Card(_) => "message: Card",
        Body::ToBattle(_) => "message: ToBattle",
        Body::FromBattle(_) => "message: FromBattle",
        Body::BattleInput(_) => "message: BattleInput",
        Body::BattleOutput(_) => "message: BattleOutput",
        Body::Rejoin(_) => "message: Rejoin",
        Body::ToPublisher(_) => "message: ToPublisher",
        Body::ToSubscriber(_) => "message: ToSubscriber",
    }
}

/// What a request to the store is counted as.
pub(super) const fn of_request(request: &StoreRequest) -> &'static str {
    match request {
        StoreRequest::ReadOwner { .. } => "store: ReadOwner",
        StoreRequest::Claim { .. } => "store: Claim",
        StoreRequest::Commit(_) => "store: Commit",
        StoreRequest::Release { .. } => "store: Release",
        StoreRequest::PeekMail { .. } => "store: PeekMail",
        StoreRequest::Relay { .. } => "store: Relay",
        StoreRequest::PendingOutboxes { .. } => "store: PendingOutboxes",
        StoreRequest::ListGuilds { .. } => "store: ListGuilds",
    }
}

/// A frame in words.
pub(super) fn words(body: &Body) -> String {
    if let Body::BattleOutput(BattleOutput::Snapshots { battle, encoded }) = body {
        let lens = encoded.iter().map(|one| (one.bytes.len(), one.sessions.len()));
        return format!("snapshots of {battle}: {:?}", lens.collect::<Vec<_>>());
    }
    cut(format!("{body:?}"))
}

/// A request in words: commits by their heads alone.
pub(super) fn request_words(request: &StoreRequest) -> String {
    let StoreRequest::Commit(commits) = request else { return cut(format!("{request:?}")) };
    let one = |commit: &shared::store::Commit| {
        let parts: Vec<String> = commit.parts.iter().map(|(part, _)| part.0.to_string()).collect();
        format!(
            "{} epoch {} version {} parts {} mail {:?} posts {}",
            commit.key,
            commit.epoch.0,
            commit.version.0,
            parts.join("+"),
            commit.mail_taken,
            commit.posts.len()
        )
    };
    let commits: Vec<String> = commits.iter().map(one).collect();
    format!("commit {}", commits.join("; "))
}

/// An answer in words: records without their parts.
pub(super) fn reply_words(reply: &StoreReply) -> String {
    if let StoreReply::Claimed(record) = reply {
        let (epoch, version) = (record.epoch.0, record.version.0);
        return format!("claimed in epoch {epoch}, version {version}");
    }
    cut(format!("{reply:?}"))
}

/// The beginning of a text that is too long.
pub(super) fn cut(text: String) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        None => text,
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}
