"""`towline virtual serve`, and its default session over HTTP (docs/virtual-service.md)."""

import json
import subprocess
import urllib.error
import urllib.request


class VirtualService:
    """The program, until the end of the `with` block."""

    def __init__(self, program):
        self.command = [program, "virtual", "serve", "--json"]

    def __enter__(self):
        self.process = subprocess.Popen(
            self.command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        serving = json.loads(self.process.stdout.readline())
        self.session = serving["url"].rstrip("/") + "/v1/default"
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=20)

    def ask(self, method, path, body=None):
        """The text of the answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.session + path, data=data, method=method)
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=600) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            # A refusal is an answer, too.
            return error.read().decode()

    def call(self, method, path, body=None):
        """The answer, which is none of a refusal."""
        text = self.ask(method, path, body)
        answer = json.loads(text) if text else None
        if isinstance(answer, dict) and "error" in answer:
            raise AssertionError(f"{method} {path}: {text}")
        return answer

    def add(self, **options):
        return self.call("POST", "/authenticators", options)["authenticatorId"]

    def empty(self):
        for device in self.call("GET", "/authenticators")["authenticators"]:
            self.unplug(device["authenticatorId"])

    def unplug(self, device):
        self.call("DELETE", f"/authenticators/{device}")

    def passkeys(self, device):
        return self.call("GET", f"/authenticators/{device}/credentials")["credentials"]

    def put(self, device, passkey):
        self.call("POST", f"/authenticators/{device}/credentials", passkey)

    def wipe(self, device):
        """A reset, or a new phone: nothing is on it any more."""
        self.call("DELETE", f"/authenticators/{device}/credentials")

    def person(self, device, rules):
        """What its person does from now on; docs/cli.md has the words."""
        self.call("PUT", f"/authenticators/{device}/person", {"rules": rules})
