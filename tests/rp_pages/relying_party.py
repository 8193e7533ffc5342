"""`towline rp` with its two sites, on free ports."""

import json
import subprocess


class RelyingParty:
    """The program, until the end of the `with` block."""

    def __init__(self, program, *arguments):
        self.command = [program, "rp", "--sites", "--json", *arguments]

    def __enter__(self):
        self.process = subprocess.Popen(
            self.command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        urls = [json.loads(self.process.stdout.readline())["url"] for _ in range(3)]
        self.url, self.library, self.records = urls
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=10)
