//! Doorway to what a Redis server can answer, and to what stands in its lists.

use redis::{Value, parse_redis_value};

use super::layout::{self, Names};
use super::link::Server;
use super::topology::{Topology, redirection};
use super::values;
use super::worker;
use crate::ids::{Address, GuildId, Key, NodeId, PlayerId, Role};
use crate::store::PartId;

const SOURCE: Key = Key::Player(PlayerId(0xA11A));
const TARGET: Key = Key::Guild(GuildId(7));
const PREFIX: &str = "cohort";

/// An answer in the bytes of the protocol, read as the answer to every question; and the bytes as
/// an entry of a mailbox, an outbox and an index.
pub fn redis_answer(bytes: &[u8]) {
    if let Ok(value) = parse_redis_value(bytes) {
        answer(&value);
    }
    entry(bytes);
    let mut pieces = bytes.splitn(2, |byte| *byte == b':');
    if let (Some(position), Some(rest)) = (pieces.next(), pieces.next()) {
        mended_mail(position, rest);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        names(text);
    }
}

fn answer(value: &Value) {
    let asked = Server { host: String::from("h"), port: 1 };
    let _text = values::text(value.clone());
    let _number = values::number(value.clone());
    let _owner = worker::owner(value.clone());
    let _mail = worker::mail(TARGET, value.clone());
    if let Ok((_, parts)) = worker::head_of(SOURCE, value.clone()) {
        for (part, bytes) in parts {
            let sealed = layout::sealed_part(SOURCE, part, &bytes);
            assert_eq!(layout::open_part(SOURCE, part, &sealed), Ok(bytes));
        }
    }
    if let Some(names) = Names::new(PREFIX) {
        let mut topology = Topology::unknown(&names);
        let _learned = topology.learn(value.clone(), &asked);
    }
    if let Value::ServerError(error) = value {
        let _target = redirection(error.details().unwrap_or_default(), &asked);
    }
}

fn entry(bytes: &[u8]) {
    let position = bytes.split(|byte| *byte == b':').next().unwrap_or_default();
    let position = std::str::from_utf8(position).ok().and_then(|text| text.parse().ok());
    let _mail = layout::mail_of(TARGET, position.unwrap_or_default(), bytes);
    if let Ok(read) = layout::outgoing_of(SOURCE, bytes) {
        let target = layout::member(read.target);
        let head = [&read.position, ":", &read.life, ":", &read.number, ":", &target, ":"].concat();
        let again = [head.as_bytes(), &read.mail].concat();
        assert_eq!(layout::outgoing_of(SOURCE, &again), Ok(read));
    }
}

/// An entry of a mailbox, `SOURCE:MAIL` after its position, with a checksum that fits.
fn mended_mail(position: &[u8], rest: &[u8]) {
    let position = std::str::from_utf8(position).ok().and_then(|text| text.parse().ok());
    let Some(position) = position else { return };
    let mut pieces = rest.splitn(2, |byte| *byte == b':');
    let source = pieces.next().and_then(|piece| std::str::from_utf8(piece).ok());
    let Some(source) = source.and_then(layout::key_of) else { return };
    let mail = pieces.next().unwrap_or_default();
    let entry = mailbox_entry(position, source, mail);
    let read = layout::mail_of(TARGET, position, &entry);
    assert_eq!(read.map(|read| (read.source, read.mail)), Ok((source, mail.to_vec())));
}

fn mailbox_entry(position: u64, source: Key, mail: &[u8]) -> Vec<u8> {
    let head = format!("{position}:{}:", layout::member(source));
    [head.as_bytes(), &layout::sealed_mail(source, TARGET, mail)].concat()
}

fn names(text: &str) {
    if let Ok(Some(owner)) = layout::owner_of(text) {
        assert_eq!(layout::owner_of(&layout::owner_text(owner)), Ok(Some(owner)));
    }
    if let Some(key) = layout::key_of(text) {
        assert_eq!(layout::key_of(&layout::member(key)), Some(key));
    }
    if let Some(part) = layout::part_of(text.as_bytes()) {
        assert_eq!(layout::part_of(layout::part_field(part).as_bytes()), Some(part));
    }
    let _prefix = Names::new(text);
}

/// Answers to the usual questions, and entries.
#[must_use]
pub fn redis_answers() -> Vec<Vec<u8>> {
    let node = NodeId { node: 7, incarnation: 300 };
    let owner = layout::owner_text(Address { node, role: Role::Battleapp });
    let part = layout::sealed_part(SOURCE, PartId(3), b"bag");
    let mail = mailbox_entry(4, SOURCE, b"a:b");
    let sealed = layout::sealed_mail(SOURCE, TARGET, b"a:b");
    let post = ["9:17:2:", &layout::member(TARGET), ":"].concat();
    let post = [post.as_bytes(), &sealed].concat();
    let head = [&b"o"[..], owner.as_bytes(), b"e", b"3", b"v", b"12", b"p3", &part];
    let slots = [b"*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n".to_vec(), bulk(b"h"), b":7\r\n".to_vec()];
    vec![
        array(&[bulk(owner.as_bytes()), bulk(b"3")]),
        array(&[bulk(b"4"), array(&[bulk(&mail)])]),
        array(&head.map(bulk)),
        slots.concat(),
        b"-MOVED 3999 10.0.0.1:6381\r\n".to_vec(),
        b"+OK\r\n".to_vec(),
        mail,
        post,
        owner.into_bytes(),
        layout::member(SOURCE).into_bytes(),
    ]
}

fn bulk(bytes: &[u8]) -> Vec<u8> {
    let head = format!("${}\r\n", bytes.len());
    [head.as_bytes(), bytes, b"\r\n"].concat()
}

fn array(elements: &[Vec<u8>]) -> Vec<u8> {
    let head = format!("*{}\r\n", elements.len());
    [head.as_bytes(), &elements.concat()].concat()
}
