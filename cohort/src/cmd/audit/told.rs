//! What an audit found, for people and for programs.

use baseapp::audit::{Asset, Counts, Finding, Line, Report};
use serde_json::{Value, json};
use shared::content::Content;

use crate::output;

/// Findings that people are shown; programs get all that were kept.
const SHOWN_MAX: usize = 50;
/// Differing assets that the last line names.
const NAMED_MAX: usize = 5;

/// Everything as a page of text: the table, what was looked at, the findings.
pub(super) fn text(report: &Report, content: &Content) -> String {
    let head = ["item", "bag", "worn", "letters", "under way", "minted", "spent", "difference"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for (asset, line) in &report.lines {
        let amounts = [line.bag, line.worn, line.letters, line.under_way, line.minted, line.spent];
        let mut row = vec![named(*asset, content)];
        row.extend(amounts.map(|amount| amount.to_string()));
        row.push(signed(line.difference()));
        rows.push(row);
    }
    let mut text = output::table(&rows);
    text.push('\n');
    text += &looked_at(&report.counts);
    for note in notes(report) {
        text += &format!("note: {note}\n");
    }
    for finding in report.findings.iter().take(SHOWN_MAX) {
        text += &format!("FOUND  {finding}\n");
    }
    let more = report.findings.len().saturating_sub(SHOWN_MAX) as u64 + report.findings_left_out;
    if more > 0 {
        text += &format!("FOUND  and {more} more\n");
    }
    let mark = if verdict(report).is_none() { "ok: conserved and whole" } else { "FAILED" };
    text + mark + "\n"
}

/// Everything for programs.
pub(super) fn value(report: &Report) -> Value {
    let items: Vec<Value> = report.lines.iter().map(|(asset, line)| item(*asset, line)).collect();
    let findings: Vec<Value> = report.findings.iter().map(finding).collect();
    let Counts {
        keys,
        owned,
        players,
        players_without_books,
        players_with_late_books,
        guilds,
        battles,
        mails_waiting,
        mails_set_aside,
        posts_waiting,
        posts_delivered,
    } = report.counts;
    json!({
        "conserved": report.is_conserved(),
        "whole": report.is_whole(),
        "items": items,
        "findings": findings,
        "findings_left_out": report.findings_left_out,
        "counts": {
            "keys": keys, "owned": owned, "players": players,
            "players_without_books": players_without_books,
            "players_with_late_books": players_with_late_books,
            "guilds": guilds, "battles": battles, "mails_waiting": mails_waiting,
            "mails_set_aside": mails_set_aside, "posts_waiting": posts_waiting,
            "posts_delivered": posts_delivered,
        },
    })
}

/// What is wrong, in one line; `None` if nothing is.
pub(super) fn verdict(report: &Report) -> Option<String> {
    let mut wrong: Vec<String> = report
        .differences()
        .map(|(asset, difference)| format!("{asset} differs by {}", signed(difference)))
        .collect();
    if wrong.len() > NAMED_MAX {
        let more = wrong.split_off(NAMED_MAX).len();
        wrong.push(format!("{more} more items differ"));
    }
    let findings = report.findings.len() as u64 + report.findings_left_out;
    if findings > 0 {
        wrong.push(format!("findings: {findings}"));
    }
    (!wrong.is_empty()).then(|| wrong.join(", "))
}

fn looked_at(counts: &Counts) -> String {
    let Counts { keys, owned, players, guilds, battles, mails_waiting, posts_waiting, .. } = counts;
    format!(
        "{players} players, {guilds} guilds and {battles} battles; \
         {mails_waiting} mails wait in mailboxes, {posts_waiting} in outboxes; \
         {owned} of {keys} keys have an owner\n"
    )
}

/// What explains the numbers, without being wrong.
fn notes(report: &Report) -> Vec<String> {
    let mut notes = Vec::new();
    let counts = &report.counts;
    let older = counts.players_without_books + counts.players_with_late_books;
    if older > 0 {
        notes.push(format!(
            "{older} players are older than their books, which began with what \
            they held"
        ));
    }
    for (asset, line) in report.lines.iter().filter(|(_, line)| line.carried != 0) {
        notes.push(format!(
            "{} of {asset} were given before there were books; this must never grow",
            line.carried
        ));
    }
    for (asset, line) in report.lines.iter().filter(|(_, line)| line.rewards != 0) {
        notes.push(format!(
            "{} of {asset} are rewards under way, minted when they arrive",
            line.rewards
        ));
    }
    if counts.mails_set_aside > 0 {
        notes.push(format!("{} mails could not be applied and are kept", counts.mails_set_aside));
    }
    if counts.posts_delivered > 0 {
        let delivered = counts.posts_delivered;
        notes.push(format!("{delivered} mails have arrived and still stand in their outbox"));
    }
    notes
}

fn item(asset: Asset, line: &Line) -> Value {
    let item = match asset {
        Asset::Gold => json!("gold"),
        Asset::Item(item) => json!(item),
    };
    // A sum beyond 64 bits would be said as a text.
    let number =
        |amount: i128| i64::try_from(amount).map_or(json!(amount.to_string()), Value::from);
    json!({
        "item": item, "bag": number(line.bag), "worn": number(line.worn),
        "letters": number(line.letters), "under_way": number(line.under_way),
        "rewards": number(line.rewards), "minted": number(line.minted),
        "spent": number(line.spent), "carried": number(line.carried),
        "difference": number(line.difference()),
    })
}

fn finding(finding: &Finding) -> Value {
    let kind = match finding {
        Finding::Damaged { .. } => "damaged",
        Finding::Unbalanced { .. } => "unbalanced",
        Finding::Guild { .. } => "guild",
        Finding::MailMissing { .. } => "mail_missing",
    };
    json!({ "kind": kind, "what": finding.to_string() })
}

fn named(asset: Asset, content: &Content) -> String {
    let item = match asset {
        Asset::Gold => return asset.to_string(),
        Asset::Item(item) => item,
    };
    let name = content.items.get(&item).map(|item| item.name.as_str());
    name.map_or_else(|| asset.to_string(), |name| format!("{item} {name}"))
}

fn signed(amount: i128) -> String {
    if amount == 0 { String::from("0") } else { format!("{amount:+}") }
}

#[cfg(test)]
mod tests {
    use shared::ids::PlayerId;

    use super::*;

    fn report() -> Report {
        let gold = Line { bag: 5, under_way: 2, minted: 9, spent: 2, ..Line::default() };
        let meat = Line { bag: 3, letters: 1, minted: 3, rewards: 7, ..Line::default() };
        let finding =
            Finding::Unbalanced { player: PlayerId(1), asset: Asset::Item(40), held: 4, booked: 3 };
        Report {
            lines: [(Asset::Gold, gold), (Asset::Item(40), meat)].into(),
            findings: vec![finding],
            ..Report::default()
        }
    }

    #[test]
    fn people_see_where_things_are_and_what_differs() {
        let text = text(&report(), &Content::builtin());
        let parts = [
            "item           bag  worn  letters  under way  minted  spent  difference\n",
            "gold           5    0     0        2          9       2      0\n",
            "40 Dried Meat  3    0     1        0          3       0      +1\n",
            "note: 7 of item 40 are rewards",
            "FOUND  player:0000000000000001: holds 4 of item 40, the books say 3\n",
            "FAILED\n",
        ];
        for part in parts {
            assert!(text.contains(part), "{part:?} is not in\n{text}");
        }
        let wrong = "item 40 differs by +1, findings: 1";
        assert_eq!(verdict(&report()).as_deref(), Some(wrong));
    }

    #[test]
    fn programs_see_the_same() {
        let value = value(&report());
        assert_eq!((&value["conserved"], &value["whole"]), (&json!(false), &json!(false)));
        assert_eq!(value["items"][0]["item"], "gold");
        assert_eq!(
            (&value["items"][1]["item"], &value["items"][1]["difference"]),
            (&json!(40), &json!(1))
        );
        assert_eq!(value["findings"][0]["kind"], "unbalanced");
        let empty = Report::default();
        assert!(verdict(&empty).is_none() && text(&empty, &Content::builtin()).contains("ok:"));
    }
}
