"""Requests to the service: JSON there and back."""

import json
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from .errors import BadCall, Refused
from .program import Program

# The service is on this machine; a proxy for the world has nothing to do with it.
_OPENER = build_opener(ProxyHandler({}))


class Caller:
    """Asks a service, at an address that ends with a slash."""

    def __init__(self, address: str, program: Program | None = None):
        self.address = address
        self._program = program

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.address + path, data, method=method)
        try:
            with _OPENER.open(request) as response:
                text = response.read().decode()
                is_json = response.headers.get_content_type() == "application/json"
                return json.loads(text) if is_json else text
        except HTTPError as error:
            with error:
                raise _error(error.code, error.read().decode(errors="replace")) from None
        except (HTTPException, OSError, URLError) as error:
            if self._program and self._program.has_ended():
                raise self._program.failure() from error
            server = urlsplit(self.address).netloc
            raise ConnectionError(f"no service answers at {server}: {error}") from error


def _error(status: int, text: str) -> Refused | BadCall:
    try:
        told = json.loads(text)["error"]
        if "name" in told:
            return Refused(told["name"], told["message"])
        return BadCall(status, told["reason"], told["message"], told.get("member"))
    except (ValueError, KeyError, TypeError):
        return BadCall(status, "http", text)
