"""Playwright, with any browser: passkeys for the pages of a context.

`Credentials` has the calls of Playwright's `context.credentials` under the same names, and
`AsyncCredentials` the same for the asynchronous API.
"""

import asyncio
import json
import secrets
from base64 import urlsafe_b64encode
from typing import Any
from urllib.parse import urlsplit

from .authenticator import Authenticator
from .errors import BadCall, ProgramEnded
from .service import Service
from .session import Session
from .shapes import Credential, Options, Preset

# The function of the window that the script for pages calls.
BINDING = "__towlineVirtual"


def _origin(frame: Any) -> str:
    """The origin of a frame; without an address of its own it has its parent's."""
    while frame is not None:
        address = urlsplit(frame.url)
        if address.scheme in ("http", "https"):
            return f"{address.scheme}://{address.netloc}"
        frame = frame.parent_frame
    return "null"


def _answering(session: Session) -> Any:
    # A coroutine also for the synchronous API, which must not stand still while a person thinks.
    async def answer(source: Any, text: str) -> str:
        origin = _origin(source["frame"])
        return json.dumps(await asyncio.to_thread(session.answer_page, origin, json.loads(text)))

    return answer


def install(context: Any, session: Session) -> None:
    """Gives all pages of a context of the synchronous API the passkeys of a session.

    It does not matter what their content security policy is.
    """
    context.expose_binding(BINDING, _answering(session))
    context.add_init_script(session.page_script(BINDING))


async def install_async(context: Any, session: Session) -> None:
    """The same for a context of the asynchronous API."""
    await context.expose_binding(BINDING, _answering(session))
    await context.add_init_script(session.page_script(BINDING))


def _random() -> str:
    return urlsafe_b64encode(secrets.token_bytes(16)).rstrip(b"=").decode()


def _new_passkey(service: Service, rp_id: str, user_handle: str | None) -> Credential:
    """One made by an authenticator that nothing of the test has to do with."""
    session = service.new_session()
    try:
        authenticator = session.add_authenticator("synced-passkey")
        session.create(
            f"https://{rp_id}",
            {
                "challenge": _random(),
                "rp": {"id": rp_id, "name": rp_id},
                "user": {"id": user_handle or _random(), "name": rp_id, "displayName": rp_id},
                "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
                "authenticatorSelection": {"residentKey": "required"},
            },
        )
        return authenticator.credentials()[0]
    finally:
        session.end()


class _Passkeys:
    """What both have in common: the passkeys of one authenticator, as Playwright writes them."""

    def __init__(self, service: Service, session: Session, authenticator: Authenticator):
        self._service = service
        #: The test's, for the clock and the log.
        self.session = session
        #: The test's, for people and faults.
        self.authenticator = authenticator

    @classmethod
    def _begun(cls, service: Service, authenticator: Preset | Options) -> "_Passkeys":
        session = service.new_session()
        return _Passkeys(service, session, session.add_authenticator(authenticator))

    def end(self) -> None:
        """Ends the session; the second time nothing happens."""
        try:
            self.session.end()
        except (BadCall, ProgramEnded, OSError):
            pass

    def create(self, rp_id: str, given: Credential) -> Credential:
        credential: Credential = {**given}
        if "privateKey" not in given and "key" not in given:
            made = _new_passkey(self._service, rp_id, given.get("userHandle"))
            credential = {**made, **given}
            if "id" in given:
                credential["credentialId"] = given["id"]
        credential["rpId"] = rp_id
        self.authenticator.add_credential(credential)
        return self.get(credential.get("id", credential.get("credentialId")), None)[0]

    def get(self, id: str | None, rp_id: str | None) -> list[Credential]:
        found: list[Credential] = []
        for it in self.authenticator.credentials():
            if id in (None, it["id"]) and rp_id in (None, it["rpId"]):
                found.append({**it, "signCount": it.get("signCount") or 0})
        return found


