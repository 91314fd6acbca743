//! From the text of the content files to [`Content`], or to everything that is wrong with them.

use std::cell::RefCell;
use std::collections::BTreeMap;

use toml::de::DeTable;
use xxhash_rust::xxh3::xxh3_64;

use super::maps::map;
use super::problem::{ContentErrors, ContentProblem, Suggestion};
use super::table::{Known, Lines, Source, Table};
use super::{Content, siege, validate};
use crate::wire;

/// Bytes of one content file. A longer one is refused unread.
const FILE_BYTES_MAX: usize = 1 << 20;

const HEROES: &str = "heroes.toml";
const ITEMS: &str = "items.toml";
const PETS: &str = "pets.toml";
const PLAYER: &str = "player.toml";
const ARENA: &str = "arena.toml";
const SIEGE: &str = "siege.toml";
const QUEUES: &str = "queues.toml";
/// The folder of the maps.
const MAPS: &str = "maps/";
/// Maps at most. More are refused.
const MAPS_MAX: usize = 64;
const MAP_NAME_BYTES_MAX: usize = 32;

/// The files that make up content, all of them needed. Besides, there are maps in `maps/`.
pub const CONTENT_FILES: [&str; 7] = [HEROES, ITEMS, PETS, PLAYER, ARENA, QUEUES, SIEGE];

/// The files of the repository's folder `content/`, as they were when the program was built.
pub const BUILTIN_FILES: [(&str, &str); 10] = [
    (HEROES, include_str!("../../../content/heroes.toml")),
    (ITEMS, include_str!("../../../content/items.toml")),
    (PETS, include_str!("../../../content/pets.toml")),
    (PLAYER, include_str!("../../../content/player.toml")),
    (ARENA, include_str!("../../../content/arena.toml")),
    (QUEUES, include_str!("../../../content/queues.toml")),
    (SIEGE, include_str!("../../../content/siege.toml")),
    ("maps/crossing.toml", include_str!("../../../content/maps/crossing.toml")),
    ("maps/cloister.toml", include_str!("../../../content/maps/cloister.toml")),
    ("maps/orchard.toml", include_str!("../../../content/maps/orchard.toml")),
];

impl Content {
    /// The content that is compiled in.
    #[must_use]
    pub fn builtin() -> Self {
        Self::parse(&BUILTIN_FILES).expect("a test proves that the built-in content is valid")
    }

    /// Reads content from pairs of file name and text.
    ///
    /// # Errors
    /// [`ContentErrors`] lists everything wrong that was found in one go: a reference is not
    /// checked if the file it leads to is not TOML.
    pub fn parse<N: AsRef<str>, T: AsRef<str>>(files: &[(N, T)]) -> Result<Self, ContentErrors> {
        let problems = RefCell::new(ContentErrors::default());
        let content = read(files, &problems);
        let mut problems = problems.into_inner();
        problems.errors.sort_by_cached_key(|error| {
            let place = CONTENT_FILES.iter().position(|file| *file == error.file);
            (error.file.starts_with(MAPS), place, error.file.clone(), error.line)
        });
        match content {
            Some(content) if problems.errors.is_empty() => Ok(content),
            Some(_) | None => Err(problems),
        }
    }

    /// Tells content apart: nodes of one cluster and the reader of a replay must have the same.
    #[must_use]
    pub fn hash(&self) -> u64 {
        xxh3_64(&wire::encode(self))
    }
}

