//! The border of the cores, and which crate may import which.

use super::code;
use super::sources::Source;

/// Services: they meet in `shared/src/msg/` and never import each other.
const SERVICES: [&str; 5] = ["gateway", "baseapp", "battleapp", "social", "matchmaker"];
/// Packages that a service may only have behind its feature `shell`.
const SHELL_PACKAGES: [&str; 7] =
    ["axum", "bytes", "crossbeam-channel", "quinn", "redb", "rustls", "tokio"];
/// Identifiers that no core has: they read a clock, share state, or order by accident.
const CORE_WORDS: [&str; 17] = [
    "tokio",
    "quinn",
    "axum",
    "crossbeam_channel",
    "redb",
    "async",
    "HashMap",
    "HashSet",
    "Instant",
    "SystemTime",
    "Mutex",
    "RwLock",
    "OnceLock",
    "LazyLock",
    "thread_local",
    "RandomState",
    "DefaultHasher",
];
/// Modules of `std` that no core has.
const CORE_STD_MODULES: [&str; 6] = ["thread", "fs", "net", "env", "process", "io"];
/// Numbers, and functions of them, whose results differ between machines; not in battles.
const FLOATS: [&str; 9] = ["f32", "f64", "sin", "cos", "sin_cos", "tan", "atan2", "powf", "ln"];
/// Features behind which a module is shell.
const GATES: [&str; 2] = ["#[cfg(feature = \"shell\")]", "#[cfg(feature = \"bots\")]"];

/// Path beginnings of all modules that a feature gates, for example `shared/src/runtime`.
pub(crate) fn gated_modules(sources: &[Source]) -> Vec<String> {
    sources.iter().filter(|source| source.is_rust()).flat_map(gated_modules_of).collect()
}

/// Whether the file has to keep the rules of a core.
pub(crate) fn is_core(source: &Source, gated: &[String]) -> bool {
    let inside = |folder: &&str| source.path.starts_with(&format!("{folder}/src/"));
    let whole = ["shared", "sim-tests"].iter().any(inside);
    let core = SERVICES.iter().any(|service| {
        let of_core = source.path.strip_prefix(&format!("{service}/src/core"));
        of_core.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
    });
    let shell = gated.iter().any(|module| {
        let below = source.path.strip_prefix(module.as_str());
        below.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
    });
    source.is_rust() && (whole || core) && !shell
}

/// Mentions, in a core file's code, of what is not a core's business.
pub(crate) fn reaches_outside(source: &Source) -> Vec<String> {
    let mut text = code::without_comments(&source.text);
    for gate in GATES {
        text = code::without_items_after(&text, gate);
    }
    let text = code::without_comments_and_strings(&text);
    let floats: &[&str] = if source.path.starts_with("battleapp/") { &FLOATS } else { &[] };
    let mut findings = Vec::new();
    for (line, code) in text.lines().enumerate() {
        let words = CORE_WORDS.iter().chain(floats).filter(|word| code::has_word(code, word));
        let at = format!("{}:{}", source.path, line + 1);
        findings.extend(words.map(|word| format!("{at}: a core has no `{word}`")));
    }
    let modules = std_modules(&text);
    let banned = CORE_STD_MODULES.iter().filter(|name| modules.iter().any(|used| used == *name));
    findings.extend(banned.map(|name| format!("{}: a core has no `std::{name}`", source.path)));
    findings
}

/// Dependencies in a `Cargo.toml` that run against the direction of the house.
pub(crate) fn imports(source: &Source) -> Vec<String> {
    let Some(package) = source.path.strip_suffix("/Cargo.toml") else { return Vec::new() };
    let table: toml::Table = source.text.parse().expect("a Cargo.toml is TOML");
    let empty = toml::Table::new();
    let dependencies = table.get("dependencies").and_then(|d| d.as_table()).unwrap_or(&empty);
    let ours = ["shared", "client", "sim-tests", "cohort"].iter().chain(&SERVICES);
    let allowed: &[&str] = match package {
        "shared" => &[],
        "cohort" | "sim-tests" | "fuzz" => return Vec::new(),
        // The benchmarks run battles themselves, beside a twin that does without the ECS.
        "bench" => &["shared", "battleapp"],
        _ => &["shared"],
    };
    let against = ours.filter(|name| dependencies.contains_key(**name) && !allowed.contains(name));
    let mut findings: Vec<_> =
        against.map(|name| format!("{}: must not import {name}", source.path)).collect();
    if SERVICES.contains(&package) || package == "shared" {
        let optional = |value: &toml::Value| {
            value.get("optional").and_then(toml::Value::as_bool).unwrap_or(false)
        };
        let fixed = SHELL_PACKAGES
            .iter()
            .filter(|name| dependencies.get(**name).is_some_and(|value| !optional(value)));
        findings.extend(
            fixed.map(|name| format!("{}: {name} belongs to the feature `shell`", source.path)),
        );
    }
    findings
}

