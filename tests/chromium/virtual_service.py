"""A phone of `towline virtual serve`, driven by HTTP alone, as a test in any language drives it."""

import base64
import json
import urllib.error
import urllib.request


class VirtualPhone:
    """`url` is what the program prints."""

    def __init__(self, url):
        self.session = f"{url}v1/default"
        self.path = f"/phones/{self.ask('POST', '/phones', name='Phone of carol')['phoneId']}"

    def ask(self, method, path, **body):
        """The answer, or the `error` of a refusal."""
        headers = {"content-type": "application/json"}
        data = json.dumps(body).encode() if body else None
        request = urllib.request.Request(self.session + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refusal:
            return json.load(refusal)

    def scan(self, picture):
        """What became of the code in this picture; nothing where it shows none."""
        with open(picture, "rb") as file:
            seen = base64.b64encode(file.read()).decode()
        ended = self.ask("POST", f"{self.path}/scan", picture=seen, wait=60)
        return None if ended.get("error", {}).get("member") == "picture" else ended

    def script(self, rules):
        return self.ask("PUT", f"{self.path}/person", rules=rules)

    def log(self):
        return self.ask("GET", "/log")["notices"]


def a_phone_of_the_service(serving, browser, show, check):
    """It makes a passkey, uses it, and its person refuses once. `show` has a reader look at the
    screen until there is a code.
    """
    phone = VirtualPhone(serving["url"])
    browser.begin("register", account="carol", key_name="phone of the service")
    served, registered = show(phone.scan), browser.outcome()
    check("a phone of the service made a passkey", registered.get("account") == "carol", (served, registered))
    check("and says how the connection ended", served.get("requests") == 1, served)
    # With the account named, and found by the phone.
    for begin in [{"account": "carol"}, {}]:
        browser.begin("sign-in", **begin)
        served, signed_in = show(phone.scan), browser.outcome()
        check(f"it signs in by its passkey {begin}", signed_in.get("account") == "carol", (served, signed_in))
    asked = [it["request"]["command"] for it in phone.log() if it["event"] == "phoneRequest"]
    check("the log has what the browser asked", asked == ["authenticatorMakeCredential"] + 2 * ["authenticatorGetAssertion"], asked)

    phone.script("signing-in: refuses once; agrees")
    browser.begin("sign-in", account="carol")
    served = show(phone.scan)
    browser.dismiss()
    refused = browser.outcome()
    check("its person refuses as the script says", refused.get("error") == "NotAllowedError", (served, refused))
    browser.begin("sign-in", account="carol")
    served, signed_in = show(phone.scan), browser.outcome()
    check("and agrees the next time", signed_in.get("account") == "carol", (served, signed_in))
