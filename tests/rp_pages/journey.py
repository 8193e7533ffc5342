"""The journey, step by step as a guide tells it, in any browser: its devices are those of a virtual
service, so that their people do what a step says. docs/journey.md has the table.

Phones are pretended whole here: no radio, no relay. tests/chromium/pages.py has steps 4 and 10 with
`towline phone`, by the code that the browser itself shows.
"""

from person import (
    EMAIL, PASSWORD, add_key, begin_sign_in, choose_name, is_signed_in_with_the_key, join, shown,
    sign_in_with_password, sign_out,
)

# What a device is, by its place on the page.
THIS_DEVICE = {"preset": "synced-passkey"}
PHONE = {"preset": "phone"}
SECURITY_KEY = {"preset": "security-key", "pin": "72893461"}
TRUSTED_PLATFORM = {"preset": "platform"}
PLACES = {
    "device": THIS_DEVICE,
    "phone": PHONE,
    "linked": PHONE,
    "usb": SECURITY_KEY,
    "platform": TRUSTED_PLATFORM,
}


def step_01_a_name_for_the_device(browser, site, service):
    join(browser, site)
    sign_out(browser)
    # Signed in with the older method.
    sign_in_with_password(browser, site)
    browser.press("#keys .button")
    browser.type("#name", "x" * 65)
    browser.press("main button")
    browser.wait_for_text("#problem", "1 to 64 characters")
    browser.type("#name", "My phone 📱 <b>Æ</b>")
    shown(browser, "step-01")
    browser.press("main button")
    assert "My phone 📱 <b>Æ</b>" in browser.text("h1"), browser.text("h1")


def step_02_where_the_passkey_goes(browser, site, service):
    join(browser, site)
    choose_name(browser, site, "My laptop")
    browser.wait_for_text("[data-test-device]", "TEST DEVICE")
    for place in PLACES:
        browser.wait_for_text(f"[data-way={place}] [data-possible]", "ossible")
    # What can't be had is said before it is tried, with what to do.
    device, platform = (
        browser.text(f"[data-way={place}] [data-possible]") for place in ("device", "platform")
    )
    assert "Not possible here" in device and "PIN" in device, device
    assert "firmware" in platform, platform
    shown(browser, "step-02-nothing-here")
    service.add(**TRUSTED_PLATFORM)
    browser.reload()
    for place in ("device", "platform"):
        browser.wait_for_text(f"[data-way={place}] [data-possible]", "Possible here")
    shown(browser, "step-02")
    browser.offline()
    browser.show_ways_again()
    browser.wait_for_text("[data-way=phone] [data-possible]", "offline")
    shown(browser, "step-02-offline")


def step_03_this_device_asks_for_the_screen_lock(browser, site, service):
    device = service.add(**THIS_DEVICE)
    join(browser, site)
    # It fails once and is tried again.
    service.person(device, "verifying: fails-the-lock x1; agrees")
    add_key(browser, site, "My laptop")
    # Nobody opens it, and nothing is added.
    service.person(device, "refuses")
    choose_name(browser, site, "Again")
    other = service.add(**TRUSTED_PLATFORM)
    service.unplug(device)
    service.person(other, "verifying: fails-the-lock x20")
    browser.find("[data-place=platform]").click()
    browser.wait_for_text("#status", "Nothing was done")
    shown(browser, "step-03")
    browser.open(f"{site.url}/account")
    assert "Again" not in browser.text("#keys")


def step_04_a_phone_by_its_code(browser, site, service):
    service.add(**PHONE)
    join(browser, site)
    add_key(browser, site, "My phone", "phone")
    shown(browser, "step-04")


def step_05_a_phone_that_is_remembered(browser, site, service):
    """Which phones a browser remembers it tells no page: the page says how one gets on its list."""
    service.add(**PHONE)
    join(browser, site)
    choose_name(browser, site, "My phone")
    browser.wait_for_text("[data-way=linked]", "when you let it remember this computer")
    browser.wait_for_text("[data-way=linked] [data-possible]", "by its name")
    browser.press("[data-place=linked]")
    assert browser.path().endswith("/added"), browser.text()
    shown(browser, "step-05")


