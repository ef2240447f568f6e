"""The settings, by section, with what each is for and which values it may have.

Every setting stands in `config.example.toml` with its default; `docs/settings.md` is generated
from the descriptions here.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from pc_mcp.runtime.clouds import Cloud, checked_authority, checked_base_url
from pc_mcp.runtime.ids import pasted_id
from pc_mcp.runtime.variables import ENV_PREFIX


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


def named_folder(path: Path) -> Path:
    """A folder, `~` spelled out. Raises `ValueError` for what is no absolute path.

    Whether it is there is seen when it is used: one on a network comes and goes, and may not answer.
    """
    path = Path(os.path.expanduser(path))
    if not path.is_absolute():
        raise ValueError(f"must be an absolute path: desktop applications start programs anywhere; {path} is not")
    try:
        is_path = b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:  # half a character
        is_path = False
    if not is_path:
        raise ValueError("has a character that no path can have")
    return path


class PromptsSettings(_Section):
    """Your team's own prompts."""

    folder: Annotated[Path, AfterValidator(named_folder)] | None = Field(
        None, description="Folder with prompts of your own (see prompts.md); one takes the place of ours of its name."
    )


class ExportsSettings(_Section):
    """Files with whole device lists."""

    folder: Annotated[Path, AfterValidator(named_folder)] | None = Field(
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


def setting_names() -> dict[str, list[str]]:
    """Every setting, by section."""
    return {section: list(model.model_fields) for section, model in sections().items()}


def sections() -> dict[str, type[BaseModel]]:
    """The model of every section."""
    return {name: type(field.default) for name, field in Settings.model_fields.items()}
