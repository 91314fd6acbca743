//! Every limit that more than one crate has to know, with its unit and what happens when it is
//! reached. Limits that concern a single file stand in that file.

/// Bytes of one control frame from a client. A longer one ends the connection.
pub const CLIENT_FRAME_BYTES_MAX: usize = 16 << 10;
/// Bytes of one control frame to a client. Replies are built to stay below it.
pub const SERVER_FRAME_BYTES_MAX: usize = 256 << 10;
/// Bytes of one datagram in either direction; larger ones would be fragmented on some paths.
pub const DATAGRAM_BYTES_MAX: usize = 1200;
/// Requests a client may have in flight. One more is refused with `Busy`.
pub const REQUESTS_IN_FLIGHT_MAX: usize = 16;
/// Results of changing requests that are kept per player, so that a retry gets the stored answer.
pub const REQUEST_WINDOW_MAX: usize = 48;

/// Bytes of an account, player or guild name.
pub const NAME_BYTES_MAX: usize = 32;
/// Bytes of a name at least.
pub const NAME_BYTES_MIN: usize = 2;

/// Different items in a bag. A further one is refused with `BagFull`.
pub const BAG_STACKS_MAX: usize = 200;
/// Items in one stack. More are refused with `BagFull`.
pub const STACK_COUNT_MAX: u32 = 9_999;
/// Gold a wallet holds. More is refused.
pub const GOLD_MAX: u64 = 1_000_000_000_000;
/// Pets of a player.
pub const PETS_MAX: usize = 50;
/// Letters in an inbox; further mail waits in the mailbox until one is claimed.
pub const INBOX_LETTERS_MAX: usize = 100;

/// Last battles that are remembered for each player; the oldest is forgotten.
pub const BATTLES_REMEMBERED_MAX: usize = 20;

/// Entries in a key's mailbox. Further mail waits in the sender's outbox.
pub const MAILBOX_ENTRIES_MAX: u64 = 1_000;
/// Entries in a key's outbox. A request that would post more is refused with `OutboxFull`.
pub const OUTBOX_ENTRIES_MAX: u64 = 200;
/// Mailbox entries handed to the owner at once.
pub const MAIL_PEEK_MAX: usize = 64;
/// Outbox entries moved by one relay step.
pub const RELAY_ENTRIES_MAX: usize = 64;
/// Bytes of one mail.
pub const MAIL_BYTES_MAX: usize = 4 << 10;
/// Bytes of one stored part. A commit with a larger one is refused.
pub const PART_BYTES_MAX: usize = 256 << 10;
/// Keys in one commit batch; further ones go into a second batch of the same tick.
pub const COMMIT_BATCH_KEYS_MAX: usize = 1_024;

/// Members of a guild. A further applicant is refused.
pub const GUILD_MEMBERS_MAX: usize = 100;
/// Members of a team. A further one is refused.
pub const TEAM_MEMBERS_MAX: usize = 5;
/// Fighters on one side of an arena.
pub const ARENA_SIDE_FIGHTERS: usize = 5;
/// Players of a siege.
pub const SIEGE_PLAYERS_MAX: u16 = 4_000;

/// Frames waiting at one role of a node. At the limit the sender is told `Full`.
pub const MQ_FRAMES_WAITING_MAX: usize = 65_536;
/// Bytes of one frame between two nodes, its envelope included. A longer one is not sent.
pub const MQ_FRAME_BYTES_MAX: usize = 1 << 20;
/// Inputs a core takes in one tick; what is beyond waits for the next tick.
pub const TICK_INPUTS_MAX: usize = 16_384;
/// Operations a role may have waiting at the store. At the limit the tick waits for the store.
pub const STORE_OPS_WAITING_MAX: usize = 8_192;

const _: () = assert!(REQUEST_WINDOW_MAX > 2 * REQUESTS_IN_FLIGHT_MAX);
const _: () = assert!(MAIL_BYTES_MAX < PART_BYTES_MAX);
const _: () = assert!(2 * PART_BYTES_MAX <= MQ_FRAME_BYTES_MAX);
const _: () = assert!(PART_BYTES_MAX <= SERVER_FRAME_BYTES_MAX);
