"""The chart, by Helm's own engine (the library of its SDK, from PyPI), for several files of values.

Proved: that Helm takes chart and values, that each manifest is what Kubernetes 1.25 to 1.37 define, unknown fields refused, that
pods keep to the standard `restricted`, that manifests agree with each other, with the settings of the service and with its
command. Not proved: that a cluster runs it, since none can be had; and of ScaledObject and ServiceMonitor, which Kubernetes
does not define, only what is said below.
"""

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import click
import helm_python
import kubernetes_validate
import pytest
import yaml

from tap.cli import main
from tap.config import SETTINGS, Config
from tap.config_sources import load_config
from tap.engine.database import PLANNERS, reader_connections, sessions_of
from tests.deploy.charts import CHART, VALUES, Manifest, Release, container, release_of, render, values_of, variables

NAMES = sorted(path.stem for path in VALUES.glob("*.yaml"))
SERVING = {"web", "worker"}
OF_OTHERS = {"ScaledObject", "ServiceMonitor"}
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
MADE_BY_THE_CHART = {
    *("base_url", "host", "port", "processes", "workers", "worker_slots", "long_slots", "drain_seconds", "results"),
    *("metrics_port", "metrics_host", "data_dir", "upload_folder", "shared_buffers", "log_target", "examples"),
}


@pytest.fixture(params=NAMES)
def release(request: pytest.FixtureRequest) -> Release:
    return release_of(request.param)


@pytest.fixture
def everything() -> Release:
    return release_of("everything")


@pytest.mark.parametrize("name", NAMES)
def test_helm_lint_has_nothing_to_say_but_that_there_is_no_icon(name: str) -> None:
    report = helm_python.lint(CHART, values_of(name), strict=True)
    assert report["errors"] == []
    assert [message["error"] for message in report["messages"]] == ["icon is recommended"]


@pytest.mark.parametrize("version", ["1.25", "1.31", "1.37"])
def test_each_manifest_is_what_kubernetes_defines(release: Release, version: str) -> None:
    manifests = [manifest for manifest in release.manifests if manifest["kind"] not in OF_OTHERS]
    assert len(manifests) >= 5
    for manifest in manifests:
        kubernetes_validate.validate(manifest, version, strict=True)


def test_a_field_that_kubernetes_does_not_know_would_be_told(everything: Release) -> None:
    manifest = everything.one("Deployment", "-web")
    manifest["spec"]["template"]["spec"]["readOnlyRootFilesystem"] = True
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(manifest, "1.31", strict=True)


