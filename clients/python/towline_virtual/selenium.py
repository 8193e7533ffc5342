"""Selenium: passkeys for every page of a driver."""

from typing import Any
from urllib.request import urlopen

from .service import Service
from .session import Session


def install(driver: Any, service: Service, session: Session | None = None) -> None:
    """Gives all pages the passkeys of a session, by WebDriver BiDi's preload.

    The driver needs BiDi: `options.enable_bidi = True`. Chromium does without, by DevTools. Pages
    whose content security policy forbids connections to the service get an UnknownError.
    """
    key = (session or service.default_session).page_key()
    with urlopen(f"{service.origin}/{key}/page/script.js") as response:
        script = response.read().decode()
    if driver.capabilities.get("webSocketUrl"):
        driver.script.pin(f"() => {{ {script} }}")
    elif hasattr(driver, "execute_cdp_cmd"):
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": script})
    else:
        raise RuntimeError("this driver has no BiDi: set `enable_bidi = True` in its options")
