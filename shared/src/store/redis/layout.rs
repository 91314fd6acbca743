//! What a key's record looks like in Redis. Everything here is frozen by the format number:
//! changing it means reading the old layout as well.
//!
//! Keys are spread over [`BUCKETS`] buckets, and a bucket is a hash tag, so that all that belongs
//! to one key, and the two indexes of its bucket, are in one slot and change in one step:
//!
//! | name | type | holds |
//! |---|---|---|
//! | `{p:3ff}:player:ID` | hash | `o` owner, `e` epoch, `v` version, counters, a field per part |
//! | `{p:3ff}:player:ID:mail` | list | the mailbox, oldest first |
//! | `{p:3ff}:player:ID:out` | sorted set | the outbox by position |
//! | `{p:3ff}:player:ID:sent` | hash | last sequence for each target |
//! | `{p:3ff}:player:ID:seen` | hash | last sequence from each source |
//! | `{p:3ff}:pending` | sorted set | keys of the bucket whose outbox is not empty |
//! | `{p:3ff}:guilds` | sorted set | guilds of the bucket |
//! | `{p:3ff}:mark` | hash | whose store this is; the server's run and its life number |
//! | `{p:000}:meta` | hash | format, cluster, store id, incarnation counter |

use xxhash_rust::xxh3::xxh3_64;

use crate::ids::{Address, BattleId, GuildId, Key, NodeId, PlayerId, Role};
use crate::store::embedded::layout::{SEAL_BYTES, key_bytes, seal, unseal};
use crate::store::{MailEntry, PartId};

/// The format that this build writes and reads.
pub(super) const FORMAT: u64 = 1;
/// Buckets of a store: the finest grain in which data can be spread over servers.
pub(crate) const BUCKETS: u16 = 1_024;
/// Characters of a prefix.
pub(super) const PREFIX_CHARS_MAX: usize = 32;
/// Slots of a Redis Cluster.
const SLOTS: u16 = 16_384;

/// The names under one prefix.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    prefix: String,
}

impl Names {
    /// Names under `prefix`, if it can be one: 1 to 32 of `a-z`, `0-9`, `-` and `_`.
    pub(super) fn new(prefix: &str) -> Option<Self> {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        let good = !prefix.is_empty() && prefix.len() <= PREFIX_CHARS_MAX;
        (good && prefix.chars().all(fits)).then(|| Self { prefix: String::from(prefix) })
    }

    fn tag(&self, bucket: u16) -> String {
        format!("{}:{bucket:03x}", self.prefix)
    }

    /// A name that belongs to a bucket rather than to a key.
    pub(crate) fn of_bucket(&self, bucket: u16, what: &str) -> String {
        format!("{{{}}}:{what}", self.tag(bucket))
    }

    /// The name of a key's head.
    pub(super) fn head(&self, key: Key) -> String {
        self.of_bucket(bucket(key), &key.to_string())
    }

    /// The name of what belongs to a key besides its head.
    pub(super) fn beside(&self, key: Key, what: &str) -> String {
        let mut name = self.head(key);
        name.push(':');
        name.push_str(what);
        name
    }

    /// A pattern that all names of all buckets fit.
    pub(super) fn pattern(&self) -> String {
        format!("{{{}:???}}:*", self.prefix)
    }

    /// The key that a name belongs to; nothing for a name that belongs to a bucket.
    pub(super) fn key_named(&self, name: &str) -> Option<Key> {
        let (_, name_in_bucket) = name.split_once("}:")?;
        let mut pieces = name_in_bucket.split(':');
        let (kind, id) = (pieces.next()?, pieces.next().filter(|id| id.len() == 16)?);
        let id = u64::from_str_radix(id, 16).ok()?;
        let key = match kind {
            "player" => Key::Player(PlayerId(id)),
            "guild" => Key::Guild(GuildId(id)),
            "battle" => Key::Battle(BattleId(id)),
            _ => return None,
        };
        name.starts_with(&self.head(key)).then_some(key)
    }

    /// The slot of a Redis Cluster that a bucket is in.
    pub(super) fn slot(&self, bucket: u16) -> u16 {
        crc16(self.tag(bucket).as_bytes()) % SLOTS
    }
}

/// The bucket of a key.
pub(super) fn bucket(key: Key) -> u16 {
    let place = xxh3_64(&key_bytes(key)) % u64::from(BUCKETS);
    u16::try_from(place).expect("a remainder of a u16 is a u16")
}

