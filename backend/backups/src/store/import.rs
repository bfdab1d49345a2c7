//! Files made elsewhere: RDB files named one by one by their URLs.

use object_store::ObjectStoreExt as _;
use object_store::path::Path;

use super::error::StoreError;
use super::location::BackupStore;
use super::read::FileReader;

/// A file to import.
#[derive(Clone, Debug)]
pub struct ImportFile {
    store: BackupStore,
    path: Path,
    url: String,
    bytes: u64,
}

impl ImportFile {
    /// Finds the file at a URL, such as `gs://bucket/object.rdb`; options as for [`BackupStore::open`].
    ///
    /// # Errors
    /// `Object` when there is none, else see [`StoreError`].
    pub async fn find(url: &str, options: &[(String, String)]) -> Result<Self, StoreError> {
        let refuse = || StoreError::Url { url: url.to_owned(), source: None };
        // The store is the part of the URL up to the last slash, the file the rest.
        let (folder, file) =
            url.rsplit_once('/').filter(|(folder, file)| folder.contains("://") && !file.is_empty()).ok_or_else(refuse)?;
        let store = BackupStore::existing(folder, options)?;
        let file = Path::from_url_path(file).map_err(|_not_a_path| refuse())?;
        let path = store.root().parts().chain(file.parts()).collect();
        let found = store.backend.head(&path).await.map_err(StoreError::object("find", &path))?;
        Ok(Self { store, path, url: url.to_owned(), bytes: found.size })
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its length.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Reads it. Nothing is known of its content before.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn read(&self) -> Result<FileReader, StoreError> {
        self.store.read_object(self.path.clone()).await
    }
}
