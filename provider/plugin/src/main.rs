//! The executable that Terraform starts.

use std::process::ExitCode;

use terraform_provider_valkyard::{PROVIDER_ADDRESS, Valkyard};

const HELP: &str = "\
The Terraform provider valkyard/valkyard. Terraform and OpenTofu start it themselves.

  --debug     serve until interrupted and print the TF_REATTACH_PROVIDERS line to use
  --version   print the version
  --help      print this text
";

/// Exit code for arguments that are not understood.
const EXIT_CODE_USAGE: u8 = 2;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        // The framework reads `--debug` itself.
        [] | ["--debug"] => provider_framework::serve(PROVIDER_ADDRESS, "valkyard", Valkyard),
        ["--version"] => {
            println!("terraform-provider-valkyard {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        ["--help" | "-h"] => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
        other => {
            eprintln!("unknown arguments: {}\n\n{HELP}", other.join(" "));
            ExitCode::from(EXIT_CODE_USAGE)
        }
    }
}
