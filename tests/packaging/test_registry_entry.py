"""`server.json`, the entry for the MCP registry: it fits the published schema and agrees with the rest."""

import json
import re
from pathlib import Path

import jsonschema
import pytest

from pc_mcp import __version__
from pc_mcp.runtime.clouds import Cloud
from pc_mcp.settings import setting_names
from tests.documentation import ENV, ROOT

pytestmark = pytest.mark.slow

SCHEMA = json.loads((Path(__file__).parent / "server.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def entry() -> dict:
    return json.loads((ROOT / "server.json").read_text(encoding="utf-8"))


def test_it_fits_the_published_schema(entry):
    jsonschema.validate(entry, SCHEMA, cls=jsonschema.Draft7Validator)
    assert entry["$schema"] == SCHEMA["$id"]


def test_the_schema_refuses_what_is_wrong(entry):
    with pytest.raises(jsonschema.ValidationError, match="too long"):
        jsonschema.validate(entry | {"description": "x" * 101}, SCHEMA, cls=jsonschema.Draft7Validator)


def test_its_versions_are_the_programs(entry):
    assert [entry["version"], *(package["version"] for package in entry["packages"])] == [__version__, __version__]


def test_the_package_and_the_image_name_the_entry_as_their_own(entry):
    """The registry looks for the name in the package's README and in the image's label."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"<!-- mcp-name: {entry['name']} -->" in readme
    label = f'LABEL io.modelcontextprotocol.server.name="{entry["name"]}"'
    assert label in (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_its_variables_are_settings(entry):
    variables = {variable["name"]: variable for variable in entry["packages"][0]["environmentVariables"]}
    known = {f"{ENV}{section}__{name}".upper() for section, names in setting_names().items() for name in names}
    assert set(variables) <= known
    assert variables["PC_MCP_PARTNER_CENTER__CLOUD"]["choices"] == [cloud.value for cloud in Cloud]
    assert not any(re.search("SECRET|TOKEN|PASSWORD", name) for name in variables)
