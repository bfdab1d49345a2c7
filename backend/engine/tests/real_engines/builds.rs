//! The builds the tests run on.

use std::path::{Path, PathBuf};

use valkyard_engine::{CatalogueConfig, EngineBuild, EngineCatalogue};

/// Every build that was brought for the tests; never none.
pub(crate) async fn real_builds() -> Vec<EngineBuild> {
    let paths: Vec<PathBuf> = match std::env::var_os("VALKYARD_TEST_ENGINES") {
        Some(paths) => std::env::split_paths(&paths).collect(),
        None => vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/engines")],
    };
    let catalogue = EngineCatalogue::discover(&CatalogueConfig { paths, ..CatalogueConfig::default() }).await;
    assert_eq!(catalogue.rejected(), [], "run acceptance-tests/setup/engines.sh, or set VALKYARD_TEST_ENGINES");
    assert!(!catalogue.builds().is_empty(), "VALKYARD_TEST_ENGINES names no folder");
    catalogue.builds().to_vec()
}
