//! Doorway to the rows of the embedded store.

use super::layout::{
    KEY_BYTES, RowKey, SEAL_BYTES, head_bytes, head_of, key_bytes, key_of, position_of, seal,
    unseal,
};
use super::rows::{mail_entry, outbox_entry};
use crate::ids::{Address, Epoch, Key, NodeId, PlayerId, Role, Version};
use crate::store::rules::Head;

const OWNER: Key = Key::Player(PlayerId(0xA11A));

/// A row: the first byte is the length of its key, then come key and value. The value is read as
/// it is, and as every kind of value.
pub fn embedded_row(bytes: &[u8]) {
    let Some((len, rest)) = bytes.split_first() else { return };
    let (row, value) = rest.split_at(usize::from(*len).min(rest.len()));
    if let Some(plain) = unseal(row, value) {
        assert_eq!(value.len(), plain.len() + SEAL_BYTES);
        assert_eq!(value[plain.len()..], seal(row, plain));
    }
    if let Some(key) = key_of(row) {
        assert_eq!(key_bytes(key), row[..KEY_BYTES]);
    }
    if let Ok(head) = head_of(value) {
        assert_eq!(head_of(&head_bytes(&head)), Ok(head));
    }
    if let Some(entry) = mail_entry(row, value) {
        assert_eq!(Some(entry.position), position_of(row));
        assert_eq!([&key_bytes(entry.source)[..], &entry.mail].concat(), value);
    }
    if let Some(entry) = outbox_entry(row, value) {
        let (target, sequence) = (key_bytes(entry.target), entry.sequence.to_be_bytes());
        assert_eq!([&target[..], &sequence, &entry.mail].concat(), value);
        let again = RowKey::outbox(OWNER, entry.position);
        assert_eq!(position_of(again.as_slice()), position_of(row));
    }
}

/// A row of each kind.
#[must_use]
pub fn embedded_rows() -> Vec<Vec<u8>> {
    let by = Address { node: NodeId { node: 2, incarnation: 9 }, role: Role::Social };
    let head = Head {
        owner: Some(by),
        epoch: Epoch(3),
        version: Version(300),
        mail_last: 4,
        mailbox_entries: 1,
        outbox_last: 5,
        outbox_entries: 2,
    };
    let mail = [&key_bytes(OWNER)[..], b"a mail"].concat();
    let post = [&key_bytes(OWNER)[..], &7u64.to_be_bytes(), b"a mail"].concat();
    let head_key = RowKey::new(OWNER, super::layout::HEAD, &[]);
    let mail_key = RowKey::new(OWNER, super::layout::MAIL, &7u64.to_be_bytes());
    let mut sealed = mail.clone();
    sealed.extend_from_slice(&seal(mail_key.as_slice(), &mail));
    vec![
        with_key(&head_key, &head_bytes(&head)),
        with_key(&head_key, &head_bytes(&Head::default())),
        with_key(&mail_key, &mail),
        with_key(&mail_key, &sealed),
        with_key(&RowKey::outbox(OWNER, 7), &post),
    ]
}

fn with_key(key: &RowKey, value: &[u8]) -> Vec<u8> {
    let key = key.as_slice();
    let len = u8::try_from(key.len()).unwrap_or(u8::MAX);
    [&[len], key, value].concat()
}