/// A key as a member of an index: sorts as keys do.
pub(super) fn member(key: Key) -> String {
    let (kind, id) = match key {
        Key::Player(PlayerId(id)) => (0, id),
        Key::Guild(GuildId(id)) => (1, id),
        Key::Battle(BattleId(id)) => (2, id),
    };
    format!("{kind}-{id:016x}")
}

/// The key of a member.
pub(super) fn key_of(member: &str) -> Option<Key> {
    let (kind, id) = member.split_once('-').filter(|(_, id)| id.len() == 16)?;
    let id = u64::from_str_radix(id, 16).ok()?;
    match kind {
        "0" => Some(Key::Player(PlayerId(id))),
        "1" => Some(Key::Guild(GuildId(id))),
        "2" => Some(Key::Battle(BattleId(id))),
        _ => None,
    }
}

/// An owner as it stands in a head.
pub(super) fn owner_text(owner: Address) -> String {
    format!("{}.{}.{}", owner.node.node, owner.node.incarnation, owner.role)
}

/// Reads an owner. Empty is nobody.
pub(super) fn owner_of(text: &str) -> Result<Option<Address>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let mut pieces = text.splitn(3, '.');
    let mut piece = || pieces.next().unwrap_or_default();
    let (node, incarnation, role) = (piece().parse(), piece().parse(), Role::named(piece()));
    match (node, incarnation, role) {
        (Ok(node), Ok(incarnation), Some(role)) => {
            Ok(Some(Address { node: NodeId { node, incarnation }, role }))
        }
        _ => Err(format!("{text:?} is not an owner")),
    }
}

/// The field of a part in the head.
pub(super) fn part_field(part: PartId) -> String {
    format!("p{}", part.0)
}

/// The part of a field, if it is one.
pub(super) fn part_of(field: &[u8]) -> Option<PartId> {
    let digits = std::str::from_utf8(field.strip_prefix(b"p")?).ok()?;
    digits.parse().ok().map(PartId)
}

/// The bytes of a part with their checksum.
pub(super) fn sealed_part(key: Key, part: PartId, bytes: &[u8]) -> Vec<u8> {
    with_seal(&part_row(key, part), bytes)
}

/// The bytes of a part, if its checksum fits.
pub(super) fn open_part(key: Key, part: PartId, value: &[u8]) -> Result<Vec<u8>, String> {
    let bytes = unseal(&part_row(key, part), value);
    bytes.map(<[u8]>::to_vec).ok_or_else(|| format!("the checksum of part {} does not fit", part.0))
}

/// The bytes of a mail with their checksum.
pub(super) fn sealed_mail(source: Key, target: Key, mail: &[u8]) -> Vec<u8> {
    with_seal(&mail_row(source, target), mail)
}

/// Reads an entry of a mailbox, `POSITION:SOURCE:MAIL`, that should have that position.
pub(super) fn mail_of(target: Key, position: u64, entry: &[u8]) -> Result<MailEntry, String> {
    let mut pieces = entry.splitn(3, |byte| *byte == b':');
    let mut text = || pieces.next().and_then(|piece| std::str::from_utf8(piece).ok());
    let found: Option<u64> = text().and_then(|text| text.parse().ok());
    let source = text().and_then(key_of);
    let value = pieces.next().unwrap_or_default();
    let Some(source) = source.filter(|_| found == Some(position)) else {
        return Err(format!("mail {position} is not what stands at its place"));
    };
    let mail = unseal(&mail_row(source, target), value)
        .ok_or_else(|| format!("the checksum of mail {position} does not fit"))?;
    Ok(MailEntry { position, source, mail: mail.to_vec() })
}

/// An entry of an outbox; the mail keeps its checksum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outgoing {
    pub(super) position: String,
    pub(super) life: String,
    pub(super) number: String,
    pub(super) target: Key,
    pub(super) mail: Vec<u8>,
}

/// Reads an entry of an outbox, `POSITION:LIFE:NUMBER:TARGET:MAIL`.
pub(super) fn outgoing_of(source: Key, entry: &[u8]) -> Result<Outgoing, String> {
    let mut pieces = entry.splitn(5, |byte| *byte == b':');
    let mut text = || pieces.next().and_then(|piece| std::str::from_utf8(piece).ok());
    let mut number = || text().filter(|text| text.parse::<u64>().is_ok()).map(String::from);
    let (position, life, number) = (number(), number(), number());
    let target = text().and_then(key_of);
    let mail = pieces.next().unwrap_or_default().to_vec();
    match (position, life, number, target) {
        (Some(position), Some(life), Some(number), Some(target)) => {
            if unseal(&mail_row(source, target), &mail).is_none() {
                return Err(format!("the checksum of outbox entry {position} does not fit"));
            }
            Ok(Outgoing { position, life, number, target, mail })
        }
        _ => Err(String::from("an outbox entry cannot be read")),
    }
}