def _given(
    id: str | None,
    private_key: str | None,
    public_key: str | None,
    sign_count: int | None,
    user_handle: str | None,
    more: Credential | None,
) -> Credential:
    named = {
        "id": id,
        "privateKey": private_key,
        "publicKey": public_key,
        "signCount": sign_count,
        "userHandle": user_handle,
    }
    given: Any = {**(more or {}), **{name: it for name, it in named.items() if it is not None}}
    return given


class Credentials:
    """The calls of Playwright's `context.credentials`, by the same names: the synchronous API."""

    def __init__(
        self,
        context: Any,
        service: Service,
        authenticator: Preset | Options = "synced-passkey",
    ):
        """For a context: a session of its own, with one authenticator."""
        self._passkeys = _Passkeys._begun(service, authenticator)
        self._context = context
        self._installed = False
        context.once("close", lambda _: self._passkeys.end())

    @property
    def session(self) -> Session:
        return self._passkeys.session

    @property
    def authenticator(self) -> Authenticator:
        return self._passkeys.authenticator

    def install(self) -> None:
        """Gives the pages of the context these passkeys: before `page.goto`."""
        if not self._installed:
            install(self._context, self.session)
            self._installed = True

    def create(
        self,
        rp_id: str,
        *,
        id: str | None = None,
        private_key: str | None = None,
        public_key: str | None = None,
        sign_count: int | None = None,
        user_handle: str | None = None,
        credential: Credential | None = None,
    ) -> Credential:
        """Adds a passkey: a new one, or one that was given; `credential` has what `get` gave."""
        given = _given(id, private_key, public_key, sign_count, user_handle, credential)
        return self._passkeys.create(rp_id, given)

    def get(self, *, id: str | None = None, rp_id: str | None = None) -> list[Credential]:
        return self._passkeys.get(id, rp_id)

    def delete(self, id: str) -> None:
        self.authenticator.remove_credential(id)

    def storage_state(self, *, credentials: bool = True, **options: Any) -> dict[str, Any]:
        """The state of the context, with these passkeys in `credentials`."""
        state = dict(self._context.storage_state(**options))
        return {**state, "credentials": self.get()} if credentials else state


class AsyncCredentials:
    """The same for the asynchronous API; made by `await AsyncCredentials.of(context, service)`."""

    def __init__(self, context: Any, passkeys: _Passkeys):
        self._context = context
        self._passkeys = passkeys
        self._installed = False

    @classmethod
    async def of(
        cls,
        context: Any,
        service: Service,
        authenticator: Preset | Options = "synced-passkey",
    ) -> "AsyncCredentials":
        passkeys = await asyncio.to_thread(_Passkeys._begun, service, authenticator)
        context.once("close", lambda _: passkeys.end())
        return cls(context, passkeys)

    @property
    def session(self) -> Session:
        return self._passkeys.session

    @property
    def authenticator(self) -> Authenticator:
        return self._passkeys.authenticator

    async def install(self) -> None:
        if not self._installed:
            await install_async(self._context, self.session)
            self._installed = True

    async def create(
        self,
        rp_id: str,
        *,
        id: str | None = None,
        private_key: str | None = None,
        public_key: str | None = None,
        sign_count: int | None = None,
        user_handle: str | None = None,
        credential: Credential | None = None,
    ) -> Credential:
        given = _given(id, private_key, public_key, sign_count, user_handle, credential)
        return await asyncio.to_thread(self._passkeys.create, rp_id, given)

    async def get(self, *, id: str | None = None, rp_id: str | None = None) -> list[Credential]:
        return await asyncio.to_thread(self._passkeys.get, id, rp_id)

    async def delete(self, id: str) -> None:
        await asyncio.to_thread(self.authenticator.remove_credential, id)

    async def storage_state(self, *, credentials: bool = True, **options: Any) -> dict[str, Any]:
        state = dict(await self._context.storage_state(**options))
        return {**state, "credentials": await self.get()} if credentials else state
