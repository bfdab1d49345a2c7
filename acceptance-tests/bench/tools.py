"""What this run measures with: built binaries, engines and Terraform, as bench.sh prepared them."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

BENCH = Path(__file__).resolve().parent
RELEASE = Path(os.environ["VALKYARD_BENCH_BIN_DIR"])
TOOLS = Path(os.environ["VALKYARD_BENCH_TOOLS"])

DAEMON = RELEASE / "valkyard"
PROVIDER = RELEASE / "terraform-provider-valkyard"
SERVE_STORED = RELEASE / "examples/serve_stored"
READ_LOAD = RELEASE / "examples/read_load"
PLAN_TIME = RELEASE / "examples/plan_time"
RUN_LINK = RELEASE / "examples/run_link"


@dataclass(frozen=True)
class Engine:
    """One build of valkey-server."""

    api_version: str
    folder: Path

    @property
    def server(self):
        return self.folder / "bin/valkey-server"

    @property
    def cli(self):
        return self.folder / "bin/valkey-cli"

    @property
    def environment(self):
        return {**os.environ, "LD_LIBRARY_PATH": str(self.folder / "lib")}

    @property
    def present(self):
        return self.server.exists()


ENGINE_9 = Engine("VALKEY_9_1", TOOLS / "engines/valkey-9.1.2")
ENGINE_8 = Engine("VALKEY_8_0", TOOLS / "engines/valkey-8.0.1")


def terraform():
    """VALKYARD_TF_BIN, or the one on PATH, or the one that bench.sh brought."""
    found = os.environ.get("VALKYARD_TF_BIN") or shutil.which("terraform") or shutil.which("tofu")
    return Path(found) if found else TOOLS / "terraform-1.15/terraform"