fn part_row(key: Key, part: PartId) -> Vec<u8> {
    [key_bytes(key).as_slice(), b"p", &[part.0]].concat()
}

fn mail_row(source: Key, target: Key) -> Vec<u8> {
    [key_bytes(source).as_slice(), b"m", &key_bytes(target)].concat()
}

fn with_seal(row: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(bytes.len() + SEAL_BYTES);
    value.extend_from_slice(bytes);
    value.extend_from_slice(&seal(row, bytes));
    value
}

/// CRC-16/XMODEM, which Redis Cluster uses.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANNA: Key = Key::Player(PlayerId(0xA11A));
    const OWLS: Key = Key::Guild(GuildId(7));

    #[test]
    fn names_and_places_are_frozen_because_they_are_stored() {
        let names = Names::new("cohort").expect("a good prefix");
        assert_eq!(names.head(ANNA), "{cohort:15c}:player:000000000000a11a");
        assert_eq!(names.of_bucket(1_023, "mark"), "{cohort:3ff}:mark");
        assert_eq!(crc16(b"123456789"), 0x31C3, "the check value of the Redis Cluster page");
        let mailbox = names.beside(ANNA, "mail");
        assert_eq!((names.key_named(&mailbox), names.key_named("x")), (Some(ANNA), None));
        assert_eq!(names.key_named("{cohort:15d}:player:000000000000a11a"), None);
        assert_eq!(names.key_named(&names.of_bucket(0x15c, "pending")), None);
        assert_eq!(names.slot(0), crc16(b"cohort:000") % 16_384);
        for bad in ["", "A", "a b", "{a}", "a:b", &"a".repeat(33)] {
            assert!(Names::new(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn members_sort_as_keys_do_and_lead_back() {
        let ids = [0, 9, 255, u64::MAX];
        let players = ids.map(|id| Key::Player(PlayerId(id)));
        let guilds = ids.map(|id| Key::Guild(GuildId(id)));
        let battles = ids.map(|id| Key::Battle(BattleId(id)));
        let keys = [players, guilds, battles].concat();
        assert!(keys.windows(2).all(|pair| member(pair[0]) < member(pair[1])));
        assert!(keys.iter().all(|key| key_of(&member(*key)) == Some(*key)));
        for bad in ["", "0", "3-0000000000000000", "0-00", "0-zzzzzzzzzzzzzzzz"] {
            assert_eq!(key_of(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn owners_lead_back() {
        let node = NodeId { node: 7, incarnation: 300 };
        let owner = Address { node, role: Role::Battleapp };
        assert_eq!(owner_text(owner), "7.300.battleapp");
        assert_eq!(owner_of(&owner_text(owner)), Ok(Some(owner)));
        assert_eq!(owner_of(""), Ok(None));
        for bad in ["7", "7.1", "7.1.king", "70000.1.social", "7.1.social.x"] {
            assert!(owner_of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_was_changed_or_moved_is_refused() {
        let part = PartId(3);
        let sealed = sealed_part(ANNA, part, b"bag");
        assert_eq!(open_part(ANNA, part, &sealed), Ok(b"bag".to_vec()));
        assert!(open_part(OWLS, part, &sealed).is_err());
        assert!(open_part(ANNA, PartId(4), &sealed).is_err());
        assert_eq!((part_of(b"p3"), part_of(b"p256"), part_of(b"on")), (Some(part), None, None));

        let mail = sealed_mail(ANNA, OWLS, b"a:b:c");
        let entry = [b"4:", member(ANNA).as_bytes(), b":", &mail].concat();
        let read = mail_of(OWLS, 4, &entry).expect("as it was written");
        assert_eq!((read.position, read.source, &read.mail[..]), (4, ANNA, &b"a:b:c"[..]));
        assert!(mail_of(OWLS, 5, &entry).is_err(), "another place");
        assert!(mail_of(ANNA, 4, &entry).is_err(), "another mailbox");
        assert!(mail_of(OWLS, 4, &entry[..entry.len() - 1]).is_err());

        let entry = [b"9:17:2:", member(OWLS).as_bytes(), b":", &mail].concat();
        let read = outgoing_of(ANNA, &entry).expect("as it was written");
        assert_eq!((&read.position[..], &read.life[..], &read.number[..]), ("9", "17", "2"));
        assert_eq!((read.target, &read.mail), (OWLS, &mail));
        assert!(outgoing_of(OWLS, &entry).is_err(), "another outbox");
        assert!(outgoing_of(ANNA, b"9:17:2").is_err());
    }
}
