"""CTAPHID over every kind of socket: channels, long messages, cancelling, clients that are in each
other's way.
"""

import os
import time
from threading import Event, Thread

from fido2.ctap import STATUS
from fido2.ctap2 import Ctap2
from fido2.hid import CAPABILITY, CTAPHID
from fido2.utils import sha256

from failure import Failure, status_of
from party import Party, credential_id, make, use
from topic import ERR

GET_INFO = b"\x04"
SELECTION = b"\x0b"
CBOR, PING, INIT, CANCEL, ERROR, KEEPALIVE = (
    CTAPHID.CBOR,
    CTAPHID.PING,
    CTAPHID.INIT,
    CTAPHID.CANCEL,
    CTAPHID.ERROR,
    CTAPHID.KEEPALIVE,
)


def sockets(t):
    key = t.key()
    made = make(key.ctap())
    for kind in ("udp", "tcp", "unix"):
        device = key.device(kind)
        t.equal(f"{kind}: protocol version 2", device.version, 2)
        capable = CAPABILITY.CBOR.supported(device.capabilities) and CAPABILITY.WINK.supported(device.capabilities)
        t.check(f"{kind}: the capabilities say CBOR and WINK", capable, device.capabilities)
        for length in (1, 57, 58, 1024, 7609):
            ping = os.urandom(length)
            t.equal(f"{kind}: a PING of {length} bytes comes back", device.ping(ping), ping)
        device.wink()
        t.check(f"{kind}: WINK", True)
        assertion = use(Ctap2(device), allow=[credential_id(made)])
        assertion.verify(bytes(range(32)), made.auth_data.credential_data.public_key)
        t.check(f"{kind}: leads to the same key", True)
        party = Party(device)
        registered, _ = party.register(uv="discouraged")
        party.sign_in([registered.credential_data], uv="discouraged")
        t.check(f"{kind}: registered and signed in", True)
        device.close()


def channels(t):
    key = t.key()
    reports = key.reports()
    three = {reports.channel() for _ in range(3)}
    t.equal("three INITs give three channels", len(three), 3)
    t.check("none of them is 0 or the broadcast channel", not three & {0, 0xFFFFFFFF}, three)
    for what, channel in [("0", 0), ("one that was never given out", 0x01020304)]:
        reports.send(channel, PING, b"a")
        t.equal(f"a message on channel {what} is refused", reports.answer(), (channel, ERROR, b"\x0b"))
    reports.send(0xFFFFFFFF, PING, b"a")
    t.equal("so is one on the broadcast channel", reports.answer(), (0xFFFFFFFF, ERROR, b"\x0b"))
    channel = reports.channel()
    reports.send(channel, 0x2A)
    t.equal("an unknown command is refused", reports.answer(), (channel, ERROR, b"\x01"))
    reports.send(channel, CBOR, b"")
    t.equal("CBOR without a command is refused", reports.answer(), (channel, ERROR, b"\x03"))
    reports.send(channel, PING, b"", length=7610)
    t.equal("a message that is too long is refused", reports.answer(), (channel, ERROR, b"\x03"))
    reports.go_on(channel, 0, b"stray")
    t.check("a stray continuation is ignored", reports.silence(0.3))
    reports.send(channel, PING, b"p" * 57, length=100)
    reports.go_on(channel, 1, b"p")
    t.equal("a wrong sequence number is refused", reports.answer(), (channel, ERROR, b"\x04"))
    reports.send(channel, PING, b"p" * 57, length=100)
    nonce = os.urandom(8)
    reports.send(channel, INIT, nonce)
    _, command, data = reports.answer()
    t.equal("INIT resynchronises in mid-message", (command, data[:8]), (INIT, nonce))
    t.equal("and the channel stays the same", int.from_bytes(data[8:12], "big"), channel)
    started = time.monotonic()
    reports.send(channel, PING, b"p" * 57, length=100)
    t.equal("a message that is not finished times out", reports.answer(), (channel, ERROR, b"\x05"))
    took = time.monotonic() - started
    t.check("after 0.4 to 1 s", 0.4 <= took <= 1.0, took)
    reports.send(channel, CANCEL)
    t.check("a CANCEL with nothing under way is ignored", reports.silence(0.3))
    key.power_cycle()
    reports.send(channel, PING, b"a")
    t.equal("a power cycle takes the channels away", reports.answer(), (channel, ERROR, b"\x0b"))


