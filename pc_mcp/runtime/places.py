"""Where the files of a user are: the configuration, the sign-ins, their locks, the secret for HTTP. One rule for all.

On Windows this is a folder of its own in the user's profile. Applications from the Store (Claude
Desktop, the Store's Python) see another AppData than a terminal does: what they write there goes to
a private copy, `Packages\\…\\LocalCache`, so a sign-in made in one is not found by the other, and
what one signs out of stays in the other. Files that earlier versions left in AppData, or that such
an application wrote there, are moved to the one place.
"""

import os
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

_NAME = "pc-mcp"
# Whose private copies are ours: by full name, since any application of the Store can write into its own.
_PACKAGES = ("Claude_pzs8sxrjxfjjc", "PythonSoftwareFoundation.Python.3.*_qbz5n2kfra8p0")


@dataclass(frozen=True)
class Places:
    """The folders of one user. environment and platform: as `os.environ` and `sys.platform`."""

    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    platform: str = sys.platform

    def configuration(self, name: str) -> Path:
        """Where the configuration file of that name is, whether or not it is there."""
        if self.platform == "win32":
            return self._brought_home(name)
        return platformdirs.user_config_path(_NAME, appauthor=False) / name

    def data(self, name: str) -> Path:
        """Where the file of that name is that the program itself keeps, whether or not it is there."""
        if self.platform == "win32":
            return self._brought_home(name)
        return platformdirs.user_data_path(_NAME, appauthor=False) / name

    def left(self, name: str) -> list[Path]:
        """Files of that name that are still where they were before, the latest first."""
        found = [folder / name for folder in self._earlier_folders() if (folder / name).is_file()]
        return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)

    def _profile(self) -> Path:
        return Path(self.environment.get("USERPROFILE") or Path.home())

    def _brought_home(self, name: str) -> Path:
        """The file's place; the latest of those that are elsewhere is moved there if it is free."""
        path = self._profile() / f".{_NAME}" / name
        if not os.path.lexists(path) and (earlier := self.left(name)):
            # An application of the Store may read but not remove what others wrote: then the copy counts.
            with suppress(OSError):
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                shutil.move(earlier[0], path)
        return path

    def _earlier_folders(self) -> list[Path]:
        if self.platform != "win32":
            return []
        local = Path(self.environment.get("LOCALAPPDATA") or self._profile() / "AppData" / "Local")
        caches = [cache for package in _PACKAGES for cache in local.glob(f"Packages/{package}/LocalCache/Local")]
        return [local / _NAME, *(cache / _NAME for cache in caches)]
