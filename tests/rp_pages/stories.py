"""What people do on the pages, as stories: each in Chromium with its own pretended devices, and in
Firefox with those of the virtual service.
"""

from selenium.webdriver.common.keys import Keys

from person import EMAIL, PASSWORD, add_key, choose_name, join, shown, sign_out


def a_key_is_added_and_signs_in(browser, site):
    browser.plug_in()
    browser.open(site.url)
    browser.wait_for_text("[data-way=device] [data-possible]", "Possible here")
    shown(browser, "01-first-page")
    browser.open(f"{site.url}/join")
    shown(browser, "02-new-account")
    join(browser, site)
    shown(browser, "03-account-without-keys")

    browser.press("#keys .button")
    shown(browser, "04-name")
    browser.type("#name", "x" * 65)
    browser.press("main button")
    browser.wait_for_text("#problem", "1 to 64 characters")
    assert browser.focused("#problem"), "what is wrong is read out"
    shown(browser, "05-name-too-long")
    browser.type("#name", "My laptop")
    browser.press("main button")
    browser.wait_for_text("[data-way=device] [data-possible]", "Possible here")
    shown(browser, "06-where")
    browser.find("#extended").click()
    browser.press("[data-place=device]")
    browser.wait_for_text("main", "My laptop")
    shown(browser, "07-added")
    browser.press("main .button")
    assert "My laptop" in browser.text("#keys")
    shown(browser, "08-account")

    browser.open(f"{site.url}/account/add/where?name=Twice")
    browser.find("[data-place=device]").click()
    browser.wait_for_text("#status", "has a key for your account already")
    shown(browser, "09-has-one-already")

    sign_out(browser)
    browser.unplug_after_copy()
    browser.open(f"{site.url}/sign-in")
    shown(browser, "10-sign-in")
    browser.type("#email", EMAIL)
    browser.press("main form button")
    shown(browser, "11-how")
    browser.plug_in_copy()
    browser.press("[data-sign-in]")
    assert browser.path() == "/account", browser.path()
    assert "Signed in with the key" in browser.text()


def the_field_offers_passkeys(browser, site):
    browser.plug_in()
    join(browser, site)
    add_key(browser, site, "My laptop")
    sign_out(browser)
    # The pretended device's person picks the only passkey of the list at once.
    browser.open(f"{site.url}/sign-in")
    browser.wait_for_path("/account")
    assert "Signed in with the key" in browser.text()


def a_key_is_asked_for_after_the_password(browser, site):
    browser.plug_in()
    join(browser, site)
    add_key(browser, site, "My laptop")
    browser.open(f"{site.url}/account")
    browser.press("form[action='/account/second-factor'] button")
    assert "needed together" in browser.text()
    sign_out(browser)
    browser.unplug_after_copy()
    browser.open(f"{site.url}/sign-in")
    browser.type("#email", EMAIL)
    browser.press("main form button")
    browser.type("#password", "not the password")
    browser.press("form[action='/sign-in/password'] button")
    shown(browser, "12-wrong-password")
    browser.type("#password", PASSWORD)
    browser.press("form[action='/sign-in/password'] button")
    shown(browser, "13-then-the-key")
    browser.plug_in_copy()
    browser.press("[data-sign-in]")
    assert "password and the key" in browser.text(), browser.text()


def a_key_is_renamed_and_removed(browser, site):
    browser.plug_in()
    join(browser, site)
    add_key(browser, site, "My laptop")
    browser.open(f"{site.url}/account")
    browser.press("[aria-label^='Rename']")
    shown(browser, "14-rename")
    browser.type("#name", "The old one")
    browser.press("main button")
    assert "The old one" in browser.text("#done")
    assert browser.focused("#done"), "what was done is read out"
    browser.press("[aria-label^='Remove']")
    shown(browser, "15-remove")
    browser.press("main button.danger")
    shown(browser, "16-removed")
    # The device was told, and has nothing left to sign in with.
    browser.wait(lambda: not browser.passkeys())
    sign_out(browser)
    browser.open(f"{site.url}/sign-in")
    assert browser.path() == "/sign-in"


def going_back_after_each_step_does_no_harm(browser, site):
    browser.plug_in()
    join(browser, site)
    browser.back("/join")
    browser.open(f"{site.url}/account")
    choose_name(browser, site, "My laptop")
    browser.back("/account/add")
    browser.type("#name", "My other laptop")
    browser.press("main button")
    browser.press("[data-place=device]")
    assert "My other laptop" in browser.text("#done")
    # What is done is not done twice.
    browser.back("/account/add/where")
    browser.find("[data-place=device]").click()
    browser.wait_for_text("#status", "has a key for your account already")
    browser.open(f"{site.url}/account")
    browser.press("[aria-label^='Rename']")
    browser.type("#name", "The old one")
    browser.press("main button")
    browser.back("/account/keys/1/rename")
    browser.press("main button")
    browser.press("[aria-label^='Remove']")
    browser.press("main button.danger")
    browser.back("/account/keys/1/remove")
    assert "no such" in browser.text().lower() or "does not know" in browser.text(), browser.text()
    browser.open(f"{site.url}/account")
    assert not browser.has("[aria-label^='Remove']")
    # Nobody reads what is behind who signed out.
    sign_out(browser)
    browser.driver.back()
    browser.wait(lambda: browser.path() == "/sign-in")
    assert "Jo Hansen" not in browser.text("body"), browser.text("body")


