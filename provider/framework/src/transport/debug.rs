//! What a developer needs to attach a host to a provider started with `--debug`.
//!
//! Called by [`Listening`](super::Listening) in debug mode. Hosts read the address from `TF_REATTACH_PROVIDERS`
//! and then neither start, authenticate nor end the provider.

use std::{fmt::Write as _, path::Path, process};

use serde_json::json;

/// Version of the provider protocol that hosts are to speak.
const PROTOCOL_VERSION: u32 = 6;

const VARIABLE: &str = "TF_REATTACH_PROVIDERS";

/// The variable's line for each shell.
pub(super) fn announcement(provider_address: &str, socket: &Path) -> String {
    let value = reattach_value(provider_address, socket);
    let lines = [
        ("sh, bash, zsh", format!("export {VARIABLE}='{}'", value.replace('\'', r"'\''"))),
        ("fish", format!("set -gx {VARIABLE} '{}'", value.replace('\\', r"\\").replace('\'', r"\'"))),
        ("PowerShell", format!("$env:{VARIABLE} = '{}'", value.replace('\'', "''"))),
    ];
    let mut text = String::from("The provider is up. Set one of these where terraform runs; Ctrl-C here ends the provider.\n");
    for (shell, line) in lines {
        write!(text, "\n# {shell}\n{line}\n").expect("a string takes any text");
    }
    text
}

fn reattach_value(provider_address: &str, socket: &Path) -> String {
    json!({
        provider_address: {
            "Protocol": "grpc",
            "ProtocolVersion": PROTOCOL_VERSION,
            "Pid": process::id(),
            // Tells the host that the process is not its own to end.
            "Test": true,
            "Addr": { "Network": "unix", "String": socket.to_string_lossy() },
        }
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shell_gets_the_address_quoted_its_own_way() {
        let text = announcement("registry.terraform.io/a/b", Path::new("/run/it's/plugin1"));
        let line = |start: &str| text.lines().find(|line| line.starts_with(start)).unwrap();
        assert!(line("export").contains(r"/run/it'\''s/plugin1"), "{text}");
        assert!(line("set -gx").contains(r"/run/it\'s/plugin1"), "{text}");
        assert!(line("$env:").contains("/run/it''s/plugin1"), "{text}");
    }

    #[test]
    fn value_is_what_hosts_parse() {
        let value = reattach_value("registry.terraform.io/a/b", Path::new("/run/plugin1"));
        let parsed: serde_json::Value = serde_json::from_str(&value).unwrap();
        assert_eq!(
            parsed,
            json!({"registry.terraform.io/a/b": {
                "Protocol": "grpc",
                "ProtocolVersion": 6,
                "Pid": process::id(),
                "Test": true,
                "Addr": {"Network": "unix", "String": "/run/plugin1"},
            }})
        );
    }
}