fn gated_modules_of(source: &Source) -> Vec<String> {
    let text = code::without_comments(&source.text);
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let mut modules = Vec::new();
    for pair in lines.windows(2).filter(|pair| GATES.contains(&pair[0])) {
        let declared = pair[1].trim_start_matches("pub ").strip_prefix("mod ");
        if let Some(name) = declared.and_then(|rest| rest.strip_suffix(';')) {
            modules.push(format!("{}/{name}", module_folder(&source.path)));
        }
    }
    modules
}

/// Where the modules of a file lie: `a/src` for `a/src/lib.rs`, `a/src/b` for `a/src/b.rs`.
fn module_folder(path: &str) -> &str {
    for root in ["/lib.rs", "/main.rs", "/mod.rs"] {
        if let Some(folder) = path.strip_suffix(root) {
            return folder;
        }
    }
    path.strip_suffix(".rs").unwrap_or(path)
}

/// The modules of `std` that the code names, alone or in a group.
fn std_modules(code: &str) -> Vec<String> {
    let code: String = code.split_whitespace().collect();
    let mut modules = Vec::new();
    for (at, _) in code.match_indices("std::") {
        let rest = &code[at + "std::".len()..];
        match rest.strip_prefix('{') {
            None => modules.push(first_word(rest)),
            Some(group) => modules.extend(group_words(group)),
        }
    }
    modules
}

/// The first words of the members of a group like `fmt, io::{self, Read}}`.
fn group_words(group: &str) -> Vec<String> {
    let mut words = vec![first_word(group)];
    let mut depth = 0usize;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => words.push(first_word(&group[at + 1..])),
            _ => {}
        }
    }
    words
}

fn first_word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.into(), text: text.into() }
    }

    fn check(text: &str, findings: usize) {
        let found = reaches_outside(&source("social/src/core/team.rs", text));
        assert_eq!(found.len(), findings, "{text}: {found:?}");
    }

    #[test]
    fn what_reaches_outside_is_found() {
        check("use std::collections::HashMap;", 1);
        check("use std::{fmt, fs};", 1);
        check("use std::{collections::{BTreeMap}, net::IpAddr, thread};", 2);
        check("let now = Instant::now();", 1);
        check("let now = std :: time :: SystemTime::now();", 1);
        check("async fn f() {}", 1);
        check("use tokio::time;", 1);
    }

    #[test]
    fn what_only_sounds_like_it_is_left_alone() {
        check("//! No HashMap, no tokio.", 0);
        check("let text = \"a HashMap of std::fs\";", 0);
        check("use std::{collections::BTreeMap, fmt}; // not std::io", 0);
        check("use std::time::Duration;", 0);
        check("#[cfg(feature = \"shell\")]\nfn load() { std::fs::read(x) }\nfn f() {}", 0);
    }

    #[test]
    fn floats_are_found_in_battles_only() {
        let battle = source("battleapp/src/core/walk.rs", "let x: f64 = 0.0;");
        assert_eq!(reaches_outside(&battle).len(), 1);
        let sine = source("battleapp/src/core/walk.rs", "let x = (1.5 * step).sin();");
        assert_eq!(reaches_outside(&sine).len(), 1);
        check("let x: f64 = 0.0;", 0);
    }

    #[test]
    fn modules_behind_a_feature_are_not_core() {
        let gate = "#[cfg(feature = \"shell\")]\npub mod local;\npub mod rules;\n";
        let gated = gated_modules(&[source("shared/src/store.rs", gate)]);
        assert_eq!(gated, ["shared/src/store/local"]);
        assert!(!is_core(&source("shared/src/store/local.rs", ""), &gated));
        assert!(!is_core(&source("shared/src/store/local/file.rs", ""), &gated));
        assert!(is_core(&source("shared/src/store/rules.rs", ""), &gated));
        assert!(is_core(&source("social/src/core/team.rs", ""), &gated));
        assert!(!is_core(&source("social/src/shell/team.rs", ""), &gated));
    }

    #[test]
    fn imports_against_the_direction_are_found() {
        let check = |path: &str, text: &str, findings: usize| {
            assert_eq!(imports(&source(path, text)).len(), findings, "{path}: {text}");
        };
        check("social/Cargo.toml", "[dependencies]\nmatchmaker = \"1\"\n", 1);
        check("social/Cargo.toml", "[dependencies]\nshared = \"1\"\n", 0);
        check("social/Cargo.toml", "[dependencies]\ntokio = \"1\"\n", 1);
        check("social/Cargo.toml", "[dependencies]\ntokio = { optional = true }\n", 0);
        check("shared/Cargo.toml", "[dependencies]\nsocial = \"1\"\n", 1);
        check("client/rust/Cargo.toml", "[dependencies]\nsim-tests = \"1\"\n", 1);
        check("cohort/Cargo.toml", "[dependencies]\nsocial = \"1\"\n", 0);
    }
}
