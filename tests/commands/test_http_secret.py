"""`pc-mcp serve --http`: only who can read this user's files may ask."""

import os
import re
import signal
import stat
import threading
from pathlib import Path

import httpx2
import pytest

from pc_mcp.commands.cli import main
from pc_mcp.protocol.http_secret import SecretFile, SecretRefused, SettingSecret
from tests.commands.http_server import SECRET, WITH_SECRET, connected, posted, received, while_served
from tests.commands.processes import AT_ONCE, environment, run, started, url_of

posix = pytest.mark.skipif(os.name != "posix", reason="Windows keeps others out of a user's folder by itself")


SET = SettingSecret(SECRET)


@pytest.fixture
def file(tmp_path) -> SecretFile:
    return SecretFile(tmp_path / "folder" / "http-secret")


def place(home: Path) -> Path:
    """Where a server with that home keeps it."""
    (path,) = home.glob("**/http-secret")
    return path


@pytest.mark.slow
def test_without_the_secret_nobody_is_answered_and_everybody_is_told_how():
    def work(url: str) -> None:
        right = {"Authorization": f"Bearer {SECRET}"}
        for headers in (right, {"Authorization": f"bearer  {SECRET}"}):
            assert posted(url, **headers).status_code == 200
        answer = posted(url)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert "Authorization: Bearer SECRET" in answer.text
        assert "pc-mcp install CLIENT --http URL" in answer.text
        wrong = (SECRET[:-1], f"{SECRET}x", SECRET.upper(), "ü")
        for value in (*(f"Bearer {each}" for each in wrong), f"Basic {SECRET}", SECRET, f"Bearer {SECRET} {SECRET}"):
            answer = posted(url, Authorization=value.encode())
            assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer error="invalid_token"')
            assert SECRET not in answer.text
        for method in ("GET", "DELETE", "OPTIONS", "HEAD"):
            assert httpx2.request(method, url).status_code == 401
        assert httpx2.get(url.replace("/mcp", "/.well-known/oauth-protected-resource")).status_code == 401
        twice = f"Authorization: Bearer {SECRET}\r\nAuthorization: Bearer wrong\r\n"
        asked = f"GET /mcp HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n{twice}\r\n"
        assert b" 401 " in received(connected(url, asked.encode()))

    while_served(work, secret=SET)


def test_the_body_of_who_has_no_secret_is_not_waited_for():
    asked = b"POST /mcp HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\nContent-Length: 1000000\r\n\r\n{"

    def work(url: str) -> None:
        assert b" 401 " in received(connected(url, asked))

    while_served(work, secret=SET)


@pytest.mark.slow
def test_a_server_makes_it_once_says_where_it_is_and_never_shows_it(tmp_path):
    env = environment(tmp_path)
    with started("serve", "--http", "127.0.0.1:0", env=env) as first:
        url = url_of(first)
        line = first.said("callers send the secret from")
        path = place(tmp_path)
        assert str(path) in line
        assert f"pc-mcp install CLIENT --http {url}" in line
        secret = path.read_text().strip()
        if os.name == "posix":
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        with started("serve", "--http", "127.0.0.1:0", env=env) as second:
            for each in (url, url_of(second)):
                assert posted(each, Authorization=f"Bearer {secret}").status_code == 200
                assert posted(each).status_code == 401
            for process in (first, second):
                process.send_signal(signal.SIGTERM)
                assert process.wait(AT_ONCE) == 0
            assert path.read_text().strip() == secret
            assert secret not in first.logged() + second.logged()


@pytest.mark.slow
def test_a_new_secret_holds_at_once_for_servers_that_run(tmp_path):
    env = environment(tmp_path, measured=True)
    with started("serve", "--http", "127.0.0.1:0", env=env) as process:
        url = url_of(process)
        path = place(tmp_path)
        old = path.read_text().strip()
        assert posted(url, Authorization=f"Bearer {old}").status_code == 200
        ended = run("serve", "--new-secret", env=env)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert f"in {path}." in ended.stdout
        assert "pc-mcp install CLIENT --http URL" in ended.stdout
        new = path.read_text().strip()
        assert new != old
        assert new not in ended.stdout
        assert posted(url, Authorization=f"Bearer {old}").status_code == 401
        assert posted(url, Authorization=f"Bearer {new}").status_code == 200
        path.unlink()
        for _ in range(3):
            assert posted(url, Authorization=f"Bearer {new}").status_code == 401
        assert "it is not there" in process.said("nobody is answered")
        with started("serve", "--new-secret", "--http", "127.0.0.1:0", env=env) as other:
            assert url_of(other)
            newest = path.read_text().strip()
            assert posted(url, Authorization=f"Bearer {newest}").status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(AT_ONCE) == 0
    assert process.logged().count("nobody is answered") == 1


