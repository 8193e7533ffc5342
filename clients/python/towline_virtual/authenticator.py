"""One virtual authenticator, its passkeys, its person and what goes wrong with it."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from .shapes import Credential, CredentialChange, Fault, Json, Questions


class Authenticator:
    """An authenticator of a session."""

    def __init__(self, call: Callable[..., Any], id: str):
        self.id = id
        self._session = call

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        return self._session(method, f"/authenticators/{quote(self.id)}{path}", body)

    def credentials(self) -> list[Credential]:
        """Its passkeys, with their private keys: what `add_credential` takes, here or elsewhere."""
        return self._call("GET", "/credentials")["credentials"]

    def add_credential(self, credential: Credential) -> None:
        self._call("POST", "/credentials", credential)

    def change_credential(self, id: str, change: CredentialChange) -> None:
        self._call("PATCH", f"/credentials/{id}", change)

    def remove_credential(self, id: str) -> None:
        self._call("DELETE", f"/credentials/{id}")

    def remove_credentials(self) -> None:
        """Removes all passkeys."""
        self._call("DELETE", "/credentials")

    def script(self, *rules: str) -> None:
        """What the person does from now on: rules such as `signing-in: refuses once; agrees`.

        No rules: as before.
        """
        self._call("PUT", "/person", {"rules": "; ".join(rules)})

    def questions(self) -> Questions:
        return self._call("GET", "/person")

    def answer(self, answer: str) -> int:
        """Answers what is open, for the person: `agrees`, `refuses`, `picks=alice`.

        Gives how many questions that were.
        """
        return self._call("POST", "/person/answer", {"answer": answer})["answered"]

    def fail(self, *faults: str | Fault) -> None:
        """Lets this go wrong from now on, and nothing else. No faults: all is well again."""
        rules = [{"fault": it} if isinstance(it, str) else it for it in faults]
        self._call("PUT", "/faults", {"faults": rules})

    def faults(self) -> list[Fault]:
        """What goes wrong, and in `count` how often it did."""
        return self._call("GET", "/faults")["faults"]

    def set(self, **switches: bool) -> None:
        """Changes switches: `isUserConsenting`, `isUserVerified` and others."""
        self._call("PATCH", "", switches)

    def info(self) -> Json:
        """What it says of itself (authenticatorGetInfo)."""
        return self._call("GET", "/info")["info"]

    def replug(self) -> None:
        """Unplugs it, and plugs it in again."""
        self._call("POST", "/replug")

    def snapshot(self) -> Json:
        """Everything that it keeps now, for `restore`."""
        return self._call("GET", "/snapshot")

    def restore(self, snapshot: Json) -> None:
        self._call("PUT", "/snapshot", snapshot)

    def remove(self) -> None:
        """Removes it, with its passkeys."""
        self._call("DELETE", "")