def test_pods_keep_to_the_standard_restricted(release: Release) -> None:
    """Pod Security Standards, `restricted`; and more: a root that cannot be written to, and no token of the cluster."""
    for _, pod in release.pods():
        spec, security = pod["spec"], container(pod)["securityContext"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"].get("runAsUser", 1) > 0
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert security["readOnlyRootFilesystem"] is True
        assert spec["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
        kinds = {kind for volume in spec["volumes"] for kind in volume if kind != "name"}
        assert kinds <= {"configMap", "secret", "emptyDir", "ephemeral", "persistentVolumeClaim"}


def test_a_service_called_armillary_sets_no_variable_that_is_a_setting(release: Release) -> None:
    assert all(pod["spec"]["enableServiceLinks"] is False for _, pod in release.pods())


def test_the_chart_has_no_secret_and_the_web_is_not_given_that_of_the_superuser(release: Release) -> None:
    assert release.of_kind("Secret") == []
    for component, pod in release.pods():
        secrets = {volume["secret"]["secretName"] for volume in pod["spec"]["volumes"] if "secret" in volume}
        assert secrets == ({"armillary"} if component in SERVING else {"armillary", "armillary-admin"})


def test_what_pods_mount_is_there(release: Release) -> None:
    names = {kind: {one["metadata"]["name"] for one in release.of_kind(kind)} for kind in ("ConfigMap", "Job")}
    claims = {one["metadata"]["name"] for one in release.of_kind("PersistentVolumeClaim")} | {"shared-results"}
    for _, pod in release.pods():
        volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
        assert {mount["name"] for mount in container(pod)["volumeMounts"]} == set(volumes)
        assert all(one["configMap"]["name"] in names["ConfigMap"] for one in volumes.values() if "configMap" in one)
        claimed = [one["persistentVolumeClaim"] for one in volumes.values() if "persistentVolumeClaim" in one]
        assert all(claim["claimName"] in claims for claim in claimed)


def test_services_find_the_pods_and_ports_that_they_name(release: Release) -> None:
    for service in release.of_kind("Service"):
        selected = release.selected_by(service["spec"]["selector"]) & SERVING
        assert selected == ({"web"} if service["spec"].get("clusterIP") is None else SERVING)
        for component in selected:
            ports = {port["name"] for port in container(release.pod(component))["ports"]}
            assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports


def test_deployments_policies_and_budgets_select_their_own_pods(release: Release) -> None:
    for deployment in release.of_kind("Deployment"):
        selected = release.selected_by(deployment["spec"]["selector"]["matchLabels"])
        assert selected == {deployment["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/component"]}
    for budget in release.of_kind("PodDisruptionBudget"):
        assert release.selected_by(budget["spec"]["selector"]["matchLabels"]) == {"web"}
    for policy in release.of_kind("NetworkPolicy"):
        selected = release.selected_by(policy["spec"]["podSelector"]["matchLabels"])
        assert selected in ({"web"}, {name for name, _ in release.pods()})


def test_pods_run_commands_that_there_are(release: Release) -> None:
    for component, pod in release.pods():
        if component == "console":
            continue
        name, *options = container(pod)["args"]
        assert name == {"web": "serve", "worker": "work", "migrate": "migrate"}[component]
        command = main.get_command(click.Context(main), name)
        assert command
        context = command.make_context(name, options)
        assert context.params.get("migrates") in {None, False}


def test_probes_ask_at_urls_of_the_service(release: Release) -> None:
    web = container(release.pod("web"))
    paths = {name: web[name]["httpGet"]["path"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert paths == {"startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz"}


def test_a_pod_is_given_time_to_end_what_runs(release: Release) -> None:
    """Five seconds are uvicorn's (tap/cli.py), a few are for what remains."""
    web, worker = release.pod("web")["spec"], release.pod("worker")["spec"]
    stop = int(container(release.pod("web"))["lifecycle"]["preStop"]["exec"]["command"][1])
    assert web["terminationGracePeriodSeconds"] >= stop + 10
    assert worker["terminationGracePeriodSeconds"] >= _toml(release)["drain_seconds"] + 20


def _toml(release: Release, ending: str = "") -> dict[str, Any]:
    (text,) = {
        one["data"]["armillary.toml"]
        for one in release.of_kind("ConfigMap")
        if one["metadata"]["name"].endswith(ending)
    }
    return tomllib.loads(text)


def _config(release: Release, component: str, folder: Path) -> Config:
    """What the container of a component reads, with files that stand for its secrets."""
    toml = folder / "armillary.toml"
    (text,) = {one["data"]["armillary.toml"] for one in release.of_kind("ConfigMap")}
    toml.write_text(text)
    environment = {}
    for name, value in variables(release.pod(component)).items():
        environment[name] = value
        if name.endswith("_FILE"):
            file = folder / Path(value).name
            file.write_text(f"dbname=armillary password=of-{file.name}\n")
            environment[name] = str(file)
    return load_config(toml, environment)


@pytest.mark.parametrize("component", ["web", "worker"])
def test_the_service_reads_the_settings_that_the_values_say(
    everything: Release, tmp_path: Path, component: str
) -> None:
    config, values = _config(everything, component, tmp_path), values_of("everything")
    for name, value in values["settings"].items():
        (setting,) = [setting for setting in SETTINGS if setting.name == name]
        assert setting.value(config) == value
    assert config.database.database == "dbname=armillary password=of-database"
    assert config.oidc.oidc_client_secret == "dbname=armillary password=of-oidc_client_secret"  # noqa: S105
    assert config.database.admin_database == ""
    assert (config.web.base_url, config.jobs.results) == (values["baseUrl"], values["results"]["s3"]["url"])
    assert (config.jobs.workers, config.log.metrics_host) == (0, "0.0.0.0")  # noqa: S104


@pytest.mark.parametrize("component", ["migrate", "console"])
def test_who_migrates_is_a_superuser_of_the_database(everything: Release, tmp_path: Path, component: str) -> None:
    config = _config(everything, component, tmp_path)
    assert config.database.admin_database == "dbname=armillary password=of-admin_database"


def test_the_reader_gets_as_many_connections_as_all_pods_can_have(everything: Release, tmp_path: Path) -> None:
    values, web = values_of("everything"), _config(everything, "web", tmp_path)
    of_web = (values["web"]["replicas"] + 1) * web.web.processes * (sessions_of(web) + PLANNERS)
    of_workers = values["worker"]["autoscaling"]["maxReplicas"] * (web.jobs.worker_slots + 1)
    assert reader_connections(_config(everything, "migrate", tmp_path)) >= of_web + of_workers


def test_migrate_runs_before_all_else_and_needs_nothing_that_comes_later(release: Release) -> None:
    hooks = [one for one in release.manifests if "helm.sh/hook" in one["metadata"].get("annotations", {})]
    assert all(one["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade" for one in hooks)
    weights = {one["kind"]: int(one["metadata"]["annotations"]["helm.sh/hook-weight"]) for one in hooks}
    assert not weights or weights["ConfigMap"] < weights["Job"]
    for job in release.of_kind("Job"):
        spec = job["spec"]["template"]["spec"]
        names = {volume["configMap"]["name"] for volume in spec["volumes"] if "configMap" in volume}
        assert names <= {one["metadata"]["name"] for one in hooks}
        assert "serviceAccountName" not in spec


def test_settings_of_the_schema_are_those_of_the_service() -> None:
    types = {str: "string", int: "integer", float: "number", bool: "boolean"}
    apart = {s.name for s in SETTINGS if s.is_secret or (s.section == "database" and s.name.endswith("database"))}
    others = [setting for setting in SETTINGS if setting.name not in MADE_BY_THE_CHART | apart]
    offered = SCHEMA["properties"]["settings"]["properties"]
    assert offered == {setting.name: {"type": types[setting.type]} for setting in others}
    assert set(SCHEMA["properties"]["secret"]["properties"]["keys"]["items"]["enum"]) == apart - {"admin_database"}


WRONG = {
    "no URL": {"baseUrl": ""},
    "a URL with a slash at its end": {"baseUrl": "https://stars.example.org/tap/"},
    "a setting that there is not": {"settings": {"maxrec": 5}},
    "a setting of another type": {"settings": {"maxrec_default": "many"}},
    "a secret where all can read it": {"settings": {"oidc_client_secret": "x"}},
    "no secret": {"secret": {"name": ""}},
    "no password of the database": {"secret": {"name": "armillary", "keys": ["oidc_client_secret"]}},
    "a superuser for everybody": {"secret": {"name": "armillary", "keys": ["database", "admin_database"]}},
    "a migration without its superuser": {"migrate": {"secret": {"name": ""}}},
    "root": {"podSecurityContext": {"runAsUser": 0}},
    "a value that there is not": {"replicas": 3},
    "an ingress without a host": {"ingress": {"enabled": True}},
    "KEDA without metrics": {"metrics": {"enabled": False}, "worker": {"autoscaling": {"kind": "keda"}}},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_helm_refuses(wrong: dict[str, Any]) -> None:
    values = values_of("minimal")
    render(values)
    with pytest.raises(helm_python.HelmError):
        render(values | wrong)


@pytest.mark.parametrize(("name", "kind"), [("everything", "ScaledObject"), ("hpa", "HorizontalPodAutoscaler")])
def test_an_autoscaler_counts_the_workers_and_nobody_else_does(name: str, kind: str) -> None:
    release = release_of(name)
    scaler, worker = release.one(kind), release.one("Deployment", "-worker")
    assert scaler["spec"]["scaleTargetRef"]["name"] == worker["metadata"]["name"]
    assert "replicas" not in worker["spec"]


def test_the_query_of_keda_counts_each_job_that_waits_or_runs_once(everything: Release, tmp_path: Path) -> None:
    """Asked of Prometheus itself: all pods tell of the same jobs, of another release none are counted."""
    (trigger,) = everything.one("ScaledObject")["spec"]["triggers"]
    labels = 'namespace="sky", service="stars-metrics"'
    series = {
        f'armillary_jobs{{{labels}, pod="a", phase="QUEUED", lane="short"}}': 7,
        f'armillary_jobs{{{labels}, pod="b", phase="QUEUED", lane="short"}}': 7,
        f'armillary_jobs{{{labels}, pod="a", phase="EXECUTING", lane="short"}}': 3,
        f'armillary_jobs{{{labels}, pod="a", phase="QUEUED", lane="long"}}': 1,
        'armillary_jobs{namespace="sky", service="other-metrics", phase="QUEUED", lane="short"}': 90,
    }
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": f"{value} {value}"} for name, value in series.items()],
        "promql_expr_test": [
            {"expr": trigger["metadata"]["query"], "eval_time": "1m", "exp_samples": [{"labels": "{}", "value": 11}]}
        ],
    }
    file = tmp_path / "test.yaml"
    file.write_text(yaml.safe_dump({"tests": [test]}))
    done = subprocess.run(["promtool", "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_label_by_which_keda_counts_is_the_service_that_the_monitor_selects(everything: Release) -> None:
    service, monitor = everything.one("Service", "-metrics"), everything.one("ServiceMonitor")
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert {one["port"] for one in monitor["spec"]["endpoints"]} == {one["name"] for one in service["spec"]["ports"]}
    (trigger,) = everything.one("ScaledObject")["spec"]["triggers"]
    assert re.findall(r'service="([^"]*)"', trigger["metadata"]["query"]) == [service["metadata"]["name"]]


def test_results_are_in_a_bucket_or_in_a_volume_of_all_pods() -> None:
    assert release_of("everything").of_kind("PersistentVolumeClaim") == []
    assert release_of("volume").of_kind("PersistentVolumeClaim") == []
    claim = release_of("hpa").one("PersistentVolumeClaim")
    assert (claim["spec"]["accessModes"], claim["spec"]["storageClassName"]) == (["ReadWriteMany"], "cephfs")
    assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}


def test_the_notes_say_what_is_left_to_do() -> None:
    assert "trusted_proxies" not in release_of("everything").notes
    bare = values_of("minimal") | {"ingress": {"enabled": True, "host": "stars.example.org"}}
    assert "trusted_proxies is not set" in render(bare).notes
    assert "run `armillary migrate`" in release_of("volume").notes


def test_the_chart_is_of_the_version_of_the_service() -> None:
    chart: Manifest = yaml.safe_load((CHART / "Chart.yaml").read_text())
    project = tomllib.loads((CHART.parents[2] / "pyproject.toml").read_text())["project"]
    assert chart["appVersion"] == project["version"]
