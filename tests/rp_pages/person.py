"""What a person does on the pages, step by step."""

EMAIL, PASSWORD = "jo@example.org", "a long enough one"


def join(browser, site, email=EMAIL, called="Jo Hansen"):
    browser.open(f"{site.url}/join")
    browser.type("#email", email)
    browser.type("#called", called)
    browser.type("#password", PASSWORD)
    browser.press("main button")
    assert browser.path() == "/account", browser.path()


def add_key(browser, site, name, place="device"):
    browser.open(f"{site.url}/account/add")
    browser.type("#name", name)
    browser.press("main button")
    browser.press(f"[data-place={place}]")
    assert browser.path().endswith("/added"), browser.text()


def sign_out(browser):
    browser.press(".top form[action='/sign-out'] button")
    assert browser.path() == "/", browser.path()


def shown(browser, name):
    browser.check(name)
    browser.pictures_of(name)


def look(anna, name):
    """The same of the demonstration's page."""
    anna.driver.switch_to.default_content()
    # From its top: what is on the way under the tour's bar while the page moves is no fault.
    anna.driver.execute_script("scrollTo({ top: 0, behavior: 'instant' })")
    anna.check(name)
    anna.pictures_of(f"demo-{name}")


def choose_name(browser, site, name):
    """The first step of adding a key; the second is on the screen then."""
    browser.open(f"{site.url}/account/add")
    browser.type("#name", name)
    browser.press("main button")


def sign_in_with_password(browser, site, email=EMAIL):
    begin_sign_in(browser, site, email)
    browser.type("#password", PASSWORD)
    browser.press("form[action='/sign-in/password'] button")


def begin_sign_in(browser, site, email=EMAIL):
    """The e-mail address is given, and the site asks how to go on."""
    browser.open(f"{site.url}/sign-in")
    browser.type("#email", email)
    browser.press("main form button")


def is_signed_in_with_the_key(browser):
    browser.wait_for_path("/account")
    assert "Signed in with the key" in browser.text(), browser.text()
