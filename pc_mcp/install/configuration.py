"""The server's own configuration file: what an administrator hands out is written into its section `auth`."""

from collections.abc import Mapping

from pc_mcp.install import toml_text
from pc_mcp.install.entry import FileRefused
from pc_mcp.install.files import ClientFile
from pc_mcp.install.json_text import Malformed
from pc_mcp.settings import Settings, settings_of

_SECTION = "auth"


def with_ids(file: ClientFile, ids: Mapping[str, str]) -> tuple[str, Settings]:
    """The text of the configuration file with `ids`, settings of `auth`, and the settings that it then gives.

    Raises `ConfigurationError` for a file or an id that cannot be used, and `FileRefused` where it says another id.
    """
    settings = settings_of(file.text, file.path)
    root = toml_text.parse(file.text)
    there = root.get(_SECTION, {})
    for name, wanted in ids.items():
        if there.get(name, wanted).casefold() != wanted.casefold():
            raise FileRefused(
                f'{file.path} says {_SECTION}.{name} = "{there[name]}", not "{wanted}". Nothing was changed. If '
                "yours is the right one, correct it there, and try again."
            )
    missing = {name: value for name, value in ids.items() if name not in there}
    if not missing:
        return file.text, settings
    text = toml_text.put(file.text, [_SECTION], missing)
    try:
        found = toml_text.parse(text)
    except Malformed:
        found = {}
    if found != {**root, _SECTION: {**there, **missing}}:
        written = ", ".join(f'{name} = "{value}"' for name, value in missing.items())
        raise FileRefused(
            f"{file.path}: {_SECTION} is written in a way that cannot be changed safely. Nothing was changed. Add to "
            f"it by hand: {written}; then try again."
        )
    return text, settings_of(text, file.path)
