"""What is kept of a sign-in is encrypted with a key of the keyring, or said to be plain."""

import base64
import json
import shutil
import threading

import keyring
import pytest
from filelock import FileLock
from keyring.backends.fail import Keyring as NoKeyring

from pc_mcp.auth.store import TokenStore, file_name
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
from tests.auth.token_store.stores import (
    KEY,
    NAME,
    SECRET,
    TENANT,
    rotate,
    secret_in,
    sign_in,
    tenant_in,
    the_file,
)
from tests.commands.processes import SOON


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
    assert (store.place, store.path) == ("memory", None)
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
        assert store.place == "memory"


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
    assert (store.place, store.is_kept) == ("memory", False)
    assert the_file(folder).read_bytes() == planted


def test_a_plain_file_is_used_as_it_is_where_the_kind_is_left_open(folder, chosen):
    sign_in(TokenStore(folder, NAME, "file"))
    for backend in (Remembering(), NoKeyring()):
        chosen(backend)
        store = TokenStore(folder, NAME, "auto")
        assert (secret_in(store), store.place) == (SECRET, "file")
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


@pytest.mark.slow
@pytest.mark.parametrize("backend", [Silent, SilentWhenGiven])
def test_a_keyring_that_never_answers_is_named_and_holds_no_lock(folder, chosen, backend):
    chosen(backend())
    stores = [TokenStore(folder, NAME, "auto", keyring_seconds=0.2, lock_seconds=5) for _ in range(2)]
    for store in stores:
        sign_in(store)
        assert (secret_in(store), store.place) == (SECRET, "memory")
        assert "The keyring did not answer within 0.2 s; it may be locked" in store.notice
        assert "login --keep-in-file" in store.notice
    with FileLock(folder / f"{file_name(NAME)}.lock", timeout=0):
        assert not list(folder.glob("tokens-*.bin"))


def test_a_keyring_that_is_unlocked_late_is_used_from_then_on(folder, chosen):
    sign_in(TokenStore(folder, NAME, "auto"))
    slow = Silent()
    slow.passwords = keyring.get_keyring().passwords
    chosen(slow)
    before = set(threading.enumerate())  # those of other keyrings wait for ever
    store = TokenStore(folder, NAME, "auto", keyring_seconds=0.1)
    assert secret_in(store) is None
    assert store.place == "memory"
    slow.unlocked.set()
    for thread in {*threading.enumerate()} - before:
        thread.join(SOON)
    assert secret_in(store) == SECRET
    assert (store.place, store.notice) == ("keyring", "")
