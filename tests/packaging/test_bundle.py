"""The desktop bundle: the official packer takes it, it says what the server has, and it starts as its manifest says."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp_types import TextContent

import node_tools
from bundle.fields import CLIENT_ID, CLOUD, EXPORTS, SANDBOX, TENANT_ID, WHERE, filled
from pc_mcp.protocol.server import build_server
from pc_mcp.settings import Settings
from tests.commands.processes import environment
from tests.docs.documents import links

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent.parent
UV_CACHE = ROOT / ".cache" / "uv"
FOLDERS = ("pc_mcp", "prompts")
FILES = {
    *("LICENSE", "README.md", "icon.png", "manifest.json", "pyproject.toml", "requirements.txt", "start.py"),
    *("bundle/__init__.py", "bundle/fields.py", "bundle/serve.py"),
}
OTHER_VERSION = "99.0.0"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Path:
    """The bundle, unpacked by the official tool, which also packed it; made by somebody who uses pc-mcp."""
    folder, own = tmp_path_factory.mktemp("bundle"), tmp_path_factory.mktemp("own")
    (own / "own.md").write_text('+++\nname = "own"\ntitle = "Own"\ndescription = "Own."\n+++\nDo this.\n')
    env = environment(own, PC_MCP_PROMPTS__FOLDER=str(own), PC_MCP_EXPORTS__FOLDER=str(own))
    packed, unpacked = folder / "pc-mcp.mcpb", folder / "unpacked"
    command = [sys.executable, "-m", "bundle", packed]
    made = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("pc-mcp.mcpb: version ")
    done = node_tools.run(node_tools.MCPB, "unpack", str(packed), str(unpacked), timeout=30)
    assert done.returncode == 0, done.stderr
    return unpacked


@pytest.fixture(scope="module")
def installed(bundle, manifest, tmp_path_factory) -> Path:
    """The bundle where an application has put it and started it; its version shows that its code answers."""
    folder = shutil.copytree(bundle, tmp_path_factory.mktemp("installed") / "pc mcp")
    (folder / "pc_mcp" / "__init__.py").write_text(f'__version__ = "{OTHER_VERSION}"\n', encoding="utf-8")
    command, env = started_by_host(folder, manifest, tmp_path_factory.mktemp("home"))
    done = subprocess.run(command, env=env, input="", capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def hostile(tmp_path) -> Path:
    """A folder with modules of names that a program imports; each says so if it is run."""
    (folder := tmp_path / "hostile").mkdir()
    for name in ("argparse", "json", "mcp", "pc_mcp", "bundle", "anyio", "sitecustomize"):
        (folder / f"{name}.py").write_text(f"open({str(folder / 'imported')!r}, 'w')\n")
    return folder


@pytest.fixture(scope="module")
def manifest(bundle) -> dict:
    return json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))


def started_by_host(bundle: Path, manifest: dict, home: Path, **fields: str) -> tuple[list[str], dict[str, str]]:
    """Command and environment as a desktop application makes them from the manifest and what was typed in."""
    config = manifest["server"]["mcp_config"]
    arguments = [argument.replace("${__dirname}", str(bundle)) for argument in config["args"]]
    variables = dict(config["env"])
    for name, value in fields.items():
        variables = {key: text.replace(f"${{user_config.{name}}}", value) for key, text in variables.items()}
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    uv = {"UV_CACHE_DIR": str(UV_CACHE), "UV_PYTHON": sys.executable, "UV_PYTHON_DOWNLOADS": "never"}
    env = environment(home, **variables) | uv | {"PATH": programs}
    env.pop("PYTHONPATH", None)
    return [config["command"], *arguments], env


def test_it_holds_the_program_and_its_prompts_and_nothing_else(bundle):
    found = {path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()}
    sources = {
        path.relative_to(ROOT).as_posix()
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert found == sources | FILES


def test_its_readme_leads_to_nothing_that_it_lacks_and_calls_its_fields_by_their_names(bundle):
    assert links(bundle / "README.md") == []
    text = (bundle / "README.md").read_text(encoding="utf-8")
    assert {field.title for field in (EXPORTS, SANDBOX)} <= set(re.findall(r"\*([A-Z][^*]+)\*", text))
    assert WHERE in text


async def test_its_tools_and_prompts_are_the_servers(manifest):
    async with Client(build_server(Settings())) as client:
        tools = {tool.name: tool.description for tool in (await client.list_tools()).tools}
        prompts = {prompt.name: prompt for prompt in (await client.list_prompts()).prompts}
    assert {tool["name"]: tool["description"] for tool in manifest["tools"]} == tools
    assert [prompt["name"] for prompt in manifest["prompts"]] == list(prompts)
    for prompt in manifest["prompts"]:
        arguments = [argument.name for argument in prompts[prompt["name"]].arguments or []]
        assert prompt["arguments"] == arguments
        assert all(f"${{arguments.{name}}}" in prompt["text"] for name in arguments)


def test_the_settings_of_whoever_makes_it_are_not_in_it(manifest):
    assert "export_devices" not in {tool["name"] for tool in manifest["tools"]}
    assert "own" not in {prompt["name"] for prompt in manifest["prompts"]}


def test_it_has_an_icon_of_the_size_that_the_application_shows(bundle, manifest):
    """A PNG says its width and height in its first chunk (PNG specification, 11.2.2)."""
    icon = (bundle / manifest["icon"]).read_bytes()
    assert icon.startswith(b"\x89PNG\r\n\x1a\n")
    assert (int.from_bytes(icon[16:20], "big"), int.from_bytes(icon[20:24], "big")) == (512, 512)
    assert len(icon) < 20_000


def test_it_brings_the_lock_and_has_nothing_else_installed(bundle):
    assert (bundle / "requirements.txt").read_bytes() == (ROOT / "requirements.txt").read_bytes()
    project = tomllib.loads((bundle / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["dependencies"] == []


def test_what_a_person_fills_in_is_optional_and_no_secret(manifest):
    fields = manifest["user_config"]
    assert list(fields) == ["client_id", "tenant_id", "cloud", "exports_folder", "sandbox"]
    assert not any(field.get("sensitive") or field["required"] for field in fields.values())
    assert (fields["sandbox"]["type"], fields["exports_folder"]["type"]) == ("boolean", "directory")


async def first_answer(server: StdioServerParameters) -> str:
    """What the server answers first, after it was seen to be the bundle's code with all of its tools."""
    async with Client(server, read_timeout_seconds=120) as client:
        assert client.server_info.version == OTHER_VERSION
        answer = await client.call_tool("find_customers", {"query": "contoso"})
    assert isinstance(answer.content[0], TextContent)
    return answer.content[0].text


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param(
            {"tenant_id": "", "client_id": "", "cloud": "", "exports_folder": "", "sandbox": "false"},
            ["- Client id is empty."],
            id="fields-empty",
        ),
        pytest.param({}, ["- Client id is empty."], id="placeholders-left-as-they-are"),
        pytest.param(
            {"client_id": " ", "tenant_id": "contoso", "cloud": "Mars", "exports_folder": "nowhere/at/all"},
            ['- Tenant id: "contoso" is no id', '- Microsoft cloud: "Mars" is none of', "- Folder for exports: "],
            id="fields-wrong",
        ),
        pytest.param(
            {"client_id": "\u201c{47021739-A1B2-4C3D-8E4F-5A6B7C8D9E0F} ", "cloud": "Mars", "sandbox": "true"},
            ["3 of 27 customers match"],
            id="simulated-customers",
        ),
    ],
)
async def test_it_starts_with_whatever_is_in_the_fields_and_says_what_is_wrong(
    installed, manifest, tmp_path, hostile, fields, expected
):
    (command, *arguments), env = started_by_host(installed, manifest, tmp_path, **fields)
    env |= {"PYTHONPATH": str(hostile), "UV_OFFLINE": "1"}  # what it needs was installed at the first start
    answer = await first_answer(StdioServerParameters(command=command, args=arguments, env=env, cwd=hostile))
    assert all(words in answer for words in expected), answer
    assert ("Settings, Extensions" in answer) == ("customers match" not in answer)
    assert not (hostile / "imported").exists()


