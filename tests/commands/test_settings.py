"""Where settings come from, in which order, and what is said about wrong ones."""

import os
import tomllib
import traceback
from pathlib import Path

import pytest
from pydantic import ValidationError

from pc_mcp.commands.cli import main
from pc_mcp.settings import ConfigurationError, Settings, load_settings, sections
from tests.commands.processes import environment, run

ROOT = Path(__file__).parent.parent.parent
SECRET = "eyJ-this-is-a-secret"


@pytest.fixture(autouse=True)
def usual_folder(tmp_path, monkeypatch):
    """A machine without settings; the folder where the usual configuration file belongs."""
    for name in [name for name in os.environ if name.upper().startswith("PC_MCP_")]:
        monkeypatch.delenv(name)
    for name in ("HOME", "USERPROFILE", "XDG_CONFIG_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path))
    folder = tmp_path / "pc-mcp"
    folder.mkdir()
    return folder


@pytest.fixture
def file(tmp_path):
    """Writes a configuration file and returns its path."""

    def written(text: str | bytes, path: Path = tmp_path / "some.toml") -> Path:
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return written


def refused(config: Path | None = None) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(config)
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    return str(caught.value)


def test_without_anything_every_setting_has_its_default():
    assert load_settings().model_dump() == Settings().model_dump()
    assert load_settings().partner_center.api_root == "https://api.partnercenter.microsoft.com"


def test_an_empty_variable_counts_as_not_given(file, monkeypatch):
    """A desktop application hands on a field that was left empty as an empty variable."""
    monkeypatch.setenv("PC_MCP_PARTNER_CENTER__LOCALE", "")
    monkeypatch.setenv("PC_MCP_PARTNER_CENTER__CLOUD", "")
    monkeypatch.setenv("PC_MCP_AUTH__TENANT_ID", "")
    monkeypatch.setenv("PC_MCP_CONFIG", "")
    found = load_settings(file('[partner_center]\nlocale = "de-DE"\n'))
    assert (found.partner_center.locale, found.partner_center.cloud, found.auth.tenant_id) == ("de-DE", "global", None)
    assert load_settings().model_dump() == Settings().model_dump()


def test_an_option_comes_before_the_environment_before_the_file_before_the_default(file, monkeypatch):
    path = file('[partner_center]\nlocale = "de-DE"\nconcurrency = 2\ntimeout_seconds = 3\n')
    monkeypatch.setenv("PC_MCP_PARTNER_CENTER__LOCALE", "fr-FR")
    monkeypatch.setenv("PC_MCP_PARTNER_CENTER__CONCURRENCY", "4")
    found = load_settings(path, {"partner_center": {"locale": "pt-PT"}}).partner_center
    assert (found.locale, found.concurrency, found.timeout_seconds, found.cloud) == ("pt-PT", 4, 3, "global")


def test_the_file_that_the_environment_names_is_read(file, monkeypatch):
    monkeypatch.setenv("PC_MCP_CONFIG", str(file("[answers]\nmax_chars = 7000\n")))
    assert load_settings().answers.max_chars == 7000


def test_the_usual_file_is_read_where_none_is_named(file, usual_folder, monkeypatch):
    file("[answers]\nmax_chars = 7001\n", usual_folder / "config.toml")
    assert load_settings().answers.max_chars == 7001
    monkeypatch.setenv("PC_MCP_CONFIG", str(file("[answers]\nmax_chars = 7002\n")))
    assert load_settings().answers.max_chars == 7002


def test_a_named_file_comes_before_the_one_of_the_environment(file, tmp_path, monkeypatch):
    monkeypatch.setenv("PC_MCP_CONFIG", str(tmp_path / "missing.toml"))
    assert load_settings(file("[answers]\nmax_chars = 7003\n")).answers.max_chars == 7003


def test_a_variable_may_be_written_in_lower_case(monkeypatch):
    monkeypatch.setenv("pc_mcp_answers__max_chars", "7004")
    assert load_settings().answers.max_chars == 7004


def test_a_file_with_a_byte_order_mark_is_read(file):
    assert load_settings(file(b"\xef\xbb\xbf[answers]\nmax_chars = 7005\n")).answers.max_chars == 7005


def test_the_example_file_shows_every_setting_with_its_default():
    path = ROOT / "config.example.toml"
    assert load_settings(path).model_dump() == Settings().model_dump()
    shown = tomllib.loads(path.read_text(encoding="utf-8"))
    text = path.read_text(encoding="utf-8")
    for section, model in sections().items():
        for name, field in model.model_fields.items():
            if field.default is None:
                assert f"\n# {name} = " in text
            else:
                assert shown[section][name] == field.default


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "[answers]\nmax_char = 7000",
            "There is no setting answers.max_char. Did you mean answers.max_chars?",
        ),
        ("[answer]\nmax_chars = 7000", "There is no setting answer. Did you mean answers?"),
        ('locale = "en-US"', "There is no setting locale. Did you mean partner_center.locale?"),
        ("[zzz]\nx = 1", "There is no setting zzz. The sections are: partner_center, auth, "),
        ("[http]\nzzz = 1", "There is no setting http.zzz. Those of [http] are: "),
        ('acces_token = "x"', "There is no setting acces_token. Did you mean auth.access_token?"),
        ("answers = 5", "answers is a section, not a setting: it is written [answers]."),
        ('[answers]\nmax_chars = "many"', "answers.max_chars is wrong: Input should be a valid integer"),
        ("[answers]\nmax_chars = 5", "Input should be greater than or equal to 6000"),
        ("[answers]\nsnapshot_minutes = 0", "answers.snapshot_minutes is wrong: must be 1 or more, for the next page"),
        ("[answers]\nsnapshot_minutes = 0.9", "to have everything read again, ask with refresh"),
        ("[answers]\ntime_budget_seconds = nan", "answers.time_budget_seconds is wrong"),
        (
            "[answers]\nreveal_product_keys = 7",
            "answers.reveal_product_keys is wrong: Input should be a valid b",
        ),
        ('[logging]\nlevel = "loud"', "Input should be 'debug', 'info', 'warning' or 'error'"),
        ('[partner_center]\ncloud = "mars"', "Input should be 'global', 'us_government' or 'china'"),
        ('[partner_center]\nlocale = "en US"', "partner_center.locale is wrong"),
        ("[partner_center]\nconcurrency = 0", "partner_center.concurrency is wrong"),
        ('[auth]\nmode = "password"', "auth.mode is wrong: Input should be 'delegated', 'app' or 'token'"),
        ('[auth]\nflow = "carrier pigeon"', "Input should be 'auto', 'browser' or 'device_code'"),
        ('[auth]\ntoken_store = "cloud"', "Input should be 'auto', 'keyring', 'file' or 'memory'"),
        ('[auth]\ntenant_id = "a/b"', "auth.tenant_id is wrong"),
        ('[auth]\ntenant_id = ""', "auth.tenant_id is wrong"),
        ('[auth]\nclient_id = "../x"', "auth.client_id is wrong"),
        (f'[auth]\nclient_id = "{"a" * 65}"', "auth.client_id is wrong"),
        ('[auth]\naccount = ""', "auth.account is wrong"),
        ("[auth]\ncertificate_path = 7", "auth.certificate_path is wrong"),
        ('[auth]\nclient_secre = "x"', "Did you mean auth.client_secret?"),
        ("nonsense", "is no valid TOML: Expected '='"),
        ('[exports]\nfolder = "C:\\Users\\adele"', "single quotes there, such as 'C:\\exports'."),
        (f"x = {'[' * 20000}", "is no valid TOML: a value is too long or too deep"),
        (f"x = {'9' * 5000}", "is no valid TOML: a value is too long or too deep"),
        (b"\xff\xfe[\x00a\x00", "is not UTF-8 text"),
        ("#" * 1_000_001, "is far too large to be one"),
        ("[auth]\n[Auth]", "says auth twice, in upper and in lower case"),
        ("[auth]\nclient_id = 'a'\nClient_ID = 'b'", "says auth.client_id twice, in upper and in lower case"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_the_file_and_what_would_be_right(file, text, words):
    path = file(text)
    message = refused(path)
    assert words in message
    assert str(path) in message


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://api.partnercenter.microsoft.com", "must begin with https://"),
        ("http://127.0.0.1.example.com", "must begin with https://"),
        ("ftp://127.0.0.1", "must be a URL such as https://api.partnercenter.microsoft.com"),
        ("api.partnercenter.microsoft.com", "must be a URL such as"),
        (f"https://user:{SECRET}@example.com", "must have no user name, password"),
        ("https://[::1", "is no valid URL"),
    ],
)
def test_a_base_url_that_is_not_safe_is_refused(file, url, words):
    message = refused(file(f'[partner_center]\nbase_url = "{url}"'))
    assert words in message
    assert SECRET not in message


