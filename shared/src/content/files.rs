//! Content from a folder of the file system.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{Content, ContentErrors};

/// Files with the ending `.toml` in a content folder. A folder with more is refused.
const FOLDER_FILES_MAX: usize = 64;

/// Why content was not loaded.
#[derive(Debug, Error)]
pub enum ContentLoadError {
    /// The folder or a file cannot be read.
    #[error("cannot read {path}: {source}")]
    Io {
        /// What was to be read.
        path: PathBuf,
        /// Why it was not.
        source: io::Error,
    },
    /// So many files that this is probably not a content folder.
    #[error("{path} has more than {max} TOML files; is it a content folder?")]
    TooManyFiles {
        /// The folder.
        path: PathBuf,
        /// The limit.
        max: usize,
    },
    /// The files were read and are not valid.
    #[error("the content in {path} is not valid:\n{errors}")]
    Invalid {
        /// The folder.
        path: PathBuf,
        /// What is wrong.
        errors: ContentErrors,
    },
}

impl Content {
    /// Reads all TOML files of a folder and of its folder `maps`, and validates them.
    ///
    /// # Errors
    /// [`ContentLoadError`] says which file cannot be read, or what is wrong in which line.
    pub fn load(folder: &Path) -> Result<Self, ContentLoadError> {
        let mut files = Vec::new();
        read_folder(folder, "", &mut files)?;
        let maps = folder.join("maps");
        if maps.is_dir() {
            read_folder(&maps, "maps/", &mut files)?;
        }
        files.sort();
        Self::parse(&files)
            .map_err(|errors| ContentLoadError::Invalid { path: folder.to_path_buf(), errors })
    }
}

/// Appends the TOML files of a folder, each name after `prefix`.
fn read_folder(
    folder: &Path,
    prefix: &str,
    files: &mut Vec<(String, String)>,
) -> Result<(), ContentLoadError> {
    let io_error = |path: &Path| {
        let path = path.to_path_buf();
        move |source| ContentLoadError::Io { path, source }
    };
    let mut read = 0;
    for entry in fs::read_dir(folder).map_err(io_error(folder))? {
        let path = entry.map_err(io_error(folder))?.path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        read += 1;
        if read > FOLDER_FILES_MAX {
            let path = folder.to_path_buf();
            return Err(ContentLoadError::TooManyFiles { path, max: FOLDER_FILES_MAX });
        }
        let text = fs::read_to_string(&path).map_err(io_error(&path))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        files.push((format!("{prefix}{name}"), text));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::BUILTIN_FILES;

    #[test]
    fn a_folder_with_the_built_in_files_gives_the_built_in_content() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("maps")).unwrap();
        for (name, text) in BUILTIN_FILES {
            fs::write(folder.path().join(name), text).unwrap();
        }
        fs::write(folder.path().join("notes.txt"), "not content").unwrap();
        let loaded = Content::load(folder.path()).unwrap();
        assert_eq!(loaded, Content::builtin());
        assert_eq!(loaded.hash(), Content::builtin().hash());
    }

    #[test]
    fn a_folder_that_is_not_there_is_named_in_the_error() {
        let folder = tempfile::tempdir().unwrap();
        let error = Content::load(&folder.path().join("nowhere")).unwrap_err();
        assert!(error.to_string().contains("nowhere"), "{error}");
    }

    #[test]
    fn an_empty_folder_is_told_which_files_it_needs() {
        let folder = tempfile::tempdir().unwrap();
        let text = Content::load(folder.path()).unwrap_err().to_string();
        assert!(text.contains("heroes.toml:1: the file is missing"), "{text}");
    }
}
