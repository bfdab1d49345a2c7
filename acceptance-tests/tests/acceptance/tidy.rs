//! Rules of the repository that a program can check. A broken one names the file and what to do.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use acceptance_tests::repository;

/// Longest source file, in lines (STYLE 4).
const LINES_MAX: usize = 500;
/// Largest file in git (STYLE, tidy list).
const BYTES_MAX: u64 = 200 * 1024;
/// The only names at the top level, apart from dot-files.
const TOP_LEVEL: [&str; 10] =
    ["Cargo.toml", "Cargo.lock", "README.md", "LICENSE", "proto", "provider", "backend", "examples", "acceptance-tests", "docs"];

/// Which workspace crates each crate may use (DESIGN §3), dev-dependencies apart.
const MAY_USE: [(&str, &[&str]); 18] = [
    ("acceptance-tests", &[]),
    ("admin-proto", &[]),
    ("memorystore-proto", &[]),
    ("provider-framework", &["tfplugin-proto"]),
    ("terraform-provider-valkyard", &["admin-proto", "memorystore-proto", "provider-framework"]),
    ("tfplugin-proto", &[]),
    (
        "valkyard-api",
        &["admin-proto", "memorystore-proto", "valkyard-keeper", "valkyard-model", "valkyard-reconciler", "valkyard-store"],
    ),
    ("valkyard-backups", &["valkyard-engine", "valkyard-model"]),
    (
        "valkyard-daemon",
        &[
            "admin-proto",
            "memorystore-proto",
            "valkyard-api",
            "valkyard-backups",
            "valkyard-engine",
            "valkyard-host",
            "valkyard-keeper",
            "valkyard-model",
            "valkyard-planner",
            "valkyard-reconciler",
            "valkyard-store",
        ],
    ),
    ("valkyard-engine", &["valkyard-model"]),
    ("valkyard-host", &["valkyard-model"]),
    ("valkyard-keeper", &["valkyard-backups", "valkyard-engine", "valkyard-model", "valkyard-planner", "valkyard-store"]),
    ("valkyard-model", &[]),
    ("valkyard-planner", &["valkyard-model"]),
    (
        "valkyard-reconciler",
        &[
            "valkyard-backups",
            "valkyard-engine",
            "valkyard-host",
            "valkyard-model",
            "valkyard-planner",
            "valkyard-replicator",
            "valkyard-store",
        ],
    ),
    ("valkyard-replicator", &["valkyard-engine", "valkyard-model"]),
    ("valkyard-simulator", &["valkyard-model", "valkyard-planner", "valkyard-reconciler"]),
    ("valkyard-store", &["valkyard-model"]),
];

/// Words that promise instead of saying (STYLE §4, 7), spelt in two halves so that this file passes.
const BANNED_WORDS: [(&str, &str); 7] = [
    ("rob", "ust"),
    ("compre", "hensive"),
    ("production", "-ready"),
    ("seam", "less"),
    ("enterprise", "-grade"),
    ("grace", "fully handle"),
    ("for ", "now,"),
];

fn tracked_files() -> Vec<PathBuf> {
    let root = repository();
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(&root).output().expect("git runs");
    assert!(listed.status.success(), "git ls-files failed");
    let names = String::from_utf8(listed.stdout).expect("file names are UTF-8");
    names.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).filter(|path| root.join(path).exists()).collect()
}

fn text_of(path: &Path) -> Option<String> {
    std::fs::read_to_string(repository().join(path)).ok()
}

fn with_extension<'f>(files: &'f [PathBuf], extension: &str) -> impl Iterator<Item = &'f PathBuf> {
    let extension = extension.to_owned();
    files.iter().filter(move |path| path.extension().is_some_and(|e| e == extension.as_str()))
}

fn complain(rule: &str, broken: &[String]) {
    assert!(broken.is_empty(), "{rule}:\n  {}", broken.join("\n  "));
}

#[test]
fn only_the_agreed_names_stand_at_the_top() {
    let first = |path: &PathBuf| path.components().next().map(|c| c.as_os_str().to_string_lossy().into_owned());
    let names: BTreeSet<String> = tracked_files().iter().filter_map(first).collect();
    let odd: Vec<String> = names.into_iter().filter(|n| !n.starts_with('.') && !TOP_LEVEL.contains(&n.as_str())).collect();
    complain("not one of the agreed top-level names", &odd);
}

#[test]
fn sources_stay_short_and_files_small() {
    let files = tracked_files();
    let long = with_extension(&files, "rs").filter_map(|path| {
        let lines = text_of(path)?.lines().count();
        (lines > LINES_MAX).then(|| format!("{}: {lines} lines, split it by concept", path.display()))
    });
    complain("longer than 500 lines", &long.collect::<Vec<_>>());
    let large = files.iter().filter_map(|path| {
        let bytes = repository().join(path).metadata().ok()?.len();
        (bytes > BYTES_MAX).then(|| format!("{}: {bytes} bytes", path.display()))
    });
    complain("larger than 200 KiB", &large.collect::<Vec<_>>());
}

