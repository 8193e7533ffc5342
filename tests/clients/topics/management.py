"""Credential management: all subcommands, and the persistent token that only reads."""

from fido2.ctap2 import ClientPin, CredentialManagement
from fido2.utils import sha256

from party import PERMISSION, PIN, PROTOCOLS, credential_id, descriptor, make, token, use, with_pin
from topic import ERR

R = CredentialManagement.RESULT
ACCOUNTS = {"one.example": ["ada"], "two.example": ["bob", "eve"], "three.example": ["kim", "lou", "max"]}


def fill(key):
    """Credentials of three relying parties, then a PIN: who is who, by id."""
    ctap, made = key.ctap(), {}
    for rp, names in ACCOUNTS.items():
        for name in names:
            response = make(ctap, rp=rp, user=name.encode(), name=name)
            made[credential_id(response)] = (rp, name, response)
    return with_pin(key), made


def managed(t):
    for protocol in PROTOCOLS:
        said = lambda what: f"protocol {protocol.VERSION}: {what}"
        key = t.key()
        empty = with_pin(key)
        auth = token(empty, PERMISSION.CREDENTIAL_MGMT, rp=None, protocol=protocol)
        t.equal(said("an empty key has no relying parties"), CredentialManagement(empty, *auth).enumerate_rps(), [])
        key = t.key()
        ctap, made = fill(key)
        auth = token(ctap, PERMISSION.CREDENTIAL_MGMT, rp=None, protocol=protocol)
        manage = CredentialManagement(ctap, *auth)
        before = manage.get_metadata()
        t.equal(said("credentials are counted"), before[R.EXISTING_CRED_COUNT], 6)
        t.check(said("and what room there is"), before[R.MAX_REMAINING_COUNT] > 0, before)
        rps = manage.enumerate_rps()
        t.equal(said("relying parties are listed"), sorted(rp[R.RP]["id"] for rp in rps), sorted(ACCOUNTS))
        t.equal(said("with their hashes"), [rp[R.RP_ID_HASH] for rp in rps], [sha256(rp[R.RP]["id"].encode()) for rp in rps])
        t.equal(said("the total is in the first only"), [rp.get(R.TOTAL_RPS) for rp in rps], [3, None, None])
        t.refused(said("there is no fourth"), ERR.NOT_ALLOWED, manage.enumerate_rps_next)
        for rp, names in ACCOUNTS.items():
            found = manage.enumerate_creds(sha256(rp.encode()))
            t.equal(said(f"accounts at {rp} are listed"), sorted(c[R.USER]["name"] for c in found), names)
            t.equal(said("the total is in the first only"), [c.get(R.TOTAL_CREDENTIALS) for c in found], [len(names)] + [None] * (len(names) - 1))
            for credential in found:
                _, name, response = made[credential[R.CREDENTIAL_ID]["id"]]
                same = dict(response.auth_data.credential_data.public_key) == dict(credential[R.PUBLIC_KEY])
                t.check(said(f"{name}: name, key and protection"), same and credential[R.USER]["name"] == name and credential[R.CRED_PROTECT] == 1, credential)
        t.refused(said("there is no fourth account"), ERR.NOT_ALLOWED, manage.enumerate_creds_next)
        t.refused(said("nothing is listed for others"), ERR.NO_CREDENTIALS, manage.enumerate_creds_begin, sha256(b"four.example"))

        manage.enumerate_rps_begin()
        ctap.get_info()
        t.refused(said("another command ends a list"), ERR.NOT_ALLOWED, manage.enumerate_rps_next)
        manage.enumerate_creds_begin(sha256(b"two.example"))
        other = CredentialManagement(key.ctap(), *auth)
        t.refused(said("another channel can't go on"), ERR.NOT_ALLOWED, other.enumerate_creds_next)

        ada = next(id for id, (_, name, _) in made.items() if name == "ada")
        manage.update_user_info(descriptor(ada), {"id": b"ada", "name": "lovelace", "displayName": "Ada L."})
        changed = manage.enumerate_creds(sha256(b"one.example"))[0]
        t.equal(said("an account is renamed"), changed[R.USER], {"id": b"ada", "name": "lovelace", "displayName": "Ada L."})
        manage.update_user_info(descriptor(ada), {"id": b"ada"})
        changed = manage.enumerate_creds(sha256(b"one.example"))[0]
        t.equal(said("names are taken away"), changed[R.USER], {"id": b"ada"})
        t.refused(said("whose it is can't be changed"), ERR.INVALID_PARAMETER, manage.update_user_info, descriptor(ada), {"id": b"eve"})
        t.refused(said("an unknown one can't be renamed"), ERR.NO_CREDENTIALS, manage.update_user_info, descriptor(b"\0" * 32), {"id": b"ada"})
        manage.delete_cred(descriptor(ada))
        t.refused(said("a deleted one is gone"), ERR.NO_CREDENTIALS, use, ctap, "one.example", allow=[ada])
        t.refused(said("and can't be deleted again"), ERR.NO_CREDENTIALS, manage.delete_cred, descriptor(ada))
        after = manage.get_metadata()
        t.equal(said("one less"), after[R.EXISTING_CRED_COUNT], 5)
        t.equal(said("and its relying party, too"), sorted(rp[R.RP]["id"] for rp in manage.enumerate_rps()), ["three.example", "two.example"])
        t.refused(said("an unknown subcommand"), ERR.INVALID_SUBCOMMAND, ctap.credential_mgmt, 0x08, None, protocol.VERSION, b"\0" * 32)
        t.refused(said("a list without a relying party"), ERR.MISSING_PARAMETER, manage._call, 0x04)
        t.refused(said("deleting nothing"), ERR.MISSING_PARAMETER, manage._call, 0x06)


