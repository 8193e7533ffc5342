#!/usr/bin/env python3
"""Three relays behind HAProxy and nginx, with NATS between them: phones and computers of the
program through codes and rings on every pair of nodes, and what happens to them when a node is
lost or drains. Usage: run.py path/to/towline"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from drain import comes_back, drain_under_load, shown
from doors import Doors, free_port

TOWLINE = os.path.abspath(sys.argv[1])
HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGING = os.path.join(HERE, "..", "..", "packaging", "relay")
# Shorter than in earnest, but for the notice: HAProxy needs two looks.
SPREAD, GRACE = 2, 5
PATIENCE = 60
NODES = (1, 2, 3)
# A phone that is linked once listens for the one whom it linked, and for who links next.
LISTENS = 2


class Program:
    """A program that says JSON lines."""

    def __init__(self, *args):
        self.args = args
        self.lines, self.changed = [], threading.Condition()
        self.child = subprocess.Popen(
            [TOWLINE, "--json", *args], text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.child.stdout:
            with self.changed:
                self.lines.append(json.loads(line))
                self.changed.notify_all()
        with self.changed:
            self.lines.append({"event": "end of output"})
            self.changed.notify_all()

    def event(self, wanted, after=0):
        """The first event after so many for which `wanted` holds, and where it is."""
        end = time.monotonic() + PATIENCE
        with self.changed:
            while True:
                for at, line in enumerate(self.lines):
                    if at >= after and wanted(line):
                        return line, at + 1
                left = end - time.monotonic()
                gone = self.lines and self.lines[-1]["event"] == "end of output"
                if left <= 0 or gone:
                    raise SystemExit(f"{self.args} does not say it: {self.lines}")
                self.changed.wait(left)

    def say(self, line):
        self.child.stdin.write(line + "\n")
        self.child.stdin.flush()

    def ended(self):
        """Its exit code and all that it said; None for one that was not done in time."""
        try:
            code = self.child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.stop()
            code = None
        self.event(lambda line: line["event"] == "end of output")
        return code, self.lines

    def stop(self, how=signal.SIGKILL):
        if self.child.poll() is None:
            self.child.send_signal(how)
            self.child.wait(PATIENCE)


def step(name):
    return lambda line: line.get("step") == name


class Service:
    def __init__(self, folder):
        self.folder, self.others, self.nodes = folder, [], {}
        self.bus = free_port()
        self.start("nats-server", "-a", "127.0.0.1", "-p", str(self.bus), "-js", "-sd",
                   os.path.join(folder, "nats"))
        self.ports = {node: (free_port(), free_port()) for node in NODES}
        # Which must not go with a node.
        self.air_carrier = Program("relay", "--air", "udp:127.0.0.1:0")
        self.air = self.air_carrier.event(
            lambda line: line.get("url", "").startswith("udp:"))[0]["url"]
        for node in NODES:
            self.start_node(node)
        self.doors = Doors(folder, self.ports)
        for command in self.doors.commands:
            self.start(*command)
        self.doors.wait()

    def start(self, *command):
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.others.append(child)

    def start_node(self, node):
        port, admin = self.ports[node]
        flags = ["--spread", str(SPREAD), "--grace", str(GRACE)]
        if node == 2:
            flags += ["--config", self.file(port, admin)]
        else:
            flags += ["--node", str(node), "--listen", f"127.0.0.1:{port}", "--behind-proxy",
                      "--trusted-proxy", "127.0.0.1", "--admin", f"127.0.0.1:{admin}",
                      "--per-source", "1000", "--bus", f"nats://127.0.0.1:{self.bus}"]
        program = Program("relay", *flags)
        program.event(lambda line: line.get("role") == "relay")
        self.nodes[node] = program

    def file(self, port, admin):
        """The configuration file of the package, with the addresses of this test."""
        with open(os.path.join(PACKAGING, "relay.toml"), encoding="utf-8") as file:
            text = file.read()
        for old, new in (("0.0.0.0:8443", f"127.0.0.1:{port}"), ("10.0.0.0/24", "127.0.0.1"),
                         ("0.0.0.0:9100", f"127.0.0.1:{admin}")):
            assert old in text, old
            text = text.replace(old, new)
        for name, new in (("per-source", "1000"), ("most-listening", "1000\nnode = 2")):
            text, found = re.subn(rf"^{name} = \d+", f"{name} = {new}", text, flags=re.M)
            assert found == 1, name
        text = re.sub("^bus = .*", f'bus = "nats://127.0.0.1:{self.bus}"', text, flags=re.M)
        text = re.sub("^bus-(user|password|ca) .*\n", "", text, flags=re.M)
        path = os.path.join(self.folder, "relay.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def door(self, door):
        return f"ws://127.0.0.1:{self.doors[door]}"

    def listening(self):
        """At how many contact ids phones listen, by node."""
        count = {}
        for node in NODES:
            try:
                count[node] = self.metric(node, "listening")
            except OSError:
                count[node] = 0  # It is gone, or on its way.
        return count

    def metric(self, node, name):
        found = re.search(rf"^towline_relay_{name} (\d+)", self.metrics(node), re.M)
        return int(found.group(1))

    def metrics(self, node):
        with socket.create_connection(("127.0.0.1", self.ports[node][1]), 1) as one:
            one.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return b"".join(iter(lambda: one.recv(65536), b"")).decode()

    def end(self):
        for program in [*self.nodes.values(), self.air_carrier]:
            program.stop()
        for child in self.others:
            # nginx would leave its workers behind if it were killed.
            child.terminate()
        for child in self.others:
            child.wait(PATIENCE)


def until(what, holds):
    end = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > end:
            raise SystemExit(f"not in time: {what}")
        time.sleep(0.05)


class Person:
    """A phone, and the computers that it meets."""

    def __init__(self, service, rp, name, door):
        self.service, self.rp, self.name = service, rp, name
        self.known = os.path.join(service.folder, f"{name}.computer")
        own = os.path.join(service.folder, f"{name}.phone")
        self.phone = Program("phone", "--answer", "yes", "--links", own, "--called", name,
                             "--relay", service.door(door), "--air", service.air)
        self.phone.event(step("listening"))

    def computer(self, door, *args):
        return Program("computer", *args, "--rp", self.rp, "--links", self.known,
                       "--relay", self.service.door(door), "--air", self.service.air)

    def register(self, door):
        picture = os.path.join(self.service.folder, f"{self.name}.png")
        computer = self.computer(door, "register", "--account", self.name, "--name", "Phone",
                                 "--qr-image", picture)
        computer.event(lambda line: line["event"] == "qr_code")
        self.phone.say(picture)
        code, said = computer.ended()
        assert code == 0 and any(step("linked")(line) for line in said), said

    def sign_in(self, door):
        code, said = self.computer(door, "sign-in").ended()
        assert code == 0, said
        assert not any(line["event"] == "qr_code" for line in said), said
        return next(line["elapsed_ms"] for line in said if line["event"] == "signed_in")


def main():
    with tempfile.TemporaryDirectory() as folder:
        rp = Program("rp")
        rp_url = rp.event(lambda line: line["event"] == "listening")[0]["url"]
        service = Service(folder)
        try:
            pairs(service, rp_url)
            through_nginx(service, rp_url)
            known_metrics(service)
            losses(service, rp_url)
        finally:
            service.end()
            rp.stop()


def pairs(service, rp):
    for node in NODES:
        until("the bus", lambda: service.metric(node, "bus_up") == 1)
    for phone_at in NODES:
        person = Person(service, rp, f"phone{phone_at}", phone_at)
        # The phone meets the computer where that showed its code, through another door.
        person.register(phone_at % 3 + 1)
        until("it listens", lambda: service.metric(phone_at, "listening") == LISTENS)
        for computer_at in NODES:
            took = person.sign_in(computer_at)
            print(f"phone at node {phone_at}, computer at node {computer_at}: {took} ms")
        person.phone.stop()
        until("it is gone", lambda: service.metric(phone_at, "listening") == 0)


def through_nginx(service, rp):
    person = Person(service, rp, "nginx", "nginx")
    person.register("nginx")
    until("it listens", lambda: sum(service.listening().values()) == LISTENS)
    took = person.sign_in("nginx")
    print(f"through nginx: a code, and a ring in {took} ms")
    person.phone.stop()
    until("it is gone", lambda: sum(service.listening().values()) == 0)


def known_metrics(service):
    """What the rules and the dashboard look at is there, at each node."""
    for name in ("alerts.yml", "dashboard.json"):
        with open(os.path.join(PACKAGING, name), encoding="utf-8") as file:
            wanted = set(re.findall(r"towline_relay_[a-z_]+", file.read()))
        assert len(wanted) > 5, name
        for node in NODES:
            known = set(re.findall(r"towline_relay_[a-z_]+", service.metrics(node)))
            assert wanted <= known, f"{name}: {wanted - known} is no metric"


def losses(service, rp):
    person = Person(service, rp, "mover", "any")
    person.register("any")
    until("it listens", lambda: sum(service.listening().values()) == LISTENS)
    lost = holder(service)
    phone, tunnel = shown(service.doors, lost)
    service.nodes[lost].stop(signal.SIGKILL)
    began = time.monotonic()
    status, _ = service.doors.upgrade("any", f"/cable/connect/{phone[1]}/{tunnel}")
    told = time.monotonic() - began
    assert status == 404 and told < 1, (status, told)
    until("it listens elsewhere", lambda: elsewhere(service.listening(), lost))
    took = time.monotonic() - began
    person.sign_in("any")
    print(f"node {lost} was killed: who scans a code of it was told so after {told * 1000:.0f} ms; "
          f"its phone was elsewhere after {took:.1f} s, and signed in")
    comes_back(service, lost)
    until("it is known", lambda: service.metric(lost, "bus_up") == 1)
    freezes(service, person, holder(service))
    lost = holder(service)
    drain_under_load(service, person, lost, lambda: elsewhere(service.listening(), lost))
    service.start_node(lost)
    twice(service, lost)
    person.phone.stop()


def freezes(service, person, node):
    """A node that does not answer is lost for a while, and has nobody when it goes on."""
    child = service.nodes[node].child
    child.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    try:
        until("it listens elsewhere", lambda: elsewhere(service.listening(), node))
        took = time.monotonic() - began
        person.sign_in("any")
    finally:
        child.send_signal(signal.SIGCONT)
    until("it lets go", lambda: elsewhere(service.listening(), node))
    person.sign_in("any")
    print(f"node {node} was frozen: its phone was elsewhere after {took:.1f} s, and signed in")


def holder(service):
    return max(service.listening().items(), key=lambda item: item[1])[0]


def twice(service, node):
    """A second signal ends it at once, whoever waits there."""
    # Once HAProxy knows that it is back.
    path = f"/cable/new/{os.urandom(16).hex()}"
    until("a phone waits", lambda: service.doors.upgrade(node, path)[0] == 101)
    child = service.nodes[node].child
    child.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    assert child.poll() is None, "it takes notice first"
    began = time.monotonic()
    child.send_signal(signal.SIGTERM)
    child.wait(PATIENCE)
    took = time.monotonic() - began
    assert took < 3, took
    print(f"a second signal: node {node} ended after {took:.2f} s")


def elsewhere(listening, lost):
    return listening[lost] == 0 and sum(listening.values()) == LISTENS


if __name__ == "__main__":
    main()
