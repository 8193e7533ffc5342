"""Playwright, with any browser: passkeys for the pages of a context."""

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit

from .session import Session

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
