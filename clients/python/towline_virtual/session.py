"""A session: authenticators, the pages and programs that use them, a clock and a log."""

import json
from typing import Any, Literal
from urllib.parse import quote

from .authenticator import Authenticator
from .errors import StillOpen
from .http import Caller
from .shapes import Clock, Json, Options, Preset

Mediation = Literal["optional", "required", "silent", "conditional", "immediate"]


class Session:
    """Authenticators that belong together, and nothing of other tests."""

    def __init__(self, call: Caller, id: str):
        self.id = id
        self._service = call

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        return self._service(method, f"v1/{self.id}{path}", body)

    def add_authenticator(self, options: Preset | Options | None = None) -> Authenticator:
        """Adds an authenticator: a preset by its name, or options."""
        wanted = {"preset": options} if isinstance(options, str) else options or {}
        made = self._call("POST", "/authenticators", wanted)
        return Authenticator(self._call, made["authenticatorId"])

    def authenticators(self) -> list[Authenticator]:
        there = self._call("GET", "/authenticators")["authenticators"]
        return [Authenticator(self._call, it["authenticatorId"]) for it in there]

    def create(
        self,
        origin: str,
        options: Json | str,
        *,
        mediation: Mediation = "optional",
        top_origin: str | None = None,
        wait: float = 10,
    ) -> Json:
        """Registers, as `navigator.credentials.create()` in a page of that origin.

        `options` is what the site's server gives a page, as text or parsed, and the result what a
        page sends back.
        Raises Refused, or StillOpen where the person has not answered within `wait` seconds.
        """
        return self._ceremony("/create", origin, options, mediation, top_origin, wait)

    def get(
        self,
        origin: str,
        options: Json | str,
        *,
        mediation: Mediation = "optional",
        top_origin: str | None = None,
        wait: float = 10,
    ) -> Json:
        """Signs in, as `navigator.credentials.get()` in a page of that origin; see `create`."""
        return self._ceremony("/get", origin, options, mediation, top_origin, wait)

    def ceremony(self, ceremony_id: str, wait: float = 10) -> Json:
        """The end of a ceremony that StillOpen has named."""
        return _ended(self._call("GET", f"/ceremonies/{ceremony_id}?wait={wait}"))

    def _ceremony(
        self,
        path: str,
        origin: str,
        options: Json | str,
        mediation: Mediation,
        top_origin: str | None,
        wait: float,
    ) -> Json:
        if isinstance(options, str):
            options = json.loads(options)
        body: Json = {"origin": origin, "options": options, "mediation": mediation, "wait": wait}
        if top_origin is not None:
            body["topOrigin"] = top_origin
        return _ended(self._call("POST", path, body))

    def publish_related_origins(self, rp_id: str, origins: list[str]) -> None:
        """Says what `https://RP_ID/.well-known/webauthn` would: who may use its passkeys."""
        self._call("PUT", f"/related-origins/{quote(rp_id)}", {"origins": origins})

    def log(self, after: int = 0, wait: float = 0) -> list[Json]:
        """What has happened since the notice of that number; waits so long for the next."""
        return self._call("GET", f"/log?after={after}&wait={wait}")["notices"]

    def clock(self, *, held: bool | None = None, advance: float | None = None) -> Clock:
        """Reads the clock; or holds it, lets it go, or moves it by seconds."""
        change = {"held": held, "advance": advance}
        change = {name: value for name, value in change.items() if value is not None}
        return self._call("PATCH", "/clock", change) if change else self._call("GET", "/clock")

    def page_script(self, binding: str) -> str:
        """The script for pages, whose messages go through a function of the window."""
        return self._call("GET", f"/page/script.js?binding={quote(binding)}")

    def answer_page(self, origin: str, message: Json) -> Json:
        """Answers a message of that script; the origin is that of the frame that sent it."""
        return self._call("POST", "/page", {"origin": origin, "message": message})

    def page_key(self) -> str:
        """What opens the door for pages to this session, and nothing else."""
        return self._call("GET", "")["pageKey"]

    def end(self) -> None:
        """Ends it, and forgets what it keeps; `default` begins anew."""
        self._call("DELETE", "")


def _ended(answer: Json) -> Json:
    if "response" not in answer:
        raise StillOpen(answer["ceremonyId"])
    return answer["response"]
