#!/usr/bin/env python3
"""What one network may take of the front ends, by the files of the package: of HAProxy places, also
without a word, of nginx requests. Others are served. Nothing is behind them here."""

import re
import socket
import subprocess
import tempfile
import time

from doors import PACKAGING, free_port, packaged, wait_for, write

# Fewer than in earnest.
PLACES, SAID_SO = 320, 256
REQUESTS = 400
# In seconds.
PATIENCE = 60
GONE = b"GET /no/such/path HTTP/1.1\r\nHost: x\r\n\r\n"
RING = b"GET /cable/contact/AB HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def connected(port, source, announced):
    """From this address; or from our own, and announced as that one."""
    if not announced:
        return socket.create_connection(("127.0.0.1", port), 10, (source, 0))
    one = socket.create_connection(("127.0.0.1", port), 10)
    family, own = ("TCP6", "::1") if ":" in source else ("TCP4", "127.0.0.1")
    one.sendall(f"PROXY {family} {source} {own} 1024 443\r\n".encode())
    return one


def status(port, source, request, announced):
    with connected(port, source, announced) as one:
        one.sendall(request)
        return int(one.recv(4096).split(b" ")[1])


def is_open(one):
    one.setblocking(False)
    try:
        return one.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def haproxy(folder, sources, other, announced):
    port = free_port()
    text = packaged("haproxy.cfg").replace("maxconn 100000", "maxconn 1000")
    for limit, smaller in ((4096, PLACES), (3072, SAID_SO)):
        assert f"sc_conn_cur(0) gt {limit}" in text
        text = text.replace(f"sc_conn_cur(0) gt {limit}", f"sc_conn_cur(0) gt {smaller}")
    for name in ("nodes.map", "nobody.http"):
        text = text.replace(f"/etc/haproxy/{name}", f"{PACKAGING}/{name}")
    bind = f"bind 127.0.0.1:{port}"
    if announced:
        # Who announces does so after the first rules.
        text, bind = text.replace("tcp-request connection", "tcp-request session"), (
            bind + " accept-proxy")
    text = re.sub(r"bind :443 .*", bind, text)
    path = write(folder, "haproxy.cfg", text)
    subprocess.run(["haproxy", "-q", "-c", "-f", path], check=True)
    with running(["haproxy", "-f", path], port):
        silent = [connected(port, sources[at % len(sources)], announced)
                  for at in range(PLACES + 80)]
        time.sleep(1)
        left = sum(map(is_open, silent))
        assert SAID_SO < left <= PLACES, left
        assert status(port, other, GONE, announced) == 404
        # Below that there is room for an answer.
        for one in silent[(SAID_SO + PLACES) // 2:]:
            one.close()
        time.sleep(1)
        assert status(port, sources[0], GONE, announced) == 429
        for one in silent:
            one.close()


def nginx(folder, sources, other):
    port = free_port()
    text = packaged("nginx.conf").replace("listen 443 ssl;", (
        f"listen 127.0.0.1:{port} proxy_protocol;\n"
        "        set_real_ip_from 127.0.0.1;\n        real_ip_header proxy_protocol;"))
    text = re.sub(r".*(ssl_|worker_rlimit).*\n", "", text)
    text = text.replace("/run/nginx.pid", f"{folder}/nginx.pid")
    text = text.replace("worker_connections 65536", "worker_connections 512")
    assert "burst=4000 " in text
    text = text.replace("burst=4000 ", f"burst={REQUESTS} ")
    # Nobody is there, which is told at once.
    text = re.sub(r"10\.0\.0\.\d:8443", f"127.0.0.1:{free_port()}", text)
    path = write(folder, "nginx.conf", text)
    with running(["nginx", "-p", folder, "-c", path, "-g", "daemon off;"], port):
        began = time.monotonic()
        served = 0
        while status(port, sources[served % len(sources)], RING, True) != 429:
            served += 1
            took = time.monotonic() - began
            assert served <= REQUESTS + 42 * took + 2 and took < PATIENCE, "no limit"
        assert served >= REQUESTS, served
        assert status(port, other, RING, True) == 502


class running:
    def __init__(self, command, port):
        self.command, self.port = command, port

    def __enter__(self):
        self.child = subprocess.Popen(self.command, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL)
        wait_for(self.port)

    def __exit__(self, *_):
        # nginx would leave its workers behind if it were killed.
        self.child.terminate()
        self.child.wait()


# A site of a person, and the one beside it.
SITE = [f"2001:db8:0:12{subnet:02x}:{subnet}::1" for subnet in range(200)]
BESIDE = "2001:db8:0:1300::1"
ADDRESS, ANOTHER = "127.0.0.2", "127.0.0.3"

with tempfile.TemporaryDirectory() as folder:
    haproxy(folder, [ADDRESS], ANOTHER, False)
    haproxy(folder, SITE, BESIDE, True)
    for one, other in ([SITE, BESIDE], [["192.0.2.1"], "192.0.2.2"],
                       [["::ffff:192.0.2.1"], "::ffff:192.0.2.2"]):
        nginx(folder, one, other)
print("one network takes no more than its part of HAProxy and of nginx")