@pytest.mark.parametrize(
    "url", ["https://example.com", "http://127.0.0.1:8710/v1", "http://localhost:1/", "http://[::1]:2"]
)
def test_https_and_loopback_are_taken_without_the_version(file, url):
    settings = load_settings(file(f'[partner_center]\nbase_url = "{url}"'))
    assert settings.partner_center.api_root == url.removesuffix("/").removesuffix("/v1")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://login.example.com", "must begin with https://"),
        ("http://127.0.0.1:8443", "must begin with https://"),
        ("https://login.example.com/some-tenant", "must have no path; auth.tenant_id says which tenant"),
        (f"https://user:{SECRET}@login.example.com", "must have no user name, password"),
        ("https://login.example.com?x=1", "must have no user name, password, query"),
        ("login.example.com", "must be a URL such as"),
        ("https://[::1", "is no valid URL"),
    ],
)
def test_an_authority_that_is_not_safe_is_refused(file, url, words):
    message = refused(file(f'[auth]\nauthority = "{url}"'))
    assert "auth.authority is wrong" in message
    assert words in message
    assert SECRET not in message


@pytest.mark.parametrize("url", ["https://login.example.com", "https://localhost:8443/", "https://[::1]:2"])
def test_an_authority_is_taken_without_its_slash(file, url):
    assert load_settings(file(f'[auth]\nauthority = "{url}"')).auth.authority == url.rstrip("/")


