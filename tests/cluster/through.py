#!/usr/bin/env python3
"""HAProxy passes TLS through to a relay, and says where each connection came from, by the file of
the package. Usage: through.py path/to/towline"""

import json
import os
import re
import socket
import ssl
import subprocess
import sys
import tempfile

from doors import free_port, packaged, wait_for, write

TOWLINE = os.path.abspath(sys.argv[1])
REQUEST = (b"GET /cable/new/" + b"AB" * 16 + b" HTTP/1.1\r\nHost: localhost\r\n"
           b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
           b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
           b"Sec-WebSocket-Protocol: fido.cable\r\n\r\n")


def ask(port, chain):
    """The first line of the answer; nothing if there is none."""
    context = ssl.create_default_context(cafile=chain)
    try:
        with socket.create_connection(("127.0.0.1", port), 10) as bare:
            with context.wrap_socket(bare, server_hostname="localhost") as one:
                one.sendall(REQUEST)
                return one.recv(4096).split(b"\r\n")[0].decode()
    except OSError:
        return ""


def main():
    with tempfile.TemporaryDirectory() as folder:
        chain, key = (os.path.join(folder, name) for name in ("chain.pem", "key.pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost", "-addext",
                        "basicConstraints=critical,CA:FALSE", "-keyout", key, "-out", chain],
                       check=True, stderr=subprocess.DEVNULL)
        door, port, admin = free_port(), free_port(), free_port()
        text = packaged("haproxy-tls.cfg").replace("bind :443", f"bind 127.0.0.1:{door}")
        text = text.replace("maxconn 100000", "maxconn 1000")
        text = re.sub(r"10\.0\.0\.1:8443 port 9100", f"127.0.0.1:{port} port {admin}", text)
        text = re.sub(r".*server spare.*\n", "", text)
        relay = subprocess.Popen(
            [TOWLINE, "--json", "relay", "--listen", f"127.0.0.1:{port}", "--tls-cert", chain,
             "--tls-key", key, "--proxy-protocol", "127.0.0.1", "--admin", f"127.0.0.1:{admin}"],
            stdout=subprocess.PIPE, text=True)
        haproxy = None
        try:
            while json.loads(relay.stdout.readline()).get("role") != "relay":
                pass
            haproxy = subprocess.Popen(["haproxy", "-f", write(folder, "haproxy.cfg", text)],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            wait_for(door)
            answer = ask(door, chain)
            assert answer == "HTTP/1.1 101 Switching Protocols", answer
            assert ask(port, chain) == "", "a named proxy has to say where it comes from"
            print("TLS was passed through, with the header of the PROXY protocol")
        finally:
            for child in (relay, haproxy):
                if child:
                    child.kill()
                    child.wait()


main()