fn read<N: AsRef<str>, T: AsRef<str>>(
    files: &[(N, T)],
    problems: &RefCell<ContentErrors>,
) -> Option<Content> {
    report_unknown_files(files, problems);
    let text = |name: &str| {
        let file = files.iter().find(|(file, _)| file.as_ref() == name);
        file.map(|(_, text)| text.as_ref())
    };
    let (mut hero_ids, mut item_ids, mut pet_ids) = (Lines::new(), Lines::new(), Lines::new());
    let heroes =
        with_table(HEROES, text(HEROES), problems, |table| validate::heroes(table, &mut hero_ids));
    let items =
        with_table(ITEMS, text(ITEMS), problems, |table| validate::items(table, &mut item_ids));
    let pets = with_table(PETS, text(PETS), problems, |table| validate::pets(table, &mut pet_ids));
    let known_heroes = Known { file: HEROES, ids: heroes.as_ref().map(|_| &hero_ids) };
    let known_items = Known { file: ITEMS, ids: items.as_ref().map(|_| &item_ids) };
    let known_pets = Known { file: PETS, ids: pets.as_ref().map(|_| &pet_ids) };
    let player = with_table(PLAYER, text(PLAYER), problems, |table| {
        validate::player(table, &known_heroes, &known_items, &known_pets)
    });
    let siege = with_table(SIEGE, text(SIEGE), problems, |table| siege::siege(table, &known_items));
    let arena = {
        let maps: Vec<&str> =
            files.iter().filter_map(|(file, _)| map_name(file.as_ref())).collect();
        with_table(ARENA, text(ARENA), problems, |table| {
            validate::arena(table, &known_items, &maps)
        })
    };
    let queues = with_table(QUEUES, text(QUEUES), problems, validate::queues);
    let largest = heroes.iter().flat_map(BTreeMap::values).map(|hero| hero.radius_mm).max();
    let maps = files.iter().filter_map(|(file, text)| {
        let (file, name) = (file.as_ref(), map_name(file.as_ref())?);
        let map = with_table(file, Some(text.as_ref()), problems, |table| map(table, largest))?;
        Some((String::from(name), map))
    });
    let maps = maps.collect();
    Some(Content {
        heroes: heroes?,
        items: items?,
        pets: pets?,
        player: player?,
        arena: arena?,
        siege: siege?,
        queues: queues?,
        maps,
    })
}

/// What a map is called whose file this is; `None` for other files and bad names.
fn map_name(file: &str) -> Option<&str> {
    let name = file.strip_prefix(MAPS)?.strip_suffix(".toml")?;
    let is_plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    let is_sized = (1..=MAP_NAME_BYTES_MAX).contains(&name.len());
    (is_sized && name.bytes().all(is_plain)).then_some(name)
}

fn report_unknown_files<N: AsRef<str>, T>(files: &[(N, T)], problems: &RefCell<ContentErrors>) {
    let mut maps = 0;
    for (name, _) in files {
        let file = name.as_ref();
        let source = Source { file, text: "", problems };
        if map_name(file).is_some() {
            maps += 1;
        } else if file.starts_with(MAPS) {
            source.report(0, ContentProblem::BadMapName { max: MAP_NAME_BYTES_MAX });
        } else if !CONTENT_FILES.contains(&file) {
            let suggestion = Suggestion::of(file, CONTENT_FILES);
            let allowed = CONTENT_FILES.join(", ");
            source.report(0, ContentProblem::UnknownFile { suggestion, allowed });
        }
        if maps == MAPS_MAX + 1 {
            source.report(0, ContentProblem::TooManyMaps { max: MAPS_MAX });
            return;
        }
    }
}

/// Parses a file and has `read` take its keys; `None` if there is nothing that can be read.
fn with_table<R>(
    file: &str,
    text: Option<&str>,
    problems: &RefCell<ContentErrors>,
    read: impl FnOnce(Table<'_>) -> R,
) -> Option<R> {
    let source = Source { file, text: text.unwrap_or_default(), problems };
    let Some(text) = text else {
        let needed = CONTENT_FILES.join(", ");
        source.report(0, ContentProblem::MissingFile { needed });
        return None;
    };
    if text.len() > FILE_BYTES_MAX {
        let (bytes, max) = (text.len(), FILE_BYTES_MAX);
        source.report(0, ContentProblem::FileTooLong { bytes, max });
        return None;
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let at = error.span().map_or(0, |span| span.start);
        source.report(at, ContentProblem::Syntax { message: String::from(error.message()) });
    }
    errors.is_empty().then(|| read(Table::new(&source, 0, table.get_ref())))
}
