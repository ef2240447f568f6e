"""The lock can be installed without a compiler on every platform that the README names."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

ROOT = Path(__file__).parent.parent.parent
PLATFORMS = (
    "x86_64-pc-windows-msvc",
    "aarch64-pc-windows-msvc",
    "x86_64-apple-darwin",
    "aarch64-apple-darwin",
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "x86_64-unknown-linux-musl",
)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_everything_that_is_locked_has_a_wheel_for_it(platform):
    uv = Path(sys.executable).parent / "uv"
    wheels = ["--no-deps", "--only-binary", ":all:", "--python-platform", platform, "--no-header", "--no-annotate"]
    for version in ("3.11", "3.14"):
        done = subprocess.run(
            [uv, "pip", "compile", "--quiet", *wheels, "--python-version", version, ROOT / "requirements.txt"],
            env=os.environ | {"UV_CACHE_DIR": str(ROOT / ".cache" / "uv")},
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        assert done.returncode == 0, f"Python {version}: {done.stderr}"
        assert [line for line in done.stdout.splitlines() if line.startswith("cryptography==")], version
