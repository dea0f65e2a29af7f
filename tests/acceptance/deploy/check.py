#!/usr/bin/env python3
"""Checks what nobody here can run: docker-compose.yml and what it mounts, against Compose's schema and against the names in them.

  tests/acceptance/deploy/check.py BINARY

Subcommands and flags must be those of BINARY; files, hosts, ports and volumes must exist; every series in the dashboard and
the alert rules must be in docs/reference/metrics.md, which is generated from the catalogue, with labels that it has.
Then the same checks on copies that are broken on purpose: each must be found.
"""

import copy
import importlib.util
import json
import pathlib
import re
import shlex
import subprocess
import sys

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
# Labels that Prometheus itself adds.
OWN_LABELS = {"job", "instance", "le"}
# Series that Prometheus itself makes.
OWN_SERIES = {"up"}
WORDS = {"sum", "max", "min", "by", "without", "rate", "increase", "histogram_quantile", "on", "ignoring", "and", "or", "unless"}


class Catalogue:
    """Series by name, with their labels, from the reference page."""

    def __init__(self, page):
        self.series = {}
        for section in re.split(r"^### ", page, flags=re.M)[1:]:
            name = re.match(r"`([a-z0-9_]+)`", section).group(1)
            labels = {label for label in re.findall(r"^- `([a-z_]+)`:", section, flags=re.M)}
            names = [name]
            if re.search(r"^Histogram", section, flags=re.M):
                names = [name + suffix for suffix in ("_bucket", "_sum", "_count")]
            for one in names:
                self.series[one] = labels

    def faults(self, where, expression):
        """What an expression names that is not there."""
        without_texts = re.sub(r'"[^"]*"', '""', expression)
        outside = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\b(by|without) *\([^)]*\)", "", without_texts)
        names = [name for name in re.findall(r"[a-zA-Z_:][a-zA-Z0-9_:]*", outside) if name not in WORDS]
        if not names:
            yield f"{where}: no series in {expression!r}"
        known = OWN_LABELS.copy()
        for name in names:
            if name in OWN_SERIES:
                continue
            if name not in self.series:
                yield f"{where}: {name} is no series of Campanile"
                continue
            known |= self.series[name]
            for selector in re.findall(re.escape(name) + r"\{([^}]*)\}", without_texts):
                for label in re.findall(r"([a-z_]+) *(?:=~|!~|!=|=)", selector):
                    if label not in self.series[name] | OWN_LABELS:
                        yield f"{where}: {name} has no label {label}"
        for group in re.findall(r"\b(?:by|without) *\(([^)]*)\)", without_texts):
            for label in (part.strip() for part in group.split(",")):
                if label not in known:
                    yield f"{where}: no series in {expression!r} has the label {label}"


def schema():
    package = importlib.util.find_spec("compose").submodule_search_locations[0]
    return json.loads((pathlib.Path(package) / "config/compose_spec.json").read_text())


class Help:
    """Subcommands and flags of the binary, as it prints them."""

    def __init__(self, binary):
        self.binary, self.known = binary, {}

    def of(self, words):
        key = tuple(words)
        if key not in self.known:
            done = subprocess.run([self.binary, *words, "--help"], capture_output=True, text=True, check=False)
            self.known[key] = done.stdout if done.returncode == 0 else None
        return self.known[key]

    def faults(self, where, command):
        words = []
        for word in command:
            if word.startswith("-") or self.of([*words, word]) is None:
                break
            words.append(word)
        if not words:
            yield f"{where}: campanile has no subcommand {command[0] if command else '(none)'}"
            return
        rest = command[len(words):]
        if rest and not rest[0].startswith("-"):
            yield f"{where}: campanile {' '.join(words)} has no subcommand {rest[0]}"
        text = self.of(words)
        for flag in (word.split("=")[0] for word in rest if word.startswith("--")):
            if not re.search(rf"{re.escape(flag)}\b", text):
                yield f"{where}: campanile {' '.join(words)} has no flag {flag}"


def words_of(command):
    return shlex.split(command) if isinstance(command, str) else [str(word) for word in command or []]


