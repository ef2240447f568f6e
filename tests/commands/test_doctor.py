"""`pc-mcp doctor`: what it finds right and wrong, and what it says to do."""

import contextlib
import json
import logging
import os
import re
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal

from pc_mcp.commands.cli import main
from pc_mcp.commands.doctor.local import exports
from pc_mcp.protocol.prompts import PromptFileError, load_prompts
from pc_mcp.sandbox import Sandbox, ScriptedAnswer, World, running
from pc_mcp.sandbox.entra.accounts import CLIENT_SECRET
from pc_mcp.settings import ConfigurationError, load_settings, usual_config_file
from tests.commands.processes import run
from tests.commands.signing_in import signing_in_to
from tests.double import raw, serving

CHECKS = ["program", "configuration", "certificates", "sign-in service", "Partner Center", "clock"]
CHECKS += ["token store", "signed in", "role", "clients"]
Doctor = Callable[..., dict[str, tuple[str, str]]]


@pytest.fixture(scope="module")
def service(world: World) -> Iterator[Sandbox]:
    with running(world, entra=True) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(service: Sandbox) -> Iterator[Sandbox]:
    """The service, in which nothing goes wrong."""
    entra, switches = vars(service.entra.switches).copy(), vars(service.switches).copy()
    yield service
    vars(service.entra.switches).update(entra)
    vars(service.switches).update(switches | {"scripted": []})


