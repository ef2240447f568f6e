"""Where the files of a user are: the configuration, the sign-ins, their locks, the secret for HTTP. One rule for all.

On Windows this is a folder of its own in the user's profile. Applications from the Store (Claude
Desktop, the Store's Python) see another AppData than a terminal does: what they write there goes to
a private copy, `Packages\\…\\LocalCache`, so a sign-in made in one is not found by the other, and
what one signs out of stays in the other. Files that earlier versions left in AppData, or that such
an application wrote there, are moved to the one place when the program begins.
"""

import os
import shutil
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from pc_mcp.runtime.failures import Failure

_NAME = "pc-mcp"
# Whose private copies are ours: by full name, since any application of the Store can write into its own.
_PACKAGES = ("Claude_pzs8sxrjxfjjc", "PythonSoftwareFoundation.Python.3.*_qbz5n2kfra8p0")


_OURS = ("config.toml", "http-secret", "tokens-*.bin")
_FOLDERS = ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")


class NoHome(Failure):
    """It cannot be said where this user's files are."""


def forget_what_is_no_folder(environment: MutableMapping[str, str], platform: str = sys.platform) -> None:
    """Takes variables away that do not name a folder in a way that holds wherever the program is started.

    Without HOME the account's own home counts, and without the others the usual folders in it.
    """
    for name in _FOLDERS if platform != "win32" else ():
        if name in environment and not os.path.isabs(environment[name]):
            del environment[name]


def home() -> Path:
    """The home of this user. Raises `NoHome`."""
    try:
        return Path.home()
    except RuntimeError:
        raise NoHome(
            "It cannot be said where your files are: this account has no home. Let the environment variable HOME name "
            "a folder, as an absolute path."
        ) from None


@dataclass(frozen=True)
class Places:
    """The folders of one user. platform: as `sys.platform`; environment: as `os.environ`, of which Windows alone
    needs to be told: elsewhere the folders are those of this process."""

    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    platform: str = sys.platform

    def configuration(self, name: str) -> Path:
        """Where the configuration file of that name is, whether or not it is there. Raises `NoHome`."""
        if self.platform == "win32":
            return self._profile() / name
        home()
        return platformdirs.user_config_path(_NAME, appauthor=False) / name

    def data(self, name: str) -> Path:
        """Where the file of that name is that the program itself keeps, whether or not it is there. Raises `NoHome`."""
        if self.platform == "win32":
            return self._profile() / name
        home()
        return platformdirs.user_data_path(_NAME, appauthor=False) / name

    def bring_home(self) -> None:
        """Moves each file that is elsewhere to its place, if that is free: the latest of several."""
        names = {file.name for folder in self._earlier_folders() for ours in _OURS for file in folder.glob(ours)}
        for name in names:
            path = self._profile() / name
            if not os.path.lexists(path) and (earlier := self.left(name)):
                # An application of the Store may read but not remove what others wrote: then the copy counts.
                with suppress(OSError):
                    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                    shutil.move(earlier[0], path)

    def left(self, name: str) -> list[Path]:
        """Files of that name that are still where they were before, the latest first."""
        found = [folder / name for folder in self._earlier_folders() if (folder / name).is_file()]
        return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)

    def _profile(self) -> Path:
        """The folder of ours in the user's profile."""
        return self._home() / f".{_NAME}"

    def _home(self) -> Path:
        return Path(self.environment.get("USERPROFILE") or home())

    def _earlier_folders(self) -> list[Path]:
        if self.platform != "win32":
            return []
        local = Path(self.environment.get("LOCALAPPDATA") or self._home() / "AppData" / "Local")
        caches = [cache for package in _PACKAGES for cache in local.glob(f"Packages/{package}/LocalCache/Local")]
        return [local / _NAME, *(cache / _NAME for cache in caches)]
