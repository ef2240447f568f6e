"""The desktop bundle: the official packer takes it, it says what the server has, and it starts as its manifest says."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

import node_tools
from pc_mcp.server import build_server
from pc_mcp.settings import Settings
from tests.commands.processes import environment

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent.parent
UV_CACHE = ROOT / ".cache" / "uv"
FOLDERS = ("pc_mcp", "prompts")
FILES = {"LICENSE", "README.md", "icon.png", "manifest.json", "pyproject.toml", "start.py"}
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
def installed(bundle, tmp_path_factory) -> Path:
    """The bundle where an application has put it; its version shows that it is its code which answers."""
    folder = shutil.copytree(bundle, tmp_path_factory.mktemp("installed") / "pc-mcp")
    (folder / "pc_mcp" / "__init__.py").write_text(f'__version__ = "{OTHER_VERSION}"\n', encoding="utf-8")
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


def test_uv_installs_the_versions_of_the_lock_file(bundle):
    project = (bundle / "pyproject.toml").read_text(encoding="utf-8")
    locked = [line for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines() if "==" in line]
    assert len(locked) > 20
    assert all(json.dumps(line.removesuffix("\\").strip()) in project for line in locked)


def test_what_a_person_types_in_is_no_secret(manifest):
    assert set(manifest["user_config"]) == {"tenant_id", "client_id", "cloud"}
    assert not any(field.get("sensitive") or field["required"] for field in manifest["user_config"].values())


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"tenant_id": "", "client_id": "", "cloud": ""}, id="fields-empty"),
        pytest.param({}, id="placeholders-left-as-they-are"),
        pytest.param({"tenant_id": "example.com", "client_id": "an-id", "cloud": "china"}, id="fields-filled-in"),
    ],
)
async def test_it_starts_as_its_manifest_says(installed, manifest, tmp_path, fields):
    (command, *arguments), env = started_by_host(installed, manifest, tmp_path, **fields)
    server = StdioServerParameters(command=command, args=arguments, env=env, cwd=tmp_path)
    async with Client(server, read_timeout_seconds=120) as client:
        assert client.server_info.version == OTHER_VERSION
        tools = [tool.name for tool in (await client.list_tools()).tools]
    assert tools == [tool["name"] for tool in manifest["tools"]]


@pytest.mark.timeout(180)
def test_what_is_typed_in_reaches_the_settings(installed, manifest, tmp_path):
    command, env = started_by_host(installed, manifest, tmp_path, tenant_id="", client_id="", cloud="mars")
    done = subprocess.run(
        command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "The setting partner_center.cloud is wrong" in done.stderr
