//! Made-up stores, one for each thing that an audit can find.

use shared::ids::{Address, BattleId, Epoch, NodeId, Role};
use shared::msg::client::{Attachments, Outcome, Stack};
use shared::ownership::RequestWindow;
use shared::store::scan::{ScannedPost, Sequence};
use shared::store::{MailEntry, Ownership, PartId};

use super::*;

const ANNA: Key = Key::Player(PlayerId(1));
const BERT: Key = Key::Player(PlayerId(2));
const OWLS: Key = Key::Guild(GuildId(7));
const FIGHT: Key = Key::Battle(BattleId(9));
const MEAT: u16 = 40;
const NO_GUILD: (u32, Option<u64>) = (0, None);

type Amounts<'a> = (u64, &'a [(u16, u64)]);

/// The parts of a player who has so much in wallet and bag, written out as they are stored.
fn player(gold: u64, bag: &[(u16, u32)], membership: (u32, Option<u64>)) -> Parts {
    let membership = match membership {
        (kind, Some(guild)) => wire::encode(&(kind, guild)),
        (kind, None) => wire::encode(&kind),
    };
    let rows = [
        wire::encode(&(1u64, "name", [7u8; 32])),
        wire::encode(&(1u16, 0u32, 1500i32, 0u32, 0u32, 0u32, 1u16)),
        wire::encode(&gold),
        wire::encode(&bag.to_vec()),
        wire::encode(&vec![(1u16, 1u16, 0u32)]),
        wire::encode(&[Some(3u16), None, None]),
        // One letter of a battle, with a piece of gold and one of meat.
        wire::encode(&(1u64, vec![(0u64, (1u32, 9u64), 1u64, vec![(MEAT, 1u32)])])),
        membership,
        wire::encode(&RequestWindow::default()),
    ];
    let parts = (1..).map(PartId).zip(rows);
    parts.map(|(id, row)| (id, [&[1], &row[..]].concat())).collect()
}

