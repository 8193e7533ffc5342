"""Ceremonies without a browser: what docs/testing-languages.md tells users of pytest."""

import json
import os
from pathlib import Path

import pytest
from small_site import Site
from towline_virtual import BadCall, Refused, StillOpen
from webauthn.helpers import bytes_to_base64url


def test_register_and_sign_in(virtual_session, virtual_authenticator):
    site = Site()
    site.register(virtual_session)
    assert site.sign_in(virtual_session).credential_backed_up

    virtual_authenticator.script("signing-in: refuses once; agrees")
    with pytest.raises(Refused) as refused:
        site.sign_in(virtual_session)
    assert refused.value.name == "NotAllowedError"
    site.sign_in(virtual_session)


@pytest.mark.virtual_authenticator("security-key", pin="2580")
def test_a_key_with_a_pin(virtual_session, virtual_authenticator):
    site = Site()
    site.register(virtual_session)
    assert not site.sign_in(virtual_session).credential_backed_up
    assert virtual_authenticator.info()["options"]["clientPin"]


def test_what_is_broken_reaches_the_site(virtual_service, virtual_session, virtual_authenticator):
    site = Site()
    site.register(virtual_session)
    virtual_authenticator.fail({"fault": "wrong-challenge", "phase": "get", "times": 1})
    with pytest.raises(Exception, match="(?i)challenge"):
        site.sign_in(virtual_session)
    site.sign_in(virtual_session)
    assert virtual_authenticator.faults()[0]["count"] == 1
    assert any(it["fault"] == "wrong-challenge" for it in virtual_service.known_faults())


def test_several_authenticators_stand_side_by_side(virtual_session, virtual_authenticator):
    key = virtual_session.add_authenticator("security-key")
    assert len(virtual_session.authenticators()) == 2
    key.remove()
    Site().register(virtual_session)
    assert len(virtual_authenticator.credentials()) == 1


def test_somebody_answers_for_the_person(virtual_session, virtual_authenticator):
    virtual_authenticator.set(isUserConsenting=False)
    site = Site()
    with pytest.raises(StillOpen) as still:
        virtual_session.create(site.origin, site.creation(), wait=0)
    assert len(virtual_authenticator.questions()["open"]) == 1
    assert virtual_authenticator.answer("agrees") == 1
    site.registered(virtual_session.ceremony(still.value.ceremony_id))


def test_time_is_moved_and_the_log_says_what_was_asked(virtual_session, virtual_authenticator):
    before = virtual_authenticator.snapshot()
    Site().register(virtual_session)
    assert virtual_session.clock(held=True, advance=300)["elapsed"] >= 300
    assert virtual_session.clock()["held"]
    asked = [it["request"] for it in virtual_session.log() if it["event"] == "request"]
    assert any(it["command"] == "authenticatorMakeCredential" for it in asked)
    virtual_authenticator.restore(before)
    assert virtual_authenticator.credentials() == []


def test_a_passkey_comes_from_the_other_client(virtual_session, virtual_authenticator):
    site = Site()
    site.register(virtual_session)
    (passkey,) = virtual_authenticator.credentials()
    virtual_authenticator.change_credential(passkey["credentialId"], {"userName": "bob"})
    virtual_authenticator.remove_credential(passkey["credentialId"])
    with pytest.raises(Refused):
        site.sign_in(virtual_session)
    virtual_authenticator.add_credential(passkey)
    site.sign_in(virtual_session)

    # The stage `languages` runs the tests of the client for Node before and after these.
    if there := os.environ.get("TOWLINE_FROM_PYTHON"):
        id = passkey["credentialId"]
        mine = {"passkey": passkey, "id": id, "publicKey": bytes_to_base64url(site.keys[id])}
        Path(there).write_text(json.dumps(mine))
    if back := os.environ.get("TOWLINE_TO_PYTHON"):
        theirs = json.loads(Path(back).read_text())
        virtual_authenticator.remove_credentials()
        virtual_authenticator.add_credential(theirs["passkey"])
        site.know(theirs["id"], theirs["publicKey"])
        site.sign_in(virtual_session)


def test_a_mistake_names_the_member(virtual_session):
    with pytest.raises(BadCall, match="transport") as bad:
        virtual_session.add_authenticator({"transport": "air"})
    assert bad.value.status == 400 and bad.value.member == "transport"


def test_a_slip_in_a_ceremony_is_no_refusal_of_the_browser(virtual_session):
    with pytest.raises(BadCall) as bad:
        virtual_session.get("https://example.org", {}, mediation="silently")
    assert bad.value.member == "mediation"


def test_a_site_lets_another_use_its_passkeys(virtual_session, virtual_authenticator):
    site = Site()
    site.origin, site.rp_id = "https://example.org", "example.org"
    site.register(virtual_session)
    shop = "https://shop.example"
    with pytest.raises(Refused) as refused:
        virtual_session.get(shop, site.request())
    assert refused.value.name == "SecurityError"
    virtual_session.publish_related_origins(site.rp_id, [shop])
    assert virtual_session.get(shop, site.request())["type"] == "public-key"
