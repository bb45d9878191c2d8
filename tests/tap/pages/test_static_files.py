"""The libraries of the pages are those that web/ names, each with its licence, and browsers may keep them."""

import gzip
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tap.pages import static_files
from tests.conftest import ROOT
from tests.contract.client import request

STATIC = Path(static_files.__file__).parent / "static"
VENDOR = STATIC / "vendor"
MANIFEST: dict[str, Any] = json.loads((VENDOR / "manifest.json").read_text("utf-8"))
PACKAGES: dict[str, dict[str, str]] = MANIFEST["packages"]
BUNDLES: dict[str, dict[str, Any]] = MANIFEST["bundles"]
LOCK: dict[str, dict[str, Any]] = json.loads((ROOT / "web" / "package-lock.json").read_text("utf-8"))["packages"]
GRANTS = {
    "MIT": "Permission is hereby granted, free of charge",
    "ISC": "Permission to use, copy, modify, and/or distribute this software",
    "0BSD": "Permission to use, copy, modify, and/or distribute this software",
    "BSD-3-Clause": "Redistribution and use in source and binary forms",
    "CC0-1.0": "CC0-1.0",
}
FILES = sorted(path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*") if path.is_file())


def licences() -> dict[str, str]:
    """The text of each licence, by the package and version above its line."""
    parts = re.split(r"^(\S+ \S+)\n={60}\n", (VENDOR / "LICENCES.txt").read_text("utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("name", BUNDLES)
def test_a_bundle_is_the_one_that_the_manifest_names(name: str) -> None:
    content = (VENDOR / name).read_bytes()
    assert hashlib.sha256(content).hexdigest() == BUNDLES[name]["sha256"]
    assert len(content) == BUNDLES[name]["bytes"]


def test_there_is_no_bundle_that_the_manifest_does_not_name() -> None:
    assert {path.name for path in VENDOR.glob("*.js")} == set(BUNDLES)
    assert {package for bundle in BUNDLES.values() for package in bundle["packages"]} == set(PACKAGES)


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_has_the_version_that_is_locked(name: str) -> None:
    assert PACKAGES[name]["version"] == LOCK[f"node_modules/{name}"]["version"]


def test_versions_are_named_exactly_and_every_package_has_its_checksum() -> None:
    wanted = json.loads((ROOT / "web" / "package.json").read_text("utf-8"))
    named = wanted["dependencies"] | wanted["devDependencies"]
    assert {name: LOCK[f"node_modules/{name}"]["version"] for name in named} == named
    assert all(package["integrity"].startswith("sha512-") for path, package in LOCK.items() if path)


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_comes_with_its_licence(name: str) -> None:
    text = licences()[f"{name} {PACKAGES[name]['version']}"]
    assert GRANTS[PACKAGES[name]["licence"]] in " ".join(text.split())


def test_no_licence_is_of_a_package_that_is_not_there() -> None:
    assert set(licences()) == {f"{name} {package['version']}" for name, package in PACKAGES.items()}


# ---- how they are sent


def url(service: str, path: str, digest: str | None = None) -> str:
    return f"{service.removesuffix('/tap')}/-/static/{digest or static_files.digest()}/{path}"


TYPES = {".js": "javascript", ".css": "text/css", ".json": "application/json", ".txt": "text/plain", ".svg": "svg"}


@pytest.mark.parametrize("path", FILES)
def test_a_file_is_sent_as_it_is_and_kept_for_ever(service: str, path: str) -> None:
    reply = request("GET", url(service, path))
    assert (reply.status, reply.body) == (200, (STATIC / path).read_bytes())
    assert TYPES[Path(path).suffix] in reply.media_type
    assert "immutable" in reply.headers["cache-control"]
    assert reply.headers["x-content-type-options"] == "nosniff"


def test_it_is_packed_for_who_takes_that(service: str) -> None:
    reply = request("GET", url(service, "vendor/editor.js"), headers={"Accept-Encoding": "gzip"})
    assert reply.headers["content-encoding"] == "gzip"
    assert gzip.decompress(reply.body) == (VENDOR / "editor.js").read_bytes()


def test_under_the_url_of_another_version_it_is_not_kept(service: str) -> None:
    reply = request("GET", url(service, "style.css", "0123456789ab"))
    assert (reply.status, reply.body) == (200, (STATIC / "style.css").read_bytes())
    assert "immutable" not in reply.headers.get("cache-control", "")


@pytest.mark.parametrize(
    "path",
    ["nothing.js", "", "../static_files.py", "..%2fstatic_files.py", "%2e%2e/static_files.py", "/etc/passwd", "vendor"],
)
def test_there_are_no_other_files(service: str, path: str) -> None:
    assert request("GET", url(service, path)).status == 404
