"""The journey's trusted platform (S10) with a real TPM, which is software: what a page asks for
goes to `towline computer --with platform`, and its answer back to the page.
"""

import json
import subprocess
import tempfile
import time
from pathlib import Path

from person import (
    add_key, begin_sign_in, choose_name, is_signed_in_with_the_key, join, shown, sign_out,
)


class TrustedPlatform:
    """A service for the script of pages whose one device is this machine, until the end of the
    `with` block. What a browser can do, and what it asks before anybody presses a button, is left
    to a virtual service.
    """

    def __init__(self, program, service):
        self.program, self.service = program, service

    def __enter__(self):
        self.directory = tempfile.TemporaryDirectory()
        place = Path(self.directory.name)
        self.root = str(place / "root.pem")
        self.platform = ["--store", str(place / "passkeys"), "--tpm", f"unix:{place}/socket"]
        self.swtpm = subprocess.Popen([
            "swtpm", "socket", "--tpm2", "--flags", "not-need-init,startup-clear",
            "--tpmstate", f"dir={place}", "--server", f"type=unixio,path={place}/socket",
            "--ctrl", f"type=unixio,path={place}/control",
        ])
        until = time.monotonic() + 60
        while not (place / "socket").exists():
            assert time.monotonic() < until, "swtpm does not listen"
            time.sleep(0.05)
        self.service.add(preset="platform")
        return self

    def __exit__(self, *_):
        self.swtpm.kill()
        self.swtpm.wait()
        self.directory.cleanup()

    def run(self, *arguments, stdin=""):
        """What the program says, the last of it the outcome."""
        ended = subprocess.run(
            [self.program, "--json", *arguments], input=stdin, capture_output=True, text=True,
            timeout=120,
        )
        return [json.loads(line) for line in ended.stdout.splitlines()]

    def enroll(self):
        """Has an authority certify that what is made here is in the TPM."""
        command = [self.program, "--json", "virtual", "tpm-ca", "--root", self.root]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as authority:
            url = json.loads(authority.stdout.readline())["url"]
            said = self.run("tpm", *self.platform, "enroll", "--ca", url)
            authority.terminate()
        assert said[-1].get("about") == "tpm_attestation", said

    def ask(self, method, path, body=None):
        message = (body or {}).get("message", {})
        asked, waits = message.get("ask"), message.get("mediation") == "conditional"
        if path != "/page" or asked not in ("create", "get") or waits:
            return self.service.ask(method, path, body)
        way = ["--origin", body["origin"], "--with", "platform", *self.platform, "--answer", "yes"]
        said = self.run("computer", asked, *way, stdin=json.dumps(message["options"]))
        if said[-1]["event"] == "response":
            return json.dumps({"response": said[-1]["response"]})
        name = said[-1].get("name", "UnknownError")
        return json.dumps({"error": {"name": name, "message": said[-1]["message"]}})


def s10_the_trusted_platform(browser, site, machine):
    join(browser, site)
    add_key(browser, site, "My laptop", "platform")
    sign_out(browser)
    begin_sign_in(browser, site)
    browser.press("[data-sign-in]")
    is_signed_in_with_the_key(browser)
    sign_out(browser)
    # Without saying who it is.
    browser.open(f"{site.url}/sign-in")
    browser.press("[data-sign-in]")
    is_signed_in_with_the_key(browser)
    listed = machine.run("keys", *machine.platform[:2], "list")
    assert [event["keys"] for event in listed] == ["tpm"], listed
    sign_out(browser)
    # What the TPM says of itself, to a site that asks.
    join(browser, site, "bo@example.org", "Bo")
    choose_name(browser, site, "Vouched for")
    browser.find("#extended").click()
    browser.press("[data-place=platform]")
    assert "of the kind “tpm”" in browser.text(), browser.text()
    assert "a maker that this site trusts vouches" in browser.text(), browser.text()
    shown(browser, "s10")
