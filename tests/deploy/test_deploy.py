"""The examples in deploy/: what they name exists, and they have the shape that their readers expect."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families
from typer.main import get_command

from api.app import create_app
from api.edge.metrics import Measures, look_up
from dispatch.cli.app import app
from dispatch.config import Settings
from dispatch.engine.facts import BOOKING_FACTS
from dispatch.live.replica import Replica
from tests.world import World

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
NAME = re.compile(r"\b(?:dispatch|process)_[a-z0-9_]+")
VARIABLE = re.compile(r"\bDISPATCH_[A-Z0-9]+(?:_(?!_)[A-Z0-9]+)*(?:__[A-Z0-9_]*[A-Z0-9])?")
LABELS = re.compile(r"(\w+)\{([^}]*)\}")


def parsed(path: Path) -> list[Any]:
    return [one for one in yaml.safe_load_all(path.read_text()) if one is not None]


def expressions() -> Iterator[tuple[str, str]]:
    """Where it stands, and the query."""
    (alerts,) = parsed(DEPLOY / "prometheus/alerts.yml")
    for group in alerts["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]
    board = json.loads((DEPLOY / "grafana/dashboards/dispatch.json").read_text())
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]
    for one in parsed(DEPLOY / "kubernetes/scaling.yaml"):
        for metric in one["spec"]["metrics"]:
            if metric["type"] == "Pods":
                yield "scaling", metric["pods"]["metric"]["name"]


async def test_every_measure_that_is_named_exists(world: World) -> None:
    """Also its labels, and of those that are words of ours their values."""
    app = create_app(world.services)
    figures = replace(await look_up(world.services), redis_bytes=1)
    world.services.settings = world.services.settings.model_copy(update={"redis_url": "redis://nowhere"})
    world.services.replica = Replica(world.services.pool)
    names: set[str] = set()
    for family in Measures(app, figures).collect():
        base = family.name
        names |= {base, f"{base}_total", f"{base}_bucket", f"{base}_sum", f"{base}_count"}
    queries = list(expressions())
    assert len(queries) > 50
    for where, query in queries:
        used = set(NAME.findall(query))
        assert used or query.startswith("up{"), where
        assert used <= names, (where, used - names)
        for name, labels in LABELS.findall(query):
            if name == "dispatch_tasks":
                assert re.fullmatch(r'state="(queued|running|held)"', labels), where
            if name == "dispatch_database_connections":
                assert re.fullmatch(r'state="(open|idle|most)"', labels), where
            if name == "dispatch_facts_total":
                (types,) = re.findall(r'type=~?"(.*)"', labels) or [""]
                assert set(filter(None, types.split("|"))) <= set(BOOKING_FACTS), where


async def test_the_text_is_what_prometheus_reads(world: World) -> None:
    async with TestClient(TestServer(create_app(world.services))) as client, client.get("/metrics") as response:
        text = await response.text()
    kinds = {family.name: family.type for family in text_string_to_metric_families(text)}
    for name, kind in kinds.items():
        if name.startswith("dispatch_"):
            assert kind in ("counter", "gauge", "histogram"), name
            assert kind != "gauge" or not name.endswith("_total"), f"{name} is counted, and must say so"


def test_alerts_say_what_and_what_to_do() -> None:
    (alerts,) = parsed(DEPLOY / "prometheus/alerts.yml")
    rules = [rule for group in alerts["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["labels"]["severity"] in ("page", "ticket"), rule["alert"]
        assert {"summary", "todo"} <= rule["annotations"].keys(), rule["alert"]


def test_the_dashboard_is_whole() -> None:
    board = json.loads((DEPLOY / "grafana/dashboards/dispatch.json").read_text())
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)
    (source,) = parsed(DEPLOY / "grafana/provisioning/datasources/dispatch.yml")
    uid = source["datasources"][0]["uid"]
    places = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24 and (at["x"], at["y"]) not in places, panel["title"]
        places.add((at["x"], at["y"]))
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == uid and panel["targets"], panel["title"]
            refs = [target["refId"] for target in panel["targets"]]
            assert len(set(refs)) == len(refs)


def objects() -> dict[str, Any]:
    """Everything that the kustomization names, by kind."""
    (kustomization,) = parsed(DEPLOY / "kubernetes/kustomization.yaml")
    found = {}
    for name in kustomization["resources"]:
        for one in parsed(DEPLOY / "kubernetes" / name):
            assert {"apiVersion", "kind", "metadata"} <= one.keys(), name
            found[one["kind"]] = one
    return found


def test_the_manifests_fit_together() -> None:
    known = objects()
    server, scaling, service = known["Deployment"], known["HorizontalPodAutoscaler"], known["Service"]
    assert scaling["spec"]["scaleTargetRef"]["name"] == server["metadata"]["name"]
    assert {m["type"] for m in scaling["spec"]["metrics"]} == {"Resource", "Pods"}
    assert "replicas" not in server["spec"], "the autoscaler's number would be set back at every apply"
    labels = server["spec"]["template"]["metadata"]["labels"]
    for selector in (
        server["spec"]["selector"]["matchLabels"], service["spec"]["selector"],
        known["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
    ):  # fmt: skip
        assert selector.items() <= labels.items()
    pod = server["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz", "a database that is away restarts nobody"
    assert container["ports"][0]["name"] == service["spec"]["ports"][0]["targetPort"]
    backup = known["CronJob"]["spec"]["jobTemplate"]["spec"]
    pods = [pod, known["Job"]["spec"]["template"]["spec"], backup["template"]["spec"]]
    for one in pods:
        assert one["securityContext"]["runAsNonRoot"] is True
        for inner in one["containers"]:
            assert inner["securityContext"]["readOnlyRootFilesystem"] is True
            mounts = {mount["name"] for mount in inner.get("volumeMounts", ())}
            assert mounts <= {volume["name"] for volume in one["volumes"]}
    claim = pods[2]["volumes"][0]["persistentVolumeClaim"]["claimName"]
    assert claim == known["PersistentVolumeClaim"]["metadata"]["name"]


def variables() -> set[str]:
    """Every DISPATCH_ variable that the examples name."""
    files = [p for p in DEPLOY.rglob("*") if p.is_file()] + [ROOT / "docker-compose.yml", ROOT / ".env.example"]
    return {name for path in files for name in VARIABLE.findall(path.read_text())}


def test_the_variables_are_settings() -> None:
    groups = {f"DISPATCH_{name.upper()}" for name in Settings.model_fields}
    for variable in variables():
        group, _, name = variable.partition("__")
        assert group in groups, variable
        if name:
            fields = Settings.model_fields[group.removeprefix("DISPATCH_").lower()].annotation.model_fields  # type: ignore[union-attr]
            assert name.lower() in fields, variable


@pytest.mark.parametrize("name", ["github-actions.yml", "gitlab-ci.yml"])
def test_the_workflows_run_what_we_run(name: str) -> None:
    text = (DEPLOY / "ci" / name).read_text()
    (whole,) = yaml.safe_load_all(text)
    job = whole.get("everything") or whole["jobs"]["everything"]
    said = job.get("script") or [step["run"] for step in job["steps"] if "run" in step]
    assert said == [".ci/run"] and (ROOT / ".ci/run").stat().st_mode & 0o100


def test_composes_database_and_redis_ask_for_passwords_that_have_no_default() -> None:
    (compose,) = parsed(ROOT / "docker-compose.yml")
    asked = {"redis": "--requirepass ${REDIS_PASSWORD:?", "postgres": "${POSTGRES_PASSWORD:?"}
    for name, word in asked.items():
        service = compose["services"][name]
        assert word in " ".join([*service["command"], *map(str, service["environment"].values())]), name
    for name, variable in (("DATABASE_URL", "POSTGRES"), ("REDIS_URL", "REDIS")):
        assert f":${{{variable}_PASSWORD:?" in compose["x-node"]["environment"][name]


def test_composes_backup_is_unhealthy_without_a_new_one() -> None:
    (compose,) = parsed(ROOT / "docker-compose.yml")
    check = compose["services"]["backup"]["healthcheck"]
    assert check["test"] == ["CMD", "dispatch", "backup", "--check"]
    options = {name for one in get_command(app).commands["backup"].params for name in one.opts}  # type: ignore[attr-defined]
    assert "--check" in options


def test_compose_and_nginx_name_the_same_nodes() -> None:
    (compose,) = parsed(ROOT / "docker-compose.yml")
    nodes = {name for name in compose["services"] if name.startswith("node")}
    (prometheus,) = parsed(DEPLOY / "prometheus/prometheus.yml")
    targets = prometheus["scrape_configs"][0]["static_configs"][0]["targets"]
    assert {target.split(":")[0] for target in targets} == nodes
    ports = {one.split(":")[1] for name in nodes for one in compose["services"][name]["ports"]}
    assert set(re.findall(r"server 127\.0\.0\.1:(\d+)", (DEPLOY / "nginx/dispatch.conf").read_text())) == ports
    for service in compose["services"].values():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert source in compose["volumes"] or (ROOT / source).exists(), source