#[test]
fn crates_depend_only_in_the_designed_direction() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_USE.into_iter().collect();
    let mut broken = Vec::new();
    for path in tracked_files().iter().filter(|path| path.ends_with("Cargo.toml") && path.components().count() > 1) {
        let text = text_of(path).expect("a manifest is text");
        let manifest: toml::Table = text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let name = manifest["package"]["name"].as_str().expect("packages are named").to_owned();
        let Some(may_use) = allowed.get(name.as_str()) else {
            broken.push(format!("{name}: not in the table of DESIGN §3; add it there and here"));
            continue;
        };
        let dependencies = manifest.get("dependencies").and_then(toml::Value::as_table).cloned().unwrap_or_default();
        for dependency in dependencies.keys() {
            if allowed.contains_key(dependency.as_str()) && !may_use.contains(&dependency.as_str()) {
                broken.push(format!("{name} must not use {dependency}"));
            }
        }
        let dev = manifest.get("dev-dependencies").and_then(toml::Value::as_table).cloned().unwrap_or_default();
        for (dependency, value) in dependencies.iter().chain(dev.iter()) {
            if value.get("workspace").and_then(toml::Value::as_bool) != Some(true) {
                broken.push(format!("{name}: {dependency} is not inherited from the workspace"));
            }
        }
        let sorted = |table: &toml::Table| {
            let written: Vec<usize> = table.keys().filter_map(|key| text.find(&format!("\n{key}"))).collect();
            written.is_sorted()
        };
        if !sorted(&dependencies) {
            broken.push(format!("{name}: dependencies are not sorted"));
        }
    }
    complain("crates and their dependencies", &broken);
}

#[test]
fn the_deciding_crates_touch_no_clock_and_no_world() {
    let banned = ["std::fs", "std::process", "Instant::now", "SystemTime::now", "Utc::now", "tokio::", "new_v4"];
    let mut broken = Vec::new();
    for path in tracked_files().iter().filter(|p| p.starts_with("backend/model/src") || p.starts_with("backend/planner/src")) {
        let text = text_of(path).unwrap_or_default();
        broken.extend(banned.iter().filter(|word| text.contains(**word)).map(|word| format!("{}: {word}", path.display())));
    }
    complain("time, randomness and effects are arguments there", &broken);
}

#[test]
fn nothing_promises_instead_of_saying() {
    let files = tracked_files();
    let mut broken = Vec::new();
    for path in with_extension(&files, "rs").chain(with_extension(&files, "md")) {
        let text = text_of(path).unwrap_or_default().to_lowercase();
        for (first, second) in BANNED_WORDS {
            let word = format!("{first}{second}");
            if text.contains(&word) {
                broken.push(format!("{}: {word:?}", path.display()));
            }
        }
    }
    complain("words that promise instead of saying", &broken);
}

#[test]
fn every_example_is_used_by_a_test() {
    let files = tracked_files();
    let mut tests = String::new();
    for path in &files {
        if path.starts_with("acceptance-tests") || path.starts_with("provider/plugin") {
            tests.push_str(&text_of(path).unwrap_or_default());
        }
    }
    let folders: BTreeSet<&Path> =
        files.iter().filter(|path| path.starts_with("examples")).filter_map(|path| path.parent()).collect();
    let unused =
        folders.into_iter().filter(|folder| !folder.ends_with("tests") && !tests.contains(&folder.display().to_string()));
    complain("examples that no test names", &unused.map(|f| f.display().to_string()).collect::<Vec<_>>());
}

#[test]
fn the_map_names_every_crate() {
    let map = text_of(Path::new("docs/architecture.md")).expect("docs/architecture.md exists");
    let folders = tracked_files().into_iter().filter(|path| path.ends_with("Cargo.toml"));
    let unnamed = folders
        .filter_map(|path| path.parent().map(|folder| folder.display().to_string()))
        .filter(|folder| !folder.is_empty() && !map.contains(folder.as_str()));
    complain("crates that docs/architecture.md does not name", &unnamed.collect::<Vec<_>>());
}

#[test]
fn links_between_documents_resolve() {
    let files = tracked_files();
    let mut broken = Vec::new();
    for path in with_extension(&files, "md") {
        let text = text_of(path).unwrap_or_default();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#', ' ']).next()) {
            let outside = target.is_empty() || target.contains("://") || target.starts_with("mailto:");
            let base = path.parent().unwrap_or(Path::new(""));
            if !outside && !repository().join(base).join(target).exists() {
                broken.push(format!("{}: {target}", path.display()));
            }
        }
    }
    complain("links that lead nowhere", &broken);
}

#[test]
fn the_changelog_and_the_notice_are_there() {
    let changelog = text_of(Path::new("docs/CHANGELOG.md")).expect("docs/CHANGELOG.md exists");
    assert!(changelog.contains("## "), "the changelog has no section");
    let readme = text_of(Path::new("README.md")).expect("README.md exists");
    let notices = readme.matches("not affiliated with").count();
    assert_eq!(notices, 1, "README.md says once that the project is not affiliated with Google, HashiCorp or the Valkey project");
}
