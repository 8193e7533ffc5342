"""Playwright and Selenium, in Debian's browsers: what docs/testing-languages.md tells users."""

import asyncio
import os
import shutil

import pytest
from small_site import Site

CHROMIUM = os.environ.get("TOWLINE_CHROMIUM", "/usr/lib/chromium/chromium")
FIREFOX = os.environ.get("TOWLINE_FIREFOX", "/usr/bin/firefox-esr")
# What Playwright says of a passkey.
PLAYWRIGHTS = ["id", "rpId", "userHandle", "privateKey", "publicKey", "signCount"]
CHROMEDRIVER = os.environ.get("TOWLINE_CHROMEDRIVER", "/usr/bin/chromedriver")


def test_playwright(virtual_session, virtual_authenticator):
    from playwright.sync_api import expect, sync_playwright
    from towline_virtual.playwright import install

    with Site(policy="connect-src 'self'") as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context()
        install(context, virtual_session)
        page = context.new_page()
        page.goto(site.origin)
        page.click("text=Register")
        expect(page.locator("output")).to_have_text("Registered")

        virtual_authenticator.script("signing-in: refuses once; agrees")
        page.click("text=Sign in")
        expect(page.locator("output")).to_contain_text("NotAllowedError")
        page.click("text=Sign in")
        expect(page.locator("output")).to_have_text("Signed in")
        browser.close()


def test_the_calls_of_context_credentials(virtual_service):
    from playwright.sync_api import expect, sync_playwright
    from towline_virtual.playwright import Credentials

    with Site(policy="connect-src 'self'") as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context()
        credentials = Credentials(context, virtual_service)
        credentials.install()
        page = context.new_page()
        page.goto(site.origin)
        page.click("text=Register")
        expect(page.locator("output")).to_have_text("Registered")
        [passkey] = credentials.get(rp_id="localhost")
        credentials.delete(passkey["id"])
        page.click("text=Sign in")
        expect(page.locator("output")).to_contain_text("NotAllowedError")

        # Playwright's own members are enough; and all of it comes back from a state.
        added = credentials.create(
            "localhost",
            id=passkey["id"],
            private_key=passkey["privateKey"],
            public_key=passkey["publicKey"],
            user_handle=passkey["userHandle"],
        )
        assert (added["id"], added["signCount"]) == (passkey["id"], 0)
        page.click("text=Sign in")
        expect(page.locator("output")).to_have_text("Signed in")
        other = credentials.create("example.org")
        assert set(PLAYWRIGHTS) <= set(other)
        assert credentials.get(id=other["id"]) == [other]
        state = credentials.storage_state()
        assert len(state["credentials"]) == 2
        context.close()

        later = browser.new_context()
        same = Credentials(later, virtual_service)
        for kept in state["credentials"]:
            assert same.create(kept["rpId"], credential=kept) == kept
        same.authenticator.script("refuses")
        later.close()
        browser.close()


async def in_asynchronous_playwright(site, session, service):
    from playwright.async_api import async_playwright, expect
    from towline_virtual.playwright import AsyncCredentials, install_async

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = await browser.new_context()
        await install_async(context, session)
        page = await context.new_page()
        await page.goto(site.origin)
        await page.click("text=Register")
        await expect(page.locator("output")).to_have_text("Registered")

        credentials = await AsyncCredentials.of(await browser.new_context(), service)
        await credentials.install()
        made = await credentials.create("localhost")
        assert await credentials.get(rp_id="localhost") == [made]
        assert (await credentials.storage_state())["credentials"] == [made]
        await credentials.delete(made["id"])
        assert await credentials.get() == []
        await browser.close()


def test_asynchronous_playwright(virtual_service, virtual_session, virtual_authenticator):
    with Site(policy="connect-src 'self'") as site:
        asyncio.run(in_asynchronous_playwright(site, virtual_session, virtual_service))
    assert len(virtual_authenticator.credentials()) == 1


def chromium(bidi):
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    options.enable_bidi = bidi
    for argument in ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage"]:
        options.add_argument(argument)
    return webdriver.Chrome(options, webdriver.ChromeService(CHROMEDRIVER))


def firefox():
    from selenium import webdriver

    geckodriver = os.environ.get("TOWLINE_GECKODRIVER") or shutil.which("geckodriver")
    if geckodriver is None:
        pytest.skip("geckodriver is not here")
    options = webdriver.FirefoxOptions()
    options.binary_location = FIREFOX
    options.enable_bidi = True
    options.add_argument("--headless")
    return webdriver.Firefox(options, webdriver.FirefoxService(geckodriver))


DRIVERS = {
    "chromium": lambda: chromium(bidi=True),
    "chromium-by-devtools": lambda: chromium(bidi=False),
    "firefox": firefox,
}


@pytest.mark.parametrize("browser", DRIVERS)
def test_selenium(browser, virtual_service, virtual_session, virtual_authenticator):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait
    from towline_virtual.selenium import install

    driver = DRIVERS[browser]()
    try:
        with Site() as site:
            install(driver, virtual_service, virtual_session)
            driver.get(site.origin)
            output = driver.find_element(By.TAG_NAME, "output")
            driver.find_element(By.ID, "register").click()
            WebDriverWait(driver, 20).until(lambda _: output.text == "Registered")

            virtual_authenticator.script("signing-in: refuses once; agrees")
            driver.find_element(By.ID, "sign-in").click()
            WebDriverWait(driver, 20).until(lambda _: "NotAllowedError" in output.text)
            driver.find_element(By.ID, "sign-in").click()
            WebDriverWait(driver, 20).until(lambda _: output.text == "Signed in")
    finally:
        driver.quit()
