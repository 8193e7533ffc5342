"""The tour of `towline demo` in unmodified browsers, by the keyboard."""

import base64
import json
import subprocess
from contextlib import contextmanager
from urllib.parse import urlsplit

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from chromium import Chromium
from firefox import Firefox
from person import look
from second_device import a_second_device_and_its_loss
from short_way import the_short_way, the_wrong_phone


class Demo:
    """The program, until the end of the `with` block."""

    def __init__(self, program):
        self.command = [program, "--json", "demo", "--no-open"]

    def __enter__(self):
        self.process = subprocess.Popen(
            self.command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        started = [json.loads(self.process.stdout.readline()) for _ in range(4)]
        assert started[3]["role"] == "demo", started
        self.url = started[3]["url"]
        return self

    def __exit__(self, *_):
        """Says what the machines took of each ceremony."""
        self.process.terminate()
        told, _ = self.process.communicate(timeout=20)
        for event in map(json.loads, told.splitlines()):
            if event["event"] == "timed":
                took = event["machine_us"] / 1000
                print(f"   {event['ceremony']} by {event['way']}: the machines took {took:.0f} ms")


class Anna:
    """Whoever looks at the page, and has a keyboard but no mouse."""

    def looks_at(self, demo):
        self.screen(1440, 1000)
        self.open(demo.url)

    def drawn(self):
        """Waits until what is there is on the screen."""
        self.driver.execute_async_script(
            "const done = arguments[0];"
            "requestAnimationFrame(() => requestAnimationFrame(() => done()));"
        )

    def pictures_of(self, name):
        super().pictures_of(name)
        self.screen(1440, 1000)

    @contextmanager
    def inside(self):
        """On the site's page in the frame."""
        self.driver.switch_to.default_content()
        self.driver.switch_to.frame(self.find("#frame"))
        try:
            yield
        finally:
            self.driver.switch_to.default_content()

    def shown(self, selector):
        def seen():
            for element in self.driver.find_elements(By.CSS_SELECTOR, selector):
                if element.is_displayed() and element.is_enabled():
                    return element
            return None

        return self.wait(seen)

    def enter(self, selector):
        """Presses what is shown, or will be."""
        self.wait(lambda: self.shown(selector).send_keys(Keys.ENTER) is None)

    def enter_inside(self, selector):
        with self.inside():
            self.enter(selector)

    def says_inside(self, selector, text):
        with self.inside():
            self.wait_for_text(selector, text)

    def begins(self, step):
        """Goes to a step of the tour, and opens its page."""
        self.enter(f"[data-to='{step}']")
        part = self.find(f"[data-step='{step}']")
        path = urlsplit(part.get_attribute("data-url")).path
        self.wait(lambda: part.get_attribute("hidden") is None)
        with self.inside():
            before = self.driver.find_element(By.TAG_NAME, "html").id
        self.enter("#guide-go")

        def there():
            with self.inside():
                now = self.driver.find_element(By.TAG_NAME, "html").id
                ready = self.driver.execute_script("return document.readyState")
                return now != before and ready == "complete" and self.path() == path

        self.wait(there)

    def names(self, name):
        """Gives the key a name."""
        with self.inside():
            self.type("#name", name)
            self.keys(Keys.ENTER)
            self.wait_for_path("/account/add/where")

    def goes(self, way):
        """Presses one of the buttons that say where the key goes, or comes from."""
        self.enter(f".ways .{way}")

    def unlocks(self, device, wrong=False):
        if wrong:
            self.enter(f"{device} .asked.verify .second")
            self.shown(f"{device} .asked .more[role=alert]")
        self.enter(f"{device} .asked.verify .finger")

    def connects(self, phone):
        self.enter(f"{phone} .scan")
        self.enter(f"{phone} .asked.connect .buttons button")

    def adds_by_phone(self, phone, name):
        self.names(name)
        self.saves_on(phone, name)

    def saves_on(self, phone, name):
        self.enter_inside("[data-place=phone]")
        if self.has(".ways button"):
            self.goes("phone")
        self.connects(phone)
        self.unlocks(phone)
        self.says_inside("#done", name)

    def has_done(self, *steps):
        for step in steps:
            self.shown(f"[data-to='{step}'][data-done]")

    def is_in(self):
        with self.inside():
            self.wait_for_path("/account")


class InChromium(Anna, Chromium):
    def picture(self, name):
        """All of the page: frames are drawn in what is seen, which is made as high as that."""
        width, height = self.driver.execute_script(
            "return [window.innerWidth, document.documentElement.scrollHeight]"
        )
        self.screen(width, height)
        # Frames of other sites are drawn a little later than what is around them.
        with self.inside():
            self.drawn()
        self.drawn()
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
        self.pictures.mkdir(parents=True, exist_ok=True)
        (self.pictures / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))


