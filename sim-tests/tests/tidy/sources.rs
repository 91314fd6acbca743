//! Finds the text files of the project.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold nothing we wrote.
const SKIPPED: [&str; 3] = ["target", "node_modules", "dist"];
/// Endings of the files that are read.
const ENDINGS: [&str; 8] = ["rs", "toml", "md", "sh", "yml", "yaml", "json", "conf"];
/// Files without an ending that are read.
const PLAIN: [&str; 3] = ["verify", "Dockerfile", ".gitignore"];

/// A text file of the project.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// From the root of the project, with `/`.
    pub(crate) path: String,
    /// What it holds.
    pub(crate) text: String,
}

impl Source {
    /// Whether it is Rust.
    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }
}

/// The root of the project.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("this crate lies in the root").to_path_buf()
}

/// All text files, ordered by path.
pub(crate) fn sources() -> Vec<Source> {
    let root = root();
    let mut found = Vec::new();
    walk(&root, &root, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.len() > 50, "the project has more than {} files", found.len());
    found
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<Source>) {
    let entries = fs::read_dir(folder).expect("folders of the project can be read");
    for entry in entries {
        let path = entry.expect("folders of the project can be read").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            if !name.starts_with('.') && !SKIPPED.contains(&name) {
                walk(root, &path, found);
            }
            continue;
        }
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if !ENDINGS.contains(&ending) && !PLAIN.contains(&name) {
            continue;
        }
        // An editor may have taken the file away again; then there is nothing to check.
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let relative = path.strip_prefix(root).expect("the walk began at the root");
        let path = relative.to_string_lossy().replace('\\', "/");
        found.push(Source { path, text });
    }
}
