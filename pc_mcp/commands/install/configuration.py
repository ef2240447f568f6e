"""The server's own configuration file: what an administrator hands out is written into its section `auth`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pc_mcp.commands.install import toml_text
from pc_mcp.commands.install.entry import FileRefused
from pc_mcp.commands.install.files import ClientFile
from pc_mcp.commands.install.json_text import Malformed
from pc_mcp.settings import ConfigurationError, Settings, settings_of

_SECTION = "auth"
_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_DOMAIN = re.compile(
    r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])", re.IGNORECASE
)
_WHERE = "docs/sign-in.md says where it stands"
_EXAMPLE = "1b6f0ad9-3c8e-4b57-9a31-5d2f8c7e6041"


@dataclass(frozen=True, slots=True)
class WithIds:
    """The text of the configuration file with the ids, the settings that it then gives, and the ids that it had."""

    text: str
    settings: Settings
    replaced: Mapping[str, str]


def checked_ids(ids: Mapping[str, str]) -> dict[str, str]:
    """`ids`, settings of `auth`, as they are written. Raises `ConfigurationError` for what cannot be one."""
    found = {name: value.strip().strip("{}\"'") for name, value in ids.items()}
    for name, value in found.items():
        option = f"--{name.replace('_', '-')}"
        fault = id_fault(value, may_be_domain=name == "tenant_id")
        if fault:
            raise ConfigurationError(f"{option} {ids[name][:80]!r} {fault}. Nothing was changed; {_WHERE}.")
    if len({value.casefold() for value in found.values()}) < len(found):
        raise ConfigurationError(
            "--client-id and --tenant-id are the same, and only one of them can be right. Nothing was changed; the "
            f"first is the application's, the second your tenant's: {_WHERE}."
        )
    return found


def id_fault(value: str, *, may_be_domain: bool) -> str | None:
    """Why this is no id of an application, or, where it may be a domain, none of a tenant; as a phrase."""
    plain = value.replace("-", "").casefold()
    if _GUID.fullmatch(value):
        return "is an example, not yours" if len(set(plain)) == 1 or value.casefold() == _EXAMPLE else None
    if may_be_domain and "." in value:
        return None if _DOMAIN.fullmatch(value) else "is no domain, such as contoso.onmicrosoft.com"
    domain = " or a domain, such as contoso.onmicrosoft.com" if may_be_domain else ""
    if value and not plain.strip("0123456789abcdef"):
        what = f"has {len(plain)} digits; an id has 32" if len(plain) != 32 else "has its dashes in the wrong places"
        return f"{what}, such as {_EXAMPLE}{domain}"
    return f"is no id, which looks like {_EXAMPLE}{domain}"


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
        if there.get(names.get(name, name), "").casefold() != value.casefold()
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
