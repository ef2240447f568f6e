"""The server's own configuration file: what an administrator hands out is written into its section `auth`."""

from collections.abc import Mapping
from dataclasses import dataclass

from pc_mcp.commands.install import toml_text
from pc_mcp.commands.install.entry import FileRefused
from pc_mcp.commands.install.files import ClientFile
from pc_mcp.commands.install.json_text import Malformed
from pc_mcp.runtime.ids import ARE_ONE, id_fault, pasted_id
from pc_mcp.settings import ConfigurationError, Settings, settings_of

_SECTION = "auth"
_WHERE = "it stands in Entra, under App registrations > the application > Overview"


@dataclass(frozen=True, slots=True)
class WithIds:
    """The text of the configuration file with the ids, the settings that it then gives, and the ids that it had."""

    text: str
    settings: Settings
    replaced: Mapping[str, str]


def checked_ids(ids: Mapping[str, str]) -> dict[str, str]:
    """`ids`, settings of `auth`, as they are written. Raises `ConfigurationError` for what cannot be one."""
    found = {name: pasted_id(value) for name, value in ids.items()}
    for name, value in found.items():
        option = f"--{name.replace('_', '-')}"
        fault = id_fault(value, may_be_domain=name == "tenant_id")
        if fault:
            raise ConfigurationError(f"{option} {ids[name][:80]!r} {fault}. Nothing was changed; {_WHERE}.")
    if len({value.casefold() for value in found.values()}) < len(found):
        raise ConfigurationError(
            f"--client-id and --tenant-id {ARE_ONE}. Nothing was changed; the "
            f"first is the application's, the second your tenant's; {_WHERE}."
        )
    return found


def with_ids(file: ClientFile, ids: Mapping[str, str]) -> WithIds:
    """What the configuration file becomes with `ids`, which take the place of others.

    Raises `ConfigurationError` for a file or an id that cannot be used, and `FileRefused` where it is not safe.
    """
    settings = settings_of(file.text, file.path)
    root = toml_text.parse(file.text)
    section = next((name for name in root if name.casefold() == _SECTION), _SECTION)
    there = root.get(section, {})
    names = {name.casefold(): name for name in there}
    changes = {
        names.get(name, name): value
        for name, value in ids.items()
        if pasted_id(there.get(names.get(name, name), "")).casefold() != value.casefold()
    }
    replaced = {name.casefold(): there[name] for name in changes if name in there}
    if not changes:
        return WithIds(file.text, settings, replaced)
    text = toml_text.put(file.text, [section], changes)
    try:
        found = toml_text.parse(text)
    except Malformed:
        found = {}
    if found != {**root, section: {**there, **changes}}:
        written = ", ".join(f'{name} = "{value}"' for name, value in changes.items())
        raise FileRefused(
            f"{file.path}: {section} is written in a way that cannot be changed safely. Nothing was changed. Add to "
            f"it by hand: {written}; then try again."
        )
    return WithIds(text, settings_of(text, file.path), replaced)