@pytest.mark.slow
def test_without_a_secret_it_serves_everybody_and_says_so(tmp_path):
    env = environment(tmp_path, PC_MCP_LOGGING__LEVEL="error")
    with started("serve", "--no-secret", "--http", "127.0.0.1:0", env=env) as process:
        assert posted(url_of(process)).status_code == 200
        assert "every account of this computer can ask with your rights" in process.said("no secret is asked for")
        process.send_signal(signal.SIGTERM)
        assert process.wait(AT_ONCE) == 0
    assert not list(tmp_path.glob("**/http-secret"))


@pytest.mark.parametrize(
    ("options", "variables", "words"),
    [
        (["--no-secret"], {}, "--no-secret is for callers over HTTP"),
        (["--no-secret", "--new-secret", "--http", "127.0.0.1:0"], {}, "not allowed with"),
        (["--new-secret"], WITH_SECRET, "is the setting http.secret, or PC_MCP_HTTP__SECRET: change it there"),
        (["--http", "127.0.0.1:0"], {"PC_MCP_HTTP__SECRET": "short-and-sweet"}, "http.secret is wrong: must be 32"),
    ],
)
def test_what_makes_no_sense_is_refused_with_2(tmp_path, monkeypatch, capsys, options, variables, words):
    for name, value in ({"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)} | variables).items():
        monkeypatch.setenv(name, value)
    try:
        status = main(["serve", *options])
    except SystemExit as ended:
        status = ended.code
    said = capsys.readouterr()
    assert (status, said.out) == (2, "")
    assert words in said.err
    assert "sweet" not in said.err
    assert not list(tmp_path.glob("**/http-secret"))


def test_several_that_start_at_once_make_one_secret(file):
    together = threading.Barrier(8)
    found: list[str] = []

    def start() -> None:
        together.wait()
        found.append(SecretFile(file.path).kept())

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert set(found) == {file.read()}
    assert {path.name for path in file.path.parent.iterdir()} <= {"http-secret", "http-secret.lock"}


def a_link(path: Path) -> None:
    other = path.with_name("another")
    other.write_text(SECRET)
    other.chmod(0o600)
    path.symlink_to(other)


def a_dangling_link(path: Path) -> None:
    path.symlink_to(path.with_name("nowhere"))


def readable(path: Path) -> None:
    path.write_text(SECRET)
    path.chmod(0o640)


def holding(text: str, path: Path) -> None:
    path.write_text(text)
    path.chmod(0o600)


@posix
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (a_link, "it is a link"),
        (a_dangling_link, "it is a link"),
        (lambda path: os.mkfifo(path, 0o600), "it is no file"),
        (lambda path: path.mkdir(0o700), "it is no file"),
        (readable, "other accounts can read or change it"),
        (lambda path: holding("", path), "it holds no secret"),
        (lambda path: holding("short", path), "it holds no secret"),
        (lambda path: holding("ß" * 40, path), "it holds no secret"),
        (lambda path: holding("x" * 5000, path), "it holds no secret"),
        (lambda path: holding(f"{SECRET}\nHost: evil", path), "it holds no secret"),
    ],
    ids=["link", "dangling link", "FIFO", "folder", "mode", "empty", "short", "not ASCII", "long", "lines"],
)
def test_what_is_no_file_of_this_user_alone_is_refused_and_a_new_one_takes_its_place(file, make, words):
    file.path.parent.mkdir(0o700)
    make(file.path)
    for ask in (file.read, file.kept):
        with pytest.raises(SecretRefused, match=f"{re.escape(str(file.path))}: {words}.*serve --new-secret") as refused:
            ask()
        assert SECRET not in str(refused.value)
    if file.path.is_dir() and not file.path.is_symlink():
        with pytest.raises(SecretRefused, match=r"cannot be kept in .*: Is a directory\. Correct that"):
            file.renew()
    else:
        assert file.renew() == file.read() == file.kept()
        assert not file.path.is_symlink()
        assert not file.path.with_name("nowhere").exists()


@posix
@pytest.mark.skipif(os.name == "posix" and os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_account_is_refused(file):
    file.kept()
    os.chown(file.path, 12345, -1)
    with pytest.raises(SecretRefused, match="it belongs to another account"):
        file.read()


@posix
def test_a_folder_into_which_others_could_write_is_closed_to_them(file):
    file.path.parent.mkdir()
    file.path.parent.chmod(0o777)
    file.kept()
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700


def test_a_folder_in_which_nothing_can_be_kept_is_said(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SecretRefused, match=r"cannot be kept in .*PC_MCP_HTTP__SECRET"):
        SecretFile(tmp_path / "file" / "http-secret").kept()
