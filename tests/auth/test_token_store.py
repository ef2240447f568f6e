"""Where a sign-in is kept: encrypted or not, whole or not at all, and never lost to a fault."""

import base64
import json
import logging
import os
import resource
import shutil
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keyring
import pytest
from filelock import FileLock
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring

from pc_mcp.auth.errors import SignInUnavailable
from pc_mcp.auth.store import TokenStore
from tests.auth.keyrings import (
    Broken,
    Exiting,
    Forgetful,
    Interrupted,
    Locked,
    Panicking,
    Remembering,
    Silent,
    SilentWhenGiven,
)

NAME = "client global https://login.example.invalid"
SECRET = "the-refresh-token"
ACCOUNT = {"home_account_id": "a", "environment": "b", "realm": "c"}
TENANT = "0b3c1f1e-52d1-4b0e-9c53-1f6d5a3e8b21"
ACCESS = (
    b'{"cache": {"AccessToken": {"k": {"home_account_id": "a", "environment": "b", "realm": "r", "secret": "c", '
    b'"target": "s", "cached_at": "1", "expires_on": %b}}}}'
)
KEY = "a.b-login.example.invalid-refreshtoken-client--scope"
ENTRY = {
    "credential_type": "RefreshToken",
    "home_account_id": "a.b",
    "environment": "login.example.invalid",
    "client_id": "client",
    "target": "scope",
    "secret": SECRET,
}


def written(section: str, **fields: Any) -> bytes:
    """A file that was tampered with: an entry that is as it should be but for `fields`."""
    whole = {"secret": SECRET, "target": "s", "cached_at": "1", "expires_on": "2", **ACCOUNT, **fields}
    return json.dumps({"cache": {section: {"k": whole}}}).encode()


@pytest.fixture(autouse=True)
def chosen() -> Iterator[Callable[[KeyringBackend], None]]:
    """Chooses another keyring than the one that remembers; afterwards the machine's own is back."""
    before = keyring.get_keyring()
    keyring.set_keyring(Remembering())
    yield keyring.set_keyring
    keyring.set_keyring(before)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "pc-mcp"


def sign_in(store: TokenStore, secret: str = SECRET, tenant: str = TENANT) -> None:
    signed_in = json.dumps({"RefreshToken": {KEY: ENTRY | {"secret": secret}}})
    store.with_cache(lambda: store.keep(signed_in, tenant))


def put(store: TokenStore, secret: str) -> None:
    """What MSAL does with a refresh token that came with a token. Within `with_cache`."""
    (entry,) = store.cache.search("RefreshToken")
    store.cache.update_rt(entry, secret)


def rotate(store: TokenStore, secret: str) -> None:
    store.with_cache(lambda: put(store, secret))


def secret_in(store: TokenStore) -> str | None:
    """The refresh token that the store has."""
    return store.with_cache(lambda: next((str(e["secret"]) for e in store.cache.search("RefreshToken")), None))


def tenant_in(store: TokenStore) -> str | None:
    return store.with_cache(lambda: store.pinned_tenant)


def the_file(folder: Path) -> Path:
    (file,) = folder.glob("tokens-*.bin")
    return file


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("kind", ["keyring", "auto", "file"])
def test_a_sign_in_is_there_after_a_restart(folder, kind):
    sign_in(TokenStore(folder, NAME, kind))
    again = TokenStore(folder, NAME, kind)
    assert secret_in(again) == SECRET
    assert tenant_in(again) == TENANT
    assert again.path == the_file(folder)
    assert again.notice == ""


def test_the_file_is_encrypted_with_a_key_that_only_the_keyring_has(folder):
    sign_in(TokenStore(folder, NAME, "auto"))
    raw = the_file(folder).read_bytes()
    ((_, key),) = keyring.get_keyring().passwords.items()
    assert len(base64.b64decode(key)) == 32
    assert SECRET.encode() not in raw
    assert b"RefreshToken" not in raw
    assert TENANT.encode() not in raw
    assert key.encode() not in raw
    assert base64.b64decode(key) not in raw


def test_each_write_is_encrypted_anew(folder):
    store = TokenStore(folder, NAME, "keyring")
    sign_in(store)
    first = the_file(folder).read_bytes()
    sign_in(store)
    assert the_file(folder).read_bytes() != first


@pytest.mark.parametrize("kind", ["keyring", "file"])
def test_only_the_owner_can_read_what_is_kept(folder, kind):
    before = os.umask(0)
    try:
        sign_in(TokenStore(folder, NAME, kind))
    finally:
        os.umask(before)
    assert mode_of(folder) == 0o700
    assert {mode_of(path) for path in folder.iterdir()} == {0o600}


