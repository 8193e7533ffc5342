#!/usr/bin/env python3
"""What people do on the pages of `towline rp`, in unmodified browsers.

Usage: run.py TOWLINE [AXE] [NAME...]. Without names all is run: the stories and the journey, each
in Chromium and in Firefox. Pictures of each step are written to target/journey/.
"""

import shutil
import sys
import time
from pathlib import Path

from chromium import Chromium
from firefox import Firefox
from journey import STEPS
from relying_party import RelyingParty
from stories import STORIES
from trusted_platform import TrustedPlatform, s10_the_trusted_platform
from virtual_service import VirtualService

PICTURES = "target/journey"


def main():
    program, *more = sys.argv[1:]
    axe = next((Path(name).read_text() for name in more if name.endswith(".js")), None)
    names = [name for name in more if not name.endswith(".js")]
    if not axe:
        print("NOT RUN: axe-core on the pages (it is not here)")

    def run(browser, what, act):
        started = time.monotonic()
        browser.axe = axe if browser.script else None
        try:
            act()
        except Exception:
            browser.picture(f"failed-{what}")
            print(f"FAILED: {what} in {browser.NAME} at {browser.driver.current_url}")
            raise
        print(f"ok {browser.NAME} {what} ({time.monotonic() - started:.1f} s)", flush=True)

    def wanted(story):
        return not names or story.__name__ in names

    for open_browser in (
        lambda **settings: Chromium(PICTURES, **settings),
        lambda **settings: Firefox(program, PICTURES, **settings),
    ):
        for story, settings in STORIES:
            if wanted(story):
                with RelyingParty(program) as site, open_browser(**settings) as browser:
                    run(browser, story.__name__, lambda: story(browser, site))
        if wanted(s10_the_trusted_platform):
            s10(program, open_browser, run)
        steps = [step for step in STEPS if wanted(step)]
        if not steps:
            continue
        # One browser for all: each step begins signed out, with devices and a site of its own.
        with VirtualService(program) as service, open_browser() as browser:
            browser.use(service)
            for step in steps:
                with RelyingParty(program) as site:
                    service.empty()
                    browser.forget()
                    run(browser, step.__name__, lambda: step(browser, site, service))


def s10(program, open_browser, run):
    if not shutil.which("swtpm"):
        print("NOT RUN: the trusted platform with a TPM (swtpm is not here)")
        return
    act = s10_the_trusted_platform
    with VirtualService(program) as service, TrustedPlatform(program, service) as machine:
        machine.enroll()
        with RelyingParty(program, "--roots", machine.root) as site, open_browser() as browser:
            browser.use(machine)
            run(browser, act.__name__, lambda: act(browser, site, machine))


if __name__ == "__main__":
    main()