def step_06_extended_information(browser, site, service):
    device = service.add(**THIS_DEVICE)
    join(browser, site)
    service.person(device, "attesting: refuses; agrees")
    choose_name(browser, site, "Discreet")
    browser.find("#extended").click()
    shown(browser, "step-06-asked")
    browser.press("[data-place=device]")
    assert "did not get the extended information" in browser.text(), browser.text()
    service.unplug(device)
    service.add(**SECURITY_KEY)
    choose_name(browser, site, "Talkative")
    browser.find("#extended").click()
    browser.press("[data-place=usb]")
    assert "of the kind “packed”" in browser.text(), browser.text()
    assert "Not judged" in browser.text(), browser.text()
    shown(browser, "step-06")


def step_07_saved_and_listed_by_its_name(browser, site, service):
    service.add(**THIS_DEVICE)
    join(browser, site)
    add_key(browser, site, "My laptop")
    browser.wait_for_text("#done", "My laptop")
    browser.open(f"{site.url}/account")
    year = browser.driver.execute_script("return String(new Date().getFullYear())")
    assert "My laptop" in browser.text("#keys") and year in browser.text("#keys")
    shown(browser, "step-07")


def step_08_a_device_that_has_one_already(browser, site, service):
    join(browser, site)
    for place, device in PLACES.items():
        plugged_in = service.add(**device)
        add_key(browser, site, f"One by {place}", place)
        choose_name(browser, site, f"Two by {place}")
        browser.find(f"[data-place={place}]").click()
        browser.wait_for_text("#status", "has a key for your account already")
        service.unplug(plugged_in)
    shown(browser, "step-08")
    browser.open(f"{site.url}/account")
    assert "Two by" not in browser.text("#keys")


def step_09_signing_in_on_the_same_device(browser, site, service):
    device = service.add(**THIS_DEVICE)
    join(browser, site)
    add_key(browser, site, "My laptop")
    sign_out(browser)
    # The field's own list, then a button without an address.
    service.person(device, "signing-in: refuses once; agrees")
    browser.open(f"{site.url}/sign-in")
    browser.press("[data-sign-in]")
    is_signed_in_with_the_key(browser)
    sign_out(browser)
    # With the e-mail address.
    kept = service.passkeys(device)
    service.unplug(device)
    begin_sign_in(browser, site)
    shown(browser, "step-09")
    device = service.add(**THIS_DEVICE)
    service.put(device, kept[0])
    browser.press("[data-sign-in]")
    is_signed_in_with_the_key(browser)
    # After a password.
    browser.press("form[action='/account/second-factor'] button")
    sign_out(browser)
    service.person(device, "signing-in: refuses once; agrees")
    sign_in_with_password(browser, site)
    browser.press("[data-sign-in]")
    browser.wait_for_text("main", "password and the key")


def signs_in_from(browser, site, service, place):
    """With a key that is at this place, which the person names."""
    device = service.add(**PLACES[place])
    join(browser, site)
    add_key(browser, site, "The key", place)
    sign_out(browser)
    kept = service.passkeys(device)
    service.unplug(device)
    begin_sign_in(browser, site)
    device = service.add(**PLACES[place])
    service.put(device, kept[0])
    browser.find(".places summary").click()
    return device


def step_10_signing_in_with_a_phone_by_its_code(browser, site, service):
    signs_in_from(browser, site, service, "phone")
    shown(browser, "step-10")
    browser.press(".places [data-place=phone]")
    is_signed_in_with_the_key(browser)


def step_11_signing_in_with_a_phone_that_is_remembered(browser, site, service):
    signs_in_from(browser, site, service, "linked")
    browser.press(".places [data-place=linked]")
    is_signed_in_with_the_key(browser)
    shown(browser, "step-11")


def step_12_a_phone_that_was_wiped(browser, site, service):
    device = signs_in_from(browser, site, service, "linked")
    service.wipe(device)
    browser.find(".places [data-place=linked]").click()
    browser.wait_for_text("#status", "choose another way")
    shown(browser, "step-12")
    # The other way lets them in.
    browser.type("#password", PASSWORD)
    browser.press("form[action='/sign-in/password'] button")
    assert browser.path() == "/account", browser.path()


