"""A small index of packages: a folder of wheels, which pip takes in place of the registry."""

import base64
import hashlib
import os
import zipfile
from pathlib import Path

BACKEND = '''"""Builds the wheel of a project that is installed as it lies there (PEP 660)."""

import zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    name = "project-1.0-py3-none-any.whl"
    info = "project-1.0.dist-info"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as wheel:
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: project\\nVersion: 1.0\\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{info}/RECORD", "")
    return name
'''


class Index:
    """Wheels in `folder`, without any code in them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()

    @property
    def environment(self) -> dict[str, str]:
        """Variables that make pip know this index only, whatever the machine's configuration says."""
        return {"PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": str(self._folder), "PIP_NO_INDEX": "1"}

    def add(self, name: str, version: str, *, needs: str = "", extra: str = "") -> str:
        """Adds a release; gives the line of a lock file that names it."""
        info = f"{name}-{version}.dist-info"
        metadata = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        metadata += [f"Requires-Dist: {needs}"] if needs else []
        metadata += [f"Provides-Extra: {extra}"] if extra else []
        files = {
            f"{info}/METADATA": "\n".join(metadata) + "\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        record = [f"{path},sha256={_digest(text)},{len(text)}" for path, text in files.items()]
        wheel = self._folder / f"{name}-{version}-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            for path, text in files.items():
                archive.writestr(path, text)
            archive.writestr(f"{info}/RECORD", "\n".join([*record, f"{info}/RECORD,,"]) + "\n")
        return f"{name}=={version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