class InFirefox(Anna, Firefox):
    """Firefox asks no phone by a code itself; the page says so, and its test devices do."""


def a_passkey_s_life_in_17_steps(anna):
    anna.enter("#guide-length")
    anna.begins(1)
    # Once by the tabulator alone, from the site through the dialog.
    anna.driver.execute_script("document.getElementById('frame').focus()")
    with anna.inside():
        anna.tab_to("#name")
        anna.keys("My computer", Keys.ENTER)
        anna.wait_for_path("/account/add/where")
        anna.tab_to("[data-place=device]")
        anna.keys(Keys.ENTER)
    anna.shown("#dialog .finger")
    anna.wait(lambda: anna.driver.execute_script(
        "return document.getElementById('dialog').contains(document.activeElement)"))
    look(anna, "03-unlock")
    anna.tab_to("#dialog .second")
    anna.keys(Keys.ENTER)
    anna.shown("#dialog .more[role=alert]")
    anna.tab_to("#dialog .finger")
    anna.keys(Keys.ENTER)
    anna.says_inside("#done", "My computer")
    anna.has_done(1, 2, 3, 7)

    anna.begins(4)
    anna.names("Phone B")
    anna.enter_inside("[data-place=phone]")
    anna.shown("#dialog .code img")
    look(anna, "04-code")
    anna.enter("#phone-b .scan")
    anna.shown("#phone-b .asked.connect button")
    look(anna, "04-who-wants-what")
    anna.enter("#phone-b .asked.connect .buttons button")
    anna.shown("#phone-b .finger")
    look(anna, "04-finger")
    anna.unlocks("#phone-b")
    anna.says_inside("#done", "Phone B")
    anna.has_done(4)
    anna.enter("#travels li.ctap summary")
    anna.enter("#travels li.response summary")
    look(anna, "04-what-travelled")

    anna.begins(5)
    anna.saves_on("#phone-a", "Phone A")
    anna.has_done(5)

    anna.begins(6)
    anna.names("At work")
    with anna.inside():
        anna.find("#extended").send_keys(Keys.SPACE)
    anna.enter_inside("[data-place=device]")
    anna.unlocks("#dialog")
    anna.shown("#dialog .asked.attest button")
    look(anna, "06-how-much")
    anna.enter("#dialog .asked.attest .second")
    anna.says_inside("main", "extended information")
    anna.has_done(6)

    anna.begins(7)
    anna.says_inside("#keys", "Phone B")
    look(anna, "07-list")

    anna.begins(8)
    anna.enter_inside("[data-place=device]")
    anna.enter("#dialog .asked .buttons button")
    anna.shown("#outcome")
    anna.says_inside("#status", "has a key for your account already")
    anna.has_done(8)

    anna.begins(9)
    anna.enter_inside("[data-sign-in]")
    anna.shown("#dialog .ways button")
    look(anna, "09-which-way")
    anna.goes("laptop")
    anna.enter("#dialog .asked.account .buttons button")
    anna.unlocks("#dialog")
    anna.is_in()
    anna.has_done(9)

    anna.begins(10)
    anna.enter_inside("main form button")
    anna.enter_inside("[data-sign-in]")
    anna.goes("phone")
    anna.connects("#phone-b")
    anna.unlocks("#phone-b")
    anna.says_inside("main", "anna@example.org")
    anna.has_done(10)
    look(anna, "10-library")

    anna.begins(11)
    anna.enter_inside("main form button")
    anna.enter_inside("[data-sign-in]")
    anna.goes("linked")
    anna.shown("#phone-a .finger")
    look(anna, "11-rings")
    anna.unlocks("#phone-a")
    anna.says_inside("main", "anna@example.org")
    anna.has_done(11)

    anna.begins(12)
    anna.enter("#phone-a .wipe")
    anna.shown("#phone-a .asked.reset .danger")
    look(anna, "17-what-it-means")
    anna.enter("#phone-a .asked.reset .danger")
    anna.has_done(17)
    for _ in range(5):
        # The relay knows when the phone, which is another one now, listens again.
        anna.enter_inside("[data-sign-in]")
        anna.goes("linked")
        anna.shown("#dialog .code img")
        if anna.has("[data-to='12'][data-done]"):
            break
        anna.enter("#dialog > .quiet")
        anna.shown("#outcome")
    look(anna, "12-gone")
    anna.enter("#dialog > .quiet")
    anna.has_done(12)

    anna.begins(13)
    anna.adds_by_phone("#phone-b", "At work, on phone B")
    anna.begins(15)
    anna.enter_inside("[data-sign-in]")
    anna.goes("phone")
    anna.connects("#phone-b")
    anna.shown("#phone-b .asked.account button")
    look(anna, "13-which-account")
    anna.enter("#phone-b .asked.account button:nth-child(2)")
    anna.unlocks("#phone-b")
    anna.is_in()
    anna.has_done(13)

    anna.begins(14)
    anna.enter_inside("[aria-label='Remove \u2068My computer\u2069']")
    anna.enter_inside("main button.danger")
    anna.says_inside("#done", "My computer")
    anna.has_done(14)
    look(anna, "14-removed")

    anna.begins(15)
    anna.enter_inside("[data-sign-in]")
    anna.goes("phone")
    anna.connects("#tablet")
    anna.enter("#tablet .asked.account .buttons button")
    anna.unlocks("#tablet")
    anna.is_in()
    anna.has_done(15)

    # What phone B made goes to phone A, which has nothing since it was wiped.
    anna.begins(16)
    anna.enter("#phone-b .export")
    anna.shown("#phone-b .asked.export .finger")
    look(anna, "16-export")
    anna.enter("#phone-b .asked.export .finger")
    anna.wait_for_text("#phone-b .rest > .notice", "other phone")
    anna.enter("#phone-a .import")
    anna.enter("#phone-a .asked.import .finger")
    anna.has_done(16)
    anna.begins(15)
    anna.enter_inside("[data-sign-in]")
    anna.goes("phone")
    anna.connects("#phone-a")
    anna.enter("#phone-a .asked.account .buttons button")
    anna.unlocks("#phone-a")
    anna.is_in()
    look(anna, "16-moved")


