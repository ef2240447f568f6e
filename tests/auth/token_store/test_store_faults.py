"""A token store that is damaged, or in whose place something else stands, loses nobody's session."""

import json
import os
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from pc_mcp.auth.errors import SignInUnavailable
from pc_mcp.auth.store import TokenStore
from tests.auth.token_store.stores import (
    ACCESS,
    KEY,
    NAME,
    SECRET,
    TENANT,
    put,
    rotate,
    secret_in,
    sign_in,
    tenant_in,
    the_file,
    written,
)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\xff\xfe",
        b"{",
        b"null",
        b"[]",
        b'["cache"]',
        b"{}",
        b'{"cache": null}',
        b'{"cache": []}',
        b'{"cache": "text"}',
        b'{"cache": {"RefreshToken": []}}',
        b'{"cache": {"RefreshToken": {"key": "text"}}}',
        b'{"cache": {"RefreshToken": {"key": {}}}}',
        b'{"cache": {"RefreshToken": {"k": {"home_account_id": "a", "environment": "b", "secret": null}}}}',
        b'{"cache": {"Account": {"k": {"home_account_id": "a", "environment": "b", "username": ["x"]}}}}',
        *(ACCESS % time for time in (b"null", b'"soon"', b"NaN", b"-1", b'"99999999999999999999"', b"[]")),
        ACCESS % '"١٢٣"'.encode(),
        *(written("AccessToken", secret=secret) for secret in ("\ud800", "€", "a\r\nX: y", "a b", "", "\x00")),
        *(written("RefreshToken", secret=secret) for secret in ("\ud800", "\x1b[2J", 5, None)),
        *(written(section, realm=realm) for section in ("AccessToken", "IdToken", "Account") for realm in (5, None)),
        *(written("Account", username=name) for name in ("\ud800", 5)),
        written("RefreshToken", **{"\ud800": "x"}),
        b'{"cache": {}, "extra": []}',
        b'{"cache": {}, "extra": "tenant"}',
        b"[" * 100_000,
        b"pc-mcp 1\n",
        b"pc-mcp 1\nshort",
    ],
)
def test_a_damaged_file_is_moved_aside_and_signing_in_works(folder, content, caplog):
    kind = "keyring"
    sign_in(TokenStore(folder, NAME, kind))
    file = the_file(folder)
    file.write_bytes(content)
    store = TokenStore(folder, NAME, kind)
    assert secret_in(store) is None
    assert tenant_in(store) is None
    assert file.with_suffix(".damaged").read_bytes() == content
    assert "moved aside" in caplog.text
    sign_in(store, "new")
    assert secret_in(TokenStore(folder, NAME, kind)) == "new"


def test_a_file_is_not_taken_for_damaged_without_a_reason(folder):
    for section in ("AccessToken", "RefreshToken", "IdToken", "Account", "AppMetadata"):
        sign_in(TokenStore(folder, NAME, "file"))
        the_file(folder).write_bytes(written(section, username="Ærø@contoso.com"))
        store = TokenStore(folder, NAME, "file")
        store.with_cache(store.cache.accounts)
        assert store.notice == ""


def test_a_tenant_that_is_no_text_is_none(folder):
    sign_in(TokenStore(folder, NAME, "file"))
    the_file(folder).write_text('{"cache": {}, "extra": {"tenant": ["x"]}}')
    assert tenant_in(TokenStore(folder, NAME, "file")) is None


def test_a_damaged_file_that_cannot_be_moved_leaves_the_session_in_memory(folder):
    sign_in(TokenStore(folder, NAME, "file"))
    file = the_file(folder)
    file.write_bytes(b"{")
    file.with_suffix(".damaged").mkdir()
    store = TokenStore(folder, NAME, "file")
    sign_in(store, "new")
    assert secret_in(store) == "new"
    assert file.read_bytes() == b"{"
    assert "damaged" in store.notice


