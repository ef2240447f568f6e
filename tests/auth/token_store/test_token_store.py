"""Where a sign-in is kept: encrypted or not, whole or not at all, and never lost to a fault."""

import json
import logging
import os
import resource
import shutil

import keyring
import pytest

from pc_mcp.auth.store import TokenStore
from tests.auth.token_store.stores import (
    ENTRY,
    KEY,
    NAME,
    SECRET,
    TENANT,
    mode_of,
    put,
    rotate,
    secret_in,
    sign_in,
    tenant_in,
    the_file,
)


@pytest.mark.parametrize("kind", ["keyring", "auto", "file"])
def test_a_sign_in_is_there_after_a_restart(folder, kind):
    sign_in(TokenStore(folder, NAME, kind))
    again = TokenStore(folder, NAME, kind)
    assert secret_in(again) == SECRET
    assert tenant_in(again) == TENANT
    assert again.path == the_file(folder)
    assert again.notice == ""


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


def test_memory_writes_nothing_at_all(folder):
    store = TokenStore(folder, NAME, "memory")
    sign_in(store)
    assert secret_in(store) == SECRET
    assert store.path is None
    assert not folder.exists()


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
    store.with_cache(lambda: store.cache.keep(more, TENANT))
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