def waiting(t):
    """The key waits for a touch."""
    key = t.key()
    ctap = key.ctap()
    key.presence("delay:400")
    seen = []
    ctap.selection(on_keepalive=seen.append)
    t.equal("keepalives say that a touch is wanted", seen, [STATUS.UPNEEDED])

    key.presence("deny")
    for what, call in [
        ("makeCredential", lambda event: make(ctap, event=event)),
        ("getAssertion", lambda event: use(ctap, event=event)),
        ("selection", lambda event: ctap.selection(event=event)),
        ("reset", lambda event: ctap.reset(event=event)),
    ]:
        t.refused(f"{what} is cancelled", ERR.KEEPALIVE_CANCEL, cancelled, call)
    t.refused("nothing was made", ERR.NO_CREDENTIALS, use, ctap, options={"up": False})

    reports = key.reports()
    channel, other = reports.channel(), reports.channel()
    reports.send(channel, CBOR, SELECTION)
    times = []
    while len(times) < 5:
        seen = reports.receive()
        times.append(time.monotonic())
        if seen != (channel, KEEPALIVE, b"\x02"):
            raise Failure(f"not a keepalive: {seen}")
    widest = max(later - earlier for earlier, later in zip(times, times[1:]))
    t.check("keepalives come every 100 ms", widest < 0.25, widest)
    reports.send(other, CBOR, GET_INFO)
    answers = [reports.receive() for _ in range(2)]
    t.check("another channel is told that the key is busy", (other, ERROR, b"\x06") in answers, answers)
    reports.send(other, CANCEL)
    t.check("and can't cancel", all(reports.receive()[:2] == (channel, KEEPALIVE) for _ in range(3)))
    fresh = os.urandom(8)
    reports.send(0xFFFFFFFF, INIT, fresh)
    answers = [reports.receive() for _ in range(2)]
    t.check(
        "a new client gets its channel nevertheless",
        any(command == INIT and data[:8] == fresh for _, command, data in answers),
        answers,
    )
    reports.send(channel, CANCEL)
    t.equal("CANCEL ends the wait", reports.answer(), (channel, CBOR, b"\x2d"))
    t.check("with one answer", reports.silence(0.3))
    reports.send(channel, CBOR, SELECTION)
    reports.receive()
    reports.send(channel, INIT, fresh)
    _, command, data = reports.answer()
    t.equal("INIT on the same channel ends the wait too", (command, data[:8]), (INIT, fresh))
    t.check("without an answer", reports.silence(0.3))

    key.presence("once")
    ctap.selection()
    t.check("a single touch is enough", True)
    t.refused("for one request", ERR.KEEPALIVE_CANCEL, cancelled, lambda event: ctap.selection(event=event))


def cancelled(call):
    """Makes the call, and cancels it once it has begun to wait."""
    event = Event()
    canceller = Thread(target=lambda: (time.sleep(0.15), event.set()))
    canceller.start()
    try:
        return call(event)
    finally:
        canceller.join()


def two_clients(t):
    """Each on its own channel and socket, at the same time."""
    key = t.key()
    key.presence("delay:300")
    failures = []

    def work(name, kind):
        try:
            ctap = key.ctap(kind)
            for user in range(3):
                made = make(ctap, rp=f"{name}.example", user=bytes([user]))
                if made.auth_data.rp_id_hash != sha256(f"{name}.example".encode()):
                    failures.append(f"{name} got an answer that was not its own")
        except Exception as error:
            failures.append(f"{name}: {status_of(error)}")

    clients = [Thread(target=work, args=client) for client in [("a", "udp"), ("b", "udp"), ("c", "unix")]]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    t.equal("three clients make credentials at the same time, and get their own answers", failures, [])
    key.presence("auto")
    found = [len(key.ctap("tcp").get_assertions(f"{name}.example", bytes(32))) for name in "abc"]
    t.equal("all of them are there", found, [3, 3, 3])


def a_person_is_asked(t):
    """Without simulated presence, control reports are nothing special, and nobody touches the key
    by itself.
    """
    key = t.key("--presence=ask")
    reports = key.reports()
    control = b"ctaphid-control:presence=auto".ljust(64, b"\0")
    reports.connection.write_packet(control)
    t.equal("a control report is on no channel", reports.answer(), (0x63746170, ERROR, b"\x0b"))
    t.refused("nobody answers, which is a no", ERR.OPERATION_DENIED, key.ctap().selection)


TOPICS = [sockets, channels, waiting, two_clients, a_person_is_asked]