def test_a_file_that_others_could_read_is_replaced_by_one_that_they_cannot(folder):
    store = TokenStore(folder, NAME, "file")
    sign_in(store)
    the_file(folder).chmod(0o644)
    rotate(store, "another")
    assert mode_of(the_file(folder)) == 0o600


@pytest.mark.parametrize("kind", ["file", "keyring"])
def test_a_file_that_others_can_read_is_closed_to_them_and_that_is_said(folder, kind, caplog):
    sign_in(store := TokenStore(folder, NAME, kind))
    for found in (TokenStore(folder, NAME, kind), store):  # at the start, and meanwhile
        the_file(folder).chmod(0o644)
        assert secret_in(found) == SECRET
        assert mode_of(the_file(folder)) == 0o600
        assert found.notice == f"Other accounts of this computer could read the token store {the_file(folder)}; " + (
            "now they cannot."
        )
        assert found.notice in caplog.text
        assert secret_in(found) == SECRET
    the_file(folder).write_text("{")
    the_file(folder).chmod(0o644)
    assert secret_in(TokenStore(folder, NAME, kind)) is None
    (aside,) = folder.glob("*.damaged")
    assert mode_of(aside) == 0o600


def test_a_link_at_the_place_of_the_file_is_not_followed(folder, tmp_path):
    sign_in(TokenStore(folder, NAME, "file"))
    the_file(folder).rename(elsewhere := tmp_path / "elsewhere")
    file = TokenStore(folder, NAME, "file").path
    assert file
    file.symlink_to(elsewhere)
    store = TokenStore(folder, NAME, "file")
    assert secret_in(store) is None
    assert not store.is_kept
    assert "cannot be read (it is a link)" in store.notice
    sign_in(store, "another")
    assert file.is_symlink()
    assert SECRET in elsewhere.read_text()


