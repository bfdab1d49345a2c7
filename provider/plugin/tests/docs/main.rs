//! The committed documentation pages are those of the schema. `UPDATE_DOCS=1 cargo test -p
//! terraform-provider-valkyard --test docs` writes them anew.

mod page;

use std::fs;
use std::path::{Path, PathBuf};

use page::Page;
use provider_framework::{DataSource, Provider, Resource, Schema};
use terraform_provider_valkyard::{InstanceDataSource, InstanceResource, Valkyard};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn example(path: &str) -> String {
    let path = root().join("examples").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// File name below `docs/provider`, and text.
fn pages() -> Vec<(&'static str, String)> {
    let provider = Page {
        title: "Provider: valkyard",
        heading: "valkyard Provider",
        schema: &Valkyard.schema(),
        example: &example("provider/provider.tf"),
        import: None,
    };
    let resource = Page {
        title: "valkyard_instance Resource - valkyard",
        heading: "valkyard_instance (Resource)",
        schema: &InstanceResource.schema(),
        example: &example("resources/valkyard_instance/resource.tf"),
        import: Some(&example("resources/valkyard_instance/import.sh")),
    };
    let data_source = Page {
        title: "valkyard_instance Data Source - valkyard",
        heading: "valkyard_instance (Data Source)",
        schema: &InstanceDataSource.schema(),
        example: &example("data-sources/valkyard_instance/data-source.tf"),
        import: None,
    };
    vec![
        ("index.md", provider.render()),
        ("resources/instance.md", resource.render()),
        ("data-sources/instance.md", data_source.render()),
    ]
}

#[test]
fn committed_pages_match_the_schema() {
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    for (name, text) in pages() {
        let path = root().join("docs/provider").join(name);
        if update {
            fs::create_dir_all(path.parent().expect("pages are in a folder")).expect("folder of the page");
            fs::write(&path, &text).expect("page is written");
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == text, "docs/provider/{name} is not up to date; run the test with UPDATE_DOCS=1");
    }
}

#[test]
fn there_is_a_page_for_each_thing_the_provider_has_and_no_other() {
    let names = |folder: &str| {
        let entries = fs::read_dir(root().join("docs/provider").join(folder)).expect("folder of pages");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    };
    let page = |type_name: &str| format!("{}.md", type_name.trim_start_matches("valkyard_"));
    let resources: Vec<String> = Valkyard.resources().iter().map(|resource| page(resource.type_name())).collect();
    let data_sources: Vec<String> = Valkyard.data_sources().iter().map(|source| page(source.type_name())).collect();
    assert_eq!(names("resources"), resources);
    assert_eq!(names("data-sources"), data_sources);
    assert_eq!(names(""), ["data-sources", "index.md", "resources"]);
}

#[test]
fn schemas_load_and_say_what_every_attribute_means() {
    let schemas =
        [("provider", Valkyard.schema()), ("resource", InstanceResource.schema()), ("data source", InstanceDataSource.schema())];
    for (what, schema) in schemas {
        assert_eq!(schema.check(), vec![], "{what}");
        assert_eq!(undescribed(&schema), Vec::<&str>::new(), "{what}");
    }
}

fn undescribed(schema: &Schema) -> Vec<&str> {
    let attributes = schema.body().attributes().iter();
    attributes.filter(|(_, attribute)| attribute.markdown().is_empty()).map(|(name, _)| name.as_str()).collect()
}
