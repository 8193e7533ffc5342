#!/usr/bin/env python3
"""The files of packaging/relay that nothing here runs, by their form: what the compose file and the
manifest say belongs together, and is what the relay understands. Usage: form.py path/to/towline"""

import json
import os
import re
import subprocess
import sys

import yaml

from doors import PACKAGING, packaged

TOWLINE = sys.argv[1]


def flags(arguments):
    """The flags of a container are flags of the relay."""
    known = subprocess.run([TOWLINE, "relay", "--help"], capture_output=True, text=True,
                           check=True).stdout
    for argument in arguments:
        flag = argument.split("=")[0]
        assert re.search(rf"{re.escape(flag)}\b", known), f"no flag {flag}"
    return dict(argument.partition("=")[::2] for argument in arguments)


def compose():
    file = yaml.safe_load(packaged("compose.yaml"))
    services = file["services"]
    nodes = [name for name in services if name.startswith("relay")]
    assert len(nodes) == 3
    numbers = {services[name]["environment"]["TOWLINE_NODE"] for name in nodes}
    assert numbers == {"1", "2", "3"}, numbers
    for name in nodes:
        node = services[name]
        given = flags(node["command"])
        assert int(node["stop_grace_period"].rstrip("s")) > 165 + int(given["--grace"])
        assert set(node["networks"]) <= set(file["networks"])
        assert node["environment"]["TOWLINE_BUS_PASSWORD"].startswith("$")
    for service in services.values():
        assert set(service.get("depends_on", [])) <= set(services)


def kubernetes():
    service, budget, nodes = yaml.safe_load_all(packaged("kubernetes.yaml"))
    assert [part["kind"] for part in (service, budget, nodes)] == [
        "Service", "PodDisruptionBudget", "StatefulSet"]
    labels = nodes["spec"]["template"]["metadata"]["labels"]
    for selector in (service["spec"]["selector"], budget["spec"]["selector"]["matchLabels"],
                     nodes["spec"]["selector"]["matchLabels"]):
        assert selector == labels, selector
    assert service["spec"]["clusterIP"] == "None"
    assert service["metadata"]["name"] == nodes["spec"]["serviceName"]
    pod = nodes["spec"]["template"]["spec"]
    [container] = pod["containers"]
    given = flags(container["args"])
    assert pod["terminationGracePeriodSeconds"] > 165 + int(given["--grace"])
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert given["--listen"].endswith(f":{ports['relay']}")
    assert given["--admin"].endswith(f":{ports['admin']}")
    for probe, path in (("readinessProbe", "ready"), ("livenessProbe", "live")):
        assert container[probe]["httpGet"] == {"path": f"/health/{path}", "port": "admin"}
    names = {variable["name"] for variable in container["env"]}
    assert {"TOWLINE_NODE", "TOWLINE_BUS", "TOWLINE_BUS_PASSWORD"} <= names


def dashboard():
    board = json.loads(packaged("dashboard.json"))
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids)) >= 8
    places = [tuple(panel["gridPos"].values()) for panel in board["panels"]]
    assert len(places) == len(set(places))
    for panel in board["panels"]:
        assert panel["title"] and all(target["expr"] for target in panel["targets"])


def rules():
    for command in ("check", "rules", "alerts.yml"), ("test", "rules", "alerts-test.yml"):
        subprocess.run(["promtool", *command], cwd=PACKAGING, check=True,
                       stdout=subprocess.DEVNULL)


def passed_through():
    """haproxy-tls.cfg has nothing that HAProxy does not know."""
    subprocess.run(["haproxy", "-q", "-c", "-f", os.path.join(PACKAGING, "haproxy-tls.cfg")],
                   check=True)


def limits():
    """All ways to start a node grant the same. A front end grants an address what two nodes do,
    with an answer beyond, lets all of that come at once, and has more places than three nodes."""
    file, front, other = packaged("relay.toml"), packaged("haproxy.cfg"), packaged("nginx.conf")
    names = ("most-listening", "most-tunnels", "per-source")
    granted = [int(re.search(rf"{name} = (\d+)", file).group(1)) for name in names]
    for name, number in zip(names, granted):
        assert f"--{name} {number}" in packaged("towline-relay@.service"), name
        for started in ("compose.yaml", "kubernetes.yaml"):
            assert f"--{name}={number}\n" in packaged(started), (started, name)
    listening, tunnels, of_source = granted
    found = re.findall(r"sc_conn_cur\(0\) gt (\d+)", front)
    answered, refused = sorted(map(int, found))
    assert 2 * of_source == answered < refused, found
    assert f"limit_conn connections {answered};" in other
    rate = int(re.search(r"sc_http_req_rate\(0\) gt (\d+)", front).group(1))
    assert rate >= answered and f"burst={rate} " in other, rate
    assert int(re.search(r"maxconn (\d+)", front).group(1)) >= 3 * (listening + tunnels)


def logs():
    """What the log shows is the same wherever the relay is started."""
    shown = {name: re.findall(r"RUST_LOG\W+(?:value: )?\W*([\w=,]+)", packaged(name))
             for name in ("compose.yaml", "kubernetes.yaml", "towline-relay@.service",
                          "../towline-relay.service", "../Containerfile")}
    wanted = ["towline_tunnel=info,towline_nats=info"]
    assert all(found == wanted for found in shown.values()), shown


for check in (compose, limits, logs, kubernetes, dashboard, rules, passed_through):
    check()
print("compose file, manifest, dashboard, alert rules and haproxy-tls.cfg have their form")
