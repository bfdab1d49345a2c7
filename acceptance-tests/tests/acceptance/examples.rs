//! Every example is applied, planned again without a change, and destroyed, with every Terraform there is.

use acceptance_tests::{Daemon, DaemonOptions, Workspace, node_processes, terraforms};

/// Applies, plans empty and destroys one example with each Terraform; returns after nothing is left.
fn apply_plan_destroy(example: &str, check: impl Fn(&Workspace, &Daemon)) {
    for terraform in terraforms() {
        println!("{example} with Terraform {}", terraform.version);
        let daemon = Daemon::start(DaemonOptions::default());
        let workspace = Workspace::of_example(&terraform, example, &daemon.endpoint());
        if workspace.has_modules() {
            workspace.link_modules();
        }
        let _applied = workspace.apply().succeeded();
        check(&workspace, &daemon);
        let planned = workspace.plan();
        assert_eq!(planned.code, 0, "the second plan is not empty\n{}\n{}", planned.out, planned.err);
        let _destroyed = workspace.destroy().succeeded();
        assert_eq!(node_processes(&daemon.data_dir()), []);
    }
}

#[test]
fn the_quickstart_makes_a_sharded_cluster() {
    apply_plan_destroy("examples/quickstart", |workspace, daemon| {
        assert_eq!(node_processes(&daemon.data_dir()).len(), 6);
        assert_eq!(workspace.output("shard_count"), "3");
        assert!(workspace.output("discovery_endpoint").ends_with(":6379"));
    });
}

#[test]
fn one_module_makes_two_different_caches() {
    apply_plan_destroy("examples/two-caches", |_, daemon| {
        let listed = daemon.api().get("/v1/projects/-/locations/-/instances").body;
        let instances = listed["instances"].as_array().expect("a list").clone();
        assert_eq!(instances.len(), 2, "{listed}");
        let modes: Vec<_> = instances.iter().map(|i| i["zoneDistributionConfig"]["mode"].clone()).collect();
        assert!(modes.contains(&"SINGLE_ZONE".into()) && modes.contains(&"MULTI_ZONE".into()), "{modes:?}");
    });
}

#[test]
fn the_scaling_example_makes_what_its_variables_say() {
    apply_plan_destroy("examples/scaling", |workspace, daemon| {
        assert_eq!(node_processes(&daemon.data_dir()).len(), 3);
        assert_eq!(workspace.output("shard_count"), "3");
    });
}

#[test]
fn the_backups_example_restores_a_copy_of_another_shape() {
    apply_plan_destroy("examples/backups", |workspace, daemon| {
        assert_eq!(workspace.output("restored_shard_count"), "3");
        assert_eq!(workspace.output("digest").len(), 32);
        assert!(!node_processes(&daemon.data_dir()).is_empty());
    });
}

#[test]
fn the_reference_examples_work() {
    for resource in ["valkyard_instance", "valkyard_backup", "valkyard_backup_policy"] {
        apply_plan_destroy(&format!("examples/resources/{resource}"), |_, daemon| {
            assert!(!node_processes(&daemon.data_dir()).is_empty());
        });
    }
}

#[test]
fn the_provider_and_data_source_examples_validate_and_read() {
    for terraform in terraforms() {
        let daemon = Daemon::start(DaemonOptions::default());
        let provider = Workspace::of_example(&terraform, "examples/provider", &daemon.endpoint());
        let _validated = provider.run(&["validate", "-no-color"]).succeeded();

        for source in ["valkyard_instance", "valkyard_backup", "valkyard_backups"] {
            let example = Workspace::of_example(&terraform, &format!("examples/data-sources/{source}"), &daemon.endpoint());
            let _validated = example.run(&["validate", "-no-color"]).succeeded();
            if source != "valkyard_backups" {
                let missing = example.plan();
                assert_eq!(missing.code, 1, "{source}: there is none yet\n{}", missing.out);
            }
        }
    }
}

#[test]
fn the_modules_own_tests_pass() {
    for terraform in terraforms() {
        let daemon = Daemon::start(DaemonOptions::default());
        let module = Workspace::of_example(&terraform, "examples/modules/cache", &daemon.endpoint());
        module.link_modules();
        let tested = module.run(&["test", "-no-color"]).succeeded();
        assert!(tested.out.contains("Success!"), "{}", tested.out);
        assert_eq!(node_processes(&daemon.data_dir()), [], "terraform test left instances");
    }
}