def compose_faults(compose, helper):
    validator = jsonschema.Draft7Validator(schema())
    for error in validator.iter_errors(compose):
        yield f"docker-compose.yml: {'/'.join(map(str, error.absolute_path))}: {error.message}"
    services = compose.get("services", {})
    declared = set(compose.get("volumes", {}))
    for name, service in services.items():
        where = f"docker-compose.yml: {name}"
        depends = service.get("depends_on", {})
        for other in depends:
            if other not in services:
                yield f"{where} depends on {other}, which is no service"
            elif isinstance(depends, dict) and depends[other]["condition"] == "service_healthy" and "healthcheck" not in services[other]:
                yield f"{where} waits for the health of {other}, which has no healthcheck"
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                if not (ROOT / source).exists():
                    yield f"{where} mounts {source}, which does not exist"
            elif source not in declared:
                yield f"{where} mounts {source}, which is no declared volume"
        if "build" in service:
            build = service["build"]
            if not (ROOT / build["context"] / build["dockerfile"]).is_file():
                yield f"{where} is built by {build['dockerfile']}, which does not exist"
            command = words_of(service.get("command"))
            yield from helper.faults(where, command)
            hosts = [part.split(":")[0] for part in service.get("environment", {}).get("CAMPANILE_KAFKA", "").split(",")]
            for host in hosts:
                if host not in services:
                    yield f"{where} looks for Kafka at {host or '(nowhere)'}, which is no service"


def listens_on(service):
    """Port that a role of ours listens on."""
    for word in words_of(service.get("command")):
        if word.startswith("--listen="):
            return word.rsplit(":", 1)[1]
    return None


def scrape_faults(compose, scrape):
    services = compose["services"]
    scraped = set()
    for job in scrape["scrape_configs"]:
        for config in job["static_configs"]:
            for target in config["targets"]:
                host, port = target.split(":")
                scraped.add(host)
                if host not in services:
                    yield f"prometheus.yml: {target}: {host} is no service"
                elif listens_on(services[host]) != port:
                    yield f"prometheus.yml: {target}: {host} listens on {listens_on(services[host])}"
    for name, service in services.items():
        if "build" in service and listens_on(service) and name not in scraped:
            yield f"prometheus.yml: {name} is not scraped"
    mounted = [volume.split(":")[:2] for volume in services["prometheus"]["volumes"]]
    for path in scrape["rule_files"]:
        if not any(path.startswith(target + "/") and (ROOT / (source + path.removeprefix(target))).is_file()
                   for source, target in mounted if source.startswith(".")):
            yield f"prometheus.yml: the rules {path} are not mounted"


def rule_faults(rules, catalogue):
    names = set()
    for group in rules["groups"]:
        for rule in group["rules"]:
            where = f"alerts.yml: {rule['alert']}"
            if rule["alert"] in names:
                yield f"{where} is there twice"
            names.add(rule["alert"])
            yield from catalogue.faults(where, rule["expr"])
            for text in ("summary", "description"):
                if not rule.get("annotations", {}).get(text):
                    yield f"{where} has no {text}"
            for label in re.findall(r"\$labels\.([a-z_]+)", json.dumps(rule.get("annotations", {}))):
                if label not in OWN_LABELS and not re.search(rf"by *\([^)]*\b{label}\b", rule["expr"]):
                    yield f"{where} shows the label {label}, which its expression drops"


def dashboard_faults(dashboard, sources, catalogue):
    known = {source["uid"] for source in sources["datasources"]}
    identities = [panel["id"] for panel in dashboard["panels"]]
    if len(set(identities)) != len(identities):
        yield "campanile.json: two panels have one id"
    for panel in dashboard["panels"]:
        where = f"campanile.json: {panel['title']}"
        for target in panel["targets"]:
            if target["datasource"]["uid"] not in known:
                yield f"{where} reads from {target['datasource']['uid']}, which is not provisioned"
            yield from catalogue.faults(where, target["expr"])
    taken = set()
    for panel in dashboard["panels"]:
        grid = panel["gridPos"]
        cells = {(x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])}
        if cells & taken or grid["x"] + grid["w"] > 24:
            yield f"campanile.json: {panel['title']} lies over another panel or the edge"
        taken |= cells


