//! Real Terraform, with the built provider in place of an installed one.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::tools::{binary, repository};

/// A Terraform program.
#[derive(Clone, Debug)]
pub struct Terraform {
    program: PathBuf,
    /// What it calls itself, such as `1.11.4`.
    pub version: String,
}

impl Terraform {
    /// The program at this path.
    ///
    /// # Panics
    /// When it does not run.
    #[must_use]
    pub fn new(program: PathBuf) -> Self {
        let output =
            Command::new(&program).arg("version").env("TF_CLI_CONFIG_FILE", "/dev/null").output().expect("terraform runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let version = text.lines().next().and_then(|line| line.strip_prefix("Terraform v")).unwrap_or("unknown").to_owned();
        Self { program, version }
    }
}

/// The end of a Terraform command.
#[derive(Clone, Debug)]
pub struct Run {
    /// Exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Run {
    /// The same, if it succeeded.
    ///
    /// # Panics
    /// With everything it printed, if not.
    #[must_use]
    pub fn succeeded(self) -> Self {
        assert_eq!(self.code, 0, "terraform failed\n{}\n{}", self.out, self.err);
        self
    }
}

/// A copy of a configuration with state of its own.
#[derive(Debug)]
pub struct Workspace {
    terraform: Terraform,
    folder: TempDir,
    root: PathBuf,
    endpoint: String,
}

impl Workspace {
    /// Copies the repository's `examples` and works in one of its folders, such as `examples/quickstart`.
    ///
    /// # Panics
    /// When it cannot be copied.
    #[must_use]
    pub fn of_example(terraform: &Terraform, example: &str, endpoint: &str) -> Self {
        let folder = TempDir::with_prefix("valkyard-tf-").expect("a temporary folder");
        let examples = folder.path().join("examples");
        copy_folder(&repository().join("examples"), &examples);
        let root = folder.path().join(example);
        Self::prepared(terraform, folder, root, endpoint)
    }

    /// Works in an empty folder with this `main.tf`.
    ///
    /// # Panics
    /// When it cannot be written.
    #[must_use]
    pub fn of_text(terraform: &Terraform, text: &str, endpoint: &str) -> Self {
        let folder = TempDir::with_prefix("valkyard-tf-").expect("a temporary folder");
        let root = folder.path().join("root");
        std::fs::create_dir(&root).expect("a folder");
        let workspace = Self::prepared(terraform, folder, root, endpoint);
        workspace.write(text);
        workspace
    }

    fn prepared(terraform: &Terraform, folder: TempDir, root: PathBuf, endpoint: &str) -> Self {
        let provider = binary("terraform-provider-valkyard");
        let provider_folder = provider.parent().expect("binaries lie in a folder");
        let rc = format!(
            "provider_installation {{\n  dev_overrides {{\n    \"valkyard/valkyard\" = \"{}\"\n  }}\n  direct {{}}\n}}\n",
            provider_folder.display()
        );
        std::fs::write(folder.path().join("terraformrc"), rc).expect("a writable folder");
        Self { terraform: terraform.clone(), folder, root, endpoint: endpoint.to_owned() }
    }

    /// Replaces `main.tf`.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, text: &str) {
        std::fs::write(self.root.join("main.tf"), text).expect("a writable folder");
    }

    /// A Terraform command, ready to run or spawn.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.terraform.program);
        command
            .args(arguments)
            .current_dir(&self.root)
            .env("TF_CLI_CONFIG_FILE", self.folder.path().join("terraformrc"))
            .env("TF_IN_AUTOMATION", "1")
            .env("CHECKPOINT_DISABLE", "1")
            .env("VALKYARD_ENDPOINT", &self.endpoint)
            .env_remove("VALKYARD_PROJECT")
            .env_remove("VALKYARD_LOCATION");
        command
    }

    /// Runs a Terraform command to its end.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn run(&self, arguments: &[&str]) -> Run {
        self.command(arguments).output().expect("terraform starts").into()
    }

    /// Whether the configuration calls modules, which have to be linked before anything else works.
    #[must_use]
    pub fn has_modules(&self) -> bool {
        let texts = std::fs::read_dir(&self.root).expect("a readable folder").flatten();
        texts.filter_map(|entry| std::fs::read_to_string(entry.path()).ok()).any(|text| text.contains("module \""))
    }

    /// `terraform get`: links modules. The provider itself needs no `init`.
    ///
    /// # Panics
    /// When it fails.
    pub fn link_modules(&self) {
        let _linked = self.run(&["get", "-no-color"]).succeeded();
    }

    /// `terraform apply`.
    pub fn apply(&self) -> Run {
        self.run(&["apply", "-auto-approve", "-no-color", "-input=false"])
    }

    /// `terraform plan`: code 0 when there is nothing to change, 2 when there is.
    pub fn plan(&self) -> Run {
        self.run(&["plan", "-detailed-exitcode", "-no-color", "-input=false"])
    }

    /// `terraform destroy`.
    pub fn destroy(&self) -> Run {
        self.run(&["destroy", "-auto-approve", "-no-color", "-input=false"])
    }

    /// One output, raw.
    ///
    /// # Panics
    /// When there is none of this name.
    pub fn output(&self, name: &str) -> String {
        self.run(&["output", "-raw", name]).succeeded().out
    }
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a writable folder");
    for entry in std::fs::read_dir(from).expect("a readable folder").flatten() {
        let target = to.join(entry.file_name());
        let hidden = entry.file_name().to_string_lossy().starts_with(".terraform");
        if entry.path().is_dir() && !hidden {
            copy_folder(&entry.path(), &target);
        } else if !hidden {
            std::fs::copy(entry.path(), target).expect("a readable file");
        }
    }
}
