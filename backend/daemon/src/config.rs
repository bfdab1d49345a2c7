//! The daemon's settings: flag > environment > file > default. (clap already merged the first two.)

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use url::Url;
use valkyard_backups::StoreOptions;

use crate::calendar::ClockManner;
use crate::cli::{DataDirOptions, LogFormat, ServeOptions};

/// Where the API listens by default; stable interface.
pub(crate) const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 4590);

/// Where backups are kept in the data folder, unless another store is named.
const BACKUPS_FOLDER: &str = "backups";

/// The file's keys: those of the command line. An unknown key is an error that lists the known ones.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigFile {
    listen: Option<SocketAddr>,
    data_dir: Option<PathBuf>,
    ephemeral: Option<bool>,
    engine_paths: Option<Vec<PathBuf>>,
    memory_scale: Option<f64>,
    backup_store: Option<String>,
    adjustable_clock: Option<bool>,
    log_format: Option<LogFormat>,
    log: Option<String>,
    /// Options of object stores by the scheme of their URLs.
    #[serde(default)]
    object_stores: BTreeMap<String, BTreeMap<String, String>>,
}

/// Settings in force.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    pub(crate) listen: SocketAddr,
    pub(crate) data_dir: PathBuf,
    pub(crate) ephemeral: bool,
    pub(crate) engine_paths: Vec<PathBuf>,
    pub(crate) memory_scale: Option<f64>,
    /// Nothing means in the data folder.
    pub(crate) backup_store: Option<String>,
    pub(crate) store_options: StoreOptions,
    pub(crate) clock: ClockManner,
    pub(crate) log_format: Option<LogFormat>,
    pub(crate) log: String,
}

impl Settings {
    /// Merges flags and environment with the file and the defaults, and checks the result.
    pub(crate) fn load(options: ServeOptions) -> Result<Self> {
        let file = ConfigFile::load(options.data_dir.config.as_deref())?;
        Self::merge(options, file)
    }

    fn merge(options: ServeOptions, file: ConfigFile) -> Result<Self> {
        let names_data_dir = options.data_dir.data_dir.is_some();
        let is_adjustable = options.adjustable_clock.or(file.adjustable_clock).unwrap_or(false);
        let settings = Self {
            listen: options.listen.or(file.listen).unwrap_or(DEFAULT_LISTEN),
            data_dir: options.data_dir.resolve_with(&file)?,
            ephemeral: options.ephemeral.or(file.ephemeral).unwrap_or(false),
            engine_paths: options.engine_paths.or(file.engine_paths).unwrap_or_default(),
            memory_scale: options.memory_scale.or(file.memory_scale),
            backup_store: options.backup_store.or(file.backup_store),
            store_options: StoreOptions::new(file.object_stores)?,
            clock: if is_adjustable { ClockManner::Adjustable } else { ClockManner::Fixed },
            log_format: options.log_format.or(file.log_format),
            log: options.log.or(file.log).unwrap_or_else(|| "info".to_owned()),
        };
        settings.check()?;
        if settings.ephemeral && names_data_dir {
            bail!("--ephemeral keeps everything in a temporary folder; leave out --data-dir (VALKYARD_DATA_DIR), or --ephemeral");
        }
        Ok(settings)
    }

    /// URL of the store that backups are kept in.
    pub(crate) fn backup_url(&self) -> Result<String> {
        let in_data_dir = || {
            let folder = self.data_dir.join(BACKUPS_FOLDER);
            let url = Url::from_file_path(&folder).ok();
            url.map(String::from).with_context(|| format!("name {} as the store of backups", folder.display()))
        };
        self.backup_store.clone().map_or_else(in_data_dir, Ok)
    }

    fn check(&self) -> Result<()> {
        if !self.listen.ip().is_loopback() {
            bail!(
                "refusing to listen on {}: this version serves neither TLS nor authentication, so it listens on loopback addresses only; \
                 use --listen 127.0.0.1:{}",
                self.listen,
                self.listen.port()
            );
        }
        if let Some(scale) = self.memory_scale
            && !(scale > 0.0 && scale <= 1.0)
        {
            bail!("memory_scale {scale} is outside 0 (excluded) to 1");
        }
        Ok(())
    }
}

impl ConfigFile {
    /// The file given, else the user's default one, else nothing set.
    fn load(given: Option<&Path>) -> Result<Self> {
        match given {
            Some(path) => read(path),
            None => default_file().filter(|path| path.exists()).map_or_else(|| Ok(Self::default()), |path| read(&path)),
        }
    }
}

/// Where to look for engines: as given, else what the configuration file says.
pub(crate) fn engine_paths(given: Option<Vec<PathBuf>>, config: Option<&Path>) -> Result<Vec<PathBuf>> {
    match given {
        Some(paths) => Ok(paths),
        None => Ok(ConfigFile::load(config)?.engine_paths.unwrap_or_default()),
    }
}