def what_goes_wrong_is_said(anna):
    anna.begins(4)
    anna.enter("[data-what=bluetooth]")
    anna.shown("[data-what=bluetooth][aria-checked=false]")
    anna.names("Telefon B")
    anna.enter_inside("[data-place=phone]")
    anna.shown("#outcome")
    assert "Bluetooth" in anna.text("#outcome")
    look(anna, "wrong-bluetooth")
    anna.enter("[data-what=bluetooth]")
    anna.enter("[data-what=relay]")
    anna.shown("[data-what=relay][aria-checked=false]")
    anna.enter_inside("[data-place=phone]")
    anna.connects("#phone-b")
    anna.wait_for_text("#phone-b .rest > .notice", "Relæet")
    look(anna, "wrong-relay")
    anna.enter("#dialog > .quiet")
    anna.enter("[data-what=relay]")
    anna.shown("[data-what=relay][aria-checked=true]")
    anna.enter("[data-phone=phone-b]")
    anna.shown("#phone-b[data-far]")
    anna.enter_inside("[data-place=phone]")
    anna.connects("#phone-b")
    anna.shown("#travels li.advert")
    assert not anna.has("#phone-b .finger"), "nobody heard it"
    look(anna, "wrong-far")
    anna.enter("[data-phone=phone-b]")
    anna.unlocks("#phone-b")
    anna.says_inside("#done", "Telefon B")
    english = [word for word in (" the ", " your ", " phone ") if word in anna.text("body")]
    assert not english, english


STORIES = [
    (InFirefox, a_passkey_s_life_in_17_steps, {}),
    (InFirefox, a_second_device_and_its_loss, {}),
    (InChromium, the_short_way, {}),
    (InChromium, the_wrong_phone, {}),
    (InChromium, a_passkey_s_life_in_17_steps, {}),
    (InChromium, a_second_device_and_its_loss, {"language": "da"}),
    (InChromium, what_goes_wrong_is_said, {"language": "da"}),
]
