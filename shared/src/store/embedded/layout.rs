//! How keys and values are laid out in the tables. Everything here is frozen by the format
//! version: changing it means reading the old layout as well.
//!
//! All rows of one key stand next to each other in one table, so that a commit touches one leaf
//! page of it: `[kind of key 1][id 8][kind of row 1][rest]`, all integers big-endian, so that the
//! bytes sort as the keys do. Outboxes stand in a table of their own, which holds only what still
//! waits; its first rows are therefore the keys with something pending.
//!
//! Every value ends in eight bytes of XXH3 over its row key and its bytes, because the back-end
//! does not check what it reads.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::ids::{Address, BattleId, Epoch, GuildId, Key, NodeId, PlayerId, Role, Version};
use crate::limits::PART_BYTES_MAX;
use crate::store::rules::Head;
use crate::wire;

/// Bytes of a key.
pub(in crate::store) const KEY_BYTES: usize = 9;
/// Bytes of the checksum at the end of every value.
pub(in crate::store) const SEAL_BYTES: usize = 8;

/// Kinds of rows in the table of records. Never reused for something else.
pub(super) const HEAD: u8 = 0;
pub(super) const PART: u8 = 1;
pub(super) const MAIL: u8 = 2;
pub(super) const SENT: u8 = 3;
pub(super) const DELIVERED: u8 = 4;

const PLAYER: u8 = 0;
const GUILD: u8 = 1;
const BATTLE: u8 = 2;

/// Bytes of a key that sort as the keys do.
pub(in crate::store) fn key_bytes(key: Key) -> [u8; KEY_BYTES] {
    let (kind, id) = match key {
        Key::Player(PlayerId(id)) => (PLAYER, id),
        Key::Guild(GuildId(id)) => (GUILD, id),
        Key::Battle(BattleId(id)) => (BATTLE, id),
    };
    let mut bytes = [kind; KEY_BYTES];
    bytes[1..].copy_from_slice(&id.to_be_bytes());
    bytes
}

/// The key that `bytes` begin with.
pub(in crate::store) fn key_of(bytes: &[u8]) -> Option<Key> {
    let (kind, rest) = bytes.split_first()?;
    let id = u64::from_be_bytes(*rest.first_chunk()?);
    match *kind {
        PLAYER => Some(Key::Player(PlayerId(id))),
        GUILD => Some(Key::Guild(GuildId(id))),
        BATTLE => Some(Key::Battle(BattleId(id))),
        _ => None,
    }
}

/// A row key of at most 19 bytes, without an allocation.
#[derive(Clone, Copy)]
pub(super) struct RowKey {
    bytes: [u8; 2 * KEY_BYTES + 1],
    len: usize,
}

impl RowKey {
    /// The row `kind` of `key` that `rest` tells from its like; `rest` is at most a key long.
    pub(super) fn new(key: Key, kind: u8, rest: &[u8]) -> Self {
        let mut bytes = [0; 2 * KEY_BYTES + 1];
        bytes[..KEY_BYTES].copy_from_slice(&key_bytes(key));
        bytes[KEY_BYTES] = kind;
        let len = KEY_BYTES + 1 + rest.len();
        bytes[KEY_BYTES + 1..len].copy_from_slice(rest);
        Self { bytes, len }
    }

    /// The row of the table of outboxes.
    pub(super) fn outbox(source: Key, position: u64) -> Self {
        let mut bytes = [0; 2 * KEY_BYTES + 1];
        bytes[..KEY_BYTES].copy_from_slice(&key_bytes(source));
        bytes[KEY_BYTES..KEY_BYTES + 8].copy_from_slice(&position.to_be_bytes());
        Self { bytes, len: KEY_BYTES + 8 }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// The position at the end of a row key of a mail or of an outbox.
pub(super) fn position_of(row: &[u8]) -> Option<u64> {
    row.last_chunk().map(|bytes| u64::from_be_bytes(*bytes))
}

/// What goes to the end of the value `bytes` of `row`.
pub(in crate::store) fn seal(row: &[u8], bytes: &[u8]) -> [u8; SEAL_BYTES] {
    xxh3_64_with_seed(bytes, xxh3_64(row)).to_le_bytes()
}

/// The value without its checksum, if it fits.
pub(in crate::store) fn unseal<'a>(row: &[u8], value: &'a [u8]) -> Option<&'a [u8]> {
    let (bytes, found) = value.split_last_chunk::<SEAL_BYTES>()?;
    (seal(row, bytes) == *found).then_some(bytes)
}

