"""`towline key` on a desktop: questions by notifications, and a store that the system's keyring
opens.

    dbus-run-session -- run.py PROGRAM

PROGRAM is `towline` with cargo's feature `desktop`. The keyring is gnome-keyring, the notification
service a small one of our own.
"""

import atexit
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "clients"))

from fido2.ctap import CtapError
from fido2.ctap2 import Ctap2
from fido2.hid import CtapHidDevice
from fido2.hid.base import HidDescriptor
from key import Udp
from notifications import EXPIRED, Desktop

PASSED = 0


def check(what, holds, seen=""):
    global PASSED
    if not holds:
        sys.exit(f"FAILED: {what}: {seen}")
    PASSED += 1


def keyring(directory):
    """A Secret Service that keeps what it has in this directory, and is unlocked."""
    home = pathlib.Path(directory)
    for name in ["data", "runtime", "cache"]:
        (home / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    environment = dict(
        os.environ,
        XDG_DATA_HOME=str(home / "data"),
        XDG_RUNTIME_DIR=str(home / "runtime"),
        XDG_CACHE_HOME=str(home / "cache"),
    )
    subprocess.run(
        ["gnome-keyring-daemon", "--replace", "--unlock", "--components=secrets"],
        input=b"login password", env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True,
    )


class Key:
    def __init__(self, program, *args):
        command = [program, "key", "--json", "--listen", "udp:127.0.0.1:0", "--presence", "notify", *args]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        # Also when a check fails.
        atexit.register(self.process.kill)
        self.events = []
        for line in self.process.stdout:
            event = json.loads(line)
            self.events.append(event)
            if event["event"] == "listening":
                address = event["address"]
                break
        else:
            sys.exit(f"FAILED: the key ended with {self.process.wait()}: {self.events}")
        descriptor = HidDescriptor(f"udp:{address}", 0x1209, 0, 64, 64, "towline", None)
        self.client = Ctap2(CtapHidDevice(descriptor, Udp(address)))

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=20)


def make(client, user, event=None):
    user = {"id": user.encode(), "name": user}
    parameters = [{"type": "public-key", "alg": -7}]
    return client.make_credential(bytes(32), {"id": "example.org"}, user, parameters, options={"rk": True}, event=event)


def refusal(future):
    """The status with which a request was refused."""
    try:
        future.result(timeout=30)
    except CtapError as error:
        return error.code
    return None


def keys(program, *args):
    done = subprocess.run([program, "keys", "--json", *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def questions(desktop, pool, key):
    """Whatever becomes of a question, nothing else is answered by it. Ends the key."""
    for what, answer in [("a no", lambda shown: desktop.press(shown, "no")), ("a closed one", desktop.close),
                         ("an unknown button", lambda shown: desktop.press(shown, "default"))]:
        refused = pool.submit(make, key.client, "ann")
        answer(desktop.next())
        check(f"{what} is a no", refusal(refused) == CtapError.ERR.OPERATION_DENIED)

    desktop.press_at_once("yes")
    made = pool.submit(make, key.client, "ben")
    check("the quickest press counts", made.result(timeout=20).auth_data.credential_data is not None)
    desktop.next()
    desktop.press_at_once(None)

    given_up = Event()
    cancelled = pool.submit(make, key.client, "ann", given_up)
    old = desktop.next()
    given_up.set()
    check("the client gave up", refusal(cancelled) == CtapError.ERR.KEEPALIVE_CANCEL)
    while desktop.was_closed() != old["id"]:
        pass
    check("what is not asked any more is off the screen", True)

    refused = pool.submit(make, key.client, "ann")
    shown = desktop.next()
    desktop.press(old, "yes")
    time.sleep(0.5)
    check("an old notification answers no new question", not refused.done())
    desktop.close(shown, EXPIRED)
    again = desktop.next()
    check("one that went by itself is shown again", again["body"] == shown["body"] and not refused.done())
    desktop.press(again, "no")
    check("and answered", refusal(refused) == CtapError.ERR.OPERATION_DENIED)

    pool.submit(make, key.client, "ann")
    open_one = desktop.next()
    key.stop()
    while desktop.was_closed() != open_one["id"]:
        pass
    check("a key that ends leaves no question behind", True)


def main(program):
    with tempfile.TemporaryDirectory() as directory:
        keyring(f"{directory}/first")
        desktop, pool = Desktop(), ThreadPoolExecutor(1)
        store = f"{directory}/passkeys"
        kept = ["--store", store, "--keyring"]
        key = Key(program, *kept)
        check("the keyring is named", any("keyring" in event.get("message", "") for event in key.events), key.events)
        check("there is no key file", not os.path.exists(f"{store}.key"))

        made = pool.submit(make, key.client, "<b>jo</b>")
        shown = desktop.next()
        check("it names the site", "example.org" in shown["body"], shown)
        check("names of strangers are no markup", "&lt;b&gt;jo" in shown["body"] and "<b>" not in shown["body"], shown)
        check("there are two buttons", shown["actions"] == ["yes", "Yes", "no", "No"], shown)
        desktop.press(shown, "yes")
        check("a yes is a yes", made.result(timeout=30).auth_data.credential_data is not None)

        questions(desktop, pool, key)

        code, events = keys(program, *kept, "list")
        check("the keyring opens the store again", code == 0 and len(events) == 2, events)
        passphrase = f"{directory}/words"
        pathlib.Path(passphrase).write_text("over there\n")
        code, events = keys(program, *kept, "backup", f"{directory}/backup", "--passphrase-file", passphrase)
        check("a backup is made", code == 0, events)
        code, events = keys(program, *kept, "backup", f"{directory}/backup2", "--keyring")
        check("a backup does not depend on the keyring", code == 2, events)

        # Another keyring, which knows nothing of the store.
        keyring(f"{directory}/second")
        code, events = keys(program, *kept, "list")
        message = events[-1].get("message", "")
        check("a lost entry is an error that names the way out", code == 5 and "restore a backup" in message, events)
        new = ["--store", f"{directory}/new", "--keyring"]
        code, events = keys(program, *new, "restore", f"{directory}/backup", "--passphrase-file", passphrase)
        check("the backup is the way out", code == 0, events)
        code, events = keys(program, *new, "list")
        check("and all is there", code == 0 and events[0]["rp_id"] == "example.org", events)
        keyring(f"{directory}/first")
        code, events = keys(program, *kept, "list")
        check("with the first keyring the store is as it was", code == 0 and len(events) == 2, events)
    print(f"{PASSED} passed", flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
