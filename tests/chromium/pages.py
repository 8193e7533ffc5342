"""Steps 4 and 10 of the journey on the pages of the relying party, as people see them: the browser
shows its own code, and a phone reads it off the screen.
"""

import json

from browser import wait

EMAIL, PASSWORD, KEY = "jo@example.org", "a long enough one", "My phone"


class Pages:
    """What a person does on them."""

    def __init__(self, browser, site):
        self.browser, self.site = browser, site

    def open(self, path):
        self.browser.go(self.site + path)

    def at(self, path):
        wait(path, lambda: self.browser.evaluate("location.pathname") == path)
        wait("the page", lambda: self.browser.evaluate("document.readyState") == "complete")

    def send(self, form, **fields):
        """Fills a form in, and sends it as its button does."""
        for name, value in fields.items():
            field = f"#{name}"
            self.browser.evaluate(
                f"document.querySelector({json.dumps(field)}).value = {json.dumps(value)}; 0"
            )
        self.browser.evaluate(f"document.querySelector({json.dumps(form)}).requestSubmit(); 0")

    def press(self, button):
        self.browser.call("Page.bringToFront")
        self.browser.evaluate(f"document.querySelector({json.dumps(button)}).click(); 0")

    def text(self):
        return self.browser.evaluate("document.querySelector('main').innerText")


def real_step_04_and_10_a_phone_by_the_code_on_the_screen(browser, site, scan, phone, check):
    """`scan` shows the phone the screen; `phone` tells what happened to it."""
    pages = Pages(browser, site)
    pages.open("/join")
    pages.send("main form", email=EMAIL, password=PASSWORD)
    pages.at("/account")
    pages.open("/account/add")
    pages.send("main form", name=KEY)
    pages.at("/account/add/where")

    pages.press("[data-place=phone]")
    scan()
    created, served = phone.event("passkey"), phone.event("served")
    check("step 4: the phone made a passkey for the page", (created["action"], created["account"], served["ok"]) == ("created", EMAIL, True), created)
    wait("what came of it", lambda: pages.browser.evaluate("location.pathname").endswith("/added"))
    check("and the page says so by the key's name", KEY in pages.text(), pages.text())

    pages.open("/account")
    check("it is in the list", KEY in pages.text(), pages.text())
    pages.send("form[action='/sign-out']")
    pages.at("/")
    pages.open("/sign-in")
    pages.send("main form", email=EMAIL)
    pages.at("/sign-in/how")
    pages.press(".places [data-place=phone]")
    scan()
    check("step 10: the phone used it", phone.event("passkey")["action"] == "used" and phone.event("served")["ok"])
    pages.at("/account")
    check("and somebody is signed in", "Signed in with the key" in pages.text(), pages.text())
    pages.send("form[action='/sign-out']")
    pages.at("/")
