"""Whether records can be made of what the configuration says."""

import re

from tap.config import Config
from tap.config_sections import ConfigError
from tap.registry.identifiers import AUTHORITY

_EMAIL = re.compile(r"[^\s@]+@[^\s@.]+(\.[^\s@.]+)+")
_IVO_ID = re.compile(rf"ivo://{AUTHORITY.pattern}(/[\w\-.!~*'()+=]+)*", re.ASCII)


def check_registry(config: Config) -> None:
    """Raise ConfigError for a registry that lacks what every record must have (VOResource 1.1 §3)."""
    registry, web = config.registry, config.web
    if not registry.registry_authority:
        return
    if not AUTHORITY.fullmatch(registry.registry_authority):
        wrong = registry.registry_authority
        raise ConfigError(
            f"registry_authority is at least three letters, digits or dots, as org.example, not {wrong!r}"
        )
    if not web.publisher:
        raise ConfigError("registry_authority needs publisher, which every record names")
    if not _EMAIL.fullmatch(web.contact):
        raise ConfigError(f"registry_authority needs contact, an e-mail address for the records, not {web.contact!r}")
    if registry.registry_publisher_id and not _IVO_ID.fullmatch(registry.registry_publisher_id):
        raise ConfigError(f"registry_publisher_id is as ivo://org.example/us, not {registry.registry_publisher_id!r}")
    if not any(word.strip() for word in registry.registry_subjects.split(",")):
        raise ConfigError("registry_subjects needs a term, such as catalogs")
    if registry.registry_page_size < 1:
        raise ConfigError("registry_page_size must be at least 1")
