"""`pc-mcp install CLIENT --client-id ID --tenant-id ID`: the ids go into the configuration file, and nothing else."""

import json
import os
import re
import stat
from pathlib import Path

import pytest

from pc_mcp.commands.cli import main
from pc_mcp.settings import ConfigurationError, load_settings, usual_config_file
from tests.commands.install.installing import version_of
from tests.commands.processes import environment

CLIENT_ID = "3f0c9d5e-0000-4000-8000-00000000000a"
TENANT_ID = "contoso.onmicrosoft.com"
IDS = ("--client-id", CLIENT_ID, "--tenant-id", TENANT_ID)
BOTH = f'client_id = "{CLIENT_ID}"\ntenant_id = "{TENANT_ID}"\n'
OTHERS = """# Of the Lyon team
[partner_center]
locale = "fr-FR"  # for Zoë

[auth]  # Who asks
# client_id = "…"
account = "adele@contoso.com"

# What answers look like
[answers]
max_chars = 7000
"""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    """A user with nothing configured, in whose home this process runs."""
    variables = environment(tmp_path, XDG_CONFIG_HOME=str(tmp_path / "config"))
    for name in os.environ.keys() - variables.keys():
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(text: str, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def entry(home: Path) -> dict:
    return json.loads((home / ".cursor" / "mcp.json").read_text())["mcpServers"]["pc-mcp"]


def refused(capsys, *options: str) -> str:
    """Why nothing is connected."""
    assert main(["install", "cursor", *options]) in {1, 2}
    assert not Path(".cursor").exists()
    return capsys.readouterr().err


def test_without_a_file_or_its_folder_both_are_made_for_this_user_alone(home, capsys):
    path = usual_config_file()
    assert path.is_relative_to(home)
    assert main(["install", "cursor", *IDS]) == 0
    assert path.read_text() == f"[auth]\n{BOTH}"
    assert os.name != "posix" or stat.S_IMODE(path.stat().st_mode) == 0o600
    # The variable that leads to the file may not be there where the server is started.
    assert entry(home)["args"][-3:] == ["serve", "--config", str(path)]
    shown = capsys.readouterr().out
    assert shown.startswith(
        f"Wrote the ids into the configuration file.\n  File:   {path}\nConnected Cursor to Partner C"
    )
    assert "  1. Sign in: pc-mcp login (or" in shown
    auth = load_settings().auth
    assert (auth.client_id, auth.tenant_id) == (CLIENT_ID, TENANT_ID)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_everything_else_in_an_existing_file_stays_and_the_file_as_it_was_is_kept(home, capsys, line_end, mark):
    before = mark + OTHERS.replace("\n", line_end)
    path = written(before, usual_config_file())
    assert main(["install", "cursor", *IDS]) == 0
    here = f"[auth]  # Who asks{line_end}"
    assert path.read_bytes().decode() == before.replace(here, here + BOTH.replace("\n", line_end))
    backup = path.with_name("config.toml.before-pc-mcp")
    assert backup.read_bytes().decode() == before
    assert f"  Backup: {backup}\n" in capsys.readouterr().out
    assert load_settings().auth.account == "adele@contoso.com"


def test_the_file_that_is_named_is_written_and_named_in_the_entry(home, monkeypatch):
    assert main(["install", "cursor", *IDS, "--config", "team/mine.toml"]) == 0
    path = home / "team" / "mine.toml"
    assert path.read_text() == f"[auth]\n{BOTH}"
    assert entry(home)["args"][-2:] == ["--config", str(path)]
    monkeypatch.setenv("PC_MCP_CONFIG", str(home / "other.toml"))
    assert main(["install", "cursor", *IDS]) == 0
    assert entry(home)["args"][-2:] == ["--config", str(home / "other.toml")]
    assert load_settings().auth.client_id == CLIENT_ID
    assert not usual_config_file().exists()


def test_the_client_id_alone_suffices_and_the_tenant_may_come_later():
    assert main(["install", "cursor", *IDS[:2]]) == 0
    assert main(["install", "cursor", *IDS[2:]]) == 0
    auth = load_settings().auth
    assert (auth.client_id, auth.tenant_id) == (CLIENT_ID, TENANT_ID)


@pytest.mark.parametrize("there", [BOTH, BOTH.replace(CLIENT_ID, CLIENT_ID.upper())])
def test_ids_that_are_there_already_change_nothing(capsys, there):
    path = written(f"[auth]\n{there}", usual_config_file())
    before = version_of(path)
    assert main(["install", "cursor", *IDS]) == 0
    assert version_of(path) == before
    assert "The ids are in the configuration file already.\n" in capsys.readouterr().out
    assert [found.name for found in path.parent.iterdir()] == ["config.toml"]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_another_id_takes_the_place_of_the_one_that_is_there_which_a_backup_keeps(capsys, line_end):
    text = f"[auth]\nclient_id = '{CLIENT_ID}'\ntenant_id   =  \"fabrikam.com\"  # ours\n".replace("\n", line_end)
    path = written(text, usual_config_file())
    assert main(["install", "cursor", *IDS]) == 0
    assert path.read_bytes().decode() == text.replace("fabrikam.com", TENANT_ID)
    backup = path.with_name("config.toml.before-pc-mcp")
    assert backup.read_bytes().decode() == text
    shown = capsys.readouterr().out
    assert shown.startswith("Replaced ids in the configuration file.\n")
    assert f"  Backup: {backup}\n" in shown


@pytest.mark.parametrize("section", ["[Auth]", "[AUTH]"])
def test_a_section_in_another_case_is_the_same_one(section, capsys):
    path = written(f'{section}\nTenant_Id = "fabrikam.com"\n', usual_config_file())
    assert main(["install", "cursor", *IDS]) == 0
    auth = load_settings().auth
    assert (auth.client_id, auth.tenant_id) == (CLIENT_ID, TENANT_ID)
    assert path.read_text() == f'{section}\nclient_id = "{CLIENT_ID}"\nTenant_Id = "{TENANT_ID}"\n'


def test_a_section_that_is_there_in_two_cases_is_refused(capsys):
    written("[auth]\n[Auth]\n", usual_config_file())
    assert "says auth twice, in upper and in lower case. Keep one." in refused(capsys, *IDS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[auth\n", "is no valid TOML: "),
        ("[auth]\ntenant = 'x'\n", "There is no setting auth.tenant. Did you mean auth.tenant_id?"),
        ("auth = 1\n", "auth is a section, not a setting"),
        ("[auth]\nclient_id = 1\n", "The setting auth.client_id is wrong"),
        ('auth.account = "adele"\n', "cannot be changed safely. Nothing was changed. Add to it by hand: client_id = "),
        ('auth = { account = "adele" }\n', "cannot be changed safely. Nothing was changed. Add to it by hand: client_"),
    ],
)
@pytest.mark.parametrize("variable", ["", "mine"])
def test_a_file_that_cannot_be_used_is_refused_and_left_as_it_was(capsys, monkeypatch, text, words, variable):
    monkeypatch.setenv("PC_MCP_AUTH__CLIENT_ID", variable)
    path = written(text, usual_config_file())
    told = refused(capsys, *IDS)
    assert words in told
    assert str(path) in told
    assert path.read_text() == text
    assert [found.name for found in path.parent.iterdir()] == ["config.toml"]


@pytest.mark.parametrize(
    ("option", "wrong", "words"),
    [
        ("--client-id", "our app", "is no id, which looks like "),
        ("--client-id", "ID", "is no id, which looks like "),
        ("--client-id", "", "is no id, which looks like "),
        ("--client-id", "00000000-0000-0000-0000-000000000000", "is an example, not yours"),
        ("--client-id", "11111111-1111-1111-1111-111111111111", "is an example, not yours"),
        ("--client-id", CLIENT_ID[:-1], "has 31 digits; an id has 32, such as "),
        ("--client-id", CLIENT_ID + "0", "has 33 digits; an id has 32, such as "),
        ("--client-id", f"{CLIENT_ID[:9]}-{CLIENT_ID[9:]}", "has its dashes in the wrong places, such as "),
        ("--client-id", f"{CLIENT_ID} {CLIENT_ID[:-1]}b", "is no id, which looks like "),
        ("--client-id", "contoso.com", "is no id, which looks like "),
        ("--client-id", TENANT_ID, "is no id, which looks like "),
        ("--tenant-id", "ID", "or a domain, such as contoso.onmicrosoft.com"),
        ("--tenant-id", "a b", "or a domain, such as contoso.onmicrosoft.com"),
        ("--tenant-id", "organizations", "or a domain, such as contoso.onmicrosoft.com"),
        ("--tenant-id", "00000000-0000-0000-0000-000000000000", "is an example, not yours"),
        ("--tenant-id", "3f0c9d5e-0000-4000-8000", "has 20 digits; an id has 32"),
        ("--tenant-id", "adele@contoso.com", "is no domain, such as contoso.onmicrosoft.com"),
        ("--tenant-id", "https://contoso.com/sales", "is no domain, such as contoso.onmicrosoft.com"),
        ("--tenant-id", "a." * 200, "is no domain, such as contoso.onmicrosoft.com"),
    ],
)
def test_what_is_no_id_is_refused(capsys, monkeypatch, option, wrong, words):
    monkeypatch.setenv("PC_MCP_AUTH__CLIENT_ID", CLIENT_ID)
    told = refused(capsys, option, wrong)
    assert told.startswith(f"pc-mcp: {option} ")
    assert words in told
    assert not usual_config_file().exists()


def test_one_id_for_both_is_refused(capsys):
    assert "are the same" in refused(capsys, "--client-id", CLIENT_ID, "--tenant-id", CLIENT_ID.upper())


PASTED = [
    "{{{}}}",
    " {} ",
    '"{}"',
    "“{}”",
    "Application (client) ID: {}",
    "https://portal.azure.com/#view/appId/{}/x",
    "<{}>",
]


@pytest.mark.slow
def test_an_id_may_be_wrapped_as_it_was_copied(monkeypatch):
    for pasted in (CLIENT_ID.upper(), CLIENT_ID.replace("-", ""), *(form.format(CLIENT_ID) for form in PASTED)):
        usual_config_file().unlink(missing_ok=True)
        assert main(["install", "cursor", "--client-id", pasted, *IDS[2:]]) == 0
        assert f'client_id = "{CLIENT_ID}"' in usual_config_file().read_text()
        usual_config_file().write_text(f"[auth]\nclient_id = '{pasted}'\ntenant_id = 'https://{TENANT_ID}/'\n")
        auth = load_settings().auth
        assert (auth.client_id, auth.tenant_id) == (CLIENT_ID, TENANT_ID)
        monkeypatch.setenv("PC_MCP_AUTH__CLIENT_ID", pasted.replace("3f0c", "4f0c").replace("3F0C", "4f0c"))
        assert load_settings().auth.client_id == CLIENT_ID.replace("3f0c", "4f0c")
        monkeypatch.delenv("PC_MCP_AUTH__CLIENT_ID")


def test_a_cloud_may_be_named_as_people_name_it():
    for name, cloud in {"Global": "global", "US Government": "us_government", "CHINA": "china"}.items():
        written(f'[partner_center]\ncloud = "{name}"\n', usual_config_file())
        assert load_settings().partner_center.cloud == cloud
    written('[partner_center]\ncloud = "Mars"\n', usual_config_file())
    with pytest.raises(ConfigurationError, match=r"partner_center\.cloud"):
        load_settings()


def test_a_client_whose_file_cannot_be_changed_leaves_the_configuration_alone(home, capsys):
    written("[", home / ".codex" / "config.toml")
    assert main(["install", "codex", *IDS]) == 1
    assert ".codex" in capsys.readouterr().err
    assert not usual_config_file().parent.exists()


def test_the_simulated_customers_need_no_ids(capsys):
    assert "Leave them out, or leave out --sandbox" in refused(capsys, "--sandbox", *IDS)
    assert not usual_config_file().exists()


def test_a_dry_run_shows_both_differences_and_writes_nothing(home, capsys):
    path = written(OTHERS, usual_config_file())
    assert main(["install", "cursor", *IDS, "--dry-run"]) == 0
    shown = capsys.readouterr()
    ours, theirs = shown.out.split(f"{home / '.cursor' / 'mcp.json'}:\n")
    assert ours == f"{path}:\n+ [auth]\n" + "".join(f"+ {line}\n" for line in BOTH.splitlines())
    assert theirs.startswith('+ {"mcpServers": {"pc-mcp": {')
    assert shown.err == "Nothing was written.\n"
    assert path.read_text() == OTHERS
    assert not (home / ".cursor").exists()


HIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b]")


@pytest.mark.slow
def test_nothing_of_a_file_reaches_the_terminal_that_it_would_obey(home, capsys):
    cursor = home / ".cursor" / "mcp.json"
    said = []
    for odd in (
        {"url": "http://\x1b[2J\u202e\x07\nConnected"},
        {"command": "\u202e\x9b2J", "args": ["serve", "\x1b[2J"]},
    ):
        written(json.dumps({"mcpServers": {"pc-mcp": odd}}, ensure_ascii=False).replace("\x7f", ""), cursor)
        for arguments in (["install"], ["uninstall"], ["install", "cursor", "--sandbox", "--dry-run"]):
            main(arguments)
            said.append("".join(capsys.readouterr()))
    assert any("http://[2J Connected" in each for each in said)
    for text in (
        '"a\u202eb\\u001b[2J" = 1',
        '[auth]\n"x\\nThe setting y\u2066" = 2',
        f'[auth]\nclient_id = "\u202e{"9" * 36}"',
    ):
        written(text, usual_config_file())
        main(["install", "cursor", "--dry-run", *IDS])
        said.append("".join(capsys.readouterr()))
    assert [each for each in said if HIDDEN.search(each)] == []
    assert "\nThe setting y" not in "".join(said)
