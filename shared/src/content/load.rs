//! From the text of the content files to [`Content`], or to everything that is wrong with them.

use std::cell::RefCell;

use toml::de::DeTable;
use xxhash_rust::xxh3::xxh3_64;

use super::problem::{ContentErrors, ContentProblem, Suggestion};
use super::table::{Known, Lines, Source, Table};
use super::{Content, validate};
use crate::wire;

/// Bytes of one content file. A longer one is refused unread.
const FILE_BYTES_MAX: usize = 1 << 20;

const HEROES: &str = "heroes.toml";
const ITEMS: &str = "items.toml";
const PETS: &str = "pets.toml";
const PLAYER: &str = "player.toml";
const ARENA: &str = "arena.toml";
const QUEUES: &str = "queues.toml";

/// The files that make up content, all of them needed.
pub const CONTENT_FILES: [&str; 6] = [HEROES, ITEMS, PETS, PLAYER, ARENA, QUEUES];

/// The files of the repository's folder `content/`, as they were when the program was built.
pub const BUILTIN_FILES: [(&str, &str); 6] = [
    (HEROES, include_str!("../../../content/heroes.toml")),
    (ITEMS, include_str!("../../../content/items.toml")),
    (PETS, include_str!("../../../content/pets.toml")),
    (PLAYER, include_str!("../../../content/player.toml")),
    (ARENA, include_str!("../../../content/arena.toml")),
    (QUEUES, include_str!("../../../content/queues.toml")),
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
        problems.errors.sort_by_key(|error| {
            (CONTENT_FILES.iter().position(|file| *file == error.file), error.line)
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
    let arena =
        with_table(ARENA, text(ARENA), problems, |table| validate::arena(table, &known_items));
    let queues = with_table(QUEUES, text(QUEUES), problems, validate::queues);
    Some(Content {
        heroes: heroes?,
        items: items?,
        pets: pets?,
        player: player?,
        arena: arena?,
        queues: queues?,
    })
}

fn report_unknown_files<N: AsRef<str>, T>(files: &[(N, T)], problems: &RefCell<ContentErrors>) {
    for (name, _) in files {
        let file = name.as_ref();
        if !CONTENT_FILES.contains(&file) {
            let suggestion = Suggestion::of(file, CONTENT_FILES);
            let allowed = CONTENT_FILES.join(", ");
            Source { file, text: "", problems }
                .report(0, ContentProblem::UnknownFile { suggestion, allowed });
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
