"""Settings of which no record could be made are refused at the start, in one line."""

from typing import Any

import pytest

from tap.config import Config
from tap.config_sections import ConfigError
from tap.registry.settings import check_registry

GOOD: dict[str, Any] = {
    "registry_authority": "data.example.org",
    "publisher": "Example observatory",
    "contact": "archive@example.org",
}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"registry_authority": "ab"}, "registry_authority is at least three"),
        ({"registry_authority": "ivo://data.example.org"}, "registry_authority is at least three"),
        ({"registry_authority": "-abc"}, "registry_authority is at least three"),
        ({"publisher": ""}, "registry_authority needs publisher"),
        ({"contact": "https://example.org/help"}, "registry_authority needs contact, an e-mail address"),
        ({"contact": "a@b"}, "registry_authority needs contact, an e-mail address"),
        ({"registry_publisher_id": "example.org"}, "registry_publisher_id is as ivo://"),
        ({"registry_subjects": " , "}, "registry_subjects needs a term"),
        ({"registry_page_size": 0}, "registry_page_size must be at least 1"),
    ],
)
def test_what_is_wrong_is_told(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_registry(Config().changed(**GOOD | changes))


@pytest.mark.parametrize("changes", [{}, {"registry_publisher_id": "ivo://example.org/us"}])
def test_what_is_right_is_taken(changes: dict[str, Any]) -> None:
    check_registry(Config().changed(**GOOD | changes))


def test_without_an_authority_nothing_is_needed() -> None:
    check_registry(Config().changed(registry_page_size=0))
