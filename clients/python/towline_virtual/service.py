"""A running service, and its sessions."""

import os
from urllib.parse import urlsplit

from .http import Caller
from .program import Program
from .session import Session
from .shapes import Fault, Preset


class Service:
    """`towline virtual serve`, started here or by somebody else. A context manager ends it."""

    def __init__(self, address: str, program: Program | None = None):
        self.address = address if address.endswith("/") else f"{address}/"
        self._program = program
        self._call = Caller(self.address, program)
        self.default_session = Session(self._call, "default")

    @classmethod
    def start(
        cls,
        program: str | os.PathLike[str] | None = None,
        *,
        passkeys: str | os.PathLike[str] | None = None,
        kind: Preset | None = None,
        port: int | None = None,
    ) -> "Service":
        """Starts the program, and waits until it serves."""
        running = Program(program, passkeys=passkeys, kind=kind, port=port)
        return cls(running.serving["url"], running)

    @classmethod
    def connect(cls, address: str) -> "Service":
        """Uses a service that somebody else has started, at the address that it prints."""
        return cls(address)

    @property
    def pid(self) -> int | None:
        """The process id of the program, if it was started here."""
        return self._program and self._program.pid

    @property
    def origin(self) -> str:
        """The address without the token, below which pages find their door."""
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc}"

    def new_session(self) -> Session:
        """A session of its own, for a test that runs beside others."""
        return Session(self._call, self._call("POST", "v1/sessions", {})["sessionId"])

    def known_faults(self) -> list[Fault]:
        """What can go wrong, by name."""
        return self._call("GET", "v1/faults")["faults"]

    def stop(self) -> None:
        """Ends the program, if it was started here."""
        if self._program:
            self._program.stop()

    def __enter__(self) -> "Service":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