def test_whether_a_sign_in_would_be_kept_is_known_before(folder):
    sign_in(store := TokenStore(folder, NAME, "file"))
    the_file(folder).unlink()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))  # as where a disk is full
    try:
        store.with_cache(store.try_out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not store.is_kept
    assert "cannot be written (File too large), so the sign-in is kept in memory only" in store.notice
    assert [path.name for path in folder.iterdir()] == [f"{store.path.name}.lock"]
    store.with_cache(store.try_out)
    assert store.is_kept
    assert store.notice == ""


def test_a_folder_into_which_others_can_write_is_closed_to_them(folder, caplog):
    folder.mkdir()
    folder.chmod(0o777)
    sign_in(store := TokenStore(folder, NAME, "file"))
    assert mode_of(folder) == 0o700
    assert "Others could write into the folder" in caplog.text
    assert "now they cannot" in store.notice


def test_a_pipe_in_place_of_the_lock_is_not_waited_for(folder):
    folder.mkdir()
    os.mkfifo(f"{TokenStore(folder, NAME, 'file').path}.lock")
    sign_in(store := TokenStore(folder, NAME, "file"))
    assert secret_in(store) == SECRET


def test_the_kind_file_is_not_encrypted_and_asks_no_keyring(folder, chosen):
    chosen(Broken())
    store = TokenStore(folder, NAME, "file")
    sign_in(store)
    content = json.loads(the_file(folder).read_text())
    assert content["cache"]["RefreshToken"][KEY]["secret"] == SECRET
    assert content["extra"] == {"tenant": TENANT}
    assert store.notice == ""


@pytest.mark.parametrize("kind", ["auto", "keyring"])
@pytest.mark.parametrize("backend", [Locked, Broken, Forgetful, NoKeyring, Panicking, Exiting, Interrupted])
def test_without_a_usable_keyring_the_sign_in_is_in_memory_and_that_is_said(folder, chosen, kind, backend, caplog):
    chosen(backend())
    store = TokenStore(folder, NAME, kind)
    sign_in(store)
    assert (secret_in(store), tenant_in(store)) == (SECRET, TENANT)
    assert (store.kind, store.path) == ("memory", None)
    assert "no usable keyring" in store.notice
    assert 'auth.token_store to "file"' in store.notice
    assert not list(folder.glob("tokens-*.bin"))
    assert secret_in(TokenStore(folder, NAME, kind)) is None
    assert caplog.text.count("no usable keyring") == 2


def test_a_key_that_is_none_is_not_used(folder, chosen):
    backend = Remembering()
    chosen(backend)
    sign_in(TokenStore(folder, NAME, "keyring"))
    (entry,) = backend.passwords
    for wrong in ("", "c2hvcnQ=", "no Base64!"):
        backend.passwords[entry] = wrong
        store = TokenStore(folder, NAME, "keyring")
        assert secret_in(store) is None
        assert store.kind == "memory"


def test_memory_writes_nothing_at_all(folder):
    store = TokenStore(folder, NAME, "memory")
    sign_in(store)
    assert secret_in(store) == SECRET
    assert store.path is None
    assert not folder.exists()


def test_a_file_that_another_key_encrypted_is_left_alone(folder, chosen, caplog):
    sign_in(TokenStore(folder, NAME, "auto"))
    before = the_file(folder).read_bytes()
    chosen(Remembering())
    store = TokenStore(folder, NAME, "auto")
    assert secret_in(store) is None
    sign_in(store, "this session's")
    assert secret_in(store) == "this session's"
    assert the_file(folder).read_bytes() == before
    assert store.path is None
    assert "this keyring has no key to it" in store.notice
    assert "memory only" in store.notice
    assert "no key to it" in caplog.text
    assert keyring.get_keyring().passwords == {}


def test_a_file_whose_key_was_replaced_is_left_alone(folder, chosen):
    sign_in(TokenStore(folder, NAME, "auto"))
    before = the_file(folder).read_bytes()
    passwords = keyring.get_keyring().passwords
    chosen(other := Remembering())
    other.passwords = dict.fromkeys(passwords, base64.b64encode(bytes(32)).decode())
    store = TokenStore(folder, NAME, "auto")
    sign_in(store, "this session's")
    assert the_file(folder).read_bytes() == before
    assert "another key" in store.notice


def test_an_encrypted_file_is_left_alone_where_none_is_wanted(folder):
    sign_in(TokenStore(folder, NAME, "keyring"))
    before = the_file(folder).read_bytes()
    store = TokenStore(folder, NAME, "file")
    sign_in(store, "other")
    assert the_file(folder).read_bytes() == before
    assert "another key" in store.notice


def test_a_plain_file_is_encrypted_at_once_when_a_keyring_is_wanted(folder, caplog):
    sign_in(TokenStore(folder, NAME, "file"))
    store = TokenStore(folder, NAME, "keyring")
    assert secret_in(store) == SECRET
    assert SECRET.encode() not in the_file(folder).read_bytes()
    assert "was not encrypted; it is now" in caplog.text
    assert store.notice == "The token store was not encrypted; it is now."
    assert secret_in(TokenStore(folder, NAME, "auto")) == SECRET


@pytest.mark.parametrize("kind", ["keyring", "auto"])
@pytest.mark.parametrize("when", ["before it starts", "while it runs"])
def test_a_plain_file_in_the_place_of_an_encrypted_one_is_not_taken(folder, tmp_path, kind, when):
    sign_in(TokenStore(folder, NAME, kind))
    running = TokenStore(folder, NAME, kind)
    assert secret_in(running) == SECRET
    sign_in(TokenStore(tmp_path / "elsewhere", NAME, "file"), "planted")
    shutil.copy(the_file(tmp_path / "elsewhere"), the_file(folder))
    planted = the_file(folder).read_bytes()
    store = running if when == "while it runs" else TokenStore(folder, NAME, kind)
    assert secret_in(store) != "planted"
    assert "not encrypted although the keyring has a key" in store.notice
    assert (store.kind, store.is_kept) == ("memory", False)
    assert the_file(folder).read_bytes() == planted


def test_a_plain_file_is_used_as_it_is_where_the_kind_is_left_open(folder, chosen):
    sign_in(TokenStore(folder, NAME, "file"))
    for backend in (Remembering(), NoKeyring()):
        chosen(backend)
        store = TokenStore(folder, NAME, "auto")
        assert (secret_in(store), store.kind) == (SECRET, "file")
        rotate(store, SECRET)
    store.with_cache(store.forget)
    assert (secret_in(TokenStore(folder, NAME, "auto"))) is None
    chosen(Remembering())
    sign_in(TokenStore(folder, NAME, "auto"))
    assert SECRET.encode() not in the_file(folder).read_bytes()


def test_an_encrypted_file_gives_way_to_a_plain_one_when_that_is_asked_for(folder):
    sign_in(TokenStore(folder, NAME, "auto"))
    store = TokenStore(folder, NAME, "file", replace=True)
    assert secret_in(store) is None
    sign_in(store, "new")
    assert secret_in(TokenStore(folder, NAME, "file")) == "new"
    assert keyring.get_keyring().passwords == {}
    assert TokenStore(folder, NAME, "auto").with_cache(lambda: True)
    assert secret_in(TokenStore(folder, NAME, "auto")) == "new"


@pytest.mark.parametrize("backend", [Silent, SilentWhenGiven])
def test_a_keyring_that_never_answers_is_named_and_holds_no_lock(folder, chosen, backend):
    chosen(backend())
    stores = [TokenStore(folder, NAME, "auto", keyring_seconds=0.2, lock_seconds=5) for _ in range(2)]
    for store in stores:
        sign_in(store)
        assert (secret_in(store), store.kind) == (SECRET, "memory")
        assert "The keyring did not answer within 0.2 s; it may be locked" in store.notice
        assert "login --keep-in-file" in store.notice
    with FileLock(f"{stores[0]._file.path}.lock", timeout=0):
        assert not list(folder.glob("tokens-*.bin"))


def test_a_keyring_that_is_unlocked_late_is_used_from_then_on(folder, chosen):
    sign_in(TokenStore(folder, NAME, "auto"))
    slow = Silent()
    slow.passwords = keyring.get_keyring().passwords
    chosen(slow)
    store = TokenStore(folder, NAME, "auto", keyring_seconds=0.1)
    assert secret_in(store) is None
    assert store.kind == "memory"
    slow.unlocked.set()
    while not store._keyring.came_late:
        pass
    assert secret_in(store) == SECRET
    assert (store.kind, store.notice) == ("keyring", "")


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
        *(written("Account", username=name) for name in ("a\nb", "\ud800", "\u202e", 5)),
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
        store.with_cache(store.accounts)
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


def test_what_one_process_changes_the_other_sees(folder):
    one, other = TokenStore(folder, NAME, "keyring"), TokenStore(folder, NAME, "keyring")
    sign_in(one)
    assert secret_in(other) == SECRET
    rotate(other, "rotated")
    assert secret_in(one) == "rotated"
    one.with_cache(one.forget)
    assert (secret_in(other), tenant_in(other)) == (None, None)


def test_a_file_that_was_deleted_signs_everybody_out(folder):
    store = TokenStore(folder, NAME, "file")
    sign_in(store)
    the_file(folder).unlink()
    assert (secret_in(store), tenant_in(store)) == (None, None)
    sign_in(store, "new")
    assert secret_in(TokenStore(folder, NAME, "file")) == "new"


def test_a_folder_that_was_deleted_is_made_again(folder):
    store = TokenStore(folder, NAME, "file")
    sign_in(store)
    shutil.rmtree(folder)
    assert secret_in(store) is None
    sign_in(store, "new")
    assert secret_in(TokenStore(folder, NAME, "file")) == "new"


@pytest.mark.parametrize("other", ["client us_government https://login.example.invalid", "other global x"])
def test_each_client_id_and_cloud_has_a_store_of_its_own(folder, other):
    sign_in(TokenStore(folder, NAME, "keyring"))
    store = TokenStore(folder, other, "keyring")
    assert (secret_in(store), tenant_in(store)) == (None, None)
    sign_in(store, "other's", "other-tenant")
    store.with_cache(store.forget)
    assert secret_in(TokenStore(folder, NAME, "keyring")) == SECRET
    assert len(set(keyring.get_keyring().passwords.values())) == 2


def test_a_second_account_is_kept_beside_the_first(folder):
    store = TokenStore(folder, NAME, "file")
    sign_in(store)
    more = json.dumps({"RefreshToken": {"second": ENTRY | {"home_account_id": "c.d"}}, "Account": {"x": {"a": "b"}}})
    store.with_cache(lambda: store.keep(more, TENANT))
    kept = json.loads(the_file(folder).read_text())["cache"]
    assert set(kept["RefreshToken"]) == {KEY, "second"}
    assert set(kept["Account"]) == {"x"}


def test_forgetting_leaves_no_secret_in_the_file(folder):
    store = TokenStore(folder, NAME, "file")
    sign_in(store)
    store.with_cache(store.forget)
    assert SECRET not in the_file(folder).read_text()
    assert TENANT not in the_file(folder).read_text()
    assert tenant_in(store) is None


def test_work_that_changes_nothing_writes_nothing(folder):
    store = TokenStore(folder, NAME, "file")
    sign_in(store)
    before = the_file(folder).stat()
    assert secret_in(store) == SECRET
    after = the_file(folder).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_what_changed_is_kept_even_when_the_work_fails_afterwards(folder):
    store = TokenStore(folder, NAME, "file")
    sign_in(store)

    def work() -> None:
        put(store, "rotated")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.with_cache(work)
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


def test_no_secret_is_logged(folder, caplog):
    caplog.set_level(logging.DEBUG)
    store = TokenStore(folder, NAME, "keyring")
    sign_in(store)
    rotate(store, "rotated-secret")
    the_file(folder).write_bytes(b"rotated-secret")
    secret_in(TokenStore(folder, NAME, "keyring"))
    (key,) = keyring.get_keyring().passwords.values()
    assert "moved aside" in caplog.text
    for secret in (SECRET, "rotated-secret", key):
        assert secret not in caplog.text
