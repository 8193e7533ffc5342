"""A `towline key` in a process of its own, and the ways in which clients reach it."""

import json
import os
import socket
import subprocess
import tempfile
from collections import deque
from threading import Thread

from fido2.ctap2 import Ctap2
from fido2.hid import CTAPHID, CtapHidDevice
from fido2.hid.base import CtapHidConnection, HidDescriptor

from failure import Failure, status_of

REPORT = 64
BROADCAST = 0xFFFFFFFF

POWER_CYCLE = bytes.fromhex(
    "ac1052ca95e569de69e02ebff333485f13f9b2da34c5a8a340526697a9ab2e0b"
    "394d8d04973c134005be1a0140bff6045bb26eb77a73eaa47813f6b49a7250dc"
)

# Longer than any time that the key takes: 30 s for a touch that does not come.
PATIENCE = 45


class Udp(CtapHidConnection):
    """One datagram is one report."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(PATIENCE)
        self.socket.connect((host, int(port)))

    def write_packet(self, data):
        self.socket.send(data)

    def read_packet(self):
        report = self.socket.recv(REPORT + 1)
        assert len(report) == REPORT, f"a report of {len(report)} bytes"
        return report

    def close(self):
        self.socket.close()


class Stream(CtapHidConnection):
    """Each report follows its length."""

    def __init__(self, family, address):
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(address)

    def write_packet(self, data):
        self.socket.sendall(len(data).to_bytes(2, "big") + data)

    def read_packet(self):
        length = int.from_bytes(self._exactly(2), "big")
        assert length == REPORT, f"a report of {length} bytes"
        return self._exactly(length)

    def _exactly(self, length):
        data = b""
        while len(data) < length:
            more = self.socket.recv(length - len(data))
            if not more:
                raise EOFError("the key closed the connection")
            data += more
        return data

    def close(self):
        self.socket.close()


def tcp(address):
    host, port = address.rsplit(":", 1)
    return Stream(socket.AF_INET, (host, int(port)))


def unix(path):
    return Stream(socket.AF_UNIX, path)


CONNECTIONS = {"udp": Udp, "tcp": tcp, "unix": unix}


class Device(CtapHidDevice):
    """python-fido2's device, which remembers what went to and fro."""

    def __init__(self, descriptor, connection, trace):
        self.trace = trace
        super().__init__(descriptor, connection)

    def call(self, cmd, data=b"", event=None, on_keepalive=None):
        sent = f"{CTAPHID(cmd).name} {bytes(data).hex()}"
        try:
            answer = super().call(cmd, data, event, on_keepalive)
        except Exception as error:
            self.trace.append(f"sent {sent}\n     came {status_of(error)}")
            raise
        self.trace.append(f"sent {sent}\n     came {answer.hex()}")
        return answer


class Reports:
    """Single reports, for what no client of good manners sends."""

    def __init__(self, connection, trace):
        self.connection = connection
        self.trace = trace

    def send(self, channel, command, data=b"", length=None):
        length = len(data) if length is None else length
        head = channel.to_bytes(4, "big") + bytes([0x80 | command]) + length.to_bytes(2, "big")
        self._send(head + data)

    def go_on(self, channel, sequence, data=b""):
        self._send(channel.to_bytes(4, "big") + bytes([sequence]) + data)

    def _send(self, report):
        report = report.ljust(REPORT, b"\0")
        self.trace.append(f"sent report {report.rstrip(bytes(1)).hex()}")
        self.connection.write_packet(report)

    def receive(self):
        """Channel, command and data of the next report; the data of a long message are its
        beginning.
        """
        report = self.connection.read_packet()
        self.trace.append(f"came report {report.rstrip(bytes(1)).hex()}")
        length = int.from_bytes(report[5:7], "big")
        return int.from_bytes(report[:4], "big"), report[4] & 0x7F, report[7 : 7 + length]

    def answer(self):
        """The same, after the keepalives."""
        while True:
            channel, command, data = self.receive()
            if command != CTAPHID.KEEPALIVE:
                return channel, command, data

    def silence(self, seconds):
        """Whether nothing comes for so long."""
        self.connection.socket.settimeout(seconds)
        try:
            self.trace.append(f"came report {self.connection.read_packet().hex()}")
            return False
        except TimeoutError:
            return True
        finally:
            self.connection.socket.settimeout(PATIENCE)

    def channel(self):
        """A new channel."""
        nonce = os.urandom(8)
        self.send(BROADCAST, CTAPHID.INIT, nonce)
        _, command, data = self.receive()
        if command != CTAPHID.INIT or data[:8] != nonce:
            raise Failure(f"no channel, but {command:#x} {data.hex()}")
        return int.from_bytes(data[8:12], "big")


