//! Rules about files, lines and words.

use super::code;
use super::sources::Source;

/// Characters of a line of Rust.
const LINE_CHARS_MAX: usize = 100;
/// Lines of a Rust file, its tests included. About 400 is what we aim at.
const FILE_LINES_MAX: usize = 450;
/// Files that stay short, and their lines at most: the entry of the program, which only starts it,
/// and the mode that the guide shows.
const SHORT_FILES: [(&str, usize); 2] =
    [("cohort/src/main.rs", 30), ("battleapp/src/core/duel.rs", 99)];
/// Names that fit everything and therefore say nothing.
const EMPTY_NAMES: [&str; 8] =
    ["utils", "util", "common", "helpers", "helper", "misc", "manager", "managers"];

/// A Rust file opens with what it owns.
pub(crate) fn opening(source: &Source) -> Vec<String> {
    let opens = source.text.starts_with("//! ");
    let fine = !source.is_rust() || opens;
    if fine { Vec::new() } else { vec![format!("{}:1: begin with `//! `", source.path)] }
}

/// Lines and files have their limits.
pub(crate) fn sizes(source: &Source) -> Vec<String> {
    let mut findings = Vec::new();
    if !source.is_rust() {
        return findings;
    }
    for (line, text) in source.text.lines().enumerate() {
        let chars = text.chars().count();
        if chars > LINE_CHARS_MAX {
            let at = format!("{}:{}", source.path, line + 1);
            findings.push(format!("{at}: {chars} characters, at most {LINE_CHARS_MAX}"));
        }
    }
    let lines = source.text.lines().count();
    if lines > FILE_LINES_MAX {
        findings.push(format!("{}: {lines} lines, split it by what it does", source.path));
    }
    findings
}

/// No part of a path has an empty name.
pub(crate) fn name(source: &Source) -> Vec<String> {
    let stems = source.path.split('/').map(|part| part.split('.').next().unwrap_or_default());
    stems
        .filter(|stem| EMPTY_NAMES.contains(stem))
        .map(|stem| format!("{}: `{stem}` says nothing, name what it is about", source.path))
        .collect()
}

/// `allow` is not used, and `expect` has a reason.
pub(crate) fn silenced_lints(source: &Source) -> Vec<String> {
    if !source.is_rust() {
        return Vec::new();
    }
    let text = code::without_comments_and_strings(&source.text);
    let mut findings = Vec::new();
    for (attribute, needs) in [("[allow(", false), ("[expect(", true)] {
        for (at, _) in text.match_indices(attribute) {
            if !text[..at].ends_with('#') && !text[..at].ends_with("#!") {
                continue;
            }
            let line = text[..at].lines().count().max(1);
            let rest = &text[at..];
            let end = rest.find(")]").unwrap_or(rest.len());
            let reason = rest[..end].contains("reason");
            if !needs || !reason {
                let what = "silence a lint by `#[expect(lint, reason = \"...\")]` only";
                findings.push(format!("{}:{line}: {what}", source.path));
            }
        }
    }
    findings
}

/// Nothing is said about the place or the way in which the text was written.
pub(crate) fn foreign_words(source: &Source) -> Vec<String> {
    // Put together here, so that this file does not find itself.
    let words =
        [[".lib", "rary"].concat(), ["issues ", "resolved"].concat(), ["/wo", "rk/"].concat()];
    let mut findings = Vec::new();
    for (line, text) in source.text.lines().enumerate() {
        for word in words.iter().filter(|word| text.contains(word.as_str())) {
            findings.push(format!("{}:{}: leave out `{word}`", source.path, line + 1));
        }
    }
    findings
}

/// Files that have to stay short and are not.
pub(crate) fn short_files(source: &Source) -> Vec<String> {
    let lines = source.text.lines().count();
    let short = SHORT_FILES.iter().find(|(path, most)| source.path == *path && lines > *most);
    let told = |(path, most): &(&str, usize)| format!("{path}: {lines} lines, at most {most}");
    short.map(told).into_iter().collect()
}

