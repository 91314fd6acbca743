//! The house style as a test: what `docs/house-style.md` marks with **[t]**.
//!
//! Every rule is a function from text to findings, so that each one is also shown to find what it
//! is there for. A finding names file, line and what to do.

#[path = "tidy/border.rs"]
mod border;
#[path = "tidy/code.rs"]
mod code;
#[path = "tidy/licence.rs"]
mod licence;
#[path = "tidy/packages.rs"]
mod packages;
#[path = "tidy/sources.rs"]
mod sources;
#[path = "tidy/style.rs"]
mod style;

use sources::{Source, root, sources};

/// Fails with all findings at once: one run shows all that is to be done.
fn assert_tidy(findings: &[String]) {
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
}

fn findings_of(rule: impl Fn(&Source) -> Vec<String>) -> Vec<String> {
    sources().iter().flat_map(rule).collect()
}

#[test]
fn every_source_file_says_first_what_it_owns() {
    assert_tidy(&findings_of(style::opening));
}

#[test]
fn lines_and_files_keep_their_sizes() {
    assert_tidy(&findings_of(style::sizes));
}

#[test]
fn no_file_or_folder_has_a_name_that_says_nothing() {
    assert_tidy(&findings_of(style::name));
}

#[test]
fn lints_are_silenced_only_by_expect_with_a_reason() {
    assert_tidy(&findings_of(style::silenced_lints));
}

#[test]
fn the_text_speaks_of_the_project_alone() {
    assert_tidy(&findings_of(style::foreign_words));
}

#[test]
fn every_path_in_the_architecture_page_exists() {
    let page = root().join("docs/architecture.md");
    let text = std::fs::read_to_string(&page).expect("docs/architecture.md can be read");
    let missing = style::missing_paths(&text, |path| root().join(path).exists());
    assert_tidy(&missing);
}

#[test]
fn the_program_is_thin_and_the_guides_mode_is_short() {
    assert_tidy(&findings_of(style::short_files));
}

#[test]
fn cores_touch_nothing_outside() {
    let all = sources();
    let gated = border::gated_modules(&all);
    let cores: Vec<_> = all.iter().filter(|source| border::is_core(source, &gated)).collect();
    assert!(cores.len() > 20, "only {} core files were found", cores.len());
    assert_tidy(&cores.into_iter().flat_map(border::reaches_outside).collect::<Vec<_>>());
}

#[test]
fn imports_run_one_way() {
    assert_tidy(&findings_of(border::imports));
}

#[test]
fn packages_keep_the_policy_of_deny_toml() {
    let policy = packages::Policy::read();
    let tree = packages::metadata();
    let mut findings = policy.check_licences(&tree);
    findings.extend(policy.check_bans(&tree));
    findings.extend(policy.check_sources(&tree));
    findings.extend(policy.check_advisories());
    assert_tidy(&findings);
}

#[test]
fn packages_in_two_versions_stay_few() {
    let twice = packages::duplicates(&packages::metadata());
    println!("in more than one version: {}", twice.join(", "));
    let most = packages::DUPLICATES_MAX;
    assert!(twice.len() <= most, "{} of at most {most}: {}", twice.len(), twice.join(", "));
}

#[test]
fn the_simulator_and_every_core_build_without_an_io_package() {
    for package in ["shared", "gateway", "baseapp", "battleapp", "social", "matchmaker"] {
        assert_tidy(&packages::io_packages_of(package));
    }
    assert_tidy(&packages::io_packages_of("sim-tests"));
}
