"""The short way of the tour of `towline demo`, as the page's bar says it."""

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from person import look


def the_short_way(anna):
    """What a newcomer does in three minutes: what the bar says, and nothing else, without scrolling
    on a small screen."""
    anna.screen(1280, 720)
    anna.open(anna.driver.current_url)
    read = []

    def scrolled():
        return anna.driver.execute_script("return scrollY")

    def is_in_view(element, top=0, bottom=720):
        box = element.rect
        assert top <= box["y"] and box["y"] + box["height"] <= bottom, (element.text, box)

    def place(selector):
        return anna.driver.execute_script(
            "const { top, bottom } = document.querySelector(arguments[0]).getBoundingClientRect();"
            "return [top, bottom]", selector)

    def looks(name):
        """What there is, and that the bar is in view with it, which cuts no heading."""
        top, bottom = place(".walk")
        assert 0 <= top and bottom <= 720, (top, bottom)
        above, below = place(".step:not([hidden]) h3")
        assert below <= bottom or bottom <= above, (name, above, below, bottom)
        look(anna, f"short-{name}")
        anna.screen(1280, 720)

    def says(*words):
        """What the bar says, once it has all of these words."""
        anna.driver.switch_to.default_content()
        anna.wait(lambda: all(word in anna.text("#guide-now") for word in words))
        said = anna.text("#guide-now")
        if not read or read[-1] != said:
            read.append(said)

    def presses(name, where):
        """Presses the button that the bar names and the page marks."""
        says(f"“{name}”")
        button = anna.shown(f"{where}[data-calls]")
        assert button.text.strip() == name, (button.text, name)
        top, bottom = place(f"{where}[data-calls]")
        assert place(".walk")[1] <= top or "guide" in where, (name, top)
        assert 0 <= top and bottom <= 720, (name, top, bottom)
        button.send_keys(Keys.ENTER)

    def presses_inside(name):
        says(f"“{name}”")
        above = place("#frame")[0]
        with anna.inside():
            button = anna.shown("[data-called]")
            assert button.text.strip() == name, (button.text, name)
            top, bottom = place("[data-called]")
            assert 0 <= top and above + bottom <= 720, (name, above, top, bottom)
            assert len(anna.driver.find_elements(By.CSS_SELECTOR, "[data-called]")) == 1
            button.send_keys(Keys.ENTER)

    def scans(phone):
        name = anna.text(f"{phone} h3")
        presses("Scan the code", f"{phone} .scan")
        says("“Connect”", name)
        yield
        presses("Connect", f"{phone} .asked.connect button")
        presses("Use your finger", f"{phone} .asked.verify .finger")

    def goes_on(number):
        says("“Next step”")
        assert anna.text("#guide-count") == f"Step {number} of 5: Done"
        presses("Next step", "#guide-next")

    dots = anna.driver.find_elements(By.CSS_SELECTOR, ".dots .number")
    numbers = [dot.text for dot in dots if dot.is_displayed()]
    assert numbers == ["1", "2", "3", "4", "5"], numbers
    says("“Submit”")
    with anna.inside():
        anna.shown("[data-called]")
    assert scrolled() == 0, "it scrolls before anybody has done anything"
    looks("1-first")
    presses_inside("Submit")
    says("“Phone or tablet”")
    looks("1-where")
    presses_inside("Phone or tablet")
    for _ in scans("#phone-b"):
        looks("1-connect")
    anna.says_inside("#done", "Phone B")
    looks("1-added")
    goes_on(1)
    presses_inside("Sign in through Harbour Login")
    presses_inside("Sign in with a passkey alone")
    presses("Phone or tablet, by a code", "#dialog .phone")
    says("“Scan the code”")
    looks("2-code")
    for _ in scans("#phone-b"):
        pass
    anna.says_inside("main", "anna@example.org")
    looks("2-library")
    goes_on(2)
    presses_inside("Phone or tablet")
    # The tick is set at this step. Only the saved passkey makes it done.
    for _ in scans("#phone-a"):
        anna.shown("#phone-a .tick input:checked")
        anna.wait_for_text("#dialog", "Phone A has scanned it")
        assert "Done" not in anna.text("#guide-count"), "the passkey is not saved yet"
    anna.says_inside("#done", "Phone A")
    looks("3-remembered")
    goes_on(3)
    presses_inside("Sign in through Harbour Login")
    presses_inside("Sign in with a passkey alone")
    says("“Phone A, without a code”")
    looks("4-which-way")
    presses("Phone A, without a code", "#dialog .linked")
    presses("Use your finger", "#phone-a .asked.verify .finger")
    anna.says_inside("main", "anna@example.org")
    looks("4-records")
    goes_on(4)
    says("“Remove”")
    looks("5-list")
    presses_inside("Remove")
    looks("5-remove")
    presses_inside("Remove the key")
    anna.says_inside("#done", "The key \u2068Phone B\u2069 was removed")
    says("That is a passkey’s life.")
    assert not anna.find("#guide-next").is_displayed(), "there is no next step"
    assert anna.shown("[data-calls]").text == "Show all 17 steps"
    # “By the tour” is what it did by itself.
    with anna.inside():
        assert "Signed in with the password, by the tour" in anna.text("main")
    looks("5-end")
    steps = anna.driver.execute_script(
        "return [...document.querySelectorAll('[data-short]')].map((step) => step.textContent)")
    words = sum(len(text.split()) for text in [*read, *steps])
    assert words < 300, (words, read)
    # What was done besides is not ticked among the 17.
    anna.enter("#guide-length")
    ticked = anna.driver.find_elements(By.CSS_SELECTOR, "[data-to][data-done]")
    assert [dot.get_attribute("data-to") for dot in ticked] == ["4", "5", "10", "11", "14"]