/// Paths that a page has in backticks and that are not there.
pub(crate) fn missing_paths(page: &str, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let mut missing = Vec::new();
    for (line, text) in page.lines().enumerate() {
        // Every second piece between backticks is quoted.
        for quoted in text.split('`').skip(1).step_by(2).filter(|quoted| is_path(quoted)) {
            if !exists(quoted.trim_end_matches('/')) {
                let at = format!("docs/architecture.md:{}", line + 1);
                missing.push(format!("{at}: there is no `{quoted}`"));
            }
        }
    }
    missing
}

fn is_path(quoted: &str) -> bool {
    let letters = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    // What begins with a slash is the address of a page that a node serves.
    quoted.contains('/') && quoted.chars().all(letters) && !quoted.starts_with('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rust(path: &str, text: &str) -> Source {
        Source { path: path.into(), text: text.into() }
    }

    #[test]
    fn a_file_without_an_opening_is_found() {
        assert_eq!(opening(&rust("a.rs", "use std::fmt;\n")).len(), 1);
        assert_eq!(opening(&rust("a.rs", "//! Owns a.\n")).len(), 0);
    }

    #[test]
    fn a_long_line_and_a_long_file_are_found() {
        let long = "x".repeat(LINE_CHARS_MAX + 1);
        assert_eq!(sizes(&rust("a.rs", &long)).len(), 1);
        assert_eq!(sizes(&rust("a.rs", &"\n".repeat(FILE_LINES_MAX))).len(), 0);
        assert_eq!(sizes(&rust("a.rs", &"\n".repeat(FILE_LINES_MAX + 1))).len(), 1);
        let umlauts = "ö".repeat(LINE_CHARS_MAX);
        assert_eq!(sizes(&rust("a.rs", &umlauts)).len(), 0, "characters count, not bytes");
    }

    #[test]
    fn an_empty_name_is_found_as_file_and_as_folder() {
        assert_eq!(name(&rust("shared/src/utils.rs", "")).len(), 1);
        assert_eq!(name(&rust("shared/src/common/ids.rs", "")).len(), 1);
        assert_eq!(name(&rust("shared/src/commons.rs", "")).len(), 0);
    }

    #[test]
    fn a_silenced_lint_without_a_reason_is_found() {
        assert_eq!(silenced_lints(&rust("a.rs", "#[allow(dead_code)]\n")).len(), 1);
        assert_eq!(silenced_lints(&rust("a.rs", "#![expect(dead_code)]\n")).len(), 1);
        let reasoned = "#[expect(\n    dead_code,\n    reason = \"why\",\n)]\n";
        assert_eq!(silenced_lints(&rust("a.rs", reasoned)).len(), 0);
        assert_eq!(silenced_lints(&rust("a.rs", "// #[allow(dead_code)]\n")).len(), 0);
    }

    #[test]
    fn a_foreign_word_is_found() {
        let text = ["see /wo", "rk/there"].concat();
        assert_eq!(foreign_words(&rust("a.md", &text)).len(), 1);
        assert_eq!(foreign_words(&rust("a.md", "see docs/there")).len(), 0);
    }

    #[test]
    fn a_fat_program_is_found() {
        let text = "\n".repeat(SHORT_FILES[0].1 + 1);
        assert_eq!(short_files(&rust("cohort/src/main.rs", &text)).len(), 1);
        assert_eq!(short_files(&rust("cohort/src/up.rs", &text)).len(), 0);
        let text = "\n".repeat(100);
        assert_eq!(short_files(&rust("battleapp/src/core/duel.rs", &text)).len(), 1);
    }

    #[test]
    fn a_path_that_is_not_there_is_found() {
        let page = "See `shared/src/core.rs`, `shared/src/gone.rs`, `a / b`, `/metrics`, `up`.";
        let missing = missing_paths(page, |path| path == "shared/src/core.rs");
        assert_eq!(missing, ["docs/architecture.md:1: there is no `shared/src/gone.rs`"]);
    }
}
