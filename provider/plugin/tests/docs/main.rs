//! The committed documentation pages are those of the schema. `UPDATE_DOCS=1 cargo test -p
//! terraform-provider-valkyard --test docs` writes them anew.

mod page;

use std::fs;
use std::path::{Path, PathBuf};

use page::Page;
use provider_framework::{DataSource, Provider, Resource, Schema};
use terraform_provider_valkyard::{
    BackupDataSource, BackupPolicyResource, BackupResource, BackupsDataSource, InstanceDataSource, InstanceResource, Valkyard,
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn example(path: &str) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What a type is documented with.
struct Documented {
    /// Its full name.
    type_name: &'static str,
    schema: Schema,
    /// The folder of its example.
    example: &'static str,
}

fn resources() -> [Documented; 3] {
    [
        Documented {
            type_name: "valkyard_backup",
            schema: BackupResource.schema(),
            example: "examples/resources/valkyard_backup",
        },
        Documented {
            type_name: "valkyard_backup_policy",
            schema: BackupPolicyResource.schema(),
            example: "examples/resources/valkyard_backup_policy",
        },
        Documented {
            type_name: "valkyard_instance",
            schema: InstanceResource.schema(),
            example: "examples/resources/valkyard_instance",
        },
    ]
}

fn data_sources() -> [Documented; 3] {
    [
        Documented {
            type_name: "valkyard_backup",
            schema: BackupDataSource.schema(),
            example: "examples/data-sources/valkyard_backup",
        },
        Documented {
            type_name: "valkyard_backups",
            schema: BackupsDataSource.schema(),
            example: "examples/data-sources/valkyard_backups",
        },
        Documented {
            type_name: "valkyard_instance",
            schema: InstanceDataSource.schema(),
            example: "examples/data-sources/valkyard_instance",
        },
    ]
}

fn file_name(type_name: &str) -> String {
    format!("{}.md", type_name.trim_start_matches("valkyard_"))
}

/// File name below `docs/provider`, and text.
fn pages() -> Vec<(String, String)> {
    let provider = Page {
        title: "Provider: valkyard",
        heading: "valkyard Provider",
        schema: &Valkyard.schema(),
        example: &example("examples/provider/provider.tf"),
        import: None,
    };
    let mut pages = vec![("index.md".to_owned(), provider.render())];
    for Documented { type_name, schema, example: folder } in resources() {
        let page = Page {
            title: &format!("{type_name} Resource - valkyard"),
            heading: &format!("{type_name} (Resource)"),
            schema: &schema,
            example: &example(&format!("{folder}/resource.tf")),
            import: Some(&example(&format!("{folder}/import.sh"))),
        };
        pages.push((format!("resources/{}", file_name(type_name)), page.render()));
    }
    for Documented { type_name, schema, example: folder } in data_sources() {
        let page = Page {
            title: &format!("{type_name} Data Source - valkyard"),
            heading: &format!("{type_name} (Data Source)"),
            schema: &schema,
            example: &example(&format!("{folder}/data-source.tf")),
            import: None,
        };
        pages.push((format!("data-sources/{}", file_name(type_name)), page.render()));
    }
    pages
}

#[test]
fn committed_pages_match_the_schema() {
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    for (name, text) in pages() {
        let path = root().join("docs/provider").join(&name);
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
    let resources: Vec<String> = Valkyard.resources().iter().map(|resource| file_name(resource.type_name())).collect();
    let data_sources: Vec<String> = Valkyard.data_sources().iter().map(|source| file_name(source.type_name())).collect();
    assert_eq!(names("resources"), resources);
    assert_eq!(names("data-sources"), data_sources);
    assert_eq!(names(""), ["data-sources", "index.md", "resources"]);
}

#[test]
fn schemas_load_and_say_what_every_attribute_means() {
    let types = resources().into_iter().chain(data_sources()).map(|documented| (documented.type_name, documented.schema));
    let schemas = [("provider", Valkyard.schema())].into_iter().chain(types);
    for (what, schema) in schemas {
        assert_eq!(schema.check(), vec![], "{what}");
        assert_eq!(undescribed(&schema), Vec::<&str>::new(), "{what}");
    }
}

fn undescribed(schema: &Schema) -> Vec<&str> {
    let attributes = schema.body().attributes().iter();
    attributes.filter(|(_, attribute)| attribute.markdown().is_empty()).map(|(name, _)| name.as_str()).collect()
}
