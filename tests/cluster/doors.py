"""The front ends of the package with the addresses of a test, and raw clients through them."""

import base64
import hashlib
import os
import re
import socket
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGING = os.path.join(HERE, "..", "..", "packaging", "relay")
PATIENCE = 60
KEY = base64.b64encode(b"0123456789abcdef").decode()
ACCEPT = base64.b64encode(hashlib.sha1(
    (KEY + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


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


def packaged(name):
    with open(os.path.join(PACKAGING, name), encoding="utf-8") as file:
        return file.read()


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def addressed(text, ports):
    for node, (port, _) in ports.items():
        text = text.replace(f"10.0.0.{node}:8443", f"127.0.0.1:{port}")
    return text


class Doors:
    """HAProxy: one door for everybody, and for each node one that leads there. nginx: one for
    everybody."""

    def __init__(self, folder, ports):
        self.nodes = list(ports)
        self.ports = {door: free_port() for door in ("any", "nginx", *ports)}
        haproxy = write(folder, "haproxy.cfg", self.haproxy(ports))
        nginx = write(folder, "nginx.conf", self.nginx(folder, ports))
        subprocess.run(["haproxy", "-q", "-c", "-f", haproxy], check=True)
        subprocess.run(["nginx", "-q", "-t", "-p", folder, "-c", nginx], check=True)
        self.commands = [("haproxy", "-f", haproxy),
                         ("nginx", "-p", folder, "-c", nginx, "-g", "daemon off;")]

    def __getitem__(self, door):
        return self.ports[door]

    def wait(self):
        for port in self.ports.values():
            wait_for(port)

    def haproxy(self, ports):
        text = addressed(packaged("haproxy.cfg"), ports)
        for name in ("nodes.map", "nobody.http"):
            text = text.replace(f"/etc/haproxy/{name}", os.path.join(PACKAGING, name))
        text = re.sub(r"bind :443 .*", f"bind 127.0.0.1:{self['any']}", text)
        for node, (_, admin) in ports.items():
            text = re.sub(rf"(server n0{node} .*)port 9100", rf"\g<1>port {admin}", text)
        text = text.replace("maxconn 100000", "maxconn 1000")
        # All of them come from one address here.
        text = re.sub(r".*sc_(http_req_rate|conn_cur).*\n", "", text)
        for node in self.nodes:
            text += (f"\nfrontend door_{node}\n    bind 127.0.0.1:{self[node]}\n"
                     "    use_backend %[path,field(4,/),lower,map_beg("
                     f"{os.path.join(PACKAGING, 'nodes.map')},no_node)] "
                     "if { path_beg /cable/connect/ }\n"
                     f"    default_backend node_0{node}\n")
        return text

    def nginx(self, folder, ports):
        text = addressed(packaged("nginx.conf"), ports)
        text = text.replace("listen 443 ssl", f"listen 127.0.0.1:{self['nginx']}")
        text = re.sub(r".*(ssl_|worker_rlimit|limit_(req|conn) ).*\n", "", text)
        text = text.replace("/run/nginx.pid", os.path.join(folder, "nginx.pid"))
        text = text.replace("worker_processes auto", "worker_processes 1")
        return text.replace("worker_connections 65536", "worker_connections 512")

    def upgrade(self, door, path):
        """Asks for a WebSocket: the status, and the connection with its routing id if it is one."""
        one = socket.create_connection(("127.0.0.1", self[door]), 10)
        one.sendall((f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
                     f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                     f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Protocol: fido.cable\r\n"
                     "\r\n").encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            more = one.recv(4096)
            if not more:
                return 0, None
            answer += more
        status = int(answer.split(b" ")[1])
        if status != 101:
            one.close()
            return status, None
        assert ACCEPT.encode() in answer
        routing = re.search(rb"x-cable-routing-id: (\w+)", answer, re.I)
        return status, (one, routing and routing.group(1).decode())
