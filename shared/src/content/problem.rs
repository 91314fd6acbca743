//! What can be wrong with content, told so that a designer can mend it.

use std::fmt;

use thiserror::Error;

/// Problems that are told at once. What is beyond is counted only.
const PROBLEMS_TOLD_MAX: usize = 100;

/// All that is wrong with a set of content files, in the order of the files and their lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Error)]
pub struct ContentErrors {
    /// At most 100 of them.
    pub errors: Vec<ContentError>,
    /// How many more there are.
    pub left_off: usize,
}

impl ContentErrors {
    pub(super) fn push(&mut self, error: ContentError) {
        if self.errors.len() < PROBLEMS_TOLD_MAX {
            self.errors.push(error);
        } else {
            self.left_off += 1;
        }
    }
}

impl fmt::Display for ContentErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            write!(f, "{}{error}", if index == 0 { "" } else { "\n" })?;
        }
        match self.left_off {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{file}:{line}: {problem}")]
pub struct ContentError {
    /// Name of the file.
    pub file: String,
    /// Line of the file, from 1.
    pub line: usize,
    /// What is wrong and what is allowed.
    pub problem: ContentProblem,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ContentProblem {
    /// The file is not TOML.
    #[error("not valid TOML: {message}")]
    Syntax {
        /// What the parser says.
        message: String,
    },
    /// The file is too long to be read.
    #[error("the file has {bytes} bytes; at most {max} are allowed")]
    FileTooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// A file that must be there is not.
    #[error("the file is missing; content needs all of {needed}")]
    MissingFile {
        /// All files.
        needed: String,
    },
    /// A file that content does not know.
    #[error("there is no content file of this name{suggestion}; the files are {allowed}")]
    UnknownFile {
        /// The nearest name.
        suggestion: Suggestion,
        /// All files.
        allowed: String,
    },
    /// A key that is not known here.
    #[error("unknown key `{key}`{suggestion}; allowed are {allowed}")]
    UnknownKey {
        /// The key.
        key: String,
        /// The nearest known key.
        suggestion: Suggestion,
        /// All keys.
        allowed: String,
    },
    /// A key that must be there is not.
    #[error("`{key}` is missing here; it is {expected}")]
    MissingKey {
        /// The key.
        key: &'static str,
        /// What it should hold.
        expected: String,
    },
    /// A value of another type.
    #[error("`{key}` is {found}; it must be {expected}")]
    WrongType {
        /// The key.
        key: &'static str,
        /// What it should hold.
        expected: String,
        /// What it holds.
        found: &'static str,
    },
    /// A number outside its range.
    #[error("`{key}` is {value}; it must be {min} to {max}")]
    OutOfRange {
        /// The key.
        key: &'static str,
        /// The number as it is written.
        value: String,
        /// Least that is allowed.
        min: i64,
        /// Most that is allowed.
        max: i64,
    },
    /// A word that is not one of those allowed.
    #[error("`{key}` is \"{value}\"{suggestion}; allowed are {allowed}")]
    NotOneOf {
        /// The key.
        key: &'static str,
        /// The word.
        value: String,
        /// The nearest allowed word.
        suggestion: Suggestion,
        /// All words.
        allowed: String,
    },
    /// A name with characters or of a length that is not allowed.
    #[error("`{key}` is \"{value}\"; {rule}")]
    BadName {
        /// The key.
        key: &'static str,
        /// The name.
        value: String,
        /// What a name is.
        rule: String,
    },
    /// An id that is used twice.
    #[error("{key} {id} is used already in line {first_line}; each is used once")]
    Duplicate {
        /// The key.
        key: &'static str,
        /// The id.
        id: String,
        /// Line of the first use.
        first_line: usize,
    },
    /// An id that does not exist.
    #[error("`{key}` is {id}, and {table} has no such id; it has {known}")]
    UnknownId {
        /// The key.
        key: &'static str,
        /// The id.
        id: u16,
        /// The file that should have it.
        table: &'static str,
        /// The ids that are there.
        known: String,
    },
    /// A skill that can never be paid.
    #[error("the skill {skill} costs more than the hero's energy of {energy}")]
    TooDear {
        /// Its name.
        skill: String,
        /// What the hero has.
        energy: i32,
    },
    /// An effect that its skill's delivery takes to nobody.
    #[error(
        "an effect that {} is lost with this delivery",
        if *.helps { "helps" } else { "harms" }
    )]
    EffectLost {
        /// It helps the own side; else it harms enemies.
        helps: bool,
    },
    /// Too few or too many entries.
    #[error("`{key}` has {count} entries; it must have {min} to {max}")]
    EntryCount {
        /// The key.
        key: &'static str,
        /// How many there are.
        count: usize,
        /// Least that is allowed.
        min: usize,
        /// Most that is allowed.
        max: usize,
    },
    /// Something that sticks out of its map.
    #[error("the {what} does not lie inside the map of +-{half_width_mm} x +-{half_height_mm} mm")]
    OutsideMap {
        /// What it is.
        what: &'static str,
        /// Half the width of the map.
        half_width_mm: i32,
        /// Half its height.
        half_height_mm: i32,
    },
    /// A place of a map where a fighter cannot stand.
    #[error("a fighter of radius {radius_mm} mm cannot stand in the {what}: something is there")]
    Obstructed {
        /// What it is.
        what: &'static str,
        /// Radius of the largest hero.
        radius_mm: i32,
    },
    /// A place of a map that is cut off.
    #[error("a fighter of radius {radius_mm} mm cannot walk from the first entry to the {what}")]
    Unreachable {
        /// What it is.
        what: String,
        /// Radius of the largest hero.
        radius_mm: i32,
    },
    /// Cover that covers from nothing.
    #[error("the cover blocks nothing; set one of walking, sight, projectiles to true")]
    IdleCover,
    /// A map's file whose name is not a word.
    #[error("a map's file is called maps/NAME.toml; a NAME has 1 to {max} of a-z, 0-9, - and _")]
    BadMapName {
        /// Bytes of a name at most.
        max: usize,
    },
    /// More files than content may have.
    #[error("there are more than {max} maps")]
    TooManyMaps {
        /// The limit.
        max: usize,
    },
}

/// `; did you mean ...?`, or nothing if nothing is near.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suggestion(pub Option<String>);

impl Suggestion {
    /// The word of `allowed` that is most like `word`, if one is like it at all.
    pub(super) fn of<'a>(word: &str, allowed: impl IntoIterator<Item = &'a str>) -> Self {
        let near = |known: &'a str| (strsim::damerau_levenshtein(word, known), known);
        let nearest = allowed.into_iter().map(near).min();
        let like = |&(distance, known): &(usize, &str)| {
            distance <= 3 && distance < known.len().max(word.len())
        };
        Self(nearest.filter(like).map(|(_, known)| String::from(known)))
    }
}

impl fmt::Display for Suggestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(word) => write!(f, " (did you mean `{word}`?)"),
            None => Ok(()),
        }
    }
}
