"""Chromium without a screen, as its WebDriver has it, with devices that it only pretends."""

import base64

from selenium import webdriver
from selenium.webdriver.common.virtual_authenticator import VirtualAuthenticatorOptions

from browser import Browser


class Chromium(Browser):
    """Debian's, unmodified."""

    NAME = "chromium"

    def __enter__(self):
        options = webdriver.ChromeOptions()
        # For scripts that come before those of a page.
        options.enable_bidi = True
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

    # What the screen is like.

    def screen(self, width, height):
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )

    def dark(self, on=True):
        """Goes over to dark colours, or back."""
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
        return True

    def shot(self):
        shot = self.driver.execute_cdp_cmd(
            "Page.captureScreenshot",
            {"format": "png", "captureBeyondViewport": True, "optimizeForSpeed": True},
        )
        return base64.b64decode(shot["data"])

    # Devices.

    def forget(self):
        super().forget()
        if self.driver.virtual_authenticator_id:
            self.driver.remove_virtual_authenticator()

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
