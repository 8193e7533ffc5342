"""A small site with passkeys, judged by py_webauthn."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import webauthn
from webauthn.helpers import base64url_to_bytes, options_to_json_dict
from webauthn.helpers.structs import AuthenticatorSelectionCriteria, ResidentKeyRequirement

PAGE = """<!doctype html><title>site</title>
<button id="register" onclick="run('register')">Register</button>
<button id="sign-in" onclick="run('signIn')">Sign in</button>
<output></output>
<script>
  const post = async (path, body = {}) => {
    const response = await fetch(path, { method: 'POST', body: JSON.stringify(body) })
    if (!response.ok) throw new Error(await response.text())
    return response.json()
  }
  const ceremonies = {
    async register() {
      const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(await post('/register'))
      return post('/registered', await navigator.credentials.create({ publicKey }))
    },
    async signIn() {
      const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(await post('/sign-in'))
      return post('/signed-in', await navigator.credentials.get({ publicKey }))
    },
  }
  const run = (name) => ceremonies[name]()
    .then((it) => { document.querySelector('output').textContent = it.said })
    .catch((it) => { document.querySelector('output').textContent = it.name + ': ' + it.message })
</script>"""


class Site:
    """What a server does, and for browsers its pages: a context manager opens it."""

    rp_id = "localhost"

    def __init__(self, policy=None):
        self.origin = "http://localhost"
        self.policy = policy
        self.keys = {}

    def register(self, session):
        self.registered(session.create(self.origin, self.creation()))

    def sign_in(self, session):
        return self.signed_in(session.get(self.origin, self.request()))

    def creation(self):
        wanted = AuthenticatorSelectionCriteria(resident_key=ResidentKeyRequirement.REQUIRED)
        options = webauthn.generate_registration_options(
            rp_id=self.rp_id, rp_name="Site", user_name="alice", authenticator_selection=wanted
        )
        self.challenge = options.challenge
        return options_to_json_dict(options)

    def registered(self, response):
        verified = webauthn.verify_registration_response(
            credential=response,
            expected_challenge=self.challenge,
            expected_rp_id=self.rp_id,
            expected_origin=self.origin,
        )
        self.keys[response["id"]] = verified.credential_public_key

    def request(self):
        options = webauthn.generate_authentication_options(rp_id=self.rp_id)
        self.challenge = options.challenge
        return options_to_json_dict(options)

    def signed_in(self, response):
        return webauthn.verify_authentication_response(
            credential=response,
            expected_challenge=self.challenge,
            expected_rp_id=self.rp_id,
            expected_origin=self.origin,
            credential_public_key=self.keys[response["id"]],
            credential_current_sign_count=0,
        )

    def know(self, id, public_key):
        """A passkey that was registered with another client: its COSE key as base64url."""
        self.keys[id] = base64url_to_bytes(public_key)

    def __enter__(self):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.origin = f"http://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def _handler(site):
    def registered(response):
        site.registered(response)
        return {"said": "Registered"}

    def signed_in(response):
        site.signed_in(response)
        return {"said": "Signed in"}

    answers = {
        "/register": lambda _: site.creation(),
        "/sign-in": lambda _: site.request(),
        "/registered": registered,
        "/signed-in": signed_in,
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.answer(200, "text/html", PAGE)

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            try:
                self.answer(200, "application/json", json.dumps(answers[self.path](body)))
            except Exception as error:
                self.answer(400, "text/plain", str(error))

        def answer(self, status, kind, text):
            self.send_response(status)
            self.send_header("content-type", kind)
            if site.policy:
                self.send_header("content-security-policy", site.policy)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    return Handler
