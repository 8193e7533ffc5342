"""Checks, one readable line each; the first that fails ends the run and says what was sent."""

from threading import Lock

from fido2.client import ClientError
from fido2.ctap import CtapError

from failure import Failure, status_of
from key import Key

ERR = CtapError.ERR


class Topic:
    """What belongs together: keys that are its own, and the lines that it said."""

    def __init__(self, name, program):
        self.name = name
        self.program = program
        self.keys = []
        self.closed = False
        self.lock = Lock()
        self.passed = 0

    def key(self, *args):
        """A new key, with nothing on it."""
        with self.lock:
            if self.closed:
                raise Failure("the run is over")
            key = Key(self.program, *args)
            self.keys.append(key)
            return key

    def check(self, what, holds, seen=None):
        """`holds`, or the run ends and shows what was `seen`."""
        if not holds:
            raise Failure(what if seen is None else f"{what}: {seen!r}")
        self.passed += 1
        print(f"ok   {self.name}: {what}\n", end="", flush=True)

    def equal(self, what, seen, wanted):
        """The same for equality."""
        if seen != wanted:
            raise Failure(f"{what}: {seen!r}, not {wanted!r}")
        self.check(what, True)

    def refused(self, what, status, call, *args, **kwargs):
        """The call is answered with this status code."""
        try:
            answer = call(*args, **kwargs)
        except (CtapError, ClientError) as error:
            cause = error.cause if isinstance(error, ClientError) else error
            if getattr(cause, "code", None) != status:
                wanted = f"status {int(status):02x} {status.name}"
                raise Failure(f"{what}: {status_of(error)}, not {wanted}") from error
            return self.check(f"{what} ({int(status):02x})", True)
        raise Failure(f"{what}: it was not refused: {answer!r}")

    def trace(self):
        """What went to and fro last, on all keys."""
        return [line for key in self.keys for line in key.trace]

    def close(self):
        """Stops the keys, and lets no new one start."""
        with self.lock:
            self.closed = True
            while self.keys:
                self.keys.pop().stop()