async def test_a_folder_for_exports_adds_a_tool(installed, manifest, tmp_path):
    (command, *arguments), env = started_by_host(
        installed, manifest, tmp_path, exports_folder=str(tmp_path), sandbox="true"
    )
    # An application may start a project for uv in its own way, without the manifest's words.
    arguments = [argument for argument in arguments if argument not in {"python", "-I"}]
    server = StdioServerParameters(command=command, args=arguments, env=env, cwd=tmp_path)
    async with Client(server, read_timeout_seconds=120) as client:
        answer = await client.call_tool("export_devices", {"customer": "Contoso Ltd", "batch": "FINANCE laptops"})
        assert "customers are simulated" in client.instructions
    assert "311 devices of" in str(answer.content)
    assert len(list(tmp_path.glob("devices-*.csv"))) == 1


GUID = "47021739-a1b2-4c3d-8e4f-5a6b7c8d9e0f"


@pytest.mark.parametrize(
    ("field", "typed", "meant"),
    [
        (CLIENT_ID, f"{{{GUID.upper()}}}", GUID),
        (CLIENT_ID, GUID.replace("-", ""), GUID),
        (CLIENT_ID, f"\u00a0'{GUID}'\u200b\n", GUID),
        (CLIENT_ID, f"Application (client) ID: {GUID}", GUID),
        (CLIENT_ID, f"https://entra.microsoft.com/#view/Overview/appId/{GUID}/isMSAApp~/false", GUID),
        (TENANT_ID, f"https://login.microsoftonline.com/{GUID}/v2.0", GUID),
        (TENANT_ID, "Contoso.onmicrosoft.com ", "Contoso.onmicrosoft.com"),
        (CLOUD, "Global", "global"),
        (CLOUD, "US-Government", "us_government"),
        *(
            (field, typed, None)
            for field in (CLIENT_ID, TENANT_ID, CLOUD)
            for typed in ("", " ", '""', "${user_config.x}", "null")
        ),
    ],
)
def test_a_field_is_taken_as_it_is_meant(field, typed, meant):
    found = filled({field.variable: typed})
    assert found.values.get(field.variable) == meant
    assert found.faults == ()


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({CLIENT_ID: GUID[:-1]}, "Client id"),
        ({CLIENT_ID: "contoso.com"}, "Client id"),
        ({CLIENT_ID: "00000000-0000-0000-0000-000000000000"}, "Client id"),
        ({CLIENT_ID: f"{GUID} {GUID.replace('4702', '4703')}"}, "Client id"),
        ({TENANT_ID: "Contoso Ltd"}, "Tenant id"),
        ({CLIENT_ID: GUID, TENANT_ID: GUID.upper()}, "Client id and Tenant id are the same"),
        ({CLOUD: "earth"}, "Microsoft cloud"),
        ({EXPORTS: "Documents"}, "Folder for exports"),
        ({EXPORTS: "x" * 100_000}, "Folder for exports"),
    ],
)
def test_a_field_that_cannot_be_right_is_named(fields, named):
    (fault,) = filled({field.variable: typed for field, typed in fields.items()}).faults
    assert fault.startswith(named)
    assert len(fault) < 1000


