"""Reads the settings: command-line option, environment, configuration file, default, in this order."""

import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsError

from pc_mcp.runtime.failures import Failure
from pc_mcp.runtime.nearest_name import did_you_mean
from pc_mcp.runtime.places import Places
from pc_mcp.runtime.text import visible
from pc_mcp.runtime.variables import ENV_PREFIX
from pc_mcp.settings.sections import Settings, sections, setting_names

ENV_CONFIG = f"{ENV_PREFIX}CONFIG"
CONFIG_FILE_NAME = "config.toml"
MOST_CHARACTERS = 1_000_000
_MOST_SHOWN = 120  # characters of a name that is none


class ConfigurationError(Failure):
    """The configuration cannot be used; the text says which setting, why, and what would be right."""

    exit_status = 2


def load_settings(config: Path | None = None, options: Mapping[str, Any] | None = None) -> Settings:
    """The settings of this process.

    config: `--config`; without it the file that PC_MCP_CONFIG names, else the one in the platform's
    user configuration folder, if it exists. options: what the command line sets, by section.
    Raises `ConfigurationError`.
    """
    path = config_file(config)
    return _merged(_read(path) if path else {}, path, options or {})


def settings_of(text: str, path: Path) -> Settings:
    """The settings if `path` were the configuration file, said `text`, and came before the environment.

    So every fault of the text is found. Raises `ConfigurationError`.
    """
    return _merged({}, path, _parsed(text, path))


def _merged(from_file: dict[str, Any], path: Path | None, options: Mapping[str, Any]) -> Settings:
    class Configured(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, InitSettingsSource(settings_cls, from_file)

    _refuse_unknown_variables(os.environ)
    try:
        return Configured(**dict(options))
    except ValidationError as error:
        raise ConfigurationError(_explained(error, path)) from None
    except SettingsError:
        whole = {f"{ENV_PREFIX}{section}".upper() for section in sections()}
        names = ", ".join(sorted(name for name in os.environ if name.upper() in whole))
        raise ConfigurationError(
            f"The value of the environment variable {names} is no JSON object. Set single settings instead, "
            f"such as {ENV_PREFIX}PARTNER_CENTER__LOCALE=en-US."
        ) from None


def variables_set(environment: Mapping[str, str]) -> list[str]:
    """The names of the variables that set something, in order; an empty one sets nothing."""
    names = (name for name, value in environment.items() if value and name.upper().startswith(ENV_PREFIX))
    return sorted(name for name in names if name.upper() != ENV_CONFIG)


def usual_config_file() -> Path:
    """The file in the user's configuration folder, whether or not it is there."""
    return Places().configuration(CONFIG_FILE_NAME)


def config_file(config: Path | None) -> Path | None:
    """The file to read: one that was asked for must be there, the usual one need not."""
    if config:
        return config
    if named := os.environ.get(ENV_CONFIG):
        return Path(named)
    usual = usual_config_file()
    return usual if os.path.lexists(usual) else None


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.is_fifo():  # reading would wait for somebody who writes, for as long as it takes
            raise ConfigurationError(f"The configuration file {path} is a pipe. Name a file.")
        # Windows' Notepad may begin UTF-8 text with a byte-order mark, which is no TOML.
        with path.open(encoding="utf-8-sig") as file:
            text = file.read(MOST_CHARACTERS + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigurationError(f"The configuration file {path} cannot be read: {reason}.") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"The configuration file {path} is not UTF-8 text.") from None
    except ValueError:  # NUL, or half a character
        raise ConfigurationError("The path of the configuration file has a character that no path can have.") from None
    if len(text) > MOST_CHARACTERS:
        raise ConfigurationError(f"The configuration file {path} is far too large to be one.")
    return _parsed(text, path)


def _parsed(text: str, path: Path) -> dict[str, Any]:
    try:
        return _in_lower_case(tomllib.loads(text), path)
    except tomllib.TOMLDecodeError as error:
        hint = " Paths of Windows stand in single quotes there, such as 'C:\\exports'." if "\\" in text else ""
        raise ConfigurationError(f"The configuration file {path} is no valid TOML: {error}.{hint}") from None
    except (ValueError, RecursionError):
        raise ConfigurationError(
            f"The configuration file {path} is no valid TOML: a value is too long or too deep."
        ) from None


def _in_lower_case(root: dict[str, Any], path: Path, within: str = "") -> dict[str, Any]:
    """Sections and settings by their own names: `[Auth]` and `Client_ID` are meant as `[auth]` and `client_id`.

    Raises `ConfigurationError` where a name is there twice so.
    """
    found: dict[str, Any] = {}
    for name, value in root.items():
        plain = name.lower()
        if plain in found:
            shown = visible(within + plain)[:_MOST_SHOWN]
            raise ConfigurationError(
                f"The configuration file {path} says {shown} twice, in upper and in lower case. Keep one."
            )
        found[plain] = _in_lower_case(value, path, f"{plain}.") if isinstance(value, dict) and not within else value
    return found


def _refuse_unknown_variables(environment: Iterable[str]) -> None:
    known = {f"{ENV_PREFIX}{s}__{n}".upper() for s, names in setting_names().items() for n in names}
    known |= {ENV_CONFIG, *(f"{ENV_PREFIX}{section}".upper() for section in sections())}
    for variable in sorted(environment):
        if variable.upper().startswith(ENV_PREFIX) and variable.upper() not in known:
            names = [name.removeprefix(ENV_PREFIX) for name in sorted(known)]
            hint = did_you_mean(variable[len(ENV_PREFIX) :], names, lambda name: f"{ENV_PREFIX}{name}")
            raise ConfigurationError(
                f"The environment variable {visible(variable)[:_MOST_SHOWN]} names no setting."
                + (hint or f" Such a variable is called like {ENV_PREFIX}AUTH__CLIENT_ID.")
            )


def _explained(error: ValidationError, path: Path | None) -> str:
    """What is wrong, without the values: they may be secret."""
    where = f" (configuration file {path} or environment)" if path else ""
    lines = []
    for fault in error.errors(include_url=False, include_input=False, include_context=False):
        name = visible(".".join(map(str, fault["loc"])))[:_MOST_SHOWN]
        if fault["type"] == "extra_forbidden":
            lines.append(f"There is no setting {name}.{_instead(fault['loc'])}")
        elif fault["type"] == "model_type":
            lines.append(f"{name} is a section, not a setting: it is written [{name}].")
        else:
            lines.append(f"The setting {name} is wrong: {fault['msg'].removeprefix('Value error, ')}.")
    return "\n".join(lines) + where


def _instead(location: tuple[int | str, ...]) -> str:
    """The setting or section that is meant by a name that is none, or those that there are."""
    section, *name = map(str, location)
    names = setting_names()
    if section in names and name:
        hint = did_you_mean(name[0], names[section], lambda near: f"{section}.{near}")
        return hint or f" Those of [{section}] are: {', '.join(names[section])}."
    # A setting may stand there without its section, or with it.
    bare = {n: f"{s}.{n}" for s, ns in names.items() for n in ns}
    whole = {full: full for full in [*names, *bare.values()]}
    known = bare if section in bare else bare | whole
    return did_you_mean(section, known, known.__getitem__) or f" The sections are: {', '.join(names)}."