def test_a_file_damaged_meanwhile_does_not_sign_out_who_is_signed_in(folder):
    store = TokenStore(folder, NAME, "file")
    sign_in(store)
    the_file(folder).write_bytes(b"{")
    assert secret_in(store) == SECRET
    rotate(store, "rotated")
    assert secret_in(TokenStore(folder, NAME, "file")) == "rotated"


def in_place_of_the_file(folder: Path) -> None:
    file = Path(TokenStore(folder, NAME, "file").path or "")
    file.mkdir(parents=True)


def in_place_of_the_lock(folder: Path) -> None:
    file = Path(TokenStore(folder, NAME, "file").path or "")
    Path(f"{file}.lock").mkdir(parents=True)


def a_pipe_in_place_of_the_file(folder: Path) -> None:
    folder.mkdir()
    os.mkfifo(TokenStore(folder, NAME, "file").path or "")


def in_place_of_the_folder(folder: Path) -> None:
    folder.write_text("a file")


@pytest.mark.parametrize("kind", ["file", "keyring", "auto"])
@pytest.mark.parametrize(
    "obstacle",
    [
        in_place_of_the_file,
        a_pipe_in_place_of_the_file,
        in_place_of_the_lock,
        in_place_of_the_folder,
    ],
)
def test_where_nothing_can_be_kept_the_session_works_from_memory_and_says_so(folder, obstacle, kind, caplog):
    obstacle(folder)
    store = TokenStore(folder, NAME, kind)
    sign_in(store)
    rotate(store, "rotated")
    assert (secret_in(store), tenant_in(store)) == ("rotated", TENANT)
    assert store.path is None
    assert "memory only" in store.notice
    assert "memory only" in caplog.text
    assert SECRET not in caplog.text


def test_a_write_that_fails_keeps_the_session_in_memory_and_is_tried_again(folder, caplog):
    store = TokenStore(folder, NAME, "file")
    sign_in(store)
    file = the_file(folder)

    def work() -> None:
        put(store, "rotated")
        shutil.rmtree(folder)  # while MSAL asks the sign-in service
        folder.write_text("in the way")

    store.with_cache(work)
    assert "cannot be written" in store.notice
    assert "memory only" in store.notice
    assert "cannot be written" in caplog.text
    assert SECRET not in caplog.text
    folder.unlink()
    folder.mkdir()
    file.write_text("{}")  # nobody's, so what is in memory counts
    assert secret_in(store) == "rotated"
    assert store.notice == ""
    assert secret_in(TokenStore(folder, NAME, "file")) == "rotated"


def test_a_failed_write_leaves_no_half_file_behind(folder):
    store = TokenStore(folder, NAME, "file")
    sign_in(store)
    file = the_file(folder)

    def work() -> None:
        store.cache.has_state_changed = True
        file.unlink()
        file.mkdir()

    store.with_cache(work)
    assert "cannot be written" in store.notice
    assert sorted(path.name for path in folder.iterdir()) == [file.name, f"{file.name}.lock"]


@pytest.mark.slow
def test_a_reader_never_sees_half_a_file(folder):
    store = TokenStore(folder, NAME, "file")
    sign_in(store)
    file = the_file(folder)
    stop = threading.Event()
    faults: list[Exception] = []
    seen: list[Any] = []

    def read() -> None:
        while not stop.is_set():
            try:
                content = json.loads(file.read_bytes())
                seen.append(content["cache"]["RefreshToken"][KEY]["secret"][:1])
            except Exception as fault:
                faults.append(fault)
                return

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(60):
            rotate(store, f"{number % 10}" * 50_000)
    finally:
        stop.set()
        reader.join()
    assert faults == []
    assert len(set(seen)) > 1


def test_a_store_that_another_process_does_not_give_back_is_said(folder):
    store = TokenStore(folder, NAME, "file", lock_seconds=0.05)
    sign_in(store)
    with FileLock(f"{the_file(folder)}.lock"), pytest.raises(SignInUnavailable, match="Another pc-mcp process holds"):
        secret_in(store)
    assert secret_in(store) == SECRET