def the_wrong_phone(anna):
    """What a newcomer does who takes the other phone: the bar leads back, and never in circles."""

    def says(*words):
        anna.wait(lambda: all(word in anna.text("#guide-now") for word in words))

    def answers(phone, selector):
        anna.enter(f"{phone} .asked{selector}")

    def color(phone):
        return anna.find(f"{phone} .scan").value_of_css_property("background-color")

    def tries_with_phone_a():
        says("“Scan the code”", "Phone B")
        assert color("#phone-a") != color("#phone-b")
        anna.enter("#phone-a .scan")
        says("This step is for Phone B", "“No” on Phone A")

    def marked():
        return anna.shown("[data-calls]")

    # One that says no has sent nothing: the code is still good.
    says("“Submit”")
    anna.enter_inside("[data-called]")
    says("“Phone or tablet”")
    anna.enter_inside("[data-called]")
    tries_with_phone_a()
    marked().send_keys(Keys.ENTER)
    tries_with_phone_a()
    # Whoever connects all the same has saved a passkey, and not done the step.
    answers("#phone-a", ".connect .buttons button")
    answers("#phone-a", ".verify .finger")
    anna.says_inside("#done", "Phone B")
    anna.wait_for_text("#guide-why", "Saved on phone A")
    assert not anna.has("[data-to='4'][data-done]")
    look(anna, "wrong-phone")

    # A step that needs phone B leads to the one that gives it its passkey.
    anna.enter("#guide-next")
    says("Phone B has no passkey", "First do step 1.")
    marked().send_keys(Keys.ENTER)
    says("“Open this step’s page”")
    anna.enter("#guide-go")
    says("“Submit”")
    anna.enter_inside("[data-called]")
    says("“Phone or tablet”")
    anna.enter_inside("[data-called]")
    anna.connects("#phone-b")
    anna.unlocks("#phone-b")
    anna.has_done(4)
    says("“Next step”")
    assert not anna.find("#guide-why").is_displayed()

    # It is gone through again, and that there is a key already is as good.
    anna.enter("[data-to='4']")
    says("“Open this step’s page”")
    anna.enter("#guide-go")
    says("“Submit”")
    anna.enter_inside("[data-called]")
    anna.enter_inside("[data-called][data-place=phone]")
    anna.connects("#phone-b")
    answers("#phone-b", " .buttons button")
    says("“Next step”")

    # So does phone A, which has one and is remembered now.
    anna.enter("[data-to='5']")
    says("“Open this step’s page”")
    anna.enter("#guide-go")
    says("“Phone or tablet”")
    anna.enter_inside("[data-called][data-place=phone]")
    anna.shown("#phone-a .scan").send_keys(Keys.ENTER)
    says("Leave the tick", "“Connect” on Phone A")
    answers("#phone-a", ".connect .buttons button")
    answers("#phone-a", " .buttons button")
    anna.has_done(5)
    says("“Next step”")

