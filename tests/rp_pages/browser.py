"""Chromium without a screen, as its WebDriver has it, with devices that it only pretends."""

import base64
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.common.virtual_authenticator import VirtualAuthenticatorOptions
from selenium.webdriver.support.ui import WebDriverWait

# How long a page may take, in seconds: the machine may be slow.
PATIENCE = 30


class Browser:
    """A browser of its own profile, until the end of the `with` block."""

    def __init__(self, pictures, language="en", script=True):
        self.pictures = Path(pictures)
        self.language = language
        self.script = script
        self.axe = None

    def __enter__(self):
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for argument in (
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            f"--lang={self.language}",
            f"--accept-lang={self.language}",
        ):
            options.add_argument(argument)
        settings = {"intl.accept_languages": self.language}
        if not self.script:
            settings["profile.managed_default_content_settings.javascript"] = 2
        options.add_experimental_option("prefs", settings)
        service = webdriver.ChromeService("/usr/bin/chromedriver")
        self.driver = webdriver.Chrome(options=options, service=service)
        self.screen(1000, 900)
        self.dark(False)
        return self

    def __exit__(self, *_):
        self.driver.quit()

    # What the screen is like.

    def screen(self, width, height):
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )

    def dark(self, on=True):
        value = "dark" if on else "light"
        self.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {
                "features": [
                    {"name": "prefers-color-scheme", "value": value},
                    {"name": "prefers-reduced-motion", "value": "reduce"},
                ]
            },
        )

    def picture(self, name):
        """Writes what the page looks like, all of it."""
        shot = self.driver.execute_cdp_cmd(
            "Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True}
        )
        self.pictures.mkdir(parents=True, exist_ok=True)
        (self.pictures / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))

    def pictures_of(self, name):
        """The page in light and dark, and as narrow as a phone."""
        self.picture(name)
        self.dark()
        self.picture(f"{name}-dark")
        self.dark(False)
        # As narrow as a page gets at 400 %: nothing is cut off or has to be scrolled sideways.
        self.screen(320, 700)
        wide, shown = self.driver.execute_script(
            "return [document.documentElement.scrollWidth, window.innerWidth]"
        )
        assert wide <= shown, f"{name} is {wide} wide on a screen of {shown}"
        self.screen(390, 844)
        self.picture(f"{name}-narrow")
        self.screen(1000, 900)

    # What a person does.

    def open(self, url):
        self.driver.get(url)

    def find(self, selector):
        return self.wait(lambda: self.driver.find_element(By.CSS_SELECTOR, selector))

    def has(self, selector):
        return bool(self.driver.find_elements(By.CSS_SELECTOR, selector))

    def press(self, selector):
        """Presses a button that leads to another page, and waits for that."""
        before = self.driver.find_element(By.TAG_NAME, "html")
        self.find(selector).click()
        self.leave(before)

    def leave(self, before):
        def gone():
            return self.driver.find_element(By.TAG_NAME, "html").id != before.id and (
                self.driver.execute_script("return document.readyState") == "complete"
            )

        self.wait(gone)

    def type(self, selector, text):
        field = self.find(selector)
        field.clear()
        field.send_keys(text)

    def text(self, selector="main"):
        return self.find(selector).text

    def path(self):
        return self.driver.execute_script("return location.pathname")

    def wait(self, condition):
        ignored = (Exception,)
        return WebDriverWait(self.driver, PATIENCE, 0.1, ignored).until(lambda _: condition())

    def wait_for_path(self, path):
        self.wait(lambda: self.path() == path)

    def wait_for_text(self, selector, text):
        self.wait(lambda: text in self.text(selector))

    # Devices.

    def plug_in(self, transport="internal", verified=True):
        """A device that holds passkeys. Answers at once, as if its person always said yes."""
        options = VirtualAuthenticatorOptions()
        options.protocol = VirtualAuthenticatorOptions.Protocol.CTAP2
        options.transport = transport
        options.has_resident_key = True
        options.has_user_verification = True
        options.is_user_verified = verified
        self.driver.add_virtual_authenticator(options)

    def passkeys(self):
        """What is on the device."""
        return self.driver.get_credentials()

    def unplug_after_copy(self):
        """Takes the device away; what was on it can be plugged in again."""
        self.kept = self.passkeys()
        self.driver.remove_virtual_authenticator()

    def plug_in_copy(self):
        self.plug_in()
        for passkey in self.kept:
            self.driver.add_credential(passkey)

    # The keyboard.

    def keys(self, *keys):
        chain = ActionChains(self.driver)
        for key in keys:
            chain.send_keys(key)
        chain.perform()

    def focused(self, selector):
        return self.driver.switch_to.active_element.id == self.find(selector).id

    def tab_to(self, selector):
        """Goes on from field to field, as often as a patient person would."""
        for _ in range(40):
            if self.has(selector) and self.focused(selector):
                return
            self.keys(Keys.TAB)
        raise AssertionError(f"{selector} is not reached by the keyboard")

    def at(self, url):
        return self.driver.current_url.startswith(url)

    # Whether everybody can use the page.

    def check(self, what):
        """What axe-core finds wrong with the page, which should be nothing."""
        if not self.axe:
            return
        self.driver.execute_script(self.axe)
        found = self.driver.execute_async_script(
            "const done = arguments[0]; axe.run({runOnly: "
            "['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})"
            ".then((result) => done(result.violations), (error) => done(String(error)));"
        )
        lines = [
            f"{one['id']}: {one['help']}: {[node['html'] for node in one['nodes']]}"
            for one in found
        ] if isinstance(found, list) else [found]
        assert not lines, f"{what}:\n" + "\n".join(lines)
