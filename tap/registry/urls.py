"""Where the registry lies: beside the TAP service."""

from urllib.parse import urlencode

from tap.config import Config
from tap.config_sections import WebConfig
from tap.registry.identifiers import service_id

OAI = "/oai"
FORMAT = "ivo_vor"
"""The metadata prefix of VOResource (Registry Interfaces 1.1 §2.2)."""


def oai_url(web: WebConfig) -> str:
    return f"{web.base_url.removesuffix('/tap')}{OAI}"


def record_url(config: Config) -> str | None:
    """Return the URL of the record of the TAP service; None where there is no registry."""
    authority = config.registry.registry_authority
    if not authority:
        return None
    pairs = {"verb": "GetRecord", "metadataPrefix": FORMAT, "identifier": service_id(authority)}
    return f"{oai_url(config.web)}?{urlencode(pairs, safe=':/')}"