impl DataDirOptions {
    /// The folder given, else that of the configuration file, else the user's default one.
    pub(crate) fn resolve(&self) -> Result<PathBuf> {
        self.resolve_with(&ConfigFile::load(self.config.as_deref())?)
    }

    fn resolve_with(&self, file: &ConfigFile) -> Result<PathBuf> {
        match self.data_dir.as_ref().or(file.data_dir.as_ref()) {
            Some(path) => std::path::absolute(path).with_context(|| format!("resolve data folder {}", path.display())),
            None => user_folder("XDG_DATA_HOME", ".local/share")
                .context("no data folder given, and neither XDG_DATA_HOME nor HOME is set"),
        }
    }
}

fn user_folder(variable: &str, below_home: &str) -> Option<PathBuf> {
    let non_empty = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = non_empty(variable).or_else(|| non_empty("HOME").map(|home| home.join(below_home)))?;
    Some(base.join("valkyard"))
}

fn default_file() -> Option<PathBuf> {
    user_folder("XDG_CONFIG_HOME", ".config").map(|folder| folder.join("valkyard.toml"))
}

fn read(path: &Path) -> Result<ConfigFile> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read configuration file {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("parse configuration file {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> ServeOptions {
        ServeOptions { data_dir: DataDirOptions { data_dir: Some("/data".into()), config: None }, ..ServeOptions::default() }
    }

    fn file(text: &str) -> ConfigFile {
        toml::from_str(text).expect("parses")
    }

    #[test]
    fn the_command_line_wins_over_the_file_and_the_file_over_defaults() {
        let from_file = file("listen = '127.0.0.1:1'\nmemory_scale = 0.5\ndata_dir = '/other'");
        let given = ServeOptions { listen: Some("127.0.0.1:2".parse().expect("an address")), ..options() };
        let settings = Settings::merge(given, from_file).expect("valid");
        assert_eq!(settings.listen.port(), 2);
        assert_eq!(settings.data_dir, PathBuf::from("/data"));
        assert_eq!(settings.memory_scale, Some(0.5));
        assert_eq!(settings.log, "info");
    }

    #[test]
    fn every_verb_takes_the_data_folder_of_the_file() {
        let from_file = file("data_dir = '/from-file'");
        assert_eq!(DataDirOptions::default().resolve_with(&from_file).expect("resolves"), PathBuf::from("/from-file"));
    }

    #[test]
    fn unknown_keys_of_the_file_name_the_known_ones() {
        let error = toml::from_str::<ConfigFile>("data-dir = '/x'").expect_err("no such key").to_string();
        assert!(error.contains("data-dir") && error.contains("data_dir"), "{error}");
    }

    #[test]
    fn backups_are_kept_in_the_data_folder_unless_a_store_is_named() {
        let of =
            |options: ServeOptions, text: &str| Settings::merge(options, file(text)).and_then(|settings| settings.backup_url());
        assert_eq!(of(options(), "").expect("a URL"), "file:///data/backups");
        assert_eq!(of(options(), "backup_store = 's3://bucket/a'").expect("a URL"), "s3://bucket/a");
        let given = ServeOptions { backup_store: Some("gs://bucket".to_owned()), ..options() };
        assert_eq!(of(given, "backup_store = 's3://bucket/a'").expect("a URL"), "gs://bucket");
    }

    #[test]
    fn options_of_stores_are_checked_at_start_and_not_shown() {
        let from_file = |text: &str| Settings::merge(options(), file(text));
        let settings = from_file("[object_stores.s3]\nsecret_access_key = 'hidden'\nallow_http = 'true'").expect("valid");
        assert_eq!(settings.store_options.of("s3://bucket").len(), 2);
        assert!(!format!("{settings:?}").contains("hidden"));
        let error = from_file("[object_stores.s3]\nbananas = '1'").expect_err("no such option").to_string();
        assert!(error.contains("object_stores.s3") && error.contains("bananas"), "{error}");
    }

    #[test]
    fn the_clock_is_fixed_unless_it_is_asked_for() {
        let clock = |options: ServeOptions, text: &str| Settings::merge(options, file(text)).expect("valid").clock;
        assert_eq!(clock(options(), ""), ClockManner::Fixed);
        assert_eq!(clock(options(), "adjustable_clock = true"), ClockManner::Adjustable);
        let given = ServeOptions { adjustable_clock: Some(false), ..options() };
        assert_eq!(clock(given, "adjustable_clock = true"), ClockManner::Fixed);
    }

    #[test]
    fn a_reachable_address_is_refused() {
        let given = ServeOptions { listen: Some("0.0.0.0:4590".parse().expect("an address")), ..options() };
        let error = Settings::merge(given, ConfigFile::default()).expect_err("not loopback").to_string();
        assert!(error.contains("127.0.0.1:4590"), "{error}");
    }

    #[test]
    fn a_memory_scale_outside_its_range_is_refused() {
        for scale in [0.0, -1.0, 1.5, f64::NAN] {
            assert!(Settings::merge(ServeOptions { memory_scale: Some(scale), ..options() }, ConfigFile::default()).is_err());
        }
    }
}