@pytest.mark.parametrize(
    "broken",
    [pytest.param("[auth", id="no-toml"), pytest.param('[auth]\nclient_ip = "x"', id="no-setting")],
)
async def test_a_faulty_configuration_file_is_the_answer_too(installed, manifest, tmp_path, broken):
    (command, *arguments), env = started_by_host(installed, manifest, tmp_path)
    (tmp_path / "config.toml").write_text(broken)
    env["PC_MCP_CONFIG"] = str(tmp_path / "config.toml")
    answer = await first_answer(StdioServerParameters(command=command, args=arguments, env=env, cwd=tmp_path))
    assert str(tmp_path / "config.toml") in answer
    assert "Configure" not in answer  # it is in no field


def asked_once(command: Sequence[str], env: Mapping[str, str]) -> tuple[int, str, str]:
    """How a start ends that cannot serve: its status, the error in place of an answer, the log."""
    asked = json.dumps({"jsonrpc": "2.0", "id": 7, "method": "initialize", "params": {}})
    done = subprocess.run(
        command, env=env, input=f"\n{asked}\n", capture_output=True, text=True, timeout=120, check=False
    )
    answer = json.loads(done.stdout) if done.stdout else {"id": 7, "error": {"message": ""}}
    assert answer["id"] == 7
    return done.returncode, answer["error"]["message"], done.stderr


@pytest.fixture
def new(bundle, tmp_path) -> Path:
    """The bundle before its first start."""
    return shutil.copytree(bundle, tmp_path / "new")


def made(bundle: Path) -> set[str]:
    """The folders that starts have made in the bundle for what is installed."""
    return {path.name[:4] for path in bundle.iterdir() if path.name.startswith(("lib-", ".unfinished-"))}


@pytest.mark.timeout(240)
def test_a_first_start_without_a_network_says_so_and_the_next_one_recovers(new, manifest, tmp_path):
    command, env = started_by_host(new, manifest, tmp_path)
    status, answer, log = asked_once(command, env | {"UV_OFFLINE": "1", "UV_CACHE_DIR": str(tmp_path / "cache")})
    assert status == 1
    assert "could not be installed" in answer
    assert "HTTPS_PROXY" in answer
    assert answer in log
    assert made(new) <= {".unf"}
    for rest in new.glob(".unfinished-*"):
        os.utime(rest, (0, 0))
    done = subprocess.run(command, env=env, input="", capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    assert made(new) == {"lib-"}
    (folder,) = new.glob("lib-*")
    (folder / "anyio" / "__init__.py").unlink()
    status, answer, _ = asked_once(command, env)
    assert (status, made(new)) == (1, set())
    assert "will be installed again" in answer


def test_nothing_is_installed_that_differs_from_the_lock(new, manifest, tmp_path):
    lock = new / "requirements.txt"
    lock.write_text(re.sub(r"sha256:[0-9a-f]{64}", f"sha256:{'0' * 64}", lock.read_text()))
    command, env = started_by_host(new, manifest, tmp_path)
    status, answer, log = asked_once(command, env)
    assert (status, made(new) <= {".unf"}) == (1, True)
    assert "could not be installed" in answer
    assert "Hash mismatch" in log or "hash" in log.lower()


@pytest.mark.skipif(os.name == "nt", reason="the program that takes uv's place is a shell script")
def test_a_first_start_that_was_killed_leaves_nothing_that_is_taken_for_whole(new, tmp_path):
    uv = tmp_path / "uv"
    uv.write_text('#!/bin/sh\nwhile [ "$1" != --target ]; do shift; done\ntouch "$2/half"\nkill -9 $PPID\n')
    uv.chmod(0o755)
    env = environment(tmp_path, UV=str(uv))
    status, _, _ = asked_once([sys.executable, "-I", str(new / "start.py")], env)
    assert status < 0
    assert made(new) == {".unf"}
