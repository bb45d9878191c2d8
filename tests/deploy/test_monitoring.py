"""The alerts and the dashboard that come with the service, in a real Prometheus that watches a real service."""

import json
import re
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tap.config import Config
from tests.conftest import ROOT, alone, free_port, serving
from tests.contract.client import get
from tests.contract.own_tables import Asker
from tests.contract.test_threats_faults import eventually

FOLDER = ROOT / "deploy" / "prometheus"
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "armillary.json").read_text())
PANELS = {panel["title"]: [target["expr"] for target in panel["targets"]] for panel in DASHBOARD["panels"]}
ALERTS = {
    rule["alert"]: rule["expr"]
    for group in yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
}


class Prometheus:
    """A server with our rules, which asks once a second."""

    def __init__(self, folder: Path, target: int) -> None:
        self.port = free_port()
        for name in ("prometheus.yaml", "alerts.yaml"):
            text = (FOLDER / name).read_text().replace("9464", str(target)).replace("15s", "1s")
            (folder / name).write_text(re.sub(r"for: \d+m", "for: 1s", text))
        self._process = subprocess.Popen(
            [
                shutil.which("prometheus") or "prometheus",
                f"--config.file={folder / 'prometheus.yaml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
            ],
            stderr=(folder / "log").open("w"),
        )

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(20)

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/{path}", timeout=20) as answer:
            return json.load(answer)["data"]

    def query(self, expression: str) -> list[Any]:
        """The samples of an expression; raises where Prometheus does not understand it."""
        return list(self.get("query?" + urllib.parse.urlencode({"query": expression}))["result"])

    def is_up(self) -> bool:
        try:
            return self.query('up{job="armillary"}')[0]["value"][1] == "1"
        except (OSError, IndexError):
            return False


class Watched:
    """A service, and the Prometheus that watches it."""

    def __init__(self, service: str, server: serving, prometheus: Prometheus) -> None:
        self.service = service
        self.server = server
        self.prometheus = prometheus


@pytest.fixture(scope="module")
def watched(sample: Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    port = free_port()
    server = serving(alone(sample, processes=2, workers=1, metrics_port=port))
    with server as url:
        prometheus = Prometheus(tmp_path_factory.mktemp("prometheus"), port)
        try:
            assert eventually(prometheus.is_up, 30)
            for _ in range(3):
                _use(url)
                time.sleep(1.2)
            yield Watched(url, server, prometheus)
        finally:
            prometheus.stop()


def _use(service: str) -> None:
    """Do a little of everything."""
    for query in ("SELECT TOP 3 name FROM demo.ngc", "SELECT nothing FROM demo.ngc"):
        get(f"{service}/sync", {"LANG": "ADQL", "QUERY": query})
    get(f"{service}/tables")
    Asker(service).run("SELECT TOP 3 name FROM demo.ngc")


@pytest.mark.long
@pytest.mark.parametrize("title", PANELS)
def test_each_panel_of_the_dashboard_has_something_to_show(watched: Watched, title: str) -> None:
    for expression in PANELS[title]:
        assert eventually(lambda expression=expression: bool(watched.prometheus.query(expression)), 20), expression


@pytest.mark.long
def test_the_rules_are_loaded_and_none_fires_while_all_is_well(watched: Watched) -> None:
    groups = watched.prometheus.get("rules")["groups"]
    rules = {rule["name"]: rule for group in groups for rule in group["rules"]}
    assert rules.keys() == ALERTS.keys()
    assert eventually(lambda: all(rule["health"] == "ok" for rule in _rules(watched.prometheus)), 20)
    assert {alert["labels"]["alertname"] for alert in watched.prometheus.get("alerts")["alerts"]} <= {
        "ArmillaryDiskFillsUp"
    }


def _rules(prometheus: Prometheus) -> list[Any]:
    return [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]]


@pytest.mark.long
@pytest.mark.parametrize("name", ALERTS)
def test_each_alert_watches_what_the_service_tells(watched: Watched, name: str) -> None:
    """A name that nobody tells would never fire."""
    for metric in re.findall(r"\b(?:armillary_\w+|up)\b", ALERTS[name]):
        assert watched.prometheus.query(metric), metric


def test_the_files_are_what_promtool_takes() -> None:
    for kind, name in (("rules", "alerts.yaml"), ("config", "prometheus.yaml")):
        done = subprocess.run(
            ["promtool", "check", kind, str(FOLDER / name)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.long
def test_a_service_that_is_gone_is_told(watched: Watched) -> None:
    """The last test of the file: the service does not come back."""
    watched.server.process.terminate()
    watched.server.process.wait(30)

    def fires() -> bool:
        alerts = watched.prometheus.get("alerts")["alerts"]
        return any(a["labels"]["alertname"] == "ArmillaryIsGone" and a["state"] == "firing" for a in alerts)

    assert eventually(fires, 30)
