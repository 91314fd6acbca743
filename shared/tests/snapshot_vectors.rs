//! The documented layout of snapshots is the one that is written: the tables of
//! `docs/snapshots.md` and the vectors of `docs/snapshot-vectors.json`, which decoders in other
//! languages can be checked with. `COHORT_FREEZE=1` writes the vectors anew.

use std::fmt::Write as _;
use std::path::PathBuf;

use shared::msg::snapshot::{
    AreaView, EntityRow, FighterView, Kind, LAYOUT, MonsterView, PetView, PointView,
    ProjectileView, Snapshot, decode, encode,
};

const STREAM: u16 = 0x0102;

fn docs(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)
}

/// Named snapshots that have everything a decoder has to know.
fn snapshots() -> Vec<(&'static str, Snapshot)> {
    let empty = Snapshot { tick: 1, ticks_left: 2_400, unit_mm: 1, ..Snapshot::default() };
    let mut begin = Snapshot { tick: 300, ticks_left: 70_000, unit_mm: 10, ..Snapshot::default() };
    begin.score = [3, 300];
    let fighter = |slot: u16| FighterView {
        slot,
        x_mm: -20 - 70 * i32::from(slot),
        y_mm: 65_000,
        sequence: 7,
        hp_permille: 1_000 - slot,
        shield_permille: 20 * slot,
        effects: 0x4000_0001,
        casting: Some(2),
        ready: [310, 0, 300, 70_000],
        away: slot == 3,
    };
    [0, 1, 3].map(fighter).iter().for_each(|fighter| begin.put(fighter));
    begin.put(&PointView { id: 90, progress_permille: -250, holder: Some(1), ..<_>::default() });
    begin.put(&PetView { id: 200, x_mm: 50, hp_permille: 1, owner: 1, species: 4, y_mm: -50 });
    begin.put(&ProjectileView { id: 258, x_mm: 40, towards: (127, -1), ..<_>::default() });
    begin.put(&AreaView { id: 259, radius_mm: 2_500, look: 3, owner: 65_535, ..<_>::default() });
    begin.put(&MonsterView { id: 65_535, species: 9, hp_permille: 500, ..<_>::default() });

    let mut walked = Snapshot { tick: 303, ticks_left: 69_997, ..begin.clone() };
    walked.rows[0].set(0, 50);
    walked.rows[1].set(FighterView::SEQUENCE, 10);
    // Somebody is gone, one id has become something else, and something new is there.
    walked.rows.remove(2);
    walked.rows[3] = EntityRow::new(200, Kind::Projectile);
    walked.put(&ProjectileView { id: 300, x_mm: -2_000_000, owner: 2, ..<_>::default() });
    walked.sort();

    let mut far = Snapshot { tick: 558, ticks_left: 5, unit_mm: 20, ..walked.clone() };
    far.score = [4, 299];
    far.rows.iter_mut().for_each(|row| row.set(1, -200_000));
    vec![("empty", empty), ("begin", begin), ("walked", walked), ("far", far)]
}

const ENCODINGS: [(&str, Option<&str>); 6] = [
    ("empty", None),
    ("begin", None),
    ("walked", Some("begin")),
    ("walked", Some("empty")),
    ("far", Some("walked")),
    ("begin", Some("empty")),
];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}

fn numbers(numbers: impl IntoIterator<Item = i64>) -> String {
    numbers.into_iter().map(|number| number.to_string()).collect::<Vec<_>>().join(", ")
}

fn json(name: &str, snapshot: &Snapshot) -> String {
    let row = |row: &EntityRow| {
        let fields = row.fields().iter().take(row.kind().fields().len());
        let (kind, fields) = (row.kind().number(), numbers(fields.copied().map(i64::from)));
        format!("{{\"id\": {}, \"kind\": {kind}, \"fields\": [{fields}]}}", row.id)
    };
    let Snapshot { tick, ticks_left, unit_mm, score, rows } = snapshot;
    let score = numbers(score.map(i64::from));
    let rows: Vec<_> = rows.iter().map(|one| format!("\n      {}", row(one))).collect();
    format!(
        "    \"{name}\": {{\n      \"tick\": {tick}, \"ticks_left\": {ticks_left}, \
         \"unit_mm\": {unit_mm}, \"score\": [{score}],\n      \"rows\": [{}]\n    }}",
        rows.join(",")
    )
}

fn vectors() -> String {
    let all = snapshots();
    let named = |name: &str| {
        let found = all.iter().find(|(other, _)| *other == name);
        &found.expect("the names are those above").1
    };
    let mut encodings = Vec::new();
    let mut refused = Vec::new();
    for (name, baseline) in ENCODINGS {
        let (snapshot, base) = (named(name), baseline.map(named));
        let mut bytes = Vec::new();
        encode(STREAM, snapshot, base, &mut bytes);
        assert_eq!(decode(&bytes, base).as_ref(), Ok(snapshot), "{name} from {baseline:?}");
        let baseline = baseline.map_or(String::from("null"), |base| format!("\"{base}\""));
        let line = |bytes: &[u8]| {
            let hex = hex(bytes);
            format!("\"snapshot\": \"{name}\", \"baseline\": {baseline}, \"hex\": \"{hex}\"")
        };
        encodings.push(format!("    {{{}}}", line(&bytes)));
        for damaged in [&bytes[..bytes.len() - 1], &[&bytes[..], &[0]].concat()] {
            assert!(decode(damaged, base).is_err());
            refused.push(format!("    {{{}}}", line(damaged)));
        }
    }
    let snapshots: Vec<_> = all.iter().map(|(name, one)| json(name, one)).collect();
    format!(
        "{{\n  \"layout\": {LAYOUT},\n  \"stream\": {STREAM},\n  \"snapshots\": {{\n{}\n  }},\n  \
         \"encodings\": [\n{}\n  ],\n  \"refused\": [\n{}\n  ]\n}}\n",
        snapshots.join(",\n"),
        encodings.join(",\n"),
        refused.join(",\n")
    )
}

#[test]
fn the_vectors_are_what_is_written_and_read() {
    let (path, vectors) = (docs("snapshot-vectors.json"), vectors());
    if std::env::var_os("COHORT_FREEZE").is_some() {
        std::fs::write(&path, &vectors).expect("the documents can be written");
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(known == vectors, "the layout has changed: {}", path.display());
}

#[test]
fn the_documented_tables_are_those_of_the_code() {
    let text = std::fs::read_to_string(docs("snapshots.md")).expect("it is part of the project");
    for kind in Kind::ALL {
        let title = format!("### {} ({})", kind.name(), kind.number());
        let (_, section) = text.split_once(&title).unwrap_or_else(|| panic!("no {title}"));
        let section = section.split("\n### ").next().unwrap_or_default();
        let told = section.lines().filter(|line| line.starts_with('|'));
        let told: Vec<&str> = told.skip(2).collect();
        let line = |(n, field): (usize, &shared::msg::snapshot::Field)| {
            let who = if field.own { "own class" } else { "all" };
            let (name, unit) = (field.name, field.unit);
            format!("| {n} | {name} | {unit} | {} to {} | {who} |", field.min, field.max)
        };
        let real: Vec<String> = kind.fields().iter().enumerate().map(line).collect();
        assert_eq!(told, real, "{}: the table should read\n{}\n", kind.name(), real.join("\n"));
    }
}