@pytest.fixture
def env(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of this process too, until the test ends."""
    variables = signing_in_to(sandbox, tmp_path, measured=True)
    for name in os.environ.keys() - variables.keys():
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


@pytest.fixture
def doctor(env, capsys, monkeypatch) -> Iterator[Doctor]:
    """`doctor(status, NAME=value)` runs the command, which is to end with `status`: check -> (state, words)."""
    before = logging.getLogger().handlers[:], logging.getLogger().level

    def examine(status: int, *options: str, **variables: str | None) -> dict[str, tuple[str, str]]:
        for name, value in variables.items():
            monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)
        capsys.readouterr()
        assert main(["doctor", *options]) == status
        shown = capsys.readouterr()
        assert shown.err == ""
        found = {}
        for line in shown.out.splitlines():
            match = re.fullmatch(r"(ok|warning|wrong|not set up|not checked) {2,}(\S+( \S+)*) {2,}(.*)", line)
            assert match, line
            found[match[2]] = match[1], match[4]
        return found

    yield examine
    logging.getLogger().handlers[:], logging.getLogger().level = before


@pytest.fixture(scope="module")
def store(service: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A token store in which the first account is signed in."""
    home = tmp_path_factory.mktemp("signed-in")
    assert run("login", env=signing_in_to(service, home)).returncode == 0
    return home / "data"


@pytest.fixture
def login(store: Path, tmp_path: Path) -> Callable[[], None]:
    return lambda: shutil.copytree(store, tmp_path / "data", dirs_exist_ok=True)


def states(found: dict[str, tuple[str, str]]) -> dict[str, str]:
    """The checks that are not all right."""
    return {check: state for check, (state, _) in found.items() if state != "ok"}


def asked_a_person(sandbox: Sandbox) -> bool:
    return any("/authorize" in request.path or "/devicecode" in request.path for request in sandbox.entra.requests)


@contextlib.contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """The address of a double of Partner Center that gives the same answer to everything."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serving(answer)) as service:
        yield service.base_url


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_where_all_is_well_every_check_says_so(doctor, login, sandbox, tmp_path, capsys):
    login()
    assert main(["install", "cursor"]) == 0
    sandbox.entra.requests.clear()
    found = doctor(0)
    assert list(found) == [*CHECKS[:-1], "Cursor"]
    assert states(found) == {}
    assert found["program"][1].startswith("pc-mcp 0")
    assert f"no file {tmp_path}" in found["configuration"][1]
    assert "PC_MCP_AUTH__CLIENT_ID" in found["configuration"][1]
    assert f"SSL_CERT_FILE={sandbox.ca_file}" in found["certificates"][1]
    assert found["token store"][1].endswith("(not encrypted)")
    assert found["signed in"][1] == f"as {sandbox.entra.accounts[0].username}, tenant {sandbox.tenant_id}"
    assert found["Cursor"][1].endswith("pc-mcp serve")
    assert not asked_a_person(sandbox)


def test_as_json_it_says_the_same(doctor, login, sandbox, capsys):
    login()
    found = doctor(0)
    assert main(["doctor", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["ok"] is True
    assert [check["check"] for check in facts["checks"]] == CHECKS == list(found)
    for check in facts["checks"]:
        state, words = found[check["check"]]
        assert (check["state"], check["found"]) == (state, words.removesuffix(f". {check['mend']}"))
    assert facts["checks"][-1]["mend"] == "Run: pc-mcp install claude-desktop"
    sandbox.entra.switches.outage = "everywhere"
    assert main(["doctor", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_where_nobody_is_signed_in_nobody_is_asked_to(doctor, sandbox):
    sandbox.entra.requests.clear()
    found = doctor(1)
    assert states(found) == {"signed in": "wrong", "role": "not checked", "clients": "warning"}
    assert found["signed in"][1].endswith("Run: pc-mcp login")
    assert found["role"][1] == "waits for signed in"
    assert not asked_a_person(sandbox)


def test_without_a_client_id_it_says_what_to_configure_and_goes_on_with_the_rest(doctor):
    found = doctor(1, PC_MCP_AUTH__CLIENT_ID=None)
    assert found["configuration"][0] == "wrong"
    again = "pc-mcp install CLIENT --client-id ID --tenant-id ID"
    assert found["configuration"][1].endswith(
        f"Set auth.client_id and auth.tenant_id, as docs/sign-in.md describes, with: {again}"
    )
    assert str(usual_config_file()) in found["configuration"][1]
    waiting = dict.fromkeys(("token store", "signed in", "role"), "not checked")
    assert states(found) == {"configuration": "wrong", **waiting, "clients": "warning"}
    assert found["role"][1] == "waits for configuration"


def test_a_configuration_that_cannot_be_used_is_explained_and_nothing_is_asked(doctor, sandbox, tmp_path):
    sandbox.requests.clear()
    sandbox.entra.requests.clear()
    file = tmp_path / "mine.toml"
    file.write_text("[auth\n")
    for found in (
        doctor(1, "--config", str(file)),
        doctor(1, "--config", str(tmp_path / "missing.toml")),
        doctor(1, PC_MCP_AUTH__TENANT="x"),
    ):
        assert found["configuration"][0] == "wrong"
        assert [state for state, _ in found.values()].count("not checked") == 6
    assert "Did you mean PC_MCP_AUTH__TENANT_ID? Correct that" in found["configuration"][1]
    assert sandbox.requests == sandbox.entra.requests == []


def test_the_configuration_file_is_named(doctor, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('[partner_center]\ncloud = "us_government"\n')
    found = doctor(1, "--config", str(file))
    assert found["configuration"][1].startswith(f"{file}; environment: PC_MCP_AUTH__AUTHORITY, ")
    assert "cloud us_government" in found["configuration"][1]


def without_a_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PC_MCP_AUTH__")]:
        monkeypatch.delenv(name)


def test_who_connected_the_simulated_customers_alone_needs_no_tenant(doctor, sandbox, monkeypatch, capsys):
    without_a_sign_in(monkeypatch)
    for client in ("claude-desktop", "codex"):
        assert main(["install", client, "--sandbox"]) == 0
    sandbox.requests.clear()
    found = doctor(0)
    state, words = found["configuration"]
    assert state == "not set up"
    assert "no tenant yet, which the connected assistants do not need" in words
    assert "To ask your own customers, set auth.client_id and auth.tenant_id, as docs/sign-in.md" in words
    waiting = ("sign-in service", "Partner Center", "clock", "token store", "signed in", "role")
    assert states(found) == {"configuration": "not set up"} | dict.fromkeys(waiting, "not checked")
    assert found["role"][1] == "waits for configuration"
    assert sandbox.requests == []
    assert main(["doctor", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True


def test_a_tenant_is_missed_where_one_assistant_asks_for_it_or_a_part_of_it_is_set(doctor, monkeypatch):
    without_a_sign_in(monkeypatch)
    assert main(["install", "cursor", "--sandbox"]) == 0
    assert doctor(1, PC_MCP_AUTH__TENANT_ID="contoso.com")["configuration"][0] == "wrong"
    assert main(["install", "codex"]) == 0
    assert doctor(1, PC_MCP_AUTH__TENANT_ID=None)["configuration"][0] == "wrong"


def test_the_program_that_serves_the_simulated_customers_must_be_there(doctor, monkeypatch, tmp_path):
    without_a_sign_in(monkeypatch)
    (tmp_path / ".codex").mkdir()
    entry = 'command = "/gone/pc-mcp"\nargs = ["serve", "--sandbox"]\n'
    (tmp_path / ".codex" / "config.toml").write_text(f"[mcp_servers.pc-mcp]\n{entry}")
    assert doctor(1)["Codex"][0] == "wrong"


WEEKLY = '+++\nname = "weekly"\ntitle = "Weekly"\ndescription = "This week."\n+++\nWhat came in{}?\n'


def test_the_teams_own_prompts_are_read_as_the_server_reads_them(doctor, login, tmp_path):
    login()
    folder = tmp_path / "team"
    folder.mkdir()
    assert "prompts" not in doctor(0)
    empty = doctor(0, PC_MCP_PROMPTS__FOLDER=str(folder))["prompts"]
    assert empty == ("warning", f"no *.md file is in {folder}. Put the files there, or correct prompts.folder.")
    (folder / "weekly.md").write_text(WEEKLY.format(""))
    assert doctor(0)["prompts"] == ("ok", f"weekly, of {folder}")
    (folder / "weekly.md").write_text(WEEKLY.format(" for {customer}"))
    with pytest.raises(PromptFileError) as error:
        load_prompts(folder)
    assert str(error.value).startswith(f"{folder / 'weekly.md'}:6: ")
    malformed = doctor(1)["prompts"]
    assert malformed == ("wrong", f"{error.value} Correct that: until then the server does not start.")


def test_the_folder_for_exports_is_tried_and_left_as_it_was(doctor, login, tmp_path):
    login()
    folder = tmp_path / "exports"
    folder.mkdir()
    assert "exports" not in doctor(0)
    assert doctor(0, PC_MCP_EXPORTS__FOLDER=str(folder))["exports"] == ("ok", f"files can be written into {folder}")
    assert list(folder.iterdir()) == []
    folder.rmdir()
    assert "exports.folder is wrong: there is no folder" in doctor(1)["configuration"][1]
    gone = exports(folder)
    assert (gone.state, gone.found) == ("wrong", f"no file can be written into {folder}: No such file or directory")
    assert "let exports.folder name another one" in gone.mend


def test_a_tenant_that_does_not_exist_is_named(doctor, login):
    login()
    wrong = "11111111-1111-4111-8111-111111111111"
    found = doctor(1, PC_MCP_AUTH__TENANT_ID=wrong)
    assert found["sign-in service"][0] == "wrong"
    assert f"does not know the tenant {wrong}. Set auth.tenant_id" in found["sign-in service"][1]
    assert found["signed in"] == ("not checked", "waits for sign-in service")


def test_services_that_cannot_be_reached_are_named(doctor):
    port = closed_port()
    found = doctor(
        1,
        PC_MCP_PARTNER_CENTER__BASE_URL=f"http://127.0.0.1:{port}",
        PC_MCP_AUTH__AUTHORITY=f"https://127.0.0.1:{port}",
    )
    for check in ("sign-in service", "Partner Center"):
        assert found[check][0] == "wrong"
        assert f"127.0.0.1:{port} cannot be reached: the connection was refused. Check" in found[check][1]
    assert found["clock"] == ("not checked", "no service said what time it is")
    unknown = doctor(1, PC_MCP_AUTH__AUTHORITY="https://pc-mcp.invalid")
    assert "its name is not known" in unknown["sign-in service"][1]


def test_partner_center_alone_out_of_reach_leaves_the_role_open(doctor, login):
    login()
    found = doctor(1, PC_MCP_PARTNER_CENTER__BASE_URL=f"http://127.0.0.1:{closed_port()}")
    assert states(found) == {"Partner Center": "wrong", "role": "not checked", "clients": "warning"} | {
        "clock": "not checked"
    }
    assert found["role"][1] == "waits for Partner Center"


def test_a_certificate_that_is_not_trusted_is_called_that(doctor):
    found = doctor(1, SSL_CERT_FILE=None, SSL_CERT_DIR=None)
    assert found["sign-in service"][0] == "wrong"
    assert "its certificate is not trusted (" in found["sign-in service"][1]
    assert "set SSL_CERT_FILE to a file with the proxy's certificate" in found["sign-in service"][1]


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_a_certificate_file_that_cannot_be_used_stops_what_needs_it(doctor, tmp_path, content):
    file = tmp_path / "company.pem"
    if content is not None:
        file.write_text(content)
    found = doctor(1, SSL_CERT_FILE=str(file))
    assert found["certificates"][0] == "wrong"
    assert "cannot be used. Let SSL_CERT_FILE" in found["certificates"][1]
    assert [words for state, words in found.values() if state == "not checked"] == ["waits for certificates"] * 6


def test_a_proxy_is_named_without_its_password(doctor):
    port = closed_port()
    found = doctor(
        1, HTTPS_PROXY=f"http://adele:pa55word@127.0.0.1:{port}", PC_MCP_AUTH__AUTHORITY="https://pc-mcp.invalid"
    )
    # Partner Center is on loopback here, which is asked through no proxy.
    words = f"sign-in service through 127.0.0.1:{port}, Partner Center directly; SSL_CERT_FILE="
    assert found["certificates"][1].startswith(words)
    assert f"the connection was refused (through the proxy 127.0.0.1:{port})" in found["sign-in service"][1]
    assert "pa55word" not in str(found)


@pytest.mark.parametrize(
    "proxy",
    ["http://:x@:99999/", "http://[::1", "socks4://127.0.0.1:1080", "http://a:b", "http://", "http://a\x1b[31m:1"],
)
def test_a_proxy_that_is_none_stops_what_needs_it(doctor, login, proxy):
    login()
    assert doctor(0, HTTPS_PROXY=proxy)["certificates"][1].startswith("no proxy;")
    found = doctor(1, HTTPS_PROXY=proxy, PC_MCP_AUTH__AUTHORITY="https://pc-mcp.invalid")
    assert found["certificates"] == (
        "wrong",
        "HTTPS_PROXY names no proxy that can be used. Set HTTPS_PROXY to an address such as "
        "http://proxy.example.com:8080 (http://, https://, socks5:// or socks5h://), or unset it.",
    )
    assert found["sign-in service"] == ("not checked", "waits for certificates")
    assert doctor(1, NO_PROXY="invalid,*")["certificates"][1].startswith("no proxy;")


@pytest.mark.parametrize(
    ("minutes", "state", "words"),
    [
        (-7, "wrong", "this computer's is 7 minutes ahead. Set"),
        (180, "wrong", "this computer's is 3 hours behind. Set"),
        (4, "ok", "agrees with the services' within 2"),
    ],
)
def test_a_clock_that_is_wrong_by_more_than_five_minutes_is_found(doctor, minutes, state, words):
    then = format_datetime(datetime.now(UTC) + timedelta(minutes=minutes), usegmt=True)
    with answering(raw(status=401, Date=then)) as url:
        found = doctor(1, PC_MCP_PARTNER_CENTER__BASE_URL=url)
    assert found["clock"][0] == state
    assert words in found["clock"][1]


@pytest.mark.parametrize("date", ["yesterday", "Thu, 99 Foo 2026 99:00:00 GMT", "\u202e\x1b[31m"])
def test_a_time_that_nobody_can_read_is_none(doctor, date):
    with answering(raw(status=401, Date=date.encode().decode("latin-1"))) as url:
        assert doctor(1, PC_MCP_PARTNER_CENTER__BASE_URL=url)["clock"][0] == "not checked"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (200, "does not answer as it should (HTTP 200). Check partner_center.base_url"),
        (302, "does not answer as it should (HTTP 302)"),
        (404, "does not answer as it should (HTTP 404)"),
        (407, "the proxy wants a sign-in"),
        (429, "fails at the moment (HTTP 429)"),
        (503, "fails at the moment (HTTP 503). Try again in a minute."),
    ],
)
def test_an_answer_that_is_not_partner_centers_is_called_that(doctor, status, words):
    hotel = raw(b"<h1>Sign in to the hotel</h1>", status, Location="https://portal.example.invalid/")
    with answering(hotel) as url:
        found = doctor(1, PC_MCP_PARTNER_CENTER__BASE_URL=url)
    assert found["Partner Center"][0] == "wrong"
    assert words in found["Partner Center"][1]
    assert "hotel" not in str(found)


def test_a_sign_in_service_that_fails_is_called_that(doctor, sandbox):
    sandbox.entra.switches.outage = "everywhere"
    assert "fails at the moment (HTTP 503)" in doctor(1)["sign-in service"][1]


def test_a_role_that_cannot_be_found_out_is_explained(doctor, login, sandbox):
    login()
    sandbox.switches.scripted = [ScriptedAnswer("/customers", 401, times=1), ScriptedAnswer("/customers", 500)]
    found = doctor(1)
    assert found["Partner Center"][0] == "ok"
    assert "HTTP 500" in found["role"][1]


def test_a_token_from_the_configuration_is_tried(doctor, sandbox):
    token = {"PC_MCP_AUTH__MODE": "token", "PC_MCP_AUTH__ACCESS_TOKEN": sandbox.token}
    found = doctor(0, **token)
    assert states(found) == {"clients": "warning"}
    assert found["signed in"][1] == "as whoever auth.access_token is for"
    refused = doctor(1, PC_MCP_AUTH__ACCESS_TOKEN="another-token")
    assert states(refused) == {"role": "wrong", "clients": "warning"}
    assert "another-token" not in str(refused)
    missing = doctor(1, PC_MCP_AUTH__ACCESS_TOKEN=None)
    assert "PC_MCP_AUTH__ACCESS_TOKEN" in missing["signed in"][1]


def test_an_application_signs_itself_in(doctor, sandbox):
    app = {"PC_MCP_AUTH__MODE": "app", "PC_MCP_AUTH__CLIENT_ID": sandbox.entra.confidential_client_id}
    found = doctor(0, **app, PC_MCP_AUTH__CLIENT_SECRET=CLIENT_SECRET)
    assert found["signed in"][1].startswith(f"as the application {sandbox.entra.confidential_client_id}, tenant ")
    wrong = doctor(1, PC_MCP_AUTH__CLIENT_SECRET="wrong")
    assert "AADSTS7000215" in wrong["signed in"][1]


def test_a_token_store_that_does_not_keep_or_cannot_be_used_is_found(doctor, login, tmp_path):
    assert "memory" in doctor(1, PC_MCP_AUTH__TOKEN_STORE="memory")["token store"][1]
    login()
    (file,) = (tmp_path / "data" / "pc-mcp").glob("tokens-*.bin")
    if sys.platform != "win32":
        file.chmod(0o644)
        open_to_all = doctor(0, PC_MCP_AUTH__TOKEN_STORE="file")
        assert open_to_all["token store"][0] == "warning"
        assert f"could read the token store {file}; now they cannot." in open_to_all["token store"][1]
        assert doctor(0, PC_MCP_AUTH__TOKEN_STORE="file")["token store"][0] == "ok"
    file.unlink()
    file.mkdir()
    assert doctor(1, PC_MCP_AUTH__TOKEN_STORE="file")["token store"][0] == "wrong"
    file.rmdir()
    file.write_text("damaged")
    damaged = doctor(1)
    assert damaged["token store"][0] == "warning"
    assert "damaged" in damaged["token store"][1]


def test_clients_are_listed_with_what_is_wrong_with_them(doctor, login, tmp_path, capsys):
    login()
    for client in ("claude-code", "codex", "cursor", "vscode"):
        assert main(["install", client, "--sandbox"]) == 0
    codex = tmp_path / ".codex" / "config.toml"
    codex.write_text('[mcp_servers.pc-mcp]\ncommand = "/gone\\u001b[31m/pc-mcp"\nargs = ["serve"]\n')
    (tmp_path / ".cursor" / "mcp.json").write_text('{"mcpServers": {"pc-mcp": {"command": "pc-mcp", "args": 1}}}')
    (tmp_path / ".config" / "Code" / "User" / "mcp.json").write_text("{\n[")
    found = doctor(1)
    assert found["Claude Code"][0] == "ok"
    assert found["Claude Code"][1].endswith("serve --sandbox")
    assert found["Codex"] == (
        "wrong",
        "starts /gone[31m/pc-mcp serve, which is not there. Connect it again: pc-mcp install codex",
    )
    assert found["Cursor"][0] == "warning"
    assert "may not find without an absolute path" in found["Cursor"][1]
    assert found["VS Code"][0] == "warning"
    assert "line 2: " in found["VS Code"][1]
    config = tmp_path / "mine.toml"
    config.touch()
    assert main(["install", "claude-code", "--config", str(config)]) == 0
    config.unlink()
    state, words = doctor(1, "--config", os.devnull)["Claude Code"]
    assert state == "wrong"
    assert f"cannot serve: The configuration file {config} cannot be read: No such file or directory. Correct" in words
    assert words.endswith("or connect it with another file: pc-mcp install claude-code --config FILE")


@pytest.mark.parametrize("command", ["/gone/pc-mcp", "pc-mcp"])
def test_an_entry_is_to_be_made_again_with_the_options_that_it_has(doctor, login, tmp_path, command):
    login()
    team = tmp_path / "the team.toml"
    team.touch()
    for options, again in (
        (["--sandbox"], " --sandbox"),
        (["--config", str(team)], f" --config '{team}'"),
        (["--sandbox", "--config", str(team)], f" --sandbox --config '{team}'"),
    ):
        entry = {"command": command, "args": ["serve", *options]}
        (tmp_path / ".claude.json").write_text(json.dumps({"mcpServers": {"pc-mcp": entry}}))
        words = doctor(int(command != "pc-mcp"))["Claude Code"][1]
        assert words.endswith(f"Connect it again: pc-mcp install claude-code{again}")


def test_the_file_that_every_connected_assistant_names_is_the_one_that_is_examined(doctor, env, monkeypatch, tmp_path):
    team, other = tmp_path / "team.toml", tmp_path / "other.toml"
    sections = {"PARTNER_CENTER": ["BASE_URL"], "AUTH": ["AUTHORITY", "TENANT_ID", "CLIENT_ID", "TOKEN_STORE"]}
    for section, names in sections.items():
        lines = [f"{name.lower()} = {json.dumps(env[f'PC_MCP_{section}__{name}'])}\n" for name in names]
        with team.open("a") as file:
            file.write(f"[{section.lower()}]\n{''.join(lines)}")
    for name in [name for name in os.environ if name.startswith("PC_MCP_")]:
        monkeypatch.delenv(name)
    for client in ("claude-code", "codex"):
        assert main(["install", client, "--config", str(team)]) == 0
    assert main(["install", "cursor", "--sandbox"]) == 0
    found = doctor(1)
    assert states(found) == {"signed in": "wrong", "role": "not checked"}
    assert found["configuration"][1].startswith(f"{team}, which the connected assistants name; mode delegated")
    assert found["signed in"][1].endswith(f"Run: pc-mcp login --config {team}")
    assert doctor(1, "--config", os.devnull)["configuration"][1].startswith(os.devnull)
    other.write_text("")
    assert main(["install", "codex", "--config", str(other)]) == 0
    assert doctor(1)["configuration"][1].startswith(f"no file {tmp_path}")
    other.write_text("[auth]\ntenant = 'x'\n")
    found = doctor(1)
    assert found["Claude Code"][0] == "ok"
    assert "which cannot serve: There is no setting auth.tenant. Did you mean auth.tenant_id?" in found["Codex"][1]


def test_a_client_file_that_is_write_protected_and_right_is_right(doctor, login, tmp_path):
    login()
    assert main(["install", "cursor"]) == 0
    (tmp_path / ".cursor" / "mcp.json").chmod(0o444)
    assert doctor(0)["Cursor"][0] == "ok"


@pytest.mark.parametrize("seconds", ["0", "301", "x", "-1"])
def test_a_time_that_is_none_is_wrong_usage(seconds, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["doctor", "--timeout", seconds])
    assert ended.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_an_entry_that_a_running_application_wrote_over_is_missed(doctor, tmp_path, capsys):
    file = tmp_path / ".config" / "Claude" / "claude_desktop_config.json"
    file.parent.mkdir(parents=True)
    file.write_text('{"theme": "dark"}')
    assert main(["install", "claude-desktop"]) == 0
    file.write_text('{"theme": "light"}')
    state, words = doctor(1)["Claude Desktop"]
    assert state == "warning"
    assert f"our entry is not in {file} any more" in words
    assert "Quit Claude Desktop, which may have written its file back, then run: pc-mcp install claude-desktop" in words
    assert main(["uninstall", "claude-desktop"]) == 0  # whoever took it out by hand
    assert "Claude Desktop" not in doctor(1)


def test_a_file_that_the_client_cannot_read_for_its_byte_order_mark_is_found(doctor, tmp_path):
    assert main(["install", "claude-desktop", "--sandbox"]) == 0
    file = tmp_path / ".config" / "Claude" / "claude_desktop_config.json"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    state, words = doctor(1)["Claude Desktop"]
    assert (state, words.partition("byte-order mark")[1]) == ("wrong", "byte-order mark")
    assert words.endswith("Connect it again: pc-mcp install claude-desktop --sandbox")
    assert main(["install", "claude-desktop", "--sandbox"]) == 0
    assert doctor(1)["Claude Desktop"][0] == "ok"


SESSION = {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere", "DISPLAY": ":7"}


def test_it_looks_with_the_environment_of_a_client(doctor, login, monkeypatch, tmp_path):
    """Codex hands on little: nothing of this shell's settings but what its entry asks for."""
    login()
    for name, value in SESSION.items():
        monkeypatch.setenv(name, value)
    assert main(["install", "codex"]) == 0
    found = doctor(0, "--client", "codex")
    assert list(found) == ["program", "environment", *CHECKS[1:-1], "Codex"]
    assert found["environment"][0] == "ok"
    assert "DBUS_SESSION_BUS_ADDRESS, DISPLAY, HOME" in found["environment"][1]
    file = tmp_path / ".codex" / "config.toml"
    file.write_text(re.sub(r"env_vars = .*\n", "", file.read_text()))
    found = doctor(1, "--client", "codex")
    state, words = found["environment"]
    assert state == "warning"
    assert "DBUS_SESSION_BUS_ADDRESS (the keyring); DISPLAY (the display); XDG_DATA_HOME (the place of its" in words
    assert "PC_MCP_AUTH__CLIENT_ID" in words
    assert words.endswith("Connect it again: pc-mcp install codex")
    assert "no application to sign in as" in found["configuration"][1]
    assert os.environ["DISPLAY"] == ":7"
    assert main(["install", "codex"]) == 0
    assert doctor(0, "--client", "codex")["environment"][0] == "ok"


def test_what_a_clients_own_entry_sets_is_seen_and_what_it_lacks_is_to_be_written_there(doctor, monkeypatch, tmp_path):
    config = tmp_path / "mine.toml"
    config.touch()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert main(["install", "claude-desktop", "--config", str(config)]) == 0
    (file,) = tmp_path.rglob("claude_desktop_config.json")
    written = json.loads(file.read_text())
    written["mcpServers"]["pc-mcp"]["env"]["BROWSER"] = "mine"
    file.write_text(json.dumps(written))
    found = doctor(1, "--client", "claude-desktop")
    state, words = found["environment"]
    assert state == "warning"
    assert "SSL_CERT_FILE" in words
    assert "BROWSER" not in words
    assert "XDG_" not in words
    assert f"into env of its entry in {file}" in words
    assert found["configuration"][1].startswith(f"{config}, which the connected assistants name; mode delegated")


def test_that_a_client_hands_on_less_than_this_shell_has_is_mentioned(doctor, login):
    login()
    assert main(["install", "claude-desktop"]) == 0
    state, words = doctor(0)["Claude Desktop"]
    assert state == "ok"
    assert words.endswith("pc-mcp doctor --client claude-desktop looks with that.")
    assert main(["install", "claude-desktop", "--sandbox"]) == 0
    assert "--client" not in doctor(0)["Claude Desktop"][1]


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("CLIENT_ID", "ID", "auth.client_id is no id, which looks like"),
        ("CLIENT_ID", "00000000-0000-0000-0000-000000000000", "auth.client_id is an example, not yours"),
        ("TENANT_ID", "3f0c9d5e-0000-4000-8000-00000000000", "auth.tenant_id has 31 digits; an id has 32"),
    ],
)
def test_an_id_that_cannot_be_right_is_found_wherever_it_was_typed(doctor, variable, value, words):
    state, found = doctor(1, **{f"PC_MCP_AUTH__{variable}": value})["configuration"]
    assert state == "warning"
    assert words in found


