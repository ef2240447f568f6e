"""Settings: what there is to set, and how it is read."""

from pc_mcp.settings.loading import (
    ENV_CONFIG,
    ConfigurationError,
    config_file,
    load_settings,
    settings_of,
    usual_config_file,
    variables_set,
)
from pc_mcp.settings.sections import (
    AuthSettings,
    HttpSettings,
    PartnerCenterSettings,
    Settings,
    is_secret,
    named_folder,
    sections,
    setting_names,
)

__all__ = [
    "ENV_CONFIG",
    "AuthSettings",
    "ConfigurationError",
    "HttpSettings",
    "PartnerCenterSettings",
    "Settings",
    "config_file",
    "is_secret",
    "load_settings",
    "named_folder",
    "sections",
    "setting_names",
    "settings_of",
    "usual_config_file",
    "variables_set",
]
