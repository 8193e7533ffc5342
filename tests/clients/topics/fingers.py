"""A key with a fingerprint sensor: fingers are enrolled, named, removed, and count as much as the
PIN.
"""

from fido2.ctap2 import ClientPin, CredentialManagement, FPBioEnrollment

from party import PERMISSION, PIN, PROTOCOLS, Party, make, token, use, with_pin
from topic import ERR

SENSOR = "--kind=fingerprint-key"
R = FPBioEnrollment.RESULT


def enrol(bio):
    """One finger, to the end: its id and how many samples it took."""
    context = bio.enroll()
    samples, template = 1, context.capture()
    while template is None:
        samples, template = samples + 1, context.capture()
    return template, samples


def absent(t):
    """A key without a sensor says so."""
    ctap = with_pin(t.key())
    t.check("bioEnroll is not claimed", "bioEnroll" not in ctap.info.options, ctap.info.options)
    t.refused("the command is not there", ERR.INVALID_COMMAND, ctap.send_cbor, 0x09, {6: True})


def enrolled(t):
    for protocol in PROTOCOLS:
        said = lambda what: f"protocol {protocol.VERSION}: {what}"
        key = t.key(SENSOR)
        options = key.ctap().info.options
        t.equal(said("nobody is enrolled"), (options["bioEnroll"], options["uv"]), (False, False))
        ctap = with_pin(key)
        bio = FPBioEnrollment(ctap, *token(ctap, PERMISSION.BIO_ENROLL, rp=None, protocol=protocol))
        info = bio.get_fingerprint_sensor_info()
        t.check(said("the sensor is described"), info[R.FINGERPRINT_KIND] in (1, 2) and info[R.MAX_SAMPLES_REQUIRED] >= 1, info)
        t.equal(said("there is no finger to list"), bio.enumerate_enrollments(), {})
        first, samples = enrol(bio)
        t.equal(said("a finger takes as many samples as were announced"), samples, info[R.MAX_SAMPLES_REQUIRED])
        options = ctap.get_info().options
        t.equal(said("it shows"), (options["bioEnroll"], options["uv"]), (True, True))
        second, _ = enrol(bio)
        bio.set_name(first, "left")
        listed = lambda: {id: name or "" for id, name in names(bio).items()}
        t.equal(said("fingers are listed, with names"), listed(), {first: "left", second: ""})
        longest = info[R.MAX_TEMPLATE_FRIENDLY_NAME]
        t.refused(said("a name that is too long"), ERR.INVALID_LENGTH, bio.set_name, first, "x" * (longest + 1))
        t.refused(said("a finger that is not known can't be named"), ERR.INVALID_OPTION, bio.set_name, b"unknown", "name")
        context = bio.enroll()
        context.capture()
        context.cancel()
        t.equal(said("an enrolment is given up"), len(listed()), 2)
        bio.remove_enrollment(first)
        t.refused(said("a finger is removed once"), ERR.INVALID_OPTION, bio.remove_enrollment, first)
        t.equal(said("the other stays"), list(listed()), [second])
        wrong = FPBioEnrollment(ctap, *token(ctap, PERMISSION.CREDENTIAL_MGMT, rp=None, protocol=protocol))
        t.refused(said("a token without the permission"), ERR.PIN_AUTH_INVALID, wrong.enumerate_enrollments)
        t.refused(said("enrols nobody"), ERR.PIN_AUTH_INVALID, wrong.enroll().capture)
        wrong = FPBioEnrollment(ctap, *token(ctap, PERMISSION.BIO_ENROLL, rp=None, protocol=protocol))
        wrong.remove_enrollment(second)
        options = ctap.get_info().options
        t.equal(said("without a finger nobody is verified by one"), (options["bioEnroll"], options["uv"]), (False, False))


def names(bio):
    """Like enumerate_enrollments, which wants a name for every finger."""
    from fido2.ctap import CtapError

    try:
        listed = bio._call(FPBioEnrollment.CMD.ENUMERATE_ENROLLMENTS)[R.TEMPLATE_INFOS]
    except CtapError as error:
        if error.code != ERR.INVALID_OPTION:
            raise
        return {}
    return {entry[1]: entry.get(2) for entry in listed}


def verified(t):
    """What a finger is good for."""
    key = t.key(SENSOR)
    device = key.device()
    ctap = with_pin(key)
    enrol(FPBioEnrollment(ctap, *token(ctap, PERMISSION.BIO_ENROLL, rp=None)))
    party = Party(device, pin=None)
    registered, _ = party.register(uv="required")
    t.check("a finger registers, without the PIN", registered.is_user_verified())
    _, response = party.sign_in([registered.credential_data], uv="required")
    t.check("and signs in", response.response.authenticator_data.is_user_verified())
    t.check("also without a token", use(ctap, options={"uv": True}).auth_data.is_user_verified())
    for protocol in PROTOCOLS:
        pin = ClientPin(ctap, protocol())
        auth = pin.protocol, pin.get_uv_token(PERMISSION.CREDENTIAL_MGMT)
        total = CredentialManagement(ctap, *auth).get_metadata()[1]
        t.equal(f"protocol {protocol.VERSION}: a token by a finger lists credentials", total, 1)
    t.check("attempts are told", pin.get_uv_retries() >= 1)
    make(ctap, user=b"again", auth=token(ctap, PERMISSION.MAKE_CREDENTIAL, pin=PIN))
    t.check("the PIN is as good", True)


def by_a_person(t):
    """Nothing is simulated: whoever has the key in hand says yes or no to each touch of the sensor.
    """
    key = t.key(SENSOR, "--presence=ask")
    key.says = "yes"
    ctap = with_pin(key)
    bio = FPBioEnrollment(ctap, *token(ctap, PERMISSION.BIO_ENROLL, rp=None))
    _, samples = enrol(bio)
    t.equal("each sample is a yes", len(key.questions), samples)
    t.check("the question says what to do", "fingerprint sensor" in key.questions[0], key.questions)
    assertion = make(ctap, auth=(PROTOCOLS[1](), ClientPin(ctap).get_uv_token(PERMISSION.MAKE_CREDENTIAL, "example.org")))
    t.check("so is a finger that verifies", assertion.auth_data.is_user_verified())
    key.says = "no"
    bio = FPBioEnrollment(ctap, *token(ctap, PERMISSION.BIO_ENROLL, rp=None))
    t.refused("a no is no finger", ERR.OPERATION_DENIED, bio.enroll().capture)


TOPICS = [by_a_person, absent, enrolled, verified]
