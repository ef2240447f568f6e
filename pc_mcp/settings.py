"""Settings: command-line option, environment, configuration file, default, in this order.

Every setting stands in `config.example.toml` with its default; `docs/settings.md` is generated
from the descriptions here.
"""

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from pc_mcp.partner_center import Cloud, checked_authority, checked_base_url
from pc_mcp.runtime.failures import Failure
from pc_mcp.runtime.ids import pasted_id
from pc_mcp.runtime.nearest_name import did_you_mean
from pc_mcp.runtime.places import Places
from pc_mcp.runtime.text import visible

ENV_PREFIX = "PC_MCP_"
ENV_CONFIG = "PC_MCP_CONFIG"
CONFIG_FILE_NAME = "config.toml"
MOST_CHARACTERS = 1_000_000
_MOST_SHOWN = 120  # characters of a name that is none


class ConfigurationError(Failure):
    """The configuration cannot be used; the text says which setting, why, and what would be right."""

    exit_status = 2


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class PartnerCenterSettings(_Section):
    """How Partner Center is reached."""

    cloud: Cloud = Field(Cloud.GLOBAL, description="Microsoft cloud: `global`, `us_government` or `china`.")
    base_url: Annotated[str, AfterValidator(checked_base_url)] | None = Field(
        None, description="Root of the REST API instead of the cloud's; https, but for loopback."
    )
    locale: str = Field(
        "en-US",
        pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
        description="The service's language, `X-Locale`.",
    )
    concurrency: int = Field(8, ge=1, le=32, description="Batches that are read at a time.")
    timeout_seconds: float = Field(30, ge=0.1, le=300, description="Longest wait for one answer of the service.")

    @property
    def api_root(self) -> str:
        """The root of the REST API that is used."""
        return self.base_url or self.cloud.base_url


def _pasted(value: object) -> object:
    return pasted_id(value) if isinstance(value, str) else value


class AuthSettings(_Section):
    """Who asks."""

    mode: Literal["delegated", "app", "token"] = Field(
        "delegated",
        description="`delegated`: a person's own account; `app`: the application itself, for scripts; `token`: "
        "`access_token` as it is.",
    )
    tenant_id: Annotated[str, BeforeValidator(_pasted)] | None = Field(
        None,
        pattern=r"^[A-Za-z0-9.-]{1,253}$",
        description="The partner's own tenant; else the one first signed in to.",
    )
    client_id: Annotated[str, BeforeValidator(_pasted)] | None = Field(
        None, pattern=r"^[A-Za-z0-9-]{1,64}$", description="The application registered in Entra (see sign-in.md)."
    )
    account: str | None = Field(
        None, min_length=1, description="User name that must be signed in, where there are several."
    )
    authority: Annotated[str, AfterValidator(checked_authority)] | None = Field(
        None, description="Root of the sign-in service instead of the cloud's; https."
    )
    flow: Literal["auto", "browser", "device_code"] = Field(
        "auto", description="How a person signs in; `auto`: in the browser where one can be opened, else with a code."
    )
    token_store: Literal["auto", "keyring", "file", "memory"] = Field(
        "auto",
        description="Where the sign-in is kept: `keyring` (encrypted file, key in the system's keyring), `file` (not "
        "encrypted), `memory`; `auto`: a `file` that is there, else `keyring`, else `memory`.",
    )
    access_token: SecretStr | None = Field(
        None, description="For mode `token`: access token for Partner Center. Best given by the environment."
    )
    client_secret: SecretStr | None = Field(
        None, description="For mode `app`: the application's secret. Best given by the environment."
    )
    certificate_path: Path | None = Field(
        None, description="For mode `app`: PFX file, or PEM certificate beside `private_key_path`."
    )
    certificate_password: SecretStr | None = Field(None, description="For mode `app`: password of that file.")
    private_key_path: Path | None = Field(None, description="For mode `app`: PEM private key of the certificate.")
    assertion_path: Path | None = Field(
        None, description="For mode `app`: file with a federated assertion, read each time it is needed."
    )

    @model_validator(mode="after")
    def _check_use(self) -> Self:
        if self.access_token is not None and self.mode != "token":
            raise ValueError('access_token is given but not used: set auth.mode = "token", or remove it')
        return self