def two_tabs_do_no_harm(browser, site):
    join(browser, site)
    first = browser.driver.current_window_handle
    browser.driver.switch_to.new_window("tab")
    browser.open(f"{site.url}/account")
    sign_out(browser)
    # The other tab learns of it with its next step, and goes on after signing in again.
    browser.driver.switch_to.window(first)
    browser.press("#keys .button")
    assert browser.path() == "/sign-in", browser.path()
    browser.type("#email", EMAIL)
    browser.press("main form button")
    browser.type("#password", PASSWORD)
    browser.press("form[action='/sign-in/password'] button")
    assert browser.path() == "/account/add", browser.path()


def two_sites_are_entered_through_the_first(browser, site):
    browser.plug_in()
    join(browser, site)
    add_key(browser, site, "My laptop")
    browser.open(site.library)
    shown(browser, "17-library")
    browser.press("main button")
    browser.wait_for_text("main", "You are signed in as")
    assert browser.at(site.library)
    shown(browser, "18-library-entered")
    browser.open(site.records)
    # Asks again, though the person is signed in; the field's offer is taken at once.
    browser.press("main button")
    browser.wait(lambda: browser.at(site.records))
    browser.wait_for_text("main", "You are signed in as")
    shown(browser, "19-records-entered")
    browser.press("form[action='/sign-out?everywhere'] button")
    browser.wait(lambda: browser.at(site.url))
    shown(browser, "20-sign-out-everywhere")
    browser.press("main button")
    browser.wait(lambda: browser.at(site.records))
    # The field of the sign-in page would let it in again at once.
    browser.unplug_after_copy()
    browser.open(f"{site.url}/account")
    browser.wait_for_path("/sign-in")


def every_page_speaks_danish(browser, site):
    browser.plug_in()
    join(browser, site)
    add_key(browser, site, "Min bærbare")
    for path in (
        "/", "/account", "/account/add", "/account/add/where?name=Telefon",
        "/account/keys/1/added", "/account/keys/1/rename", "/account/keys/1/remove",
        "/privacy", "/overview", "/nothing", "/sign-in?next=/privacy", "/join",
    ):
        browser.open(site.url + path)
        if path.startswith("/sign-in"):
            continue
        assert browser.has("html[lang=da]"), path
        english = [word for word in (" the ", " your ", " key") if word in browser.text()]
        assert not english, (path, english, browser.text())
        name = path.strip("/").split("?")[0].replace("/", "-") or "first-page"
        shown(browser, f"da-{name}")


def a_keyboard_is_enough(browser, site):
    browser.plug_in()
    browser.open(f"{site.url}/join")
    browser.tab_to("#email")
    browser.keys(EMAIL, Keys.TAB, "Jo", Keys.TAB, PASSWORD, Keys.ENTER)
    browser.wait_for_path("/account")
    browser.tab_to("#keys a.button")
    browser.keys(Keys.ENTER)
    browser.wait_for_path("/account/add")
    browser.tab_to("#name")
    browser.keys("My laptop", Keys.ENTER)
    browser.wait_for_path("/account/add/where")
    browser.tab_to("[data-place=device]")
    browser.keys(Keys.ENTER)
    browser.wait_for_path("/account/keys/1/added")
    browser.open(f"{site.url}/account")
    browser.tab_to(".top form[action='/sign-out'] button")
    browser.keys(Keys.ENTER)
    browser.wait_for_path("/")
    browser.unplug_after_copy()
    browser.open(f"{site.url}/sign-in")
    browser.tab_to("#email")
    browser.keys(EMAIL, Keys.ENTER)
    browser.wait_for_path("/sign-in/how")
    browser.plug_in_copy()
    browser.tab_to("[data-sign-in]")
    browser.keys(Keys.ENTER)
    browser.wait_for_path("/account")
    browser.tab_to("[aria-label^='Remove']")
    browser.keys(Keys.ENTER)
    browser.wait_for_path("/account/keys/1/remove")
    browser.tab_to("main button")
    browser.keys(Keys.ENTER)
    browser.wait_for_text("#done", "My laptop")


def without_scripts_the_rest_works(browser, site):
    join(browser, site)
    shown(browser, "21-without-scripts")
    browser.open(f"{site.url}/account/add/where?name=Phone")
    assert "Scripts are blocked" in browser.text()
    assert not browser.find("[data-place=device]").is_displayed()
    sign_out(browser)
    browser.open(f"{site.url}/sign-in")
    browser.type("#email", EMAIL)
    browser.press("main form button")
    assert "Scripts are blocked" in browser.text()
    browser.type("#password", PASSWORD)
    browser.press("form[action='/sign-in/password'] button")
    assert browser.path() == "/account"


STORIES = [
    (a_key_is_added_and_signs_in, {}),
    (the_field_offers_passkeys, {}),
    (a_key_is_asked_for_after_the_password, {}),
    (a_key_is_renamed_and_removed, {}),
    (going_back_after_each_step_does_no_harm, {}),
    (two_tabs_do_no_harm, {}),
    (two_sites_are_entered_through_the_first, {}),
    (a_keyboard_is_enough, {}),
    (every_page_speaks_danish, {"language": "da"}),
    (without_scripts_the_rest_works, {"script": False}),
]
