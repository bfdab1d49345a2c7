"""Whole Terraform commands."""

import os
import shutil
import tempfile
from pathlib import Path

import processes
import tools
from daemon import Daemon
from report import median, note, span

NAMES = ["apply_total", "plan_noop"]
APPLY_RUNS = 5
PLAN_RUNS = 15
COMMAND_LIMIT_SECS = 60
APPLY_OVER_CREATE_SECS_MAX = 1.0
PLAN_RATIO_MAX = 1.5

INSTANCE = """
terraform {
  required_providers {
    valkyard = { source = "valkyard/valkyard" }
  }
}

resource "valkyard_instance" "bench" {
  instance_id                 = "applied"
  shard_count                 = 3
  replica_count               = 1
  node_type                   = "SHARED_CORE_NANO"
  engine_version              = "%s"
  deletion_protection_enabled = false
}
"""

BUILT_IN = """
resource "terraform_data" "bench" {
  input = "applied"
}
"""


class Workspace:
    """A configuration with state of its own; `with` removes it."""

    def __init__(self, text, endpoint):
        self.folder = Path(tempfile.mkdtemp(prefix="bench-"))
        (self.folder / "main.tf").write_text(text, encoding="utf-8")
        configuration = self.folder / "terraformrc"
        configuration.write_text('provider_installation {\n  dev_overrides {\n    "valkyard/valkyard" = '
                                 f'"{tools.RELEASE}"\n  }}\n  direct {{}}\n}}\n', encoding="utf-8")
        self.environment = {**os.environ, "TF_CLI_CONFIG_FILE": str(configuration), "TF_IN_AUTOMATION": "1",
                            "CHECKPOINT_DISABLE": "1", "VALKYARD_ENDPOINT": endpoint}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)

    def run(self, *arguments, variables=None):
        """Seconds that the command took."""
        command = [tools.terraform(), *arguments, "-no-color", "-input=false"]
        return processes.run(command, COMMAND_LIMIT_SECS, cwd=self.folder, env={**self.environment, **(variables or {})})


def measure(report):
    note(f"Terraform: {tools.terraform()}")
    with Daemon() as daemon, Workspace(INSTANCE % tools.ENGINE_9.api_version, daemon.endpoint) as workspace:
        if "apply_total" in report.wanted:
            apply(report, daemon, workspace)
        if "plan_noop" in report.wanted:
            with Workspace(BUILT_IN, daemon.endpoint) as built_in:
                plan(report, workspace, built_in)


def apply(report, daemon, workspace):
    applied, created = [], []
    for number in range(APPLY_RUNS):
        applied.append(workspace.run("apply", "-auto-approve"))
        workspace.run("destroy", "-auto-approve")
        created.append(daemon.create_until_writable(f"create-{number}", tools.ENGINE_9)[0])
        daemon.delete(f"create-{number}")
    over = median(applied) - median(created)
    about = (f"medians of {APPLY_RUNS}: terraform apply {span(applied)}; create until writable {span(created)}; "
             f"difference {over:.2f} s")
    target = f"difference <= {APPLY_OVER_CREATE_SECS_MAX} s"
    report.figure("apply_total", median(applied), "s", median(created), about, target, over <= APPLY_OVER_CREATE_SECS_MAX)


def plan(report, workspace, built_in):
    # Nothing to install: the provider comes from an override, terraform_data from Terraform itself.
    for prepared in (workspace, built_in):
        prepared.run("apply", "-auto-approve")
    ours, plain, theirs = [], [], []
    for _ in range(PLAN_RUNS):
        ours.append(workspace.run("plan", "-detailed-exitcode"))
        plain.append(workspace.run("plan", "-detailed-exitcode", variables={"TF_DISABLE_PLUGIN_TLS": "1"}))
        theirs.append(built_in.run("plan", "-detailed-exitcode"))
    workspace.run("destroy", "-auto-approve")
    about = (f"medians of {PLAN_RUNS}: valkyard_instance {span(ours)}, {median(plain):.3f} with TF_DISABLE_PLUGIN_TLS=1; "
             f"terraform_data {span(theirs)}, which starts no provider process")
    ratio = median(ours) / median(theirs)
    report.figure("plan_noop", median(ours), "s", median(theirs), about, f"ratio <= {PLAN_RATIO_MAX}", ratio <= PLAN_RATIO_MAX)