def test_a_client_that_is_not_connected_is_told_how(doctor):
    found = doctor(1, "--client", "codex")
    assert found["Codex"] == ("wrong", "is not connected. Run: pc-mcp install codex")
    assert found["environment"][1].endswith("Connect it first.")


def test_a_client_that_hands_on_everything_is_looked_at_with_everything(doctor, login):
    login()
    assert main(["install", "cursor"]) == 0
    found = doctor(0, "--client", "cursor")
    assert found["environment"] == ("ok", "Cursor hands on all of its own, taken to be this shell's")


NO_COMMAND, NO_VARIABLE = "with a character that no command can have", "whose name or value no variable can have"
ODD_ENTRIES = [
    ({"args": ["serve", "--config", "\0"]}, NO_COMMAND),
    ({"args": ["serve", "--config", "\ud800"]}, NO_COMMAND),
    ({"command": "/bin/\0"}, NO_COMMAND),
    ({"env": {"B=": "x"}}, NO_VARIABLE),
    ({"env": {"": "x"}}, NO_VARIABLE),
    ({"env": {"HOME": "\ud800"}}, NO_VARIABLE),
    ({"env": {"\ud800": "\0"}}, NO_VARIABLE),
    ({"args": {"a": 1}, "env": ["x"], "env_vars": 5}, ""),
    ({"env": {"HOME": "", "XDG_CONFIG_HOME": "relative"}, "args": ["serve", "--config"]}, ""),
]


@pytest.mark.usefixtures("doctor")
@pytest.mark.parametrize("options", [[], ["--client", "cursor"]])
def test_whatever_stands_in_the_entry_of_a_client_is_a_finding(tmp_path, capsys, options):
    file = tmp_path / ".cursor" / "mcp.json"
    file.parent.mkdir()
    for odd, words in ODD_ENTRIES:
        file.write_text(json.dumps({"mcpServers": {"pc-mcp": {"command": sys.executable, "args": ["serve"], **odd}}}))
        main(["doctor", "--json", *options])
        checks = {each["check"]: each for each in json.loads(capsys.readouterr().out)["checks"]}
        assert words in checks["Cursor"]["found"]
        assert not words or checks["Cursor"]["state"] == "wrong"
    with pytest.raises(ConfigurationError, match="has a character that no path can have"):
        load_settings(Path("\0"))
