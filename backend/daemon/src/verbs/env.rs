//! `valkyard env`: exports that point clients at the daemon.

use std::process::ExitCode;

use anyhow::Result;

use crate::cli::EnvOptions;
use crate::listen::endpoint_of;
use crate::output::print;

/// Prints the exports for a POSIX shell: `eval "$(valkyard env)"`.
pub(crate) fn run(options: &EnvOptions) -> Result<ExitCode> {
    let endpoint = endpoint_of(&options.target)?;
    let exports = exports(endpoint.trim_end_matches('/'), &options.project, &options.location);
    let line = |(name, value, why): &(&str, String, &str)| format!("export {name}={}  # {why}\n", quote(value));
    print(&exports.iter().map(line).collect::<String>())?;
    Ok(ExitCode::SUCCESS)
}

fn exports(endpoint: &str, project: &str, location: &str) -> Vec<(&'static str, String, &'static str)> {
    let provider = "terraform: valkyard provider";
    let gcloud = "gcloud";
    let google = "terraform: hashicorp/google provider";
    vec![
        ("VALKYARD_ENDPOINT", endpoint.to_owned(), provider),
        ("VALKYARD_PROJECT", project.to_owned(), provider),
        ("VALKYARD_LOCATION", location.to_owned(), provider),
        ("CLOUDSDK_API_ENDPOINT_OVERRIDES_MEMORYSTORE", format!("{endpoint}/"), gcloud),
        ("CLOUDSDK_AUTH_DISABLE_CREDENTIALS", "true".to_owned(), gcloud),
        ("CLOUDSDK_CORE_PROJECT", project.to_owned(), gcloud),
        ("GOOGLE_MEMORYSTORE_CUSTOM_ENDPOINT", format!("{endpoint}/v1/"), google),
        ("GOOGLE_OAUTH_ACCESS_TOKEN", "valkyard-checks-no-token".to_owned(), google),
        ("GOOGLE_PROJECT", project.to_owned(), google),
        ("GOOGLE_REGION", location.to_owned(), google),
    ]
}

fn quote(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn googles_endpoints_end_as_their_clients_require() {
        let exports = exports("http://127.0.0.1:1", "p", "us-central1");
        let value = |name: &str| exports.iter().find(|(n, ..)| *n == name).map(|(_, v, _)| v.as_str());
        assert_eq!(value("CLOUDSDK_API_ENDPOINT_OVERRIDES_MEMORYSTORE"), Some("http://127.0.0.1:1/"));
        assert_eq!(value("GOOGLE_MEMORYSTORE_CUSTOM_ENDPOINT"), Some("http://127.0.0.1:1/v1/"));
    }

    #[test]
    fn values_survive_a_shell() {
        assert_eq!(quote("it's"), r"'it'\''s'");
    }
}
