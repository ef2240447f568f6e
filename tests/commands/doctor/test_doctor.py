"""`pc-mcp doctor`: what it finds right and wrong, and what it says to do."""

import json
import os
import socket
import sys

import pytest

from pc_mcp.commands.cli import main
from pc_mcp.protocol.prompts import PromptFileError, load_prompts
from pc_mcp.sandbox import ScriptedResponse
from pc_mcp.sandbox.entra.accounts import CLIENT_SECRET
from pc_mcp.settings import usual_config_file
from tests.commands.doctor.results import CHECKS, asked_a_person, states


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
        "Set auth.client_id and auth.tenant_id, which your administrator gives you (the guide for that is "
        f"docs/sign-in.md in the repository of pc-mcp), with: {again}"
    )
    assert str(usual_config_file()) in found["configuration"][1]
    waiting = dict.fromkeys(("token store", "signed in", "role"), "not checked")
    assert states(found) == {"configuration": "wrong", **waiting, "clients": "warning"}
    assert found["role"][1] == "waits for configuration"


@pytest.mark.slow
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
    assert (
        "To ask your own customers, set auth.client_id and auth.tenant_id, which your administrator gives you" in words
    )
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
    state, words = doctor(1, PC_MCP_AUTH__TENANT_ID=None)["configuration"]
    assert state == "wrong"
    assert "no application to sign in as, which Codex needs. Set auth.client_id" in words
    assert main(["install", "claude-code"]) == 0
    assert "to sign in as, which Claude Code and Codex need." in doctor(1)["configuration"][1]


def test_a_server_that_is_asked_over_http_may_need_no_configuration_of_ours(doctor, monkeypatch):
    without_a_sign_in(monkeypatch)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/mcp"
        assert main(["install", "cursor", "--http", url]) == 0
        for found in (doctor(0), doctor(0, "--client", "cursor")):
            state, words = found["configuration"]
            assert state == "not set up"
            assert f"the server at {url} has a configuration of its own" in words
            assert "simulated customers need none of this. Else set auth.client_id and auth.tenant_id" in words
            assert found["Cursor"][0] == "ok"
            assert found["role"] == ("not checked", "waits for configuration")
        assert main(["install", "codex"]) == 0
        state, words = doctor(1)["configuration"]
        assert (state, "to sign in as, which Codex needs." in words) == ("wrong", True)


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
    gone = doctor(1, PC_MCP_PROMPTS__FOLDER=str(folder / "gone"))["prompts"]
    assert gone[0] == "wrong"
    assert gone[1].endswith("Correct that: until then the server has only the prompts that it brings.")


@pytest.mark.slow
def test_the_folder_for_exports_is_tried_and_left_as_it_was(doctor, login, tmp_path):
    login()
    folder = tmp_path / "exports"
    folder.mkdir()
    assert "exports" not in doctor(0)
    assert doctor(0, PC_MCP_EXPORTS__FOLDER=str(folder))["exports"] == ("ok", f"files can be written into {folder}")
    assert list(folder.iterdir()) == []
    folder.rmdir()
    state, words = doctor(1)["exports"]
    assert (state, words.partition(". ")[0]) == (
        "wrong",
        f"no file can be written into {folder}: No such file or directory",
    )
    assert "let exports.folder name another one" in words


def test_a_role_that_cannot_be_found_out_is_explained(doctor, login, sandbox):
    login()
    sandbox.switches.scripted = [ScriptedResponse("/customers", 401, times=1), ScriptedResponse("/customers", 500)]
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


@pytest.mark.parametrize("seconds", ["0", "301", "x", "-1"])
def test_a_time_that_is_none_is_wrong_usage(seconds, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["doctor", "--timeout", seconds])
    assert ended.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


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