/// A stored head.
#[derive(Serialize, Deserialize)]
struct HeadRow {
    owner: Option<(u16, u32, u8)>,
    epoch: u64,
    version: u64,
    mail_last: u64,
    mailbox_entries: u64,
    outbox_last: u64,
    outbox_entries: u64,
}

/// The bytes of a head.
pub(super) fn head_bytes(head: &Head) -> Vec<u8> {
    let owner = head.owner.map(|it| (it.node.node, it.node.incarnation, role_byte(it.role)));
    wire::encode(&HeadRow {
        owner,
        epoch: head.epoch.0,
        version: head.version.0,
        mail_last: head.mail_last,
        mailbox_entries: head.mailbox_entries,
        outbox_last: head.outbox_last,
        outbox_entries: head.outbox_entries,
    })
}

/// Reads a head, or says what does not fit.
pub(super) fn head_of(bytes: &[u8]) -> Result<Head, String> {
    let row: HeadRow = wire::decode(bytes, PART_BYTES_MAX).map_err(|error| error.to_string())?;
    let owner = match row.owner {
        None => None,
        Some((node, incarnation, role)) => {
            let role = role_of(role).ok_or_else(|| format!("there is no role {role}"))?;
            Some(Address { node: NodeId { node, incarnation }, role })
        }
    };
    Ok(Head {
        owner,
        epoch: Epoch(row.epoch),
        version: Version(row.version),
        mail_last: row.mail_last,
        mailbox_entries: row.mailbox_entries,
        outbox_last: row.outbox_last,
        outbox_entries: row.outbox_entries,
    })
}

fn role_byte(role: Role) -> u8 {
    match role {
        Role::Gateway => 0,
        Role::Baseapp => 1,
        Role::Battleapp => 2,
        Role::Social => 3,
        Role::Matchmaker => 4,
    }
}

fn role_of(byte: u8) -> Option<Role> {
    Role::ALL.into_iter().find(|role| role_byte(*role) == byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_keys_sort_as_keys_do_and_lead_back() {
        let ids = [0, 1, 255, 256, u64::MAX];
        let players = ids.map(|id| Key::Player(PlayerId(id)));
        let guilds = ids.map(|id| Key::Guild(GuildId(id)));
        let battles = ids.map(|id| Key::Battle(BattleId(id)));
        let keys = [players, guilds, battles].concat();
        for (index, key) in keys.iter().enumerate() {
            assert_eq!(key_of(&key_bytes(*key)), Some(*key));
            for later in &keys[index + 1..] {
                assert!(key < later && key_bytes(*key) < key_bytes(*later));
            }
        }
        assert_eq!(key_of(&[3; KEY_BYTES]), None);
        assert_eq!(key_of(&[0; KEY_BYTES - 1]), None);
    }

    #[test]
    fn row_keys_and_heads_are_frozen_because_they_are_stored() {
        let key = Key::Guild(GuildId(0x0102));
        let row = RowKey::new(key, MAIL, &7u64.to_be_bytes());
        assert_eq!(row.as_slice(), [1, 0, 0, 0, 0, 0, 0, 1, 2, 2, 0, 0, 0, 0, 0, 0, 0, 7]);
        let row = RowKey::outbox(key, 7);
        assert_eq!(row.as_slice(), [1, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 7]);
        assert_eq!(position_of(row.as_slice()), Some(7));

        let owner = Address { node: NodeId { node: 2, incarnation: 9 }, role: Role::Social };
        let head = Head {
            owner: Some(owner),
            epoch: Epoch(3),
            version: Version(300),
            mail_last: 4,
            mailbox_entries: 1,
            outbox_last: 5,
            outbox_entries: 2,
        };
        assert_eq!(head_bytes(&head), [1, 2, 9, 3, 3, 251, 44, 1, 4, 1, 5, 2]);
        assert_eq!(head_of(&head_bytes(&head)), Ok(head));
        assert!(head_of(&[1, 2, 9, 5, 3, 0, 0, 0, 0, 0]).is_err(), "there is no role 5");
    }

    #[test]
    fn a_value_is_refused_when_a_bit_or_its_place_has_changed() {
        let mut value = b"three coins".to_vec();
        value.extend_from_slice(&seal(b"row", b"three coins"));
        assert_eq!(unseal(b"row", &value), Some(&b"three coins"[..]));
        assert_eq!(unseal(b"other", &value), None);
        for bit in 0..value.len() * 8 {
            let mut flipped = value.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(unseal(b"row", &flipped), None, "bit {bit}");
        }
        assert_eq!(unseal(b"row", &value[..3]), None);
    }
}
