//! Where the daemon listens, and how others find out.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use tokio::net::TcpListener;
use tracing::warn;
use valkyard_host::port_owner;

use crate::cli::EndpointOptions;
use crate::config::DEFAULT_LISTEN;

/// Opens the API's listener; an address in use names its owner if that can be known.
pub(crate) async fn open(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| refusal(address, error))
}

fn refusal(address: SocketAddr, error: std::io::Error) -> anyhow::Error {
    let kind = error.kind();
    if kind == ErrorKind::AddrInUse {
        let owner = port_owner(address).map_or_else(|| "another process".to_owned(), |owner| owner.to_string());
        anyhow!("cannot listen on {address}: {owner} listens there; stop it or choose another address with --listen")
    } else if kind == ErrorKind::PermissionDenied {
        anyhow!("cannot listen on {address}: permission denied; ports below 1024 need privileges, choose another with --listen")
    } else {
        anyhow!(error).context(format!("listen on {address}"))
    }
}

/// The file in a data folder that names the running daemon's address.
pub(crate) fn endpoint_file(data_dir: &Path) -> PathBuf {
    data_dir.join("endpoint")
}

/// Writes the address down for `status`, `env` and `down`.
pub(crate) fn publish(data_dir: &Path, address: SocketAddr) -> Result<()> {
    let path = endpoint_file(data_dir);
    // Renamed into place: who waits for the file must not read half of it.
    let unfinished = path.with_extension("new");
    std::fs::write(&unfinished, format!("http://{address}\n"))
        .and_then(|()| std::fs::rename(&unfinished, &path))
        .with_context(|| format!("write {}", path.display()))
}

/// Takes the address back: nobody listens there any more.
pub(crate) fn withdraw(data_dir: &Path) {
    let path = endpoint_file(data_dir);
    if let Err(error) = std::fs::remove_file(&path) {
        warn!(path = %path.display(), %error, "cannot remove the file that names the daemon's address");
    }
}

/// The daemon's address: as given, else that of the daemon on the data folder, else the default.
pub(crate) fn endpoint_of(options: &EndpointOptions) -> Result<String> {
    if let Some(endpoint) = &options.endpoint {
        return Ok(endpoint.clone());
    }
    let path = endpoint_file(&options.data_dir.resolve()?);
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(format!("http://{DEFAULT_LISTEN}")),
        Err(error) => Err(error).with_context(|| format!("read {}", path.display())),
    }
}
