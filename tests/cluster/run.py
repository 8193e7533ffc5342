#!/usr/bin/env python3
"""Three relays behind HAProxy, with NATS between them: phones and computers of the program
through codes and rings on every pair of nodes, and what happens to them when a node is lost or
drains. Usage: run.py path/to/towline"""

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

TOWLINE = os.path.abspath(sys.argv[1])
HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGING = os.path.join(HERE, "..", "..", "packaging", "relay")
PATIENCE = 60
NODES = (1, 2, 3)
# A phone that is linked once listens for the one whom it linked, and for who links next.
LISTENS = 2


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


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
        """Its exit code and all that it said."""
        code = self.child.wait(PATIENCE)
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
        # One door for everybody, and for each node one that leads there.
        self.doors = {door: free_port() for door in ("any", *NODES)}
        # Which must not go with a node.
        self.air_carrier = Program("relay", "--air", "udp:127.0.0.1:0")
        self.air = self.air_carrier.event(
            lambda line: line.get("url", "").startswith("udp:"))[0]["url"]
        for node in NODES:
            self.start_node(node)
        configuration = os.path.join(folder, "haproxy.cfg")
        with open(configuration, "w", encoding="utf-8") as file:
            file.write(self.configuration())
        subprocess.run(["haproxy", "-q", "-c", "-f", configuration], check=True)
        self.start("haproxy", "-f", configuration)
        for door in self.doors.values():
            wait_for(door)

    def start(self, *command):
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.others.append(child)

    def start_node(self, node):
        port, admin = self.ports[node]
        program = Program(
            "relay", "--node", str(node), "--listen", f"127.0.0.1:{port}", "--behind-proxy",
            "--trusted-proxy", "127.0.0.1", "--admin", f"127.0.0.1:{admin}",
            "--bus", f"nats://127.0.0.1:{self.bus}")
        program.event(lambda line: line.get("role") == "relay")
        self.nodes[node] = program

    def configuration(self):
        """The one of the package, with the addresses of this test and a door for each node."""
        with open(os.path.join(PACKAGING, "haproxy.cfg"), encoding="utf-8") as file:
            text = file.read()
        for name in ("nodes.map", "nobody.http"):
            text = text.replace(f"/etc/haproxy/{name}", os.path.join(PACKAGING, name))
        text = re.sub(r"bind :443 .*", f"bind 127.0.0.1:{self.doors['any']}", text)
        for node in NODES:
            port, admin = self.ports[node]
            text = text.replace(f"10.0.0.{node}:8443", f"127.0.0.1:{port}")
            text = re.sub(rf"(server n0{node} .*)port 9100", rf"\g<1>port {admin}", text)
        text = text.replace("maxconn 100000", "maxconn 1000")
        # All of them come from one address here.
        text = re.sub(r".*sc_(http_req_rate|conn_cur).*\n", "", text)
        for node in NODES:
            text += (f"\nfrontend door_{node}\n    bind 127.0.0.1:{self.doors[node]}\n"
                     "    use_backend %[path,field(4,/),lower,map_beg("
                     f"{os.path.join(PACKAGING, 'nodes.map')},no_node)] "
                     "if { path_beg /cable/connect/ }\n"
                     f"    default_backend node_0{node}\n")
        return text

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
        with socket.create_connection(("127.0.0.1", self.ports[node][1]), 5) as one:
            one.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            text = b"".join(iter(lambda: one.recv(65536), b"")).decode()
        return int(re.search(rf"^towline_relay_{name} (\d+)", text, re.M).group(1))

    def end(self):
        for program in [*self.nodes.values(), self.air_carrier]:
            program.stop()
        for child in self.others:
            child.kill()
            child.wait()


def wait_for(port):
    end = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


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


def losses(service, rp):
    person = Person(service, rp, "mover", "any")
    person.register("any")
    until("it listens", lambda: sum(service.listening().values()) == LISTENS)
    for how, name in ((signal.SIGKILL, "killed"), (signal.SIGTERM, "drained")):
        lost = max(service.listening().items(), key=lambda item: item[1])[0]
        service.nodes[lost].child.send_signal(how)
        began = time.monotonic()
        until("it listens elsewhere", lambda: elsewhere(service.listening(), lost))
        took = time.monotonic() - began
        person.sign_in("any")
        print(f"node {lost} was {name}: its phone was elsewhere after {took:.1f} s, and signed in")
        service.nodes[lost].child.wait(PATIENCE)
        service.start_node(lost)
    person.phone.stop()


def elsewhere(listening, lost):
    return listening[lost] == 0 and sum(listening.values()) == LISTENS


if __name__ == "__main__":
    main()
