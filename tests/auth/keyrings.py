"""Keyrings for tests, chosen through keyring's own configuration."""

import os
import threading
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked


class Remembering(KeyringBackend):
    """Keeps passwords in this process."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.passwords: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.passwords.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.passwords[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.passwords[service, username]


class Locked(Remembering):
    """Is there, but nobody unlocks it."""

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("not unlocked")


class Broken(Remembering):
    """Fails as a backend may whose service is gone."""

    def get_password(self, service: str, username: str) -> str | None:
        raise OSError("org.freedesktop.DBus.Error.NoServer")


class Panicking(Remembering):
    """Fails as a backend written in Rust does, with an error that `except Exception` does not catch."""

    def get_password(self, service: str, username: str) -> str | None:
        raise Panic("called `Option::unwrap()` on a `None` value")


class Panic(BaseException):
    """`pyo3_runtime.PanicException` is derived from `BaseException` too."""


class Exiting(Remembering):
    """Ends the process that asks."""

    def get_password(self, service: str, username: str) -> str | None:
        raise SystemExit(3)


class Interrupted(Remembering):
    """Takes a signal for the person's own."""

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyboardInterrupt


class Silent(Remembering):
    """Waits for somebody to unlock it, who does not come."""

    def __init__(self) -> None:
        super().__init__()
        self.unlocked = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.unlocked.wait()
        return super().get_password(service, username)


class SilentWhenGiven(Silent):
    """Is empty, and asks somebody before it keeps anything."""

    def get_password(self, service: str, username: str) -> str | None:
        return self.passwords.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.unlocked.wait()


class Forgetful(Remembering):
    """Takes passwords and keeps none."""

    def set_password(self, service: str, username: str, password: str) -> None:
        pass


class InFolder(Remembering):
    """Keeps passwords in the folder that TEST_KEYRING names, for several processes."""

    def _path(self, service: str, username: str) -> Path:
        return Path(os.environ["TEST_KEYRING"], f"{service} {username}")

    def get_password(self, service: str, username: str) -> str | None:
        path = self._path(service, username)
        return path.read_text() if path.exists() else None

    def set_password(self, service: str, username: str, password: str) -> None:
        self._path(service, username).write_text(password)
