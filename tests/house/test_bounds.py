"""docs/bounds.md is made of docs/bounds.toml and of the code, and names settings and tests that there are."""

from deploy.bounds import PAGE, page, read
from tap.config import SETTINGS, Config
from tests.house.test_compliance import is_collected

BOUNDS = read()
NO_BOUNDS = {
    "port", "processes", "workers", "worker_slots", "long_slots", "short_lane", "drain_seconds", "job_archive", "upload_part_rows",
    "metrics_port", "smtp_port", "probe_seconds", "standing_seconds",
}  # fmt: skip
"""Numbers of the configuration that tell how the service works, and bound nothing that is sent."""


def test_the_page_is_what_the_generator_writes() -> None:
    assert PAGE.read_text("utf-8") == page(BOUNDS), "run deploy/bounds.py"


def test_every_setting_that_is_named_is_there_and_every_number_that_bounds_something_is_named() -> None:
    named = {name for bound in BOUNDS for name in bound.settings}
    assert named <= {setting.name for setting in SETTINGS}
    numbers = {setting.name for setting in SETTINGS if type(setting.value(Config())) in {int, float}}
    assert numbers - named == NO_BOUNDS


def test_every_bound_is_a_setting_or_says_why_not_and_has_tests_that_are_collected() -> None:
    for bound in BOUNDS:
        assert bool(bound.settings) != bool(bound.fixed), bound.what
        assert bound.tests, bound.what
        assert [test for test in bound.tests if not is_collected(test)] == [], bound.what