/// The same with books: minted, spent, given, received.
fn with_books(mut parts: Parts, is_late: bool, books: [Amounts<'_>; 4]) -> Parts {
    let [minted, spent, given, received] = books.map(|(gold, items)| (gold, items.to_vec()));
    let row = wire::encode(&(is_late, minted, spent, given, received));
    parts.push((PartId(10), [&[1], &row[..]].concat()));
    parts
}

/// A player with 5 gold and 2 of meat, a coat on and a letter, and books that say so.
fn true_player() -> Parts {
    let minted = (6, &[(3, 1), (MEAT, 4)][..]);
    let books = [minted, (0, &[(MEAT, 1)][..]), (0, &[]), (0, &[])];
    with_books(player(5, &[(MEAT, 2)], NO_GUILD), false, books)
}

fn record(parts: Parts) -> ScannedRecord {
    ScannedRecord { parts, ..ScannedRecord::default() }
}

fn gift(gold: u64) -> Vec<u8> {
    let attached = Attachments { gold, stacks: vec![Stack { item: MEAT, count: 1 }] };
    wire::encode(&Mail::Gift { from: PlayerId(1), from_name: String::from("a"), attached })
}

fn mail(source: Key, mail: Vec<u8>) -> MailEntry {
    MailEntry { position: 1, source, mail }
}

fn post(number: u64, target: Key, mail: Vec<u8>) -> ScannedPost {
    ScannedPost { position: number, target, sequence: Sequence { life: 0, number }, mail }
}

/// Guilds in these tests store their members only.
fn read_guild(parts: &Parts) -> Result<GuildRecord, String> {
    let members = parts.first().map_or(&[][..], |(_, members)| members);
    if members.first() == Some(&0) {
        return Err(String::from("the roster is damaged"));
    }
    let members = members.iter().map(|id| PlayerId(u64::from(*id))).collect();
    let aside = parts.get(1).map(|(_, mail)| mail.clone());
    Ok(GuildRecord { members, set_aside: aside.into_iter().collect() })
}

fn guild(members: &[u8]) -> ScannedRecord {
    record(vec![(PartId(1), members.to_vec())])
}

fn audited(records: &[(Key, ScannedRecord)]) -> Report {
    let senders = records.iter().filter(|(_, record)| !record.outbox.is_empty());
    let mut audit = Audit::new(senders.map(|(key, _)| *key).collect(), read_guild);
    for (key, record) in records {
        audit.visit(*key, record.clone());
    }
    audit.finish()
}

fn differences(report: &Report) -> Vec<(Asset, i128)> {
    report.differences().collect()
}

fn findings(report: &Report) -> Vec<String> {
    report.findings.iter().map(ToString::to_string).collect()
}

#[test]
fn true_books_are_conserved_and_whole() {
    let owner = Address { node: NodeId { node: 1, incarnation: 1 }, role: Role::Baseapp };
    let ownership = Ownership { owner: Some(owner), epoch: Epoch(1) };
    let anna = ScannedRecord { ownership, ..record(true_player()) };
    let report = audited(&[(ANNA, anna), (FIGHT, record(Parts::new()))]);
    assert!(report.is_conserved() && report.is_whole(), "{report:?}");
    let meat = report.lines[&Asset::Item(MEAT)];
    assert_eq!((meat.bag, meat.letters, meat.minted, meat.spent), (2, 1, 4, 1));
    assert_eq!((report.lines[&Asset::Gold].in_world(), report.lines[&Asset::Item(3)].worn), (6, 1));
    let Counts { keys, owned, players, battles, .. } = report.counts;
    assert_eq!((keys, owned, players, battles), (2, 1, 1, 1));
}

#[test]
fn what_no_books_know_of_is_named_with_its_holder() {
    let mut parts = true_player();
    parts[3] = player(5, &[(MEAT, 3)], NO_GUILD).remove(3);
    let report = audited(&[(ANNA, record(parts))]);
    assert_eq!(differences(&report), [(Asset::Item(MEAT), 1)]);
    let holder = "player:0000000000000001: holds 4 of item 40, the books say 3";
    assert_eq!(findings(&report), [holder]);
}

#[test]
fn a_gift_counts_once_wherever_it_is() {
    let mut giver = true_player();
    let books = [(16, &[(3, 1), (MEAT, 5)][..]), (0, &[(MEAT, 1)]), (10, &[(MEAT, 1)]), (0, &[])];
    giver = with_books(giver[..9].to_vec(), false, books);
    let waits = ScannedRecord { outbox: vec![post(1, BERT, gift(10))], ..record(giver.clone()) };
    let reached = |mailbox: Vec<MailEntry>| ScannedRecord {
        mailbox,
        delivered: vec![(ANNA, Sequence { life: 0, number: 1 })],
        ..record(Parts::new())
    };
    let there = || reached(vec![mail(ANNA, gift(10))]);
    let cases = [
        vec![(ANNA, waits.clone())],
        vec![(ANNA, waits.clone()), (BERT, there())],
        vec![(ANNA, record(giver)), (BERT, there())],
    ];
    for case in &cases {
        let report = audited(case);
        assert!(report.is_conserved() && report.is_whole(), "{case:?}: {report:?}");
        assert_eq!(report.lines[&Asset::Gold].under_way, 10);
    }
    let counts = audited(&cases[1]).counts;
    assert_eq!((counts.posts_waiting, counts.posts_delivered, counts.mails_waiting), (0, 1, 1));
    let lost = audited(&[(ANNA, waits), (BERT, reached(Vec::new()))]);
    assert_eq!(differences(&lost), [(Asset::Gold, -10), (Asset::Item(MEAT), -1)]);
}

#[test]
fn a_reward_is_in_the_world_when_it_is_applied() {
    let reward = wire::encode(&Mail::BattleResult {
        battle: BattleId(9),
        outcome: Outcome::Won,
        rating_change: 1,
        xp: 1,
        attached: Attachments { gold: 60, stacks: Vec::new() },
    });
    let anna =
        ScannedRecord { mailbox: vec![mail(FIGHT, reward.clone())], ..record(true_player()) };
    let fight = ScannedRecord { outbox: vec![post(1, BERT, reward)], ..record(Parts::new()) };
    let report = audited(&[(ANNA, anna), (FIGHT, fight)]);
    assert!(report.is_conserved() && report.is_whole(), "{report:?}");
    let gold = report.lines[&Asset::Gold];
    assert_eq!((gold.in_world(), gold.rewards), (6, 120));
}

#[test]
fn what_a_gift_holds_counts_also_where_nobody_can_apply_it() {
    let box_of_guild = ScannedRecord { mailbox: vec![mail(ANNA, gift(1))], ..guild(&[]) };
    let aside = record(vec![(PartId(1), vec![]), (PartId(2), gift(2))]);
    let mut anna = true_player();
    anna.push((PartId(200), gift(4)));
    let owls_and = Key::Guild(GuildId(8));
    let report = audited(&[(OWLS, box_of_guild), (owls_and, aside), (ANNA, record(anna))]);
    assert_eq!(differences(&report), [(Asset::Gold, 7), (Asset::Item(MEAT), 3)]);
    assert_eq!((report.counts.mails_set_aside, report.counts.mails_waiting), (2, 1));
}

#[test]
fn what_cannot_be_read_is_found() {
    let mut torn = true_player();
    torn[4].1.pop();
    let mut short = true_player();
    short.remove(1);
    let anna = ScannedRecord { mailbox: vec![mail(BERT, vec![255; 3])], ..record(torn) };
    let damage = vec![String::from("the checksum of part 2 does not fit")];
    let cleo = Key::Player(PlayerId(3));
    let owls = guild(&[0]);
    let report = audited(&[
        (ANNA, anna),
        (BERT, record(short.clone())),
        (cleo, ScannedRecord { damage, ..record(short) }),
        (OWLS, owls),
    ]);
    let found = findings(&report);
    assert_eq!(found.len(), 5, "{found:?}");
    let parts = ["does not read", "mailbox", "part 2 is missing", "checksum of part 2", "roster"];
    for (found, part) in found.iter().zip(parts) {
        assert!(found.contains(part), "{part:?} is not in {found:?}");
    }
}

#[test]
fn a_player_and_a_guild_that_disagree_are_found_unless_mail_is_under_way() {
    let is = |membership| record(player(0, &[], membership));
    let (applied, member, elsewhere) = ((1, Some(7)), (2, Some(7)), (2, Some(8)));
    let cases = [
        (member, &[1][..], None),
        (member, &[], Some("is a member of guild")),
        (applied, &[], Some("waits for an answer of guild")),
        (applied, &[1], Some("waits for an answer of guild")),
        (NO_GUILD, &[1], Some("is on the roster, but not a member of guild")),
        (elsewhere, &[1], Some("is on the roster")),
        (NO_GUILD, &[], None),
    ];
    for (membership, roster, expected) in cases {
        let (anna, owls) = (is(membership), guild(roster));
        let crows = (Key::Guild(GuildId(8)), guild(&[1]));
        let mut case = vec![(ANNA, anna), (OWLS, owls)];
        case.extend((membership == elsewhere).then_some(crows));
        let found = findings(&audited(&case));
        assert_eq!(found.len(), usize::from(expected.is_some()), "{case:?}: {found:?}");
        assert!(found.iter().all(|found| found.contains(expected.unwrap_or_default())));
        let left = wire::encode(&Mail::GuildLeft { player: PlayerId(1) });
        let mut to_guild = case.clone();
        to_guild[0].1.outbox.push(post(1, OWLS, left.clone()));
        let mut to_player = case;
        to_player[0].1.mailbox.push(mail(OWLS, left));
        for under_way in [to_guild, to_player] {
            assert_eq!(findings(&audited(&under_way)), [""; 0]);
        }
    }
}

#[test]
fn a_mail_that_is_missing_in_between_is_found() {
    let anna = ScannedRecord { outbox: vec![post(2, BERT, gift(0))], ..record(Parts::new()) };
    let found = findings(&audited(&[(ANNA, anna.clone())]));
    assert!(found[0].contains("a mail to player:0000000000000002 is missing"), "{found:?}");
    let delivered = vec![(ANNA, Sequence { life: 0, number: 1 })];
    let bert = ScannedRecord { delivered, ..record(Parts::new()) };
    assert_eq!(findings(&audited(&[(ANNA, anna.clone()), (BERT, bert)])), [""; 0]);
    let mut unknown = Audit::new(BTreeSet::new(), read_guild);
    unknown.visit(ANNA, anna);
    assert!(findings(&unknown.finish())[0].contains("not in the index"));
}

#[test]
fn a_store_that_is_older_than_books_is_conserved() {
    let old = || player(5, &[(MEAT, 2)], NO_GUILD);
    let before = ScannedRecord { outbox: vec![post(1, BERT, gift(9))], ..record(old()) };
    let report = audited(&[(ANNA, before), (BERT, record(old()))]);
    assert!(report.is_conserved() && report.is_whole(), "{report:?}");
    assert_eq!(report.counts.players_without_books, 2);

    // Bert has books now, and has received what Anna gave without any.
    let books = [(6, &[(3, 1), (MEAT, 3)][..]), (0, &[]), (0, &[]), (9, &[(MEAT, 1)][..])];
    let bert = with_books(player(14, &[(MEAT, 3)], NO_GUILD), true, books);
    let report = audited(&[(ANNA, record(old())), (BERT, record(bert.clone()))]);
    assert!(report.is_conserved() && report.is_whole(), "{report:?}");
    assert_eq!(report.lines[&Asset::Gold].carried, 9);
    assert_eq!(report.counts.players_with_late_books, 1);

    let mut more = bert;
    more[2].1 = [&[1], &wire::encode(&15u64)[..]].concat();
    let report = audited(&[(ANNA, record(old())), (BERT, record(more))]);
    assert_eq!(differences(&report), [(Asset::Gold, 1)]);
}

#[test]
fn findings_are_kept_up_to_a_limit_and_counted_beyond() {
    let broken = |id| (Key::Player(PlayerId(id)), record(vec![(PartId(1), Vec::new())]));
    let records: Vec<_> = (0..200).map(broken).collect();
    let report = audited(&records);
    // Each lacks eight parts, and the ninth cannot be read.
    assert_eq!(report.findings.len(), FINDINGS_MAX);
    assert_eq!(report.findings_left_out, 9 * 200 - FINDINGS_MAX as u64);
}
