"""What is deployed is what was tested: the image's libraries, by version and by hash."""

import re
import subprocess
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from ikawaari.config import ROOT, Config
from tests import programs

REQUIREMENTS = (ROOT / "deploy" / "requirements.txt").read_text()
ENTRY = re.compile(
    r"^([A-Za-z0-9._-]+)==(\S+)(?: ; [^\\\n]+)?((?: \\\n    --hash=sha256:[0-9a-f]{64})+)$", re.MULTILINE
)


def normalized(name: str) -> str:
    """A project's name as all spellings of it compare."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(path: Path) -> dict[str, str]:
    """The versions of a file of `name==version` lines."""
    pairs = (line.split("==") for line in path.read_text().splitlines() if "==" in line)
    return {normalized(name): version for name, version in pairs}


def test_the_image_has_the_versions_that_the_tests_ran_with_each_with_its_hashes() -> None:
    entries = {normalized(name): version for name, version, _ in ENTRY.findall(REQUIREMENTS)}
    assert len(entries) == REQUIREMENTS.count("==") > 20, "every line has its hashes"
    constraints = pinned(ROOT / "constraints.txt")
    assert entries == {name: constraints[name] for name in entries}, "deploy/requirements.txt says how to make it again"


def test_the_image_has_all_that_the_program_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {normalized(re.split(r"[^A-Za-z0-9._-]", line)[0]) for line in project["dependencies"]}
    assert needed <= {normalized(name) for name, _, _ in ENTRY.findall(REQUIREMENTS)}


def test_the_image_takes_nothing_without_a_hash() -> None:
    installs = re.findall(r"pip install .*", (ROOT / "deploy" / "Dockerfile").read_text())
    assert len(installs) == 1
    assert "--require-hashes" in installs[0]
    assert "-r requirements.txt" in installs[0]


# ---------------------------------------------------------------- containers and units

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "ikawaari"}
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
MOST_ADDED = {"proxy": {"NET_BIND_SERVICE"}}


def test_the_compose_file_has_all_that_a_small_house_runs() -> None:
    assert set(SERVICES) == {"postgres", "migrate", "web1", "web2", "worker1", "worker2", "proxy", "prometheus"}
    assert {name: service["command"][1] for name, service in OURS.items()} == {
        "migrate": "migrate",
        "web1": "serve",
        "web2": "serve",
        "worker1": "worker",
        "worker2": "worker",
    }
    assert all("--no-worker" in SERVICES[name]["command"] for name in ("web1", "web2"))


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_can_do_nothing_but_its_work(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert set(service.get("cap_add", [])) <= MOST_ADDED.get(name, set())
    assert {"mem_limit", "cpus", "pids_limit"} <= set(service)
    assert not set(service) & {"privileged", "network_mode", "pid", "ipc", "devices"}
    assert "docker.sock" not in str(service)
    user, group = map(int, service["user"].split(":"))
    assert user > 0 < group, "nobody is root, not even at first"
    assert name not in OURS or user == group == 10_001, "the image's"


@pytest.mark.parametrize("kind", ["secrets", "configs"])
def test_a_container_that_is_read_only_is_given_files_alone(kind: str) -> None:
    """Compose copies any other secret or config into the container, and refuses to where that is read-only. It mounts a
    file as it is, and ignores `uid`, `gid` and `mode`: to name them would promise what is not done.
    """
    given = {one["source"]: one for service in SERVICES.values() for one in service.get(kind, [])}
    assert given.keys() == COMPOSE.get(kind, {}).keys(), "each is used, and exists"
    for name, one in given.items():
        assert COMPOSE[kind][name].keys() == {"file"}, name
        assert one.keys() == {"source", "target"}, name
        assert re.fullmatch(r"\$\{[A-Z_]+:\?\}", COMPOSE[kind][name]["file"]), "its place is the operator's to say"


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_can_read_what_is_mounted_and_cannot_write_it(name: str) -> None:
    for volume in SERVICES[name].get("volumes", []):
        source, _, target = volume.partition(":")
        if source.startswith("."):
            assert target.endswith(":ro"), volume
            assert (ROOT / "deploy" / source).stat().st_mode & 0o004, f"{source} is for its owner alone"
        else:
            assert source in COMPOSE["volumes"], volume


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"migrate", "web1", "web2"}))
def test_each_service_that_lasts_has_a_health_check(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


def test_web_processes_have_the_health_check_of_the_image() -> None:
    assert "healthcheck" not in SERVICES["web1"]
    assert re.search(r"^HEALTHCHECK .*\\\n.*/readyz", DOCKERFILE, re.MULTILINE)


def test_only_the_proxy_is_reached_from_elsewhere_and_the_database_from_no_network() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"proxy": ["80:80", "443:443", "443:443/udp"], "prometheus": ["127.0.0.1:9090:9090"]}
    assert SERVICES["postgres"]["networks"] == ["back"]
    assert COMPOSE["networks"]["back"] == {"internal": True}
    assert not {"proxy", "prometheus"} & {name for name, service in SERVICES.items() if "back" in service["networks"]}


def test_the_proxy_and_prometheus_know_every_server_and_worker() -> None:
    servers = {f"{name}:8000" for name in SERVICES if name.startswith("web")}
    workers = {f"{name}:9100" for name in SERVICES if name.startswith("worker")}
    assert set(SERVICES["proxy"]["environment"]["IKAWAARI_SERVERS"].split()) == servers
    scraped = yaml.safe_load((ROOT / "deploy/prometheus/compose.yml").read_text())["scrape_configs"]
    assert set(scraped[0]["static_configs"][0]["targets"]) == servers | workers
    alone = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())["scrape_configs"]
    assert [{**one, "static_configs": None} for one in scraped] == [{**one, "static_configs": None} for one in alone]


def test_alarms_link_to_the_page_where_the_operator_has_it() -> None:
    assert SERVICES["prometheus"]["environment"] == {"RUNBOOKS_URL": "${RUNBOOKS_URL:-docs/operations.md}"}


def test_every_setting_of_the_containers_exists_and_no_secret_has_a_default() -> None:
    known = {f"IKAWAARI_{field.name.upper()}" for field in fields(Config)}
    for service in OURS.values():
        assert set(service["environment"]) <= known
    text = (ROOT / "deploy" / "compose.yaml").read_text()
    for name in ("POSTGRES_PASSWORD", "IKAWAARI_SECRET_KEY", "IKAWAARI_METRICS_TOKEN"):
        assert set(re.findall(rf"\$\{{{name}(.*?)\}}", text)) == {":?"}, name


def test_the_connections_of_all_processes_fit_into_the_database() -> None:
    most = int(re.findall(r"max_connections=(\d+)", str(SERVICES["postgres"]["command"]))[0])
    processes = 2 * 2 + 2  # two of each server, unless it is told otherwise, and the workers
    assert 2 * Config().database_pool * processes <= most - 30, "and some for people"


def test_every_image_is_named_by_a_variable_that_may_pin_it() -> None:
    for name, service in SERVICES.items():
        assert name in OURS or re.fullmatch(r"\$\{[A-Z]+_IMAGE:-[^}]+:[^}]+\}", service["image"]), name
    assert "ARG PYTHON_IMAGE=python:3.13-slim\nFROM ${PYTHON_IMAGE}\n" in DOCKERFILE
    assert "docker buildx imagetools inspect" in DOCKERFILE


def test_the_image_runs_as_nobody_special() -> None:
    assert re.findall(r"^USER (.*)$", DOCKERFILE, re.MULTILINE) == ["10001:10001"]
    assert not re.search(r"(?i)curl|wget|apt-get|sudo|chmod 777", DOCKERFILE)


@pytest.mark.program("hadolint")
def test_a_linter_finds_nothing_in_the_dockerfile() -> None:
    command = [programs.located("hadolint"), "--no-color", str(ROOT / "deploy/Dockerfile")]
    done = subprocess.run(command, capture_output=True, check=False)
    assert (done.stdout, done.returncode) == (b"", 0)


@pytest.mark.program("systemd-analyze")
@pytest.mark.parametrize("unit", ["ikawaari-web", "ikawaari-worker"])
def test_systemd_knows_every_line_of_the_units_and_calls_them_safe(unit: str, tmp_path: Path) -> None:
    text = (ROOT / "deploy" / f"{unit}.service").read_text()
    file = tmp_path / f"{unit}.service"
    file.write_text(text.replace("/opt/ikawaari/.venv/bin/ikawaari", "/bin/true"))  # which is there
    systemd = programs.located("systemd-analyze")
    checked = subprocess.run([systemd, "verify", "--man=no", str(file)], capture_output=True, check=False)
    assert (checked.stdout + checked.stderr, checked.returncode) == (b"", 0)
    rated = [systemd, "security", "--offline=true", "--no-pager", "--threshold=20", str(file)]
    assert subprocess.run(rated, capture_output=True, check=False).returncode == 0, "2.0 of 10 at most"
