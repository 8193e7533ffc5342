"""Phone B and its tablet on the page of `towline demo`: steps 8 and 15 of the journey."""

import time

from person import look


def a_second_device_and_its_loss(anna):
    """What phone B saves comes to the tablet, which then is lost: in any language, and on a small
    screen."""

    def looks(name):
        anna.screen(1280, 720)
        anna.driver.execute_script("scrollTo(0, 0)")
        look(anna, f"second-{name}")

    def signs_in_by(device):
        anna.begins(15)
        anna.enter_inside("[data-sign-in]")
        anna.goes("phone")
        anna.connects(device)
        anna.unlocks(device)

    def shows(device, count):
        rows = f"{device} .passkeys:not([hidden]) li"
        anna.wait(lambda: len(anna.driver.find_elements("css selector", rows)) == count)

    anna.enter("#guide-length")
    # Without the folder it stays where it is.
    anna.enter("[data-what=sync]")
    anna.shown("[data-what=sync][aria-checked=false]")
    anna.begins(4)
    anna.enter_inside("main form button")
    anna.saves_on("#phone-b", "B")
    anna.shown("#phone-b .since.only-here")
    assert not anna.has("#tablet .passkeys li")
    anna.enter("[data-what=sync]")
    anna.shown("#tablet .since.synced")
    anna.shown("#phone-b .since.synced")
    for part in (".account", ".site"):
        assert anna.text(f"#tablet .passkeys {part}") == anna.text(f"#phone-b .passkeys {part}")
    looks("came")

    # Step 8: the tablet has one, though it never made any.
    anna.begins(8)
    anna.enter_inside("[data-place=phone]")
    anna.connects("#tablet")
    anna.enter("#tablet .asked:not(.connect) .buttons button")
    anna.has_done(8)

    # Step 15: it signs in, and the site knows that there is another.
    signs_in_by("#tablet")
    anna.is_in()
    anna.has_done(15)

    # It is lost. Whoever has it is let in until the site forgets the passkey.
    anna.enter("#phone-b .lose")
    anna.shown("#phone-b .asked.lose .finger")
    anna.enter("#phone-b .asked.lose .finger")
    anna.shown("#tablet[data-lost]")
    anna.wait(lambda: anna.focused("#phone-b h3"))
    anna.shown("#phone-b .exposed .todo")
    looks("lost")
    signs_in_by("#tablet")
    anna.is_in()
    anna.begins(14)
    anna.enter_inside(".key a[href$='/remove']")
    anna.enter_inside("main button.danger")
    anna.has_done(14)
    anna.enter("#phone-b .exposed button")
    anna.wait(lambda: not anna.has("#phone-b .exposed"))
    # The button is gone, and who used it goes on from the phone, not from the top of the page.
    assert anna.focused("#phone-b h3")
    signs_in_by("#tablet")
    anna.drawn()
    with anna.inside():
        anna.shown("#status.bad")

    # What is saved from now on is not for whoever has it.
    def since():
        return anna.find("#phone-b .since").get_attribute("data-since")

    before, passkeys = since(), anna.text("#tablet .passkeys")
    anna.begins(4)
    anna.enter_inside("main form button")
    anna.saves_on("#phone-b", "B")
    anna.wait(lambda: since() != before)
    anna.shown("#phone-b .since.synced")
    # Longer than a device waits between two looks at the folder.
    time.sleep(1.5)
    assert anna.text("#tablet .passkeys") == passkeys
    anna.enter("#phone-b .renew")
    anna.enter("#phone-b .asked.add .finger")
    anna.enter("#tablet .asked.join .finger")
    anna.wait(lambda: not anna.has("#tablet[data-lost]"))
    anna.shown("#tablet .since.synced")
    shows("#tablet", 1)
    signs_in_by("#tablet")
    anna.is_in()
