"""TAPRegExt 1.0: what the capabilities say of limits, formats and uploads; test_vosi_1_1.py has the rest."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from tap.config import Config
from tests.contract.client import get, well_formed
from tests.contract.test_uws_1_1 import said, submit
from tests.contract.test_vosi_1_1 import tap_capability

LIMITS = ("retentionPeriod", "executionDuration", "outputLimit", "uploadLimit")


@pytest.fixture(scope="module")
def capability(service: str) -> Any:
    return tap_capability(service)


@pytest.mark.parametrize("name", LIMITS)
def test_each_limit_is_declared_once(capability: Any, name: str) -> None:
    """§2.6, 1.1 §2.2: at most one of a kind without a mode, so that clients find one limit."""
    (limit,) = capability.findall(name)
    assert limit.get("forMode") is None
    assert all(int(value.text) > 0 for value in limit)


def test_limits_of_data_have_units_and_those_of_time_are_seconds(capability: Any) -> None:
    """§2.6.1, §2.6.2: `byte` or `row`; a time has none."""
    units = {name: {value.get("unit") for value in capability.find(name)} for name in LIMITS}
    assert units["retentionPeriod"] == units["executionDuration"] == {None}
    assert units["outputLimit"] | units["uploadLimit"] <= {"byte", "row"}


def test_the_default_limits_of_time_are_those_of_a_new_job(service: str, capability: Any) -> None:
    """§2.6.1: retentionPeriod is the time from creation to destruction."""
    job = submit(service)
    assert said(job, "executionDuration") == capability.findtext("executionDuration/default")
    born, dies = (datetime.fromisoformat(said(job, name) or "") for name in ("creationTime", "destruction"))
    declared = timedelta(seconds=int(capability.findtext("retentionPeriod/default")))
    assert abs(dies - born - declared) < timedelta(seconds=2)


def test_every_output_format_has_a_media_type(capability: Any) -> None:
    """§2.4: by RFC 2046, with `x-` where there is no registered one."""
    part = r"[A-Za-z0-9!#$&^_.+-]+"
    for mime in capability.xpath("outputFormat/mime/text()"):
        assert re.fullmatch(rf"{part}/{part}(; ?{part}={part})*", mime), mime


def test_the_geometry_features_are_names_alone(capability: Any) -> None:
    """§2.3: their signatures are ADQL's."""
    forms = capability.xpath("//languageFeatures[contains(@type, 'features-adqlgeo')]/feature/form/text()")
    assert forms
    assert all(re.fullmatch(r"[A-Z]+[12]?", form) for form in forms)


def test_every_feature_list_has_a_type_and_every_feature_a_form(service: str) -> None:
    """§2.3: each required by the schema."""
    root = get(f"{service}/capabilities").xml()
    assert root.xpath("//languageFeatures[not(@type)] | //feature[not(form)] | //language[not(version)]") == []
    types = root.xpath("//languageFeatures/@type")
    assert len(types) == len(set(types))


# ---- 1.1, a draft


def test_limits_of_sync_are_told_to_who_asks_for_1_1_and_nothing_else_differs(service: str, sample: Config) -> None:
    """1.1 §2.2: an element with forMode overrides the one without, and there is one of each at most."""
    told = well_formed(get(f"{service}/capabilities?TAPREGEXT=1.1").body)
    limits = told.xpath("capability/executionDuration")
    assert [limit.get("forMode") for limit in limits] == [None, "sync"]
    assert {value.text for value in limits[1]} == {str(int(sample.limits.sync_limit))}
    assert told.xpath("//@forMode") == ["sync"]
    limits[1].getparent().remove(limits[1])
    usual = get(f"{service}/capabilities?TAPREGEXT=1.0").xml()
    assert [(e.tag, dict(e.attrib), e.text) for e in told.iter()] == [
        (e.tag, dict(e.attrib), e.text) for e in usual.iter()
    ]


def test_clients_that_know_1_0_get_no_modes(service: str) -> None:
    """The validators of STILTS 3.4 and of pyvo refuse a second executionDuration."""
    assert b"forMode" not in get(f"{service}/capabilities").body


def test_another_version_is_refused(service: str) -> None:
    reply = get(f"{service}/capabilities?TAPREGEXT=2")
    assert (reply.status, "1.0 or 1.1" in reply.votable().message) == (400, True)
