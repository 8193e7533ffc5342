"""An unmodified Chromium is the computer, `towline phone` the phone, then a fake phone, and then a
phone of `towline virtual serve`: passkeys are made and used through the QR code that the browser
shows on a screen.

    run.py PROGRAM BLUEZ PHONE [screen]

PROGRAM is `towline` with cargo's feature `bluetooth`, BLUEZ the example `pretend_bluez` of
towline-radio, PHONE the example `browser_phone` of towline-virtual-phone. With `screen`, for which
PROGRAM needs the feature of that name, `towline phone` looks at the screen itself; otherwise the
phones are given pictures of it. They broadcast through that pretended daemon, and the browser hears
it there. The relay is ours, and stands where cable.ua5v.com does. The fake phone signs in 20 times,
or as often as TOWLINE_ROUNDS says.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

from browser import Browser, Screen, wait
from certificate import certificate
from pages import real_step_04_and_10_a_phone_by_the_code_on_the_screen
from virtual_service import a_phone_of_the_service

PASSED = 0


def check(what, holds, seen=""):
    global PASSED
    if not holds:
        raise AssertionError(f"{what}: {seen}")
    PASSED += 1
    print(f"ok   {what}", flush=True)


class Processes:
    """Everything that was started, each with its output in a file; all of it ends with this."""

    def __init__(self, directory):
        self.directory = directory
        self.started = []

    def start(self, name, command, **options):
        options.setdefault("stdout", open(f"{self.directory}/{name}.out", "ab"))
        process = subprocess.Popen(
            command, stderr=open(f"{self.directory}/{name}.err", "ab"), start_new_session=True, **options
        )
        self.started.append((name, process))
        return process

    def stop(self):
        for _, process in reversed(self.started):
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()

    def tails(self):
        for name in dict.fromkeys(name for name, _ in self.started):
            for kind in ["out", "err"]:
                try:
                    with open(f"{self.directory}/{name}.{kind}", errors="replace") as file:
                        lines = file.read().splitlines()[-60:]
                except FileNotFoundError:
                    continue
                if lines:
                    print(f"--- {name}.{kind}", *(line[:400] for line in lines), sep="\n", flush=True)


class Program:
    """One of our programs, and the events that it tells."""

    def __init__(self, processes, name, command, **options):
        self.process = processes.start(name, command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options)
        self.lines = queue.Queue()
        self.log = open(f"{processes.directory}/{name}.out", "a")
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.log.write(line)
            self.log.flush()
            self.lines.put(line.strip())

    def line(self, seconds=60):
        return self.lines.get(timeout=seconds)

    def event(self, name, seconds=60):
        while True:
            event = json.loads(self.line(seconds))
            if event["event"] == name:
                return event

    def say(self, line):
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()


def main(program, bluez, phone, way="picture"):
    with tempfile.TemporaryDirectory() as directory:
        processes = Processes(directory)
        try:
            journey(program, bluez, phone, way, directory, processes)
        except BaseException:
            traceback.print_exc()
            processes.tails()
            processes.stop()
            sys.exit(1)
        processes.stop()
    print(f"{PASSED} passed", flush=True)


def journey(program, bluez, fake, way, directory, processes):
    bus = processes.start(
        "dbus", ["dbus-daemon", "--session", "--nofork", "--print-address"], stdout=subprocess.PIPE, text=True
    ).stdout.readline().strip()
    here = dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=bus)
    air = Program(processes, "bluez", [bluez], env=here)
    check("the pretended Bluetooth is there", air.line() == "ready")

    pems, pin = certificate(directory, ["cable.ua5v.com", "localhost"])
    relay = Program(processes, "relay", [program, "relay", "--json", "--listen", "127.0.0.1:0", *pems])
    port = relay.event("listening")["url"].rsplit(":", 1)[1]
    rp = Program(processes, "rp", [program, "rp", "--json"])
    site = rp.event("listening")["url"]
    meeting = ["--domain", "0", "--relay", f"wss://localhost:{port}", "--ca", f"{directory}/ca.pem"]
    command = [program, "phone", "--json", *meeting, "--store", f"{directory}/passkeys"]
    screen = Screen(directory, processes.start)
    here["DISPLAY"] = screen.display
    phone = Program(processes, "phone", [*command, "--answer", "yes"], env=here)
    phone.event("ready")

    rules = f"MAP cable.ua5v.com:443 127.0.0.1:{port},MAP * ~NOTFOUND,EXCLUDE localhost,EXCLUDE 127.0.0.1"
    flags = [f"--host-resolver-rules={rules}", f"--ignore-certificate-errors-spki-list={pin}"]
    browser = Browser(directory, screen, processes.start, flags, bus)
    browser.go(site)

    def code():
        """Whether our own reader sees a code on the screen."""
        read = subprocess.run([program, "qr", screen.picture()], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
        return read.returncode == 0

    def scan(phone):
        wait("a code on the screen", code, pause=0.3)
        phone.say("screen" if way == "screen" else f"{directory}/screen.png")

    one, two = {"first": "b25l"}, {"first": "b25l", "second": "dHdv"}
    browser.begin("register", prf={"eval": one}, account="alice", key_name="phone")
    scan(phone)
    created, served, registered = phone.event("passkey"), phone.event("served"), browser.outcome()
    check("the phone made a passkey", (created["action"], created["rp_id"], served["ok"]) == ("created", "localhost", True), served)
    check("the relying party took it", registered.get("account") == "alice", registered)
    secret = registered["prf"].get("results", {}).get("first", "")
    check("the page has a secret of the passkey", registered["prf"].get("enabled") and len(secret) == 43, registered)
    check("nothing is on the air any more", nothing_on(air))

    browser.begin("sign-in", prf={"evalByCredential": {registered["id"]: one}}, account="alice")
    scan(phone)
    check("the phone used it", phone.event("passkey")["action"] == "used" and phone.event("served")["ok"])
    signed_in = browser.outcome()
    check("alice is signed in, and verified", (signed_in.get("account"), signed_in.get("user_verified")) == ("alice", True), signed_in)
    check("the page has the same secret again", signed_in.get("prf") == {"results": {"first": secret}}, signed_in)

    browser.begin("sign-in", prf={"eval": two})
    scan(phone)
    check("the phone found it without being told which", phone.event("passkey")["action"] == "used")
    signed_in = browser.outcome()
    check("the phone is done", phone.event("served")["ok"])
    check("it says itself who signs in", signed_in.get("account") == "alice", signed_in)
    results = signed_in.get("prf", {}).get("results", {})
    check("another value has another secret", results.get("first") == secret != results.get("second"), signed_in)

    browser.begin("register", account="alice", key_name="again")
    scan(phone)
    served = phone.event("served")
    check("the phone makes no second one", (served["ok"], served["reason"]) == (False, "already_registered"), served)
    browser.dismiss()
    refused = browser.outcome()
    check("and the page is told that there is one", refused.get("error") == "InvalidStateError", refused)

    real_step_04_and_10_a_phone_by_the_code_on_the_screen(browser, site, lambda: scan(phone), phone, check)
    browser.go(site)

    phone.process.send_signal(signal.SIGINT)
    phone.process.wait(timeout=20)
    unwilling = Program(processes, "unwilling", command, env=here)
    unwilling.event("ready")
    browser.begin("sign-in", account="alice")
    scan(unwilling)
    for question, answer in [("connect", "yes"), ("sign_in", "no")]:
        asked = unwilling.event("question")
        check(f"the phone asks: {asked['message']}", asked["question"] == question, asked)
        unwilling.say(answer)
    served = unwilling.event("served")
    check("a person who says no is obeyed", (served["ok"], served["reason"]) == (False, "refused"), served)
    browser.dismiss()
    refused = browser.outcome()
    check("and the page learns no more than that", refused.get("error") == "NotAllowedError", refused)
    unwilling.process.send_signal(signal.SIGINT)
    unwilling.process.wait(timeout=20)

    phone = Program(processes, "phone", [*command, "--answer", "yes"], env=here)
    phone.event("ready")
    air.say("off")
    browser.begin("sign-in", account="alice")
    browser.shows("kBlePowerOn")
    check("with Bluetooth off there is no code", not code())
    air.say("on")
    scan(phone)
    check("with Bluetooth on again it goes on", phone.event("passkey")["action"] == "used" and phone.event("served")["ok"])
    signed_in = browser.outcome()
    check("and alice is signed in", signed_in.get("account") == "alice", signed_in)
    phone.process.send_signal(signal.SIGINT)
    phone.process.wait(timeout=20)

    phone = Program(processes, "fake", [fake, f"{directory}/ca.pem", f"127.0.0.1:{port}"], env=here)
    check("the fake phone is there", phone.line() == "ready")

    def scanned(picture):
        """What became of the code in the picture; nothing where it shows none."""
        phone.say(picture)
        served = phone.line()
        return None if "shows 0 passkey QR codes" in served else served

    def show(scan):
        return wait("a code on the screen", lambda: scan(screen.picture()), pause=0.05)

    rounds(browser, lambda: show(scanned))
    check("nothing is on the air any more", nothing_on(air))

    serve = [program, "--json", "virtual", "serve", "--until-stdin-ends", "--meet-others", *meeting]
    serving = Program(processes, "service", serve, env=here).event("serving")
    a_phone_of_the_service(serving, browser, show, check)
    check("nothing is on the air in the end", nothing_on(air))


def rounds(browser, scan):
    """A fake phone makes a passkey, and signs in again and again: none may fail."""
    browser.begin("register", account="bob", key_name="fake phone")
    served, registered = scan(), browser.outcome()
    check("the fake phone made a passkey", registered.get("account") == "bob", (served, registered))
    number, started = int(os.environ.get("TOWLINE_ROUNDS", "20")), time.monotonic()
    for round in range(number):
        # In turn with the account named, and found by the phone.
        browser.begin("sign-in", **{"account": "bob"} if round % 2 else {})
        served, signed_in = scan(), browser.outcome()
        as_bob = (signed_in.get("account"), signed_in.get("user_verified")) == ("bob", True)
        if not (as_bob and served == "served 1"):
            raise AssertionError(f"sign-in {round + 1} of {number}: {served}: {signed_in}")
    each = (time.monotonic() - started) / max(number, 1)
    check(f"it signed in {number} times, each with a code of its own, in {each:.1f} s", True)


def nothing_on(air):
    """Whether that is so in a moment: an advert is taken down while the session goes on."""

    def none():
        air.say("adverts")
        return air.line() == "0"

    return wait("nothing on the air", none, seconds=5, pause=0.02)


if __name__ == "__main__":
    main(*sys.argv[1:])
