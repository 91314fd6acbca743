//! Where in a text a byte stands, so that an error can point at it.

use std::fmt;
use std::path::{Path, PathBuf};

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// Counted from 1.
    pub line: usize,
    /// The line itself, without its end.
    pub text: String,
    /// Bytes of the line before the place.
    pub before: usize,
}

impl Place {
    /// The place of the byte `offset` in `text`.
    #[must_use]
    pub fn of(file: &Path, text: &str, offset: usize) -> Self {
        let offset = text.floor_char_boundary(offset.min(text.len()));
        let start = text[..offset].rfind('\n').map_or(0, |end| end + 1);
        let line = text[start..].lines().next().unwrap_or("");
        Self {
            file: file.to_owned(),
            line: text[..start].matches('\n').count() + 1,
            text: line.to_owned(),
            before: (offset - start).min(line.len()),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let column = self.text[..self.before].chars().count();
        writeln!(f, "{}:{}:{}", self.file.display(), self.line, column + 1)?;
        writeln!(f, "    {}", self.text)?;
        write!(f, "    {:column$}^", "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_shows_its_line_and_points_at_the_byte() {
        let place = Place::of(Path::new("a.toml"), "[edge]\nprot = 1\n", 7);
        assert_eq!(place.to_string(), "a.toml:2:1\n    prot = 1\n    ^");
        let place = Place::of(Path::new("a.toml"), "x = ü!", 6);
        assert_eq!(place.to_string(), "a.toml:1:6\n    x = ü!\n         ^");
    }

    #[test]
    fn a_place_beyond_the_end_is_the_end() {
        let place = Place::of(Path::new("a.toml"), "", 99);
        assert_eq!((place.line, place.before), (1, 0));
    }
}
