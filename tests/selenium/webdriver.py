"""Selenium's client for Python against the WebDriver door.

    webdriver.py ADDRESS

ADDRESS is that of the service, with the token in it.
"""

import json
import sys
from urllib.request import Request, urlopen

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from selenium import webdriver
from selenium.common.exceptions import InvalidArgumentException, InvalidSessionIdException
from selenium.webdriver.common.options import ArgOptions
from selenium.webdriver.common.virtual_authenticator import (
    Credential,
    Protocol,
    Transport,
    VirtualAuthenticatorOptions,
)


def check(what, holds, seen=""):
    if not holds:
        raise AssertionError(f"{what}: {seen}")
    print(f"ok   {what}", flush=True)


def refused(what, error, call):
    try:
        call()
    except error as refusal:
        print(f"ok   {what}: {refusal.msg}", flush=True)
    else:
        raise AssertionError(f"{what}: nothing was refused")


def new_key():
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def main(address):
    # docs: python
    driver = webdriver.Remote(command_executor=address, options=ArgOptions())
    driver.add_virtual_authenticator(
        VirtualAuthenticatorOptions(
            protocol=Protocol.CTAP2,
            transport=Transport.INTERNAL,
            has_resident_key=True,
            has_user_verification=True,
            is_user_verified=True,
        )
    )
    passkey = Credential.create_resident_credential(
        id=b"\x00\x01\xfe\xff", rp_id="example.org", user_handle=b"alice", private_key=new_key(), sign_count=7
    )
    driver.add_credential(passkey)
    # docs: end
    can = driver.capabilities
    check("the session has virtual authenticators", can["webauthn:virtualAuthenticators"], can)
    check("it does not call itself a browser", can["browserName"] == "towline", can)
    [found] = driver.get_credentials()
    check("the id, whose base64url was padded, comes back", found.id == passkey.id, found.id)
    check("the user handle comes back", found.user_handle == passkey.user_handle, found)
    check("the RP ID and the counter come back", (found.rp_id, found.sign_count) == ("example.org", 7), found)
    check("it is resident", found.is_resident_credential, found)
    signed_in = sign_in(address, driver.session_id)
    check("it signs in", signed_in["id"] == "AAH-_w", signed_in)
    [found] = driver.get_credentials()
    check("and counts it", found.sign_count == 8, found.sign_count)
    # What was given back can be given again.
    driver.remove_all_credentials()
    check("all are removed", driver.get_credentials() == [])
    driver.add_credential(found)

    another = Credential.create_non_resident_credential(
        id=b"another", rp_id="example.org", private_key=new_key(), sign_count=0
    )
    driver.add_credential(another)
    check("there are two", len(driver.get_credentials()) == 2)
    driver.remove_credential(bytearray(b"\x00\x01\xfe\xff"))
    left = [it.id for it in driver.get_credentials()]
    check("one is removed by its bytes, which are padded in the address", left == [another.id], left)
    driver.remove_credential("YW5vdGhlcg")
    check("the other by its text", driver.get_credentials() == [])
    driver.set_user_verified(False)
    driver.set_user_verified(True)
    refused("an unknown credential", InvalidArgumentException, lambda: driver.remove_credential("AAAA"))
    bad = Credential.create_resident_credential(b"1", "https://example.org", b"1", new_key(), 0)
    refused("an origin for an RP ID", InvalidArgumentException, lambda: driver.add_credential(bad))

    driver.remove_virtual_authenticator()
    driver.add_virtual_authenticator(VirtualAuthenticatorOptions(protocol=Protocol.U2F))
    refused("a passkey for U2F", InvalidArgumentException, lambda: driver.add_credential(passkey))
    properties(driver, passkey)

    session = driver.session_id
    driver.quit()
    driver.session_id = session
    refused("a session that was quit", InvalidSessionIdException, driver.get_credentials)


def sign_in(address, session):
    """What a page at example.org would get: AuthenticationResponseJSON."""
    options = {"challenge": "AAECAwQFBgcICQoLDA0ODw"}
    body = json.dumps({"origin": "https://example.org", "options": options}).encode()
    headers = {"Content-Type": "application/json"}
    with urlopen(Request(f"{address}/v1/{session}/get", body, headers)) as answer:
        return json.load(answer)["response"]


def properties(driver, passkey):
    """The command that Selenium has no call for: Set Credential Properties."""
    driver.remove_virtual_authenticator()
    driver.add_virtual_authenticator(VirtualAuthenticatorOptions(has_resident_key=True))
    driver.add_credential(passkey)
    authenticator = driver.virtual_authenticator_id
    path = f"/session/$sessionId/webauthn/authenticator/{authenticator}/credentials/AAH-_w==/props"
    driver.command_executor._commands["setCredentialProperties"] = ("POST", path)
    driver.execute("setCredentialProperties", {"signCount": 41, "backupEligibility": True})
    [found] = driver.get_credentials()
    check("the counter is set", found.sign_count == 41, found)


if __name__ == "__main__":
    main(sys.argv[1])
