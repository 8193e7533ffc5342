"""An unmodified Chromium on a virtual screen, driven by its DevTools protocol."""

import itertools
import json
import os
import subprocess
import threading
import time
import urllib.request

import websocket

PATIENCE = 60

# Chromium's own services are of no interest here, and the network has nothing but the relay.
FLAGS = [
    "--no-sandbox",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--password-store=basic",
    "--force-device-scale-factor=1",
    "--window-size=1200,900",
    "--window-position=0,0",
    "--remote-allow-origins=*",
    "--remote-debugging-port=0",
    "--enable-logging=stderr",
    "--vmodule=device_event_log*=1",
]

# Binary members travel as base64url between the page and the relying party, as in
# PublicKeyCredential.toJSON(). What `prf` gives stays in the page.
PAGE = """
window.ceremony = async (path, begin, extensions) => {
  const post = async (path, body) => {
    const response = await fetch(path, {method: "POST", headers: {"content-type": "application/json"}, body: JSON.stringify(body)});
    const answer = await response.json();
    if (!response.ok) throw Object.assign(new Error(JSON.stringify(answer)), {name: "RelyingParty"});
    return answer;
  };
  try {
    const {ceremony, public_key} = await post(`/${path}/begin`, begin);
    Object.assign(public_key.extensions ??= {}, extensions);
    const credential = path === "register"
      ? await navigator.credentials.create({publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(public_key)})
      : await navigator.credentials.get({publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(public_key)});
    const {prf, ...results} = credential.toJSON().clientExtensionResults;
    const answer = await post(`/${path}/finish`, {ceremony, credential: {...credential.toJSON(), clientExtensionResults: results}});
    window.outcome = {...answer, id: credential.id, prf};
  } catch (error) {
    window.outcome = {error: error.name, message: error.message};
  }
};
"""


class Screen:
    """Xvfb with a small window manager, so that dialogs are placed and have the focus."""

    def __init__(self, directory, start):
        read, write = os.pipe()
        start("xvfb", ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x1000x24", "-nolisten", "tcp"], pass_fds=[write])
        os.close(write)
        with os.fdopen(read) as number:
            self.display = f":{number.readline().strip()}"
        self.directory = directory
        self.environment = dict(os.environ, DISPLAY=self.display)
        start("openbox", ["openbox"], env=self.environment)

    def picture(self, name="screen"):
        path = f"{self.directory}/{name}.png"
        subprocess.run(["import", "-silent", "-window", "root", path], env=self.environment, check=True, timeout=PATIENCE)
        return path


class Browser:
    def __init__(self, directory, screen, start, flags, bus):
        profile = f"{directory}/profile"
        os.makedirs(profile)
        environment = dict(screen.environment, HOME=directory, DBUS_SYSTEM_BUS_ADDRESS=bus, DBUS_SESSION_BUS_ADDRESS="disabled:")
        start("chromium", ["/usr/lib/chromium/chromium", *FLAGS, *flags, f"--user-data-dir={profile}", "about:blank"], env=environment)
        port = wait("the browser's port", lambda: read(f"{profile}/DevToolsActivePort")).split()[0]
        pages = wait("a page", lambda: [it for it in listed(port) if it["type"] == "page"])
        self.socket = websocket.create_connection(pages[0]["webSocketDebuggerUrl"], timeout=PATIENCE)
        self.environment, self.log = environment, f"{directory}/chromium.err"
        self.numbers = itertools.count(1)
        self.lock = threading.Lock()
        # The page has no scripts and allows none; ours come from here.
        self.call("Page.setBypassCSP", enabled=True)

    def call(self, method, **parameters):
        number = next(self.numbers)
        with self.lock:
            self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
            while True:
                answer = json.loads(self.socket.recv())
                if answer.get("id") == number:
                    if "error" in answer:
                        raise RuntimeError(f"{method}: {answer['error']}")
                    return answer["result"]

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, userGesture=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def go(self, url):
        self.call("Page.navigate", url=url)
        wait(url, lambda: self.evaluate("document.readyState") == "complete" and self.evaluate("location.href").startswith(url))
        self.evaluate(PAGE)

    def begin(self, path, prf=None, **begin):
        """Starts a ceremony as a click does, with these inputs of `prf`; `outcome` says what became
        of it.
        """
        arguments = [path, begin, {"prf": prf} if prf else {}]
        self.call("Page.bringToFront")
        self.evaluate(f"window.outcome = null; window.ceremony(...{json.dumps(arguments)}); 0")

    def outcome(self):
        return wait("the ceremony's end", lambda: self.evaluate("window.outcome"), seconds=90)

    def dismiss(self):
        """Closes the browser's own dialog, which says what went wrong, as a person does by its
        keys.
        """
        under_way = ("kCableV2QRCode", "kCableActivate", "kCableV2Connecting", "kCableV2Connected")
        wait("what went wrong", lambda: self._steps()[-1] not in under_way)
        for _ in range(20):
            if self.evaluate("window.outcome"):
                return
            self.press("Escape")
            time.sleep(0.5)
        raise TimeoutError(f"the dialog stays: {self._steps()}")

    def press(self, key):
        subprocess.run(["xdotool", "key", key], env=self.environment, check=True, timeout=PATIENCE)

    def shows(self, step):
        """Waits for a sheet of the dialog whose name begins so."""
        wait(step, lambda: any(name.startswith(step) for name in self._steps()[-1:]))

    def _steps(self):
        return [line.rsplit("UI step: ", 1)[1].strip() for line in (read(self.log) or "").splitlines() if "UI step: " in line]


def listed(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=5) as answer:
        return json.load(answer)


def read(path):
    try:
        with open(path, errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return None


def wait(what, condition, seconds=PATIENCE, pause=0.1):
    """What the condition gives, as soon as that is something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            found = condition()
        except OSError:
            found = None
        if found:
            return found
        time.sleep(pause)
    raise TimeoutError(f"{what}: not within {seconds} s")
