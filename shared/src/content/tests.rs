//! Tests of the content loader: what is told about each kind of mistake, and where.

use super::*;

/// The built-in files with `from` (which must be there once) in `file` replaced by `to`.
fn changed(file: &str, from: &str, to: &str) -> Vec<(&'static str, String)> {
    let change = |(name, text): (&'static str, &str)| {
        if name != file {
            return (name, String::from(text));
        }
        assert_eq!(text.matches(from).count(), 1, "{from:?} stands once in {file}");
        (name, text.replace(from, to))
    };
    BUILTIN_FILES.into_iter().map(change).collect()
}

fn told(files: &[(&'static str, String)]) -> Vec<String> {
    let errors = Content::parse(files).expect_err("the files are wrong").errors;
    errors.iter().map(ToString::to_string).collect()
}

/// Replacing `from` by `to` in `file` is told in the line of `from` plus `line_offset`, in words
/// that contain `words`, and nothing else is told.
fn check(file: &str, from: &str, to: &str, line_offset: usize, words: &str) {
    let (_, text) = BUILTIN_FILES.into_iter().find(|(name, _)| *name == file).unwrap();
    let before = &text[..text.find(from).unwrap()];
    let line = 1 + before.matches('\n').count() + line_offset;
    let told = told(&changed(file, from, to));
    let [only] = &told[..] else { panic!("one problem is told, not {told:#?}") };
    let rest = only.strip_prefix(&format!("{file}:{line}: ")).unwrap_or_else(|| {
        panic!("the problem is in line {line} of {file}, but it is told: {only}")
    });
    assert!(rest.contains(words), "{rest:?} contains {words:?}");
}

#[test]
fn the_built_in_content_is_valid_and_has_what_the_game_needs() {
    let content = Content::parse(&BUILTIN_FILES).unwrap_or_else(|errors| panic!("{errors}"));
    assert!(content.heroes.len() >= 6);
    assert!(content.pets.len() >= 3);
    for slot in Slot::ALL {
        let fits =
            |item: &&Item| matches!(item.purpose, ItemUse::Equipment { slot: s, .. } if s == slot);
        assert!(content.items.values().any(|item| fits(&item)), "something fits into {slot:?}");
    }
    assert_eq!(content.player.start_gold, 500);
    assert_eq!(content.queues["arena"].party_max(), 5);
    assert_eq!(content.arena.duration_s, 60);
}

#[test]
fn content_survives_the_wire_and_keeps_its_hash() {
    let content = Content::builtin();
    let bytes = crate::wire::encode(&content);
    let back: Content = crate::wire::decode(&bytes, 1 << 20).unwrap();
    assert_eq!(back, content);
    assert_eq!(back.hash(), content.hash());
    let mut other = content.clone();
    other.arena.score_to_win += 1;
    assert_ne!(other.hash(), content.hash());
}

#[test]
fn an_unknown_key_is_told_with_the_nearest_known_one() {
    let words =
        "unknown key `respawn_m` (did you mean `respawn_ms`?); allowed are maps, duration_s";
    let (from, to) = ("respawn_ms = 3000", "respawn_ms = 3000\nrespawn_m = 1");
    check("arena.toml", from, to, 1, words);
    check(
        "player.toml",
        "level_max = 60",
        "level_max = 60\ncolour = 3",
        1,
        "unknown key `colour`;",
    );
}

#[test]
fn a_missing_key_is_told_at_the_table_that_lacks_it() {
    let from = "[[pets]]\nid = 2\nname = \"Owl\"\n";
    let words = "`name` is missing here; it is a name in quotes";
    check("pets.toml", from, "[[pets]]\nid = 2\n", 0, words);
}

#[test]
fn a_value_of_another_type_is_told_with_what_is_expected() {
    let words = "`hp` is string; it must be a whole number, 1 to 100000";
    check("heroes.toml", "hp = 620", "hp = \"520\"", 0, words);
    check("heroes.toml", "hp = 620", "hp = 620.5", 0, "`hp` is float");
    check("player.toml", "start_pets = [1]", "start_pets = 1", 0, "must be a list of ids");
    check("queues.toml", "mode = \"arena\"", "mode = 1", 0, "must be one of arena, duel, siege");
}

#[test]
fn a_number_out_of_its_range_is_told_with_the_range() {
    let words = "`cooldown_ms` is 10; it must be 50 to 60000";
    check("heroes.toml", "cooldown_ms = 850", "cooldown_ms = 10", 0, words);
    let huge = "99999999999999999999";
    let (from, to) = ("start_gold = 500", format!("start_gold = {huge}"));
    check("player.toml", from, &to, 0, "`start_gold` is 99999999999999999999; it must be 0 to");
    check("queues.toml", "rating_window_max = 2000", "rating_window_max = 199", 0, "200 to 10000");
    check("pets.toml", "id = 3", "id = 0", 0, "`id` is 0; it must be 1 to 65535");
    check("queues.toml", "players_min = 1", "players_min = 2001", 0, "it must be 1 to 2000");
    check("queues.toml", "side_fighters = 1", "side_fighters = 2", 0, "it must be 1 to 1");
}

#[test]
fn the_queue_of_a_mode_of_ones_own_meets_in_either_way() {
    let meeting = |from| {
        let files = changed("queues.toml", from, "own_mode = \"Chess\"");
        let queues = Content::parse(&files).unwrap().queues;
        let own = queues.into_values().find(|queue| queue.mode == "Chess");
        own.expect("it is there").meeting
    };
    assert!(matches!(meeting("mode = \"duel\""), Meeting::Sides(_)));
    assert!(matches!(meeting("mode = \"siege\""), Meeting::Crowd(_)));
}

#[test]
fn a_word_that_is_not_allowed_is_told_with_those_that_are() {
    let words = "`mode` is \"arenna\" (did you mean `arena`?); allowed are arena, duel, siege";
    check("queues.toml", "mode = \"arena\"", "mode = \"arenna\"", 0, words);
    let items = "name = \"Honey Cake\"\nuse = { kind = \"food\"";
    let wrong = "name = \"Honey Cake\"\nuse = { kind = \"fod\"";
    let words = "`kind` is \"fod\" (did you mean `food`?); allowed are equipment, consumable, food";
    let told = told(&changed("items.toml", items, wrong));
    assert!(told.iter().any(|line| line.contains(words)), "{told:#?}");
}

#[test]
fn a_name_that_players_must_not_see_is_told_with_the_rule() {
    check("heroes.toml", "\"Archer\"", "\"A<b>\"", 0, "a name has letters");
    check("heroes.toml", "\"Archer\"", "\"A\"", 0, "a name has 2 to 32 bytes");
}

#[test]
fn an_id_used_twice_is_told_at_the_second_use_with_the_first() {
    check("pets.toml", "id = 3", "id = 1", 0, "id 1 is used already in line 4");
    let queue = BUILTIN_FILES[5].1.split("[[queues]]").nth(1).unwrap();
    let last = "bots = { after_s = 12, strength = \"regular\" }\n";
    let twice = format!("{last}\n[[queues]]{queue}");
    check("queues.toml", last, &twice, 3, "name arena is used already in line 11");
    let grants = "{ item = 21, count = 2 }";
    check("player.toml", grants, "{ item = 20, count = 2 }", 0, "item 20 is used already");
}

#[test]
fn a_reference_to_what_is_not_there_is_told_with_what_is() {
    let words = "`start_hero` is 9, and heroes.toml has no such id; it has 1, 2, 3, 4, 5, 6";
    check("player.toml", "start_hero = 1", "start_hero = 9", 0, words);
    check("player.toml", "start_pets = [1]", "start_pets = [7]", 0, "pets.toml has no such id");
    check("arena.toml", "item = 22", "item = 23", 0, "`item` is 23, and items.toml has no such id");
}

#[test]
fn mistakes_in_a_siege_are_told() {
    let words = "`monster` is 9, and siege.toml has no such id; it has 1, 2, 3";
    check("siege.toml", "monster = 3", "monster = 9", 0, words);
    check("siege.toml", "at_s = 110", "at_s = 301", 0, "300");
    check("siege.toml", "hp = 900", "hp = 0", 0, "1 to 100000");
    check("siege.toml", "name = \"Ram\"", "name = \"Ram\"\nwings = 2", 1, "wings");
}

#[test]
fn too_many_entries_are_told_with_the_limit() {
    let ids = vec!["1"; 51].join(", ");
    let words = "`start_pets` has 51 entries; it must have 0 to 50";
    check("player.toml", "start_pets = [1]", &format!("start_pets = [{ids}]"), 0, words);
}

#[test]
fn skills_that_cannot_work_are_told() {
    let words = "the skill Long Shot costs more than the hero's energy of 29";
    let archer = "hp = 380\narmour = 5\nspeed_mm_s = 4200\nradius_mm = 380\nenergy = ";
    let files = changed("heroes.toml", &format!("{archer}100"), &format!("{archer}29"));
    let lines = told(&files);
    assert!(lines.len() == 1 && lines[0].contains(words), "{lines:?}");
    let parry = "{ kind = \"shield\", amount = 130, duration_ms = 1500 }";
    let words = "an effect that harms is lost with this delivery";
    let lines = told(&changed("heroes.toml", parry, "{ kind = \"stun\", duration_ms = 1500 }"));
    assert!(lines.len() == 1 && lines[0].contains(words), "{lines:?}");
    let words = "`effects` has 0 entries; it must have 1 to 4";
    check("heroes.toml", &format!("[{parry}]"), "[]", 0, words);
    let words = "`maps` is \"crosing\" (did you mean `crossing`?); allowed are crossing, cloister";
    check("arena.toml", "\"crossing\"", "\"crosing\"", 0, words);
}

#[test]
fn text_that_is_not_toml_is_told_in_its_line_and_causes_no_further_complaints() {
    check("heroes.toml", "hp = 620", "hp 520", 0, "not valid TOML");
    check(
        "player.toml",
        "start_gold = 500",
        "start_gold = 500\nstart_gold = 6",
        1,
        "duplicate key",
    );
}

#[test]
fn missing_unknown_and_oversized_files_are_told() {
    let mut files = changed("pets.toml", "id = 3", "id = 3");
    files[2].0 = "pet.toml";
    let lines = told(&files);
    let words = "pet.toml:1: there is no content file of this name (did you mean `pets.toml`?)";
    assert!(lines[0].starts_with(words), "{lines:?}");
    assert!(lines[1].starts_with("pets.toml:1: the file is missing; content needs all of"));
    assert_eq!(lines.len(), 2, "references into the missing file are not told");

    let mut files = changed("pets.toml", "id = 3", "id = 3");
    files[2].1 = "#".repeat((1 << 20) + 1);
    assert!(told(&files)[0].starts_with("pets.toml:1: the file has 1048577 bytes"));
}

#[test]
fn everything_wrong_is_told_at_once_up_to_a_limit() {
    let mut files = changed("heroes.toml", "hp = 620", "hp = 0");
    files[1].1 = files[1].1.replace("pet_xp = 25", "pet_xp = -1");
    files[5].1 = files[5].1.replace("rating_k = 32", "rating_q = 32");
    let lines = told(&files);
    let starts: Vec<_> = lines.iter().map(|line| line.split(": ").next().unwrap()).collect();
    let expected = ["heroes.toml:8", "items.toml:51", "queues.toml:10", "queues.toml:17"];
    assert_eq!(starts, expected, "{lines:#?}");

    let hundreds: String = (0..250).map(|n| format!("unknown_{n} = 1\n")).collect();
    let mut files = changed("pets.toml", "id = 3", "id = 3");
    files[3].1 = hundreds + &files[3].1;
    let errors = Content::parse(&files).unwrap_err();
    assert_eq!((errors.errors.len(), errors.left_off), (100, 150));
    assert!(errors.to_string().ends_with("and 150 more"));
}

#[test]
fn no_truncation_of_the_built_in_files_panics() {
    for (index, (_, text)) in BUILTIN_FILES.iter().enumerate() {
        // Long files have much of the same kind, and maps take longer to check.
        let step = if index < CONTENT_FILES.len() { 1 + text.len() / 1_000 } else { 31 };
        for cut in (0..text.len()).step_by(step).filter(|&cut| text.is_char_boundary(cut)) {
            let mut files = BUILTIN_FILES;
            files[index].1 = &text[..cut];
            if let Err(errors) = Content::parse(&files) {
                assert!(!errors.to_string().is_empty());
            }
        }
    }
}

const CROSSING: &str = "maps/crossing.toml";

#[test]
fn what_cannot_be_played_on_a_map_is_told_where_it_stands() {
    let wall = "x_mm = -6000, y_mm = 4200, half_width_mm = 2600";
    let out = "x_mm = -12000, y_mm = 4200, half_width_mm = 2600";
    check(CROSSING, wall, out, 0, "the wall does not lie inside the map of +-14000 x +-9000 mm");
    let entry = "x_mm = -12600, y_mm = 0 ";
    let words = "radius 450 mm cannot stand in the entry";
    check(CROSSING, entry, "x_mm = -6000, y_mm = 4500 ", 0, words);
    check(CROSSING, entry, "x_mm = -12600, y_mm = 8600 ", 0, words);
    let bush = "half_width_mm = 1100, half_height_mm = 600, sight = true },\n    { x_mm = 6000";
    check(CROSSING, bush, &bush.replace(", sight = true", ""), 0, "the cover blocks nothing");
    check(
        CROSSING,
        bush,
        &bush.replace("sight = true", "sight = true, walking = 1"),
        0,
        "true or false",
    );
}

#[test]
fn a_place_of_a_map_that_is_cut_off_is_told() {
    // A wall from end to end: the other side's entries and a part of the points are behind it.
    let wall = "walls = [\n";
    let cut =
        "walls = [\n    { x_mm = 11200, y_mm = 0, half_width_mm = 100, half_height_mm = 9000 },\n";
    let lines = told(&changed(CROSSING, wall, cut));
    assert_eq!(lines.len(), 5, "{lines:#?}");
    for line in &lines {
        assert!(line.contains("cannot walk from the first entry to the entry"), "{line}");
    }
    // A closed room: nothing of interest is in it, but floor.
    let room = "walls = [
    { x_mm = -10000, y_mm = -1000, half_width_mm = 1500, half_height_mm = 100 },
    { x_mm = -10000, y_mm = -4000, half_width_mm = 1500, half_height_mm = 100 },
    { x_mm = -11500, y_mm = -2500, half_width_mm = 100, half_height_mm = 1500 },
    { x_mm = -8500, y_mm = -2500, half_width_mm = 100, half_height_mm = 1500 },\n";
    let lines = told(&changed(CROSSING, wall, room));
    let [line] = &lines[..] else { panic!("one problem is told, not {lines:#?}") };
    let words = "cannot walk from the first entry to the free floor";
    assert!(line.starts_with("maps/crossing.toml:1: ") && line.contains(words), "{line}");
}

#[test]
fn maps_are_found_by_their_names_and_the_names_are_checked() {
    let mut files = changed("pets.toml", "id = 3", "id = 3");
    let crossing = files.iter().find(|(name, _)| *name == CROSSING).unwrap().1.clone();
    files.push(("maps/second-try_2.toml", crossing.clone()));
    let content = Content::parse(&files).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(content.maps["second-try_2"], content.maps["crossing"]);
    files.push(("maps/Second Try.toml", crossing));
    assert!(told(&files)[0].starts_with("maps/Second Try.toml:1: a map's file is called"));
    let many: Vec<_> = (0..65).map(|n| (format!("maps/{n}.toml"), String::new())).collect();
    let errors = Content::parse(&many).unwrap_err().to_string();
    assert!(errors.contains("there are more than 64 maps"), "{errors}");
}
