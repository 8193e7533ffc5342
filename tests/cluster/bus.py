#!/usr/bin/env python3
"""Three NATS servers by the file of the package, with TLS everywhere: a relay joins as a node, and
a server that has no certificate, or not the password of the routes, does not join. Usage:
bus.py path/to/towline"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

from doors import PATIENCE, free_port, packaged, write

TOWLINE = os.path.abspath(sys.argv[1])
SERVERS = (10, 11, 12)
STRANGER = 13
# An environment variable is read as a value of the file: without quotes this would be a number.
SECRET = "20261201"
QUOTED = f'"{SECRET}"'


def openssl(folder, *args):
    subprocess.run(["openssl", *args], cwd=folder, check=True, stderr=subprocess.DEVNULL)


def certificates(folder):
    """One of an authority of its own, for all three servers."""
    new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
           "-days", "2"]
    openssl(folder, *new, "-subj", "/CN=bus CA", "-keyout", "ca.key", "-out", "ca.pem")
    openssl(folder, *new, "-subj", "/CN=bus", "-addext", "subjectAltName=IP:127.0.0.1",
            "-addext", "basicConstraints=critical,CA:FALSE", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-keyout", "server.key", "-out", "server.pem")


def get(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=10) as answer:
            return answer.read().decode()
    except OSError:
        return ""


class Bus:
    def __init__(self, folder):
        self.folder, self.children = folder, []
        everybody = (*SERVERS, STRANGER)
        self.clients, self.routes, self.looks = (
            {server: free_port() for server in everybody} for _ in range(3))

    def route(self, server, secret):
        return f"nats://route:{secret}@127.0.0.1:{self.routes[server]}"

    def start_all(self):
        for server in SERVERS:
            self.start(server, self.text(server))

    def start(self, server, text, secret=SECRET):
        path = write(self.folder, f"{server}.conf", text)
        others = [other for other in SERVERS if other != server]
        environment = os.environ | {f"NODE0{node}_PASSWORD": QUOTED for node in (1, 2, 3)} | {
            "ROUTE_PASSWORD": QUOTED, "ROUTE_A": self.route(others[0], secret),
            "ROUTE_B": self.route(others[1], secret)}
        subprocess.run(["nats-server", "-t", "-c", path], env=environment, check=True,
                       stderr=subprocess.DEVNULL)
        child = subprocess.Popen(
            ["nats-server", "-c", path, "-m", str(self.looks[server]), "-l", self.log(server)],
            env=environment)
        self.children.append(child)
        return child

    def text(self, server):
        """The file of the package as that server has it."""
        text = packaged("nats.conf")
        for old, new in (("bus1", f"bus{server}"),
                         ("10.0.0.10:4222", f"127.0.0.1:{self.clients[server]}"),
                         ("10.0.0.10:6222", f"127.0.0.1:{self.routes[server]}"),
                         ("/etc/nats/", f"{self.folder}/"),
                         ("/var/lib/nats", f"{self.folder}/{server}")):
            assert old in text, old
            text = text.replace(old, new)
        return text

    def log(self, server):
        return os.path.join(self.folder, f"{server}.log")

    def said(self, server):
        try:
            with open(self.log(server), encoding="utf-8") as log:
                return log.read()
        except FileNotFoundError:
            return ""

    def look(self, server, path):
        """What that server tells the operator; nothing while it does not."""
        return json.loads(get(self.looks[server], path) or "{}")

    def is_whole(self, server):
        """Whether that server has the others, and what they keep together."""
        return (self.look(server, "routez").get("num_routes") == 2
                and self.look(server, "jsz").get("meta_cluster", {}).get("leader")
                and self.look(server, "healthz").get("status") == "ok")

    def end(self):
        for child in self.children:
            child.kill()
            child.wait()


def until(what, holds):
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"not in time: {what}"
        time.sleep(0.1)


def strangers(bus):
    """Who has no certificate, and who does not know the password."""
    text = bus.text(STRANGER)
    front, routes = text.split("cluster {")
    bare = front + "cluster {" + re.sub(r"tls \{[^}]*\}", "", routes)
    for text, secret, told in ((bare, SECRET, "Router connection closed"),
                               (text, "guessed", "Authorization Violation")):
        child = bus.start(STRANGER, text, secret)
        until(f"a stranger hears of {told}", lambda: told in bus.said(STRANGER))
        assert bus.look(STRANGER, "routez")["num_routes"] == 0
        assert all(bus.look(server, "routez")["num_routes"] == 2 for server in SERVERS)
        child.kill()
        child.wait()
        os.remove(bus.log(STRANGER))


def node(bus, number, password):
    """A relay with the log of the unit; where it answers the operator."""
    admin = free_port()
    servers = ",".join(f"tls://127.0.0.1:{bus.clients[server]}" for server in SERVERS)
    shown = re.search(r"RUST_LOG=(\S+)", packaged("towline-relay@.service")).group(1)
    with open(bus.log(f"node{number}"), "w", encoding="utf-8") as log:
        bus.children.append(subprocess.Popen(
            [TOWLINE, "relay", "--node", str(number), "--admin", f"127.0.0.1:{admin}",
             "--bus", servers, "--bus-user", f"node0{number}",
             "--bus-ca", os.path.join(bus.folder, "ca.pem")],
            env=os.environ | {"TOWLINE_BUS_PASSWORD": password, "RUST_LOG": shown},
            stdout=subprocess.DEVNULL, stderr=log))
    return admin


def trouble_is_told(bus):
    """A node with a wrong password says so in the log that the unit has."""
    node(bus, 2, "guessed")
    until("trouble is told", lambda: "authorization violation" in bus.said("node2").lower())


def node_joins(bus):
    """With the rights that the file gives it, a relay makes the stream, on all three servers."""
    admin = node(bus, 1, SECRET)
    until("a node joins", lambda: "\ntowline_relay_bus_up 1\n" in get(admin, "metrics"))
    until("the stream is there", lambda: replicas(bus) == {3})


def replicas(bus):
    """On how many servers each stream is, as the servers tell it."""
    path = "jsz?accounts=true&streams=true&config=true"
    accounts = [account for server in SERVERS
                for account in bus.look(server, path).get("account_details", [])]
    return {stream["config"]["num_replicas"] for account in accounts
            for stream in account.get("stream_detail", []) if stream["name"] == "TL_GONE"}


def main():
    with tempfile.TemporaryDirectory() as folder:
        certificates(folder)
        bus = Bus(folder)
        try:
            bus.start_all()
            until("the servers are one bus", lambda: all(bus.is_whole(at) for at in SERVERS))
            node_joins(bus)
            trouble_is_told(bus)
            strangers(bus)
        finally:
            bus.end()
    print("three NATS servers with TLS are a bus: a node joined it, and strangers did not")


main()