def _long_enough(minutes: float) -> float:
    """Raises `ValueError` where what an answer says would be over before anybody can act on it."""
    if not minutes >= 1:
        raise ValueError(
            "must be 1 or more, for the next page of a list, and reading that goes on, need what was read; to have "
            "everything read again, ask with refresh"
        )
    return minutes


class AnswersSettings(_Section):
    """What answers look like and how long they may take."""

    max_chars: int = Field(
        8000,
        ge=6000,
        le=100_000,
        description="Most characters of an answer, in its text and its structured content each.",
    )
    time_budget_seconds: float = Field(
        45,
        ge=0.5,
        le=600,
        description="Longest time that a tool call reads; then it answers with what was read, within a quarter more.",
    )
    snapshot_minutes: Annotated[float, AfterValidator(_long_enough)] = Field(
        15, le=1440, description="How long what was read is used for further questions; 1 at least."
    )
    reveal_product_keys: bool = Field(
        False, description="Show product keys whole, not only their last five characters."
    )


def existing_folder(path: Path) -> Path:
    """A folder, `~` spelled out. Raises `ValueError` for what is not the absolute path of one that is there."""
    path = Path(os.path.expanduser(path))
    if not path.is_absolute():
        raise ValueError(f"must be an absolute path: desktop applications start programs anywhere; {path} is not")
    if not os.path.isdir(path):
        raise ValueError(f"there is no folder {path}, or none that you may open: create it, or name another one")
    return path


class PromptsSettings(_Section):
    """Your team's own prompts."""

    folder: Annotated[Path, AfterValidator(existing_folder)] | None = Field(
        None, description="Folder with prompts of your own (see prompts.md); one takes the place of ours of its name."
    )


class ExportsSettings(_Section):
    """Files with whole device lists."""

    folder: Annotated[Path, AfterValidator(existing_folder)] | None = Field(
        None, description="Folder into which the tool `export_devices` writes; without it there is no such tool."
    )


def is_secret(text: str) -> bool:
    """Whether it can be sent as a bearer token, and is long enough not to be guessed."""
    return re.fullmatch(r"[A-Za-z0-9._~+/-]{32,512}=*", text) is not None


def _secret(secret: SecretStr) -> SecretStr:
    if not is_secret(secret.get_secret_value()):
        raise ValueError("must be 32 to 512 letters, digits or ._~+/-")
    return secret


class HttpSettings(_Section):
    """Who may ask over HTTP (`serve --http`)."""

    secret: Annotated[SecretStr, AfterValidator(_secret)] | None = Field(
        None,
        description="What callers send as bearer token; without it, a secret that is made once and kept in a file. "
        "Best given by the environment.",
    )


class LoggingSettings(_Section):
    """What goes to standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe level that is logged."
    )
    format: Literal["human", "json"] = Field("human", description="`human` or `json`; one line an event.")


class Settings(BaseSettings):
    """All settings, by section."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
        # Desktop applications hand on a field that was left empty as an empty variable.
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        nested_model_default_partial_update=True,
    )

    partner_center: PartnerCenterSettings = PartnerCenterSettings()
    auth: AuthSettings = AuthSettings()
    answers: AnswersSettings = AnswersSettings()
    prompts: PromptsSettings = PromptsSettings()
    exports: ExportsSettings = ExportsSettings()
    http: HttpSettings = HttpSettings()
    logging: LoggingSettings = LoggingSettings()

    @property
    def authority(self) -> str:
        """The root of the sign-in service that is asked."""
        return self.auth.authority or self.partner_center.cloud.authority

    @property
    def services(self) -> Mapping[str, str]:
        """Who is asked, with the address."""
        partner_center = {"Partner Center": self.partner_center.api_root}
        return partner_center if self.auth.mode == "token" else {"sign-in service": self.authority} | partner_center


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


def setting_names() -> dict[str, list[str]]:
    """Every setting, by section."""
    return {section: list(model.model_fields) for section, model in sections().items()}


def sections() -> dict[str, type[BaseModel]]:
    """The model of every section."""
    return {name: type(field.default) for name, field in Settings.model_fields.items()}


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
