#!/usr/bin/env python3
"""What people do on the pages of `towline rp` and `towline demo`, in unmodified browsers.

Usage: run.py TOWLINE [AXE] [NAME...]. Without names all is run: the stories and the journey, each
in Chromium and in Firefox, and the demonstration; as many browsers at once as there are processors.
Pictures of each step are written to target/journey/.
"""

import os
import shutil
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

import demo
from chromium import Chromium
from firefox import Firefox
from journey import STEPS
from relying_party import RelyingParty
from stories import STORIES
from trusted_platform import TrustedPlatform, s10_the_trusted_platform
from virtual_service import VirtualService

PICTURES = "target/journey"


class Run:
    """What is to be run, and whether something failed meanwhile."""

    def __init__(self, program, axe, names):
        self.program, self.axe, self.names = program, axe, names
        self.failed = threading.Event()

    def wanted(self, act):
        return (not self.names or act.__name__ in self.names) and not self.failed.is_set()

    def act(self, browser, act, *others):
        started = time.monotonic()
        browser.axe = self.axe if browser.script else None
        name = f"{browser.NAME} {act.__name__}"
        try:
            act(browser, *others)
        except Exception:
            self.failed.set()
            browser.driver.switch_to.default_content()
            browser.picture(f"failed-{act.__name__}")
            print(f"FAILED: {name} at {browser.driver.current_url}", flush=True)
            raise
        print(f"ok {name} ({time.monotonic() - started:.1f} s)", flush=True)

    def browser(self, kind, **settings):
        more = [self.program] if issubclass(kind, Firefox) else []
        return kind(*more, PICTURES, **settings)

    def stories(self, kind):
        for settings, some in groupby(STORIES, lambda story: story[1]):
            some = [story for story, _ in some if self.wanted(story)]
            if not some:
                continue
            # One browser for all: each story begins signed out, at a site of its own.
            with self.browser(kind, **settings) as browser:
                for story in some:
                    if self.wanted(story):
                        with RelyingParty(self.program) as site:
                            self.act(browser, story, site)
                            browser.forget()

    def journey(self, kind):
        steps = [step for step in STEPS if self.wanted(step)]
        if not steps:
            return
        # The same, with devices of its own.
        with VirtualService(self.program) as service, self.browser(kind) as browser:
            browser.use(service)
            for step in steps:
                if self.wanted(step):
                    with RelyingParty(self.program) as site:
                        service.empty()
                        browser.forget()
                        self.act(browser, step, site, service)

    def trusted_platform(self, kind):
        if not self.wanted(s10_the_trusted_platform):
            return
        if not shutil.which("swtpm"):
            print(f"NOT RUN: the trusted platform with a TPM in {kind.NAME} (swtpm is not here)")
            return
        with (
            VirtualService(self.program) as service,
            TrustedPlatform(self.program, service) as machine,
        ):
            machine.enroll()
            with (
                RelyingParty(self.program, "--roots", machine.root) as site,
                self.browser(kind) as browser,
            ):
                browser.use(machine)
                self.act(browser, s10_the_trusted_platform, site, machine)

    def demo(self, kind, story, settings):
        if self.wanted(story):
            with demo.Demo(self.program) as shown, self.browser(kind, **settings) as anna:
                anna.looks_at(shown)
                self.act(anna, story)


def main():
    program, *more = sys.argv[1:]
    axe = next((Path(name).read_text() for name in more if name.endswith(".js")), None)
    if not axe:
        print("NOT RUN: axe-core on the pages (it is not here)")
    run = Run(program, axe, [name for name in more if not name.endswith(".js")])
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        rounds = [
            pool.submit(what, kind)
            for kind in (Firefox, Chromium)
            for what in (run.stories, run.journey, run.trusted_platform)
        ]
        rounds += [
            pool.submit(run.demo, kind, story, settings)
            for kind, story, settings in demo.STORIES
        ]
    for round in rounds:
        round.result()


if __name__ == "__main__":
    main()
