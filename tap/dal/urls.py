"""Where the simple services lie: beside the TAP service, below the root of all."""

from urllib.parse import quote

from tap.config_sections import WebConfig

CONES, IMAGES = "/scs", "/sia"


def cone_search_url(web: WebConfig, table_name: str) -> str:
    return f"{_root(web)}{CONES}/{quote(table_name)}"


def image_access_url(web: WebConfig) -> str:
    return f"{_root(web)}{IMAGES}"


def _root(web: WebConfig) -> str:
    return web.base_url.removesuffix("/tap")