def copy_faults(dockerfile):
    ignored = [line.strip() for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    for line in re.findall(r"^COPY (?!--from)(.*)$", dockerfile, flags=re.M):
        for source in line.split()[:-1]:
            if not (ROOT / source).exists():
                yield f"Dockerfile: COPY {source}, which does not exist"
            if source in ignored:
                yield f"Dockerfile: COPY {source}, which .dockerignore leaves out"
    rust = re.search(r'^channel *= *"(\d+\.\d+)', (ROOT / "rust-toolchain.toml").read_text(), flags=re.M).group(1)
    if f"FROM rust:{rust}-" not in dockerfile:
        yield f"Dockerfile: the toolchain is Rust {rust}, the image another"


class Files:
    def __init__(self):
        def load(path):
            return yaml.safe_load((ROOT / path).read_text())
        self.compose = load("docker-compose.yml")
        self.scrape = load("deploy/prometheus/prometheus.yml")
        self.rules = load("deploy/prometheus/alerts.yml")
        self.sources = load("deploy/grafana/provisioning/datasources/prometheus.yml")
        self.dashboard = json.loads((ROOT / "deploy/grafana/dashboards/campanile.json").read_text())
        self.dockerfile = (ROOT / "deploy/docker/Dockerfile").read_text()

    def faults(self, helper, catalogue):
        return [
            *compose_faults(self.compose, helper),
            *scrape_faults(self.compose, self.scrape),
            *rule_faults(self.rules, catalogue),
            *dashboard_faults(self.dashboard, self.sources, catalogue),
            *copy_faults(self.dockerfile),
        ]


def breakages():
    """Ways to break the files, each with a word of the fault that must be found."""
    def command(files, service, old, new):
        files.compose["services"][service]["command"] = [
            word.replace(old, new) for word in files.compose["services"][service]["command"]]
    yield "schema", lambda files: files.compose["services"]["kafka"].update(imagee="x"), "imagee"
    yield "subcommand", lambda files: command(files, "processor-1", "processor", "procesor"), "no subcommand procesor"
    yield "flag", lambda files: command(files, "gateway", "--listen", "--lisen"), "no flag --lisen"
    yield "nested flag", lambda files: command(files, "topics", "--shards", "--shard-count"), "no flag --shard-count"
    yield "mount", lambda files: files.compose["services"]["gateway"]["volumes"].append("./nowhere:/x"), "./nowhere"
    yield "volume", lambda files: files.compose["volumes"].pop("kafka"), "no declared volume"
    yield "dependency", lambda files: files.compose["services"]["topics"].update(depends_on={"kafak": {"condition": "service_healthy"}}), "kafak"
    yield "broker", lambda files: files.compose["services"]["gateway"].update(environment={"CAMPANILE_KAFKA": "kafak:9092"}), "kafak"
    yield "port", lambda files: command(files, "processor-2", ":8080", ":8081"), "listens on 8081"
    yield "target", lambda files: files.scrape["scrape_configs"][0]["static_configs"][0]["targets"].pop(), "not scraped"
    yield "rules", lambda files: files.scrape["rule_files"].append("/etc/prometheus/none.yml"), "none.yml"
    rule = lambda files: files.rules["groups"][0]["rules"][1]
    yield "series", lambda files: rule(files).update(expr="campanile_lag_second > 1"), "campanile_lag_second is no series"
    yield "label", lambda files: rule(files).update(expr='campanile_lag_seconds{lane="main"} > 1'), "no label lane"
    yield "grouping", lambda files: rule(files).update(expr="max by (topic) (campanile_lag_seconds)"), "the label topic"
    yield "histogram", lambda files: rule(files).update(expr="campanile_lag_seconds_bucket"), "_bucket is no series"
    panel = lambda files: files.dashboard["panels"][0]
    yield "panel series", lambda files: panel(files)["targets"][0].update(expr="campanile_nothing"), "campanile_nothing"
    yield "data source", lambda files: panel(files)["targets"][0].update(datasource={"uid": "x"}), "not provisioned"


def main(binary):
    helper, catalogue = Help(binary), Catalogue((ROOT / "docs/reference/metrics.md").read_text())
    files = Files()
    faults = files.faults(helper, catalogue)
    for fault in faults:
        print(fault)
    missed = 0
    for count, (name, breaks, word) in enumerate(breakages(), start=1):
        broken = copy.deepcopy(files)
        breaks(broken)
        found = broken.faults(helper, catalogue)
        if not any(word in fault for fault in found):
            print(f"the check is blind to a broken {name}: found {found}")
            missed += 1
    if faults or missed:
        print(f"deploy: FAILED, {len(faults)} faults, {missed} breakages not found")
        return 1
    services, panels = len(files.compose["services"]), len(files.dashboard["panels"])
    alerts = sum(len(group["rules"]) for group in files.rules["groups"])
    print(f"deploy: {services} services, {panels} panels and {alerts} alerts name only what is there; {count} breakages found")
    return 0


sys.exit(main(sys.argv[1]))
