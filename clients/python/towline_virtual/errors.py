"""What can go wrong, each with a message that says what to do."""

from typing import Any


class ProgramMissing(Exception):
    """There is no program `towline` on this machine."""


class ProgramEnded(Exception):
    """The program did not start, or has ended."""


class Refused(Exception):
    """The service refused.

    In a ceremony, `name` is that of the exception that a browser would throw, such as
    `NotAllowedError`; otherwise None. `member` is the one of the request that can't be used.
    """

    def __init__(self, status: int, error: dict[str, Any]):
        self.name: str | None = error.get("name")
        self.message: str = error.get("message", "")
        self.reason: str = error.get("reason", "")
        self.member: str | None = error.get("member")
        self.status = status
        super().__init__(f"{self.name}: {self.message}" if self.name else self.message)


class StillOpen(Exception):
    """A ceremony is not over: the person has not answered."""

    def __init__(self, ceremony_id: str):
        self.ceremony_id = ceremony_id
        super().__init__(
            f"ceremony {ceremony_id} still waits, for the person or, in a session that has none, for an "
            "authenticator: see authenticator.questions(), and answer with authenticator.answer(); or "
            "let its time run out with session.clock(advance=600), and ask session.ceremony(id)"
        )
