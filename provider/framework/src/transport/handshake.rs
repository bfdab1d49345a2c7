//! The handshake of go-plugin: what the host put into our environment, and the line we answer with.
//!
//! Called by [`Listening`](super::Listening) before anything is opened. Nothing here touches a file or a socket;
//! the environment is read once, so that tests can hand in their own.

use std::{
    env,
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
};

use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};
use rustls::pki_types::CertificateDer;

/// Proves that a Terraform-like host started the process. A safeguard for users, not a secret.
const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

/// Exit code of a provider that could not be served.
pub(super) const EXIT_CODE_REFUSED: u8 = 1;

/// Version of the handshake line itself.
const CORE_PROTOCOL_VERSION: u32 = 1;

/// The provider protocols served here, best last.
const SERVED_VERSIONS: [u32; 1] = [6];

/// What the host handed over through environment variables.
#[derive(Clone, Debug, Default)]
pub struct HostEnvironment {
    /// `TF_PLUGIN_MAGIC_COOKIE`: proves that a host started the process.
    pub cookie: Option<String>,
    /// `PLUGIN_PROTOCOL_VERSIONS`: comma-separated, in any order.
    pub protocol_versions: Option<String>,
    /// `PLUGIN_CLIENT_CERT`: the host's certificate as PEM; absent or empty means no TLS.
    pub client_certificate: Option<String>,
    /// `PLUGIN_UNIX_SOCKET_DIR`: folder for the socket; the system's folder for temporary files otherwise.
    pub socket_dir: Option<PathBuf>,
    /// `PLUGIN_UNIX_SOCKET_GROUP`: name or number of the group that may connect.
    pub socket_group: Option<String>,
}

impl HostEnvironment {
    /// Reads the variables of this process. Empty ones count as absent.
    pub fn from_process() -> Self {
        let read = |name| env::var_os(name).filter(|value| !value.is_empty());
        let text = |name| read(name).map(lossy);
        Self {
            cookie: text("TF_PLUGIN_MAGIC_COOKIE"),
            protocol_versions: text("PLUGIN_PROTOCOL_VERSIONS"),
            client_certificate: text("PLUGIN_CLIENT_CERT"),
            socket_dir: read("PLUGIN_UNIX_SOCKET_DIR").map(PathBuf::from),
            socket_group: text("PLUGIN_UNIX_SOCKET_GROUP"),
        }
    }

    pub(super) fn is_from_host(&self) -> bool {
        self.cookie.as_deref() == Some(COOKIE)
    }
}

fn lossy(value: OsString) -> String {
    value.to_string_lossy().into_owned()
}

/// What a person reads who started the provider by hand.
pub(super) fn explanation(provider_address: &str) -> String {
    let source = provider_address.strip_prefix("registry.terraform.io/").unwrap_or(provider_address);
    let name = source.rsplit('/').next().unwrap_or(source);
    format!(
        "This program is the Terraform provider \"{source}\". It is not run by hand: Terraform or OpenTofu starts it \
         when a configuration lists it.\n\
         \n\
         terraform {{\n  required_providers {{\n    {name} = {{ source = \"{source}\" }}\n  }}\n}}\n\
         \n\
         To attach a debugger, start it with --debug and follow what it prints."
    )
}

/// The outcome of choosing a provider protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProtocolVersion {
    /// The highest version both sides speak.
    Agreed(u32),
    /// Nothing in common: our lowest version, with which the host tells its user what is wrong.
    NothingInCommon(u32),
}

impl ProtocolVersion {
    pub(super) fn choose(offered: Option<&str>) -> Self {
        Self::choose_from(&SERVED_VERSIONS, offered)
    }

    fn choose_from(served: &[u32], offered: Option<&str>) -> Self {
        let highest_in_common = offered
            .unwrap_or_default()
            .split(',')
            .filter_map(|version| version.trim().parse().ok())
            .filter(|version| served.contains(version))
            .max();
        match highest_in_common {
            Some(version) => Self::Agreed(version),
            None => Self::NothingInCommon(served.iter().copied().min().unwrap_or_default()),
        }
    }

    fn number(self) -> u32 {
        match self {
            Self::Agreed(version) | Self::NothingInCommon(version) => version,
        }
    }
}

/// The one line the host waits for on our stdout.
#[derive(Debug)]
pub(super) struct HandshakeLine<'a> {
    pub(super) version: ProtocolVersion,
    pub(super) socket: &'a Path,
    pub(super) certificate: Option<&'a CertificateDer<'static>>,
}

impl fmt::Display for HandshakeLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let certificate = self.certificate.map(|der| BASE64_STANDARD_NO_PAD.encode(der)).unwrap_or_default();
        writeln!(f, "{CORE_PROTOCOL_VERSION}|{}|unix|{}|grpc|{certificate}", self.version.number(), self.socket.display(),)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn highest_common_version_wins_in_any_order() {
        use ProtocolVersion::{Agreed, NothingInCommon};
        let table: [(&[u32], Option<&str>, ProtocolVersion); 9] = [
            (&[6], Some("5,6"), Agreed(6)),
            (&[6], Some("6,5"), Agreed(6)),
            (&[6], Some("6"), Agreed(6)),
            (&[6], Some(" 6 , 5"), Agreed(6)),
            (&[5, 6], Some("7,5,6"), Agreed(6)),
            (&[5, 6], Some("5"), Agreed(5)),
            (&[5, 6], Some("4,7"), NothingInCommon(5)),
            (&[6], Some("5,six,"), NothingInCommon(6)),
            (&[6], None, NothingInCommon(6)),
        ];
        for (served, offered, expected) in table {
            assert_eq!(ProtocolVersion::choose_from(served, offered), expected, "{served:?} {offered:?}");
        }
    }

    #[test]
    fn handshake_line_carries_the_certificate_without_padding() {
        let certificate = CertificateDer::from(vec![0xfb, 0xff, 0x00, 0x01]);
        let line = HandshakeLine {
            version: ProtocolVersion::Agreed(6),
            socket: Path::new("/run/plugin1"),
            certificate: Some(&certificate),
        };
        assert_eq!(line.to_string(), "1|6|unix|/run/plugin1|grpc|+/8AAQ\n");
        let plain = HandshakeLine { certificate: None, ..line };
        assert_eq!(plain.to_string(), "1|6|unix|/run/plugin1|grpc|\n");
    }

    #[test]
    fn explanation_names_the_source_as_a_configuration_spells_it() {
        let text = explanation("registry.terraform.io/valkyard/valkyard");
        assert!(text.contains("valkyard = { source = \"valkyard/valkyard\" }"), "{text}");
        assert!(text.contains("--debug"), "{text}");
    }
}