class Key:
    """A key that listens in every way at once. Its state ends with it."""

    def __init__(self, program, *args):
        self.trace = deque(maxlen=6)
        self.directory = tempfile.TemporaryDirectory()
        self.durable = bool(os.environ.get("TOWLINE_CLIENTS_DURABLE"))
        self.command = [program, "key", "--json", *args]
        if self.durable:
            self.command += ["--store", f"{self.directory.name}/passkeys"]
        if not any(arg.startswith("--presence") for arg in args):
            self.command += ["--presence", "auto"]
        self.addresses = {"udp": "127.0.0.1:0", "tcp": "127.0.0.1:0", "unix": f"{self.directory.name}/key.sock"}
        self.says = None
        self.questions = []
        self._start()

    def _start(self):
        command = list(self.command)
        for kind, address in self.addresses.items():
            command += ["--listen", f"{kind}:{address}"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        waited_for = set(self.addresses)
        while waited_for:
            line = self.process.stdout.readline()
            if not line:
                raise Failure(f"{' '.join(command)} ended with {self.process.wait()}")
            event = json.loads(line)
            if event["event"] == "listening":
                self.addresses[event["kind"]] = event["address"]
                waited_for.remove(event["kind"])
        self.url = f"udp:{self.addresses['udp']}"
        self.reader = Thread(target=self._read, args=(self.process,), daemon=True)
        self.reader.start()

    def _read(self, process):
        """Reads what the key tells, and answers its questions as `says` says; without that the
        input ends.
        """
        for line in process.stdout:
            event = json.loads(line)
            if event["event"] != "question":
                continue
            self.questions.append(event["message"])
            if self.says is None:
                process.stdin.close()
            else:
                process.stdin.write(f"{self.says}\n")
                process.stdin.flush()

    def connection(self, kind="udp"):
        return CONNECTIONS[kind](self.addresses[kind])

    def device(self, kind="udp"):
        """A new channel, as python-fido2 opens one."""
        name = HidDescriptor(self.url, 0x1209, 0, REPORT, REPORT, "towline", None)
        return Device(name, self.connection(kind), self.trace)

    def ctap(self, kind="udp"):
        return Ctap2(self.device(kind))

    def reports(self, kind="udp"):
        return Reports(self.connection(kind), self.trace)

    def presence(self, mode):
        """Steers who touches the key, from now on: auto, deny, once or delay:MS."""
        connection = self.connection()
        report = f"ctaphid-control:presence={mode}".encode().ljust(REPORT, b"\0")
        connection.write_packet(report)
        if connection.read_packet() != report:
            raise Failure(f"presence={mode} was not taken")
        connection.close()

    def power_cycle(self):
        """Out and in again. There is no answer; what is sent after it is served after it. A durable
        key is killed instead.
        """
        if self.durable:
            return self.restart()
        connection = self.connection("unix")
        connection.write_packet(POWER_CYCLE)
        # Any report that is answered shows that the one before it on the same connection was
        # served.
        Reports(connection, self.trace).channel()
        connection.close()
        self.trace.append("power cycle")

    def restart(self):
        """Killed, and started again at the same places. Without files nothing is left."""
        self.process.kill()
        self._ended()
        self._start()
        self.trace.append("killed, and started again")

    def stop(self):
        self.process.terminate()
        self._ended()
        self.directory.cleanup()

    def _ended(self):
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()
