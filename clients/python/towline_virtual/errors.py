"""What can go wrong, each with a message that says what to do."""

from typing import Any


class ProgramMissing(Exception):
    """There is no program `towline` on this machine."""


class ProgramEnded(Exception):
    """The program did not start, or has ended."""


class Refused(Exception):
    """A ceremony was refused, as a browser would: `name` is that of its exception, such as
    `NotAllowedError`.
    """

    def __init__(self, name: str, message: str):
        self.name = name
        self.message = message
        super().__init__(f"{name}: {message}")


class BadCall(Exception):
    """The service can't do what a call says: a slip, or something that is not there.

    `reason` is one of a few words, and `member` the one of the request that can't be used.
    """

    def __init__(self, status: int, reason: str, message: str, member: str | None = None):
        self.status = status
        self.reason = reason
        self.message = message
        self.member = member
        super().__init__(f"{member}: {message}" if member else message)


class StillOpen(Exception):
    """A ceremony is not over: the person has not answered."""

    def __init__(self, ceremony_id: str):
        self.ceremony_id = ceremony_id
        super().__init__(
            f"ceremony {ceremony_id} still waits, for the person or, in a session that has none, for an "
            "authenticator: see authenticator.questions(), and answer with authenticator.answer(); or "
            "let its time run out with session.clock(advance=600), and ask session.ceremony(id)"
        )
