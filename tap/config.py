"""The configuration: all sections together. `config_sources` reads them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Any

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from tap.config_sections import (
    AccountsConfig,
    ConfigError,
    DatabaseConfig,
    JobsConfig,
    LimitsConfig,
    LogConfig,
    NotificationsConfig,
    OidcConfig,
    OwnTablesConfig,
    ProbesConfig,
    RegistryConfig,
    UploadsConfig,
    WebConfig,
)

ENVIRONMENT = "ARMILLARY_"


@dataclass(frozen=True, slots=True)
class Config:
    """What an operator can set, in sections; in the file and the environment a setting is named without its section."""

    web: WebConfig = field(default_factory=WebConfig)
    database: DatabaseConfig = field(default_factory=DatabaseConfig)
    limits: LimitsConfig = field(default_factory=LimitsConfig)
    uploads: UploadsConfig = field(default_factory=UploadsConfig)
    jobs: JobsConfig = field(default_factory=JobsConfig)
    accounts: AccountsConfig = field(default_factory=AccountsConfig)
    oidc: OidcConfig = field(default_factory=OidcConfig)
    own_tables: OwnTablesConfig = field(default_factory=OwnTablesConfig)
    log: LogConfig = field(default_factory=LogConfig)
    probes: ProbesConfig = field(default_factory=ProbesConfig)
    notifications: NotificationsConfig = field(default_factory=NotificationsConfig)
    registry: RegistryConfig = field(default_factory=RegistryConfig)

    def changed(self, **settings: Any) -> "Config":
        """Return it with these settings changed. Raises: ConfigError."""
        by_section: dict[str, dict[str, Any]] = {}
        for name, value in settings.items():
            by_section.setdefault(_section_of(name), {})[name] = value
        sections = {section: replace(getattr(self, section), **values) for section, values in by_section.items()}
        return replace(self, **sections)

    def as_environment(self) -> dict[str, str]:
        """Return all settings as the variables that would give them."""
        return {f"{ENVIRONMENT}{setting.name.upper()}": str(setting.value(self)) for setting in SETTINGS}


@dataclass(frozen=True, slots=True)
class Setting:
    """What an operator can set: its section, its type, and its documentation."""

    name: str
    section: str
    type: type
    about: str
    is_secret: bool

    def value(self, config: Config) -> Any:
        return getattr(getattr(config, self.section), self.name)

    def has_secret(self, config: Config) -> bool:
        """Return whether nobody may read the value over an operator's shoulder: it is a secret, or has a password in it."""
        value = self.value(config)
        return bool(value) and (self.is_secret or (isinstance(value, str) and _has_password(value)))


_CREDENTIALS = re.compile(r"password\s*=|//[^/@\s]*:[^/@\s]*@")


def _has_password(conninfo: str) -> bool:
    try:
        return "password" in conninfo_to_dict(conninfo)
    except ProgrammingError:
        # One that libpq cannot read may have a password too: an unescaped % in it is a usual slip.
        return _CREDENTIALS.search(conninfo) is not None


def _settings() -> Iterator[Setting]:
    for section in fields(Config):
        of_section: Any = section.type
        for setting in fields(of_section):
            of_setting: Any = setting.type
            about, is_secret = setting.metadata["about"], setting.metadata["is_secret"]
            yield Setting(setting.name, section.name, of_setting, about, is_secret)


SETTINGS = tuple(_settings())


def _section_of(name: str) -> str:
    """Return a setting's section. Raises: ConfigError for one that there is not."""
    section = next((setting.section for setting in SETTINGS if setting.name == name), None)
    if section is None:
        raise ConfigError(f"there is no setting {name}")
    return section
