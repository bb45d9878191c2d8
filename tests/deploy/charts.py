"""The chart, rendered by Helm's own engine for a file of values: its manifests, and what one says of another."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import helm_python
import yaml

from tests.conftest import ROOT

CHART = ROOT / "deploy" / "helm" / "armillary"
VALUES = Path(__file__).parent / "values"
Manifest = dict[str, Any]


def values_of(name: str) -> dict[str, Any]:
    """Return the values of a file in the folder `values`."""
    values: dict[str, Any] = yaml.safe_load((VALUES / f"{name}.yaml").read_text())
    return values


@dataclass(frozen=True)
class Release:
    """The manifests that an installation would apply, and its notes."""

    manifests: list[Manifest]
    notes: str

    def of_kind(self, kind: str) -> list[Manifest]:
        return [manifest for manifest in self.manifests if manifest["kind"] == kind]

    def one(self, kind: str, ending: str = "") -> Manifest:
        """Return the only manifest of a kind whose name ends so."""
        (manifest,) = [one for one in self.of_kind(kind) if one["metadata"]["name"].endswith(ending)]
        return manifest

    def pods(self) -> Iterator[tuple[str, Manifest]]:
        """Yield each template of pods, with the component that it is of."""
        jobs = [manifest["spec"]["jobTemplate"] for manifest in self.of_kind("CronJob")]
        for manifest in (*self.of_kind("Deployment"), *self.of_kind("Job"), *jobs):
            template = manifest["spec"]["template"]
            yield template["metadata"]["labels"]["app.kubernetes.io/component"], template

    def pod(self, component: str) -> Manifest:
        return dict(self.pods())[component]

    def selected_by(self, selector: dict[str, str]) -> set[str]:
        """Return the components whose pods have these labels."""
        return {name for name, pod in self.pods() if selector.items() <= pod["metadata"]["labels"].items()}


def render(values: dict[str, Any]) -> Release:
    """Raises: HelmError, where Helm refuses the values or a template fails."""
    with helm_python.Chart.load(CHART) as chart:
        chart.validate_schema(chart.merge_values(values))
        files = chart.render(values, name="tap", namespace="sky", is_install=True)
    notes = next(text for name, text in files.items() if name.endswith("NOTES.txt"))
    texts = [text for name, text in files.items() if name.endswith(".yaml")]
    documents = [document for text in texts for document in yaml.safe_load_all(text)]
    return Release([document for document in documents if document], notes)


@cache
def _rendered(name: str) -> Release:
    return render(values_of(name))


def release_of(name: str) -> Release:
    """Return what is rendered for a file in the folder `values`; it may be changed."""
    return deepcopy(_rendered(name))


def container(pod: Manifest) -> Manifest:
    """Return the only container of a pod."""
    (only,) = pod["spec"]["containers"]
    return dict(only)


def variables(pod: Manifest) -> dict[str, str]:
    """Return what the container of a pod is given as variables, but for those that come from a Secret."""
    return {entry["name"]: entry["value"] for entry in container(pod).get("env") or [] if "value" in entry}
