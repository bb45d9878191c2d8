"""The few pages that people read, from templates that escape by themselves."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined

from schema.model import Catalogue
from tap.config import Config
from tap.examples import examples_for
from tap.formats import FORMATS


@cache
def _templates() -> Environment:
    return Environment(loader=PackageLoader("tap", "pages"), autoescape=True, undefined=StrictUndefined)


def index_page(config: Config, catalogue: Catalogue) -> str:
    return _render("index.html", config, catalogue)


def examples_page(config: Config, catalogue: Catalogue) -> str:
    return _render("examples.xhtml", config, catalogue)


def error_page(message: str, job: str | None = None) -> str:
    """Return the page for an error.

    `job` is the URL that makes a job of the query when it is posted to, where that would help.
    """
    return _templates().get_template("error.html").render(message=message, job=job)


def account_page(config: Config, about: Mapping[str, object]) -> str:
    """Return the page of who asks: what /whoami tells."""
    root = urlsplit(config.web.base_url).path.removesuffix("/tap")
    return _templates().get_template("account.html").render(about=about, title=config.web.title, root=root)


def _render(name: str, config: Config, catalogue: Catalogue) -> str:
    return (
        _templates()
        .get_template(name)
        .render(
            config=config,
            root=urlsplit(config.web.base_url).path.removesuffix("/tap"),
            examples=examples_for(catalogue),
            formats=FORMATS,
            tables=list(catalogue.tables),
        )
    )


def style() -> str:
    return (files("tap") / "pages" / "style.css").read_text("utf-8")