@pytest.mark.parametrize("mode", [None, "delegated", "app"])
def test_an_access_token_that_would_not_be_used_is_refused(monkeypatch, mode):
    monkeypatch.setenv("PC_MCP_AUTH__ACCESS_TOKEN", SECRET)
    if mode:
        monkeypatch.setenv("PC_MCP_AUTH__MODE", mode)
    words = 'auth is wrong: access_token is given but not used: set auth.mode = "token", or remove it.'
    assert words in refused()


@pytest.mark.parametrize("tenant", ["47021739-3426-40bf-9601-61b4b6d7c793", "partner.onmicrosoft.com"])
def test_a_tenant_is_an_id_or_a_domain(file, tenant):
    assert load_settings(file(f'[auth]\ntenant_id = "{tenant}"')).auth.tenant_id == tenant


def test_a_variable_that_is_like_no_setting_is_refused_with_how_they_are_called(monkeypatch):
    monkeypatch.setenv("PC_MCP_ZZZ", SECRET)
    assert refused().endswith("PC_MCP_ZZZ names no setting. Such a variable is called like PC_MCP_AUTH__CLIENT_ID.")


def test_every_fault_of_a_file_has_a_line(file):
    message = refused(file("[answers]\nmax_chars = 1\nmax_char = 1\n"))
    assert len(message.splitlines()) == 2


@pytest.mark.parametrize(
    ("variable", "nearest"),
    [
        ("PC_MCP_AUTH__ACCES_TOKEN", "PC_MCP_AUTH__ACCESS_TOKEN"),
        ("PC_MCP_AUTH__ACCESS_TOKEN__X", "PC_MCP_AUTH__ACCESS_TOKEN"),
        ("PC_MCP_CONFG", "PC_MCP_CONFIG"),
        ("pc_mcp_loging__level", "PC_MCP_LOGGING__LEVEL"),
    ],
)
def test_a_variable_that_names_no_setting_is_refused_with_the_nearest(monkeypatch, variable, nearest):
    monkeypatch.setenv(variable, SECRET)
    message = refused()
    assert message.endswith(f"{variable} names no setting. Did you mean {nearest}?")
    assert SECRET not in message


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        (f'[auth]\naccess_token = ["{SECRET}"]', {}),
        (f'[auth]\naccess_toke = "{SECRET}"', {}),
        (f'[auth]\nmode = "{SECRET}"', {}),
        (f'[auth]\naccess_token = "{SECRET}\\q"', {}),
        (f'auth = "{SECRET}"', {}),
        ("", {"PC_MCP_AUTH": SECRET}),
        ("", {"PC_MCP_AUTH": f'"{SECRET}"'}),
        ("", {"PC_MCP_AUTH": f'{{"access_token": ["{SECRET}"]}}'}),
        ("", {"PC_MCP_AUTH__MODE": SECRET}),
        ("", {"PC_MCP_AUTH__CLIENT_ID": f"{SECRET} x"}),
        ("", {"PC_MCP_AUTH__TENANT_ID": f"{SECRET} x"}),
        ("", {"PC_MCP_AUTH__ACCESS_TOKEN": SECRET}),
        ("", {"PC_MCP_AUTH__AUTHORITY": f"http://{SECRET}"}),
    ],
)
def test_an_error_never_tells_the_value(file, monkeypatch, text, variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert SECRET not in refused(file(text))


def test_a_section_that_is_no_json_is_refused_by_its_name(monkeypatch):
    monkeypatch.setenv("PC_MCP_AUTH", "x")
    assert "environment variable PC_MCP_AUTH is no JSON object" in refused()


def test_a_token_is_read_from_the_environment_and_never_shown(monkeypatch):
    monkeypatch.setenv("PC_MCP_AUTH__MODE", "token")
    monkeypatch.setenv("PC_MCP_AUTH__ACCESS_TOKEN", SECRET)
    settings = load_settings()
    assert settings.auth.access_token is not None
    assert settings.auth.access_token.get_secret_value() == SECRET
    for shown in (repr(settings), str(settings), repr(settings.auth), settings.model_dump_json()):
        assert SECRET not in shown


def test_secrets_of_an_application_are_never_shown(monkeypatch):
    monkeypatch.setenv("PC_MCP_AUTH__CLIENT_SECRET", SECRET)
    monkeypatch.setenv("PC_MCP_AUTH__CERTIFICATE_PASSWORD", SECRET)
    settings = load_settings()
    assert settings.auth.client_secret is not None
    assert settings.auth.client_secret.get_secret_value() == SECRET
    for shown in (repr(settings), str(settings), repr(settings.auth), settings.model_dump_json()):
        assert SECRET not in shown


def test_settings_cannot_be_changed_afterwards():
    with pytest.raises(ValidationError, match="frozen"):
        load_settings().answers.max_chars = 9000  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "reason"),
    [("missing.toml", "No such file"), (".", "Is a directory"), ("n" * 5000, "File name too long")],
)
@pytest.mark.parametrize("by", ["option", "environment"])
def test_a_named_file_that_cannot_be_read_is_refused(tmp_path, monkeypatch, name, reason, by):
    monkeypatch.setenv("PC_MCP_CONFIG", str(tmp_path / name))
    assert reason in refused(tmp_path / name if by == "option" else None)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such pipes")
