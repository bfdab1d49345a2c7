//! Runs every script of `tests/golden`: a new test is a new text file. `UPDATE_GOLDEN=1` writes what is printed into them.

use std::fmt::Write;
use std::path::Path;

use valkyard_planner::{check, plan};

use crate::printer::print_plan;
use crate::script::World;

/// Starts the lines that the planner prints.
const PRINTED: &str = "| ";

fn run(script: &str) -> Result<String, String> {
    let mut world: Option<World> = None;
    let mut output = String::new();
    for (index, line) in script.lines().enumerate() {
        if line.starts_with(PRINTED.trim_end()) {
            continue;
        }
        writeln!(output, "{line}").expect("writing to a string cannot fail");
        let words = line.split('#').next().unwrap_or_default().trim();
        let error = |cause: String| format!("line {}: {line:?}: {cause}", index + 1);
        match (words, &mut world) {
            ("", _) => {}
            ("plan", Some(world)) => {
                let (desired, observed) = world.look();
                let plan = plan(&desired, &observed, observed.at);
                let violations = check(&desired, &observed, &plan);
                for printed in print_plan(&desired, &plan) {
                    writeln!(output, "{PRINTED}{printed}").expect("writing to a string cannot fail");
                }
                if !violations.is_empty() {
                    return Err(error(format!("the plan breaks {violations:?}")));
                }
            }
            (words, None) => world = Some(World::parse(words).map_err(error)?),
            (words, Some(world)) => world.apply(words).map_err(error)?,
        }
    }
    Ok(output)
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the ban is for the planner; its tests read and refresh their scripts")]
fn every_script_prints_the_plan_it_shows() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut paths: Vec<_> = std::fs::read_dir(&folder).expect("folder").map(|entry| entry.expect("entry").path()).collect();
    paths.sort();
    let is_update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut failures = Vec::new();
    for path in &paths {
        let script = std::fs::read_to_string(path).expect("readable script");
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match run(&script) {
            Ok(printed) if printed == script => {}
            Ok(printed) if is_update => std::fs::write(path, printed).expect("writable script"),
            Ok(printed) => failures.push(format!("{name}: UPDATE_GOLDEN=1 would write:\n{printed}")),
            Err(error) => failures.push(format!("{name}: {error}")),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(paths.len() >= 20, "only {} scripts were found in {}", paths.len(), folder.display());
}
