"""Firefox without a screen, as geckodriver has it. It has no devices of its own: those of a virtual
service are brought into its pages.
"""

import shutil

from selenium import webdriver

from browser import Browser
from virtual_service import VirtualService


class Firefox(Browser):
    """Debian's, unmodified."""

    NAME = "firefox"

    def __init__(self, program, *settings, **more):
        super().__init__(*settings, **more)
        self.program = program
        self.service = None

    def __enter__(self):
        options = webdriver.FirefoxOptions()
        options.binary_location = "/usr/bin/firefox-esr"
        options.add_argument("-headless")
        options.enable_bidi = True
        options.set_preference("intl.accept_languages", self.language)
        options.set_preference("ui.prefersReducedMotion", 1)
        options.set_preference("javascript.enabled", self.script)
        service = webdriver.FirefoxService(shutil.which("geckodriver"))
        self.driver = webdriver.Firefox(options=options, service=service)
        self.screen(1000, 900)
        return self

    def __exit__(self, *about):
        super().__exit__(*about)
        if self.service:
            self.service.__exit__()

    def screen(self, width, height):
        self.driver.browsing_context.set_viewport(
            context=self.driver.current_window_handle, viewport={"width": width, "height": height}
        )

    def dark(self, on=True):
        """Firefox can't be asked for that while it runs."""
        return False

    def shot(self):
        return self.driver.get_full_page_screenshot_as_png()

    # Devices.

    def forget(self):
        super().forget()
        if self.service:
            self.service.empty()

    def plug_in(self, transport="internal", verified=True):
        """A device that holds passkeys. Answers at once, as if its person always said yes."""
        if not self.service:
            self.service = VirtualService(self.program).__enter__()
            self.use(self.service)
        preset = {"internal": "synced-passkey", "usb": "security-key", "hybrid": "phone"}[transport]
        more = {"hasUserVerification": True, "isUserVerified": verified}
        self.device = self.service.add(preset=preset, **more)

    def passkeys(self):
        """What is on the device."""
        return self.service.passkeys(self.device)

    def unplug_after_copy(self):
        """Takes the device away; what was on it can be plugged in again."""
        self.kept = self.passkeys()
        self.service.unplug(self.device)

    def plug_in_copy(self):
        self.plug_in()
        for passkey in self.kept:
            self.service.put(self.device, passkey)
