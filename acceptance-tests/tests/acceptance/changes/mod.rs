//! Every change of an instance through Terraform, while clients keep reading and writing.

mod refused;
mod replicas;
mod scaling;
mod settings;
mod several;
mod upgrade;
mod vertical;

use std::time::Duration;

use acceptance_tests::judge::{DataSet, Load, LoadOptions};
use acceptance_tests::{Daemon, DaemonOptions, SCENE_INSTANCE, Scene, Workspace, terraforms};

/// Writes of each client that follow each change: half a second of them.
const WRITES_AFTER: usize = 40;
/// Keys of each type that nobody touches meanwhile.
const DATA_COPIES: usize = 50;

fn config(arguments: &str) -> String {
    format!(
        "terraform {{\n  required_providers {{\n    valkyard = {{ source = \"valkyard/valkyard\" }}\n  }}\n}}\n\
         provider \"valkyard\" {{\n  project = \"p\"\n}}\n\
         resource \"valkyard_instance\" \"cache\" {{\n  instance_id = \"cache\"\n  deletion_protection_enabled = false\n  \
         {arguments}\n}}\n"
    )
}

/// Applies the first configuration, then each further one under load, and looks after each. The judge finds nothing.
fn apply_under_load(steps: &[&str], look: impl Fn(&Scene, usize)) {
    let terraform = terraforms().remove(0);
    let scene = Scene { daemon: Daemon::start(DaemonOptions::default()) };
    let workspace = Workspace::of_text(&terraform, &config(steps[0]), &scene.daemon.endpoint());
    let _created = workspace.apply().succeeded();
    let data = DataSet::write(&scene.instance(), DATA_COPIES);
    look(&scene, 0);
    let load = Load::start(&scene.instance(), &LoadOptions::default());
    for (number, step) in steps.iter().enumerate().skip(1) {
        workspace.write(&config(step));
        let begun = std::time::Instant::now();
        let applied = workspace.apply().succeeded();
        println!("{step}: applied in {:.1?}", begun.elapsed());
        assert!(applied.out.contains("0 added, 1 changed, 0 destroyed"), "{step}\n{}", applied.out);
        load.wait_for_more(WRITES_AFTER);
        scene.wait_until_sound();
        data.is_intact(&scene.instance()).unwrap_or_else(|difference| panic!("{step}: {difference}"));
        look(&scene, number);
    }
    let planned = workspace.plan();
    assert_eq!(planned.code, 0, "the plan after the last change is not empty\n{}", planned.out);
    scene.wait_until_at_rest();
    let report = load.stop().verify(&scene.instance());
    println!("{report}");
    report.flawless().unwrap_or_else(|report| panic!("{report}"));
    let _destroyed = workspace.destroy().succeeded();
}

/// Longest change of an instance with little data, on a busy machine.
const CHANGE_LIMIT: Duration = Duration::from_secs(90);

/// The path of the instance in the API.
fn path() -> String {
    format!("/v1/{SCENE_INSTANCE}")
}