def test_a_configuration_file_is_no_pipe_that_nobody_may_ever_write_to(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert "is a pipe. Name a file." in refused(tmp_path / "pipe")


@pytest.mark.parametrize("section", ["prompts", "exports"])
def test_a_folder_is_looked_at_when_it_is_used(file, tmp_path, section):
    """One on a network comes and goes, which is none of the business of `logout`."""
    for name in ("missing", "some.toml", "some.toml/in-a-file", "n" * 5000):
        settings = load_settings(file(f'[{section}]\nfolder = "{tmp_path}/{name}"'))
        assert getattr(settings, section).folder == tmp_path / name
    message = refused(file(f'[{section}]\nfolder = "{tmp_path}/null\\u0000"'))
    assert f"The setting {section}.folder is wrong: has a character that no path can have" in message


def test_a_usual_file_that_cannot_be_read_is_not_passed_over(usual_folder):
    (usual_folder / "config.toml").mkdir()
    assert "cannot be read" in refused()


@pytest.mark.parametrize(
    ("arguments", "variables", "words"),
    [
        (["--config", "missing.toml"], {}, "The configuration file missing.toml cannot be read"),
        ([], {"PC_MCP_CONFIG": "missing.toml"}, "The configuration file missing.toml cannot be read"),
        ([], {"PC_MCP_AUTH__ACCES_TOKEN": SECRET}, "Did you mean PC_MCP_AUTH__ACCESS_TOKEN?"),
        ([], {"PC_MCP_ANSWERS__MAX_CHARS": SECRET}, "The setting answers.max_chars is wrong"),
    ],
)
def test_wrong_settings_end_a_command_with_2_and_one_line(monkeypatch, capsys, arguments, variables, words):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main(["serve", *arguments]) == 2
    shown = capsys.readouterr()
    assert_one_line(shown.out, shown.err, words)


@pytest.mark.slow
def test_wrong_settings_end_the_process_with_2_and_one_line(tmp_path):
    ended = run("serve", env=environment(tmp_path, PC_MCP_ANSWERS__MAX_CHARS=SECRET))
    assert ended.returncode == 2
    assert_one_line(ended.stdout, ended.stderr, "The setting answers.max_chars is wrong")


def assert_one_line(out: str, err: str, words: str) -> None:
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("pc-mcp: ")
    assert words in line
    assert SECRET not in line


@pytest.mark.parametrize("text", ["[Partner_Center]\nLocale = 'fr-FR'", "PARTNER_CENTER.locale = 'fr-FR'"])
def test_sections_and_settings_may_be_written_in_any_case(file, text):
    assert load_settings(file(text)).partner_center.locale == "fr-FR"


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is no file without an end")
def test_a_file_without_an_end_is_refused():
    assert "is far too large to be one" in refused(Path("/dev/zero"))