def read_only(t):
    """The persistent token lists, for as long as the PIN stays the same; and it opens the sealed
    identity.
    """
    for protocol in PROTOCOLS:
        said = lambda what: f"protocol {protocol.VERSION}: {what}"
        key = t.key()
        ctap, made = fill(key)
        auth = token(ctap, PERMISSION.PERSISTENT_CREDENTIAL_MGMT, rp=None, protocol=protocol)
        manage = CredentialManagement(ctap, *auth)

        def reads():
            total = manage.get_metadata()[R.EXISTING_CRED_COUNT]
            listed = [manage.enumerate_creds(rp[R.RP_ID_HASH]) for rp in manage.enumerate_rps()]
            return total, sum(map(len, listed))

        t.equal(said("it lists all"), reads(), (6, 6))
        id = next(iter(made))
        t.refused(said("it deletes nothing"), ERR.PIN_AUTH_INVALID, manage.delete_cred, descriptor(id))
        t.refused(said("it renames nothing"), ERR.PIN_AUTH_INVALID, manage.update_user_info, descriptor(id), {"id": b"ada"})
        first, second = ctap.get_info(), ctap.get_info()
        t.check(said("the sealed identity looks different each time"), first.enc_identifier != second.enc_identifier)
        identity = first.get_identifier(auth[1])
        t.equal(said("and is the same"), second.get_identifier(auth[1]), identity)
        state = first.get_cred_store_state(auth[1])
        t.equal(said("so is the state of the credentials"), second.get_cred_store_state(auth[1]), state)
        make(ctap, user=b"new", auth=token(ctap, PERMISSION.MAKE_CREDENTIAL, protocol=protocol))
        changed = ctap.get_info().get_cred_store_state(auth[1])
        t.check(said("which a new credential changes"), changed != state)
        t.equal(said("but not the identity"), ctap.get_info().get_identifier(auth[1]), identity)
        again = token(ctap, PERMISSION.PERSISTENT_CREDENTIAL_MGMT, rp=None, protocol=protocol)
        t.equal(said("asked for again, it is the same token"), again[1], auth[1])
        t.equal(said("other tokens leave it alone"), reads(), (7, 7))
        key.power_cycle()
        ctap = key.ctap()
        manage = CredentialManagement(ctap, *auth)
        t.equal(said("it outlives a power cycle"), reads(), (7, 7))
        ClientPin(ctap, protocol()).change_pin(PIN, "3141")
        t.refused(said("and ends with the PIN"), ERR.PIN_AUTH_INVALID, manage.get_metadata)


TOPICS = [managed, read_only]