def step_13_several_accounts_on_one_device(browser, site, service):
    device = service.add(**THIS_DEVICE)
    for email in ("ann@example.org", "bo@example.org"):
        join(browser, site, email, email)
        add_key(browser, site, f"Key of {email}")
        sign_out(browser)
    kept = service.passkeys(device)
    for email in ("ann@example.org", "bo@example.org"):
        service.empty()
        device = service.add(**THIS_DEVICE)
        service.person(device, f"choosing: picks={email}; agrees")
        # Both are there before the field asks for one.
        for passkey in kept:
            service.put(device, passkey)
        browser.open(f"{site.url}/sign-in")
        browser.wait_for_path("/account")
        assert f"Key of {email}" in browser.text("#keys"), browser.text()
        sign_out(browser)


def step_14_renamed_and_removed(browser, site, service):
    device = service.add(**THIS_DEVICE)
    join(browser, site)
    add_key(browser, site, "My laptop")
    kept = service.passkeys(device)
    browser.open(f"{site.url}/account")
    browser.press("[aria-label^='Rename']")
    browser.type("#name", "The old one")
    browser.press("main button")
    assert "The old one" in browser.text("#done")
    browser.press("[aria-label^='Remove']")
    shown(browser, "step-14")
    browser.press("main button.danger")
    # The device was told.
    browser.wait(lambda: not service.passkeys(device))
    sign_out(browser)
    # One that comes back from a copy signs in no more, and the device is told again.
    begin_sign_in(browser, site)
    service.put(device, kept[0])
    browser.open(f"{site.url}/sign-in")
    browser.wait(lambda: not service.passkeys(device))
    assert browser.path() == "/sign-in", browser.path()


def step_15_a_synced_passkey_on_another_device(browser, site, service):
    phone = service.add(**THIS_DEVICE)
    join(browser, site)
    add_key(browser, site, "My phone")
    [passkey] = service.passkeys(phone)
    assert passkey["backupEligibility"] and passkey["backupState"], passkey
    browser.open(f"{site.url}/account")
    assert "Synced" in browser.text("#keys"), browser.text("#keys")
    shown(browser, "step-15")
    sign_out(browser)
    # The person's other device has it after a sync, and the first is out of the room.
    service.unplug(phone)
    browser.open(f"{site.url}/sign-in")
    laptop = service.add(**THIS_DEVICE)
    service.put(laptop, passkey)
    is_signed_in_with_the_key(browser)


def step_16_passkeys_move_to_another_authenticator(browser, site, service):
    old = service.add(**THIS_DEVICE)
    for email in ("ann@example.org", "bo@example.org"):
        join(browser, site, email, email)
        add_key(browser, site, f"Key of {email}")
        sign_out(browser)
    exported = service.passkeys(old)
    assert len(exported) == 2
    service.unplug(old)
    new = service.add(**TRUSTED_PLATFORM)
    service.person(new, "choosing: picks=bo@example.org; agrees")
    for passkey in exported:
        service.put(new, passkey)
    browser.open(f"{site.url}/sign-in")
    browser.wait_for_path("/account")
    assert "Key of bo@example.org" in browser.text("#keys"), browser.text()


def step_17_an_authenticator_is_reset(browser, site, service):
    device = service.add(**SECURITY_KEY)
    join(browser, site)
    add_key(browser, site, "My key", "usb")
    sign_out(browser)
    service.wipe(device)
    begin_sign_in(browser, site)
    browser.find("[data-sign-in]").click()
    browser.wait_for_text("#status", "Nothing was done")
    shown(browser, "step-17")
    # The password lets them in, and they remove what is of no use any more.
    browser.type("#password", PASSWORD)
    browser.press("form[action='/sign-in/password'] button")
    browser.press("[aria-label^='Remove']")
    browser.press("main button.danger")
    assert "My key" in browser.text("#done")
    assert not browser.has("#keys [aria-label^='Remove']")


STEPS = [step for name, step in sorted(globals().items()) if name.startswith("step_")]
assert len(STEPS) == 17 and EMAIL
