"""What a person does in a browser, alike in Chromium and Firefox (chromium.py, firefox.py)."""

from pathlib import Path

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from page_script import PageScript

# How long a page may take, in seconds: the machine may be slow.
PATIENCE = 60


class Browser:
    """A browser of its own profile, until the end of the `with` block."""

    def __init__(self, pictures, language="en", script=True):
        self.pictures = Path(pictures) / self.NAME
        self.language = language
        self.script = script
        self.axe = None

    def __exit__(self, *_):
        self.driver.quit()

    def picture(self, name):
        """Writes what the page looks like, all of it."""
        self.pictures.mkdir(parents=True, exist_ok=True)
        (self.pictures / f"{name}.png").write_bytes(self.shot())

    def pictures_of(self, name):
        """The page in light and dark, and as narrow as a phone."""
        self.picture(name)
        if self.dark():
            self.picture(f"{name}-dark")
            self.dark(False)
        # As narrow as a page of 1280 gets at 400 %, and of 640 at 200 %: nothing is cut off or has
        # to be scrolled sideways.
        self.screen(320, 700)
        if self.script:
            wide, shown = self.driver.execute_script(
                "const { scrollWidth, clientWidth } = document.documentElement;"
                "return [scrollWidth, clientWidth]"
            )
            assert wide <= shown, f"{name} is {wide} wide on a screen of {shown}"
        self.screen(390, 844)
        self.picture(f"{name}-narrow")
        self.screen(1000, 900)

    def use(self, service):
        """Its devices are those of this virtual service from now on."""
        PageScript(self.driver, service)

    def forget(self):
        """Signs out of everything, with one window and no devices left."""
        first, *others = self.driver.window_handles
        for other in others:
            self.driver.switch_to.window(other)
            self.driver.close()
        self.driver.switch_to.window(first)
        self.driver.delete_all_cookies()

    # What a person does.

    def open(self, url):
        self.driver.get(url)

    def reload(self):
        self.driver.refresh()

    def back(self, path):
        """Goes back, to the page of this address."""
        self.driver.back()
        self.wait_for_path(path)
        self.wait(
            lambda: self.driver.execute_script("return document.readyState") == "complete"
        )

    def offline(self):
        """The page believes that this machine is not on the net."""
        self.driver.execute_script(
            "Object.defineProperty(navigator, 'onLine', { get: () => false, configurable: true })"
        )

    def show_ways_again(self):
        self.driver.execute_script("window.dispatchEvent(new Event('offline'))")

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
        if not self.driver.execute_script("return 'axe' in window"):
            self.driver.execute_script(self.axe)
        # Only what is wrong is worked out: of all else it would describe each element.
        found = self.driver.execute_async_script(
            "const done = arguments[0]; axe.run({resultTypes: ['violations'], runOnly: "
            "['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})"
            ".then((result) => done(result.violations), (error) => done(String(error)));"
        )
        lines = [
            f"{one['id']}: {one['help']}: {[node['html'] for node in one['nodes']]}"
            for one in found
        ] if isinstance(found, list) else [found]
        assert not lines, f"{what}:\n" + "\n".join(lines)
