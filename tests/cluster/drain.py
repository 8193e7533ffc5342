"""A node is drained, and another one comes back, while codes and rings go on through the front end:
nobody fails, no ring is lost, and no code that is on a screen is."""

import os
import signal
import threading
import time

PATIENCE = 60
CODES = 10
GIVEN_UP = 3


def tunnel_id():
    return os.urandom(16).hex().upper()


class Load:
    """Codes through the front end, forty a second, and what became of them."""

    def __init__(self, doors):
        self.doors, self.done, self.failed, self.nodes = doors, 0, [], set()
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.over.wait(0.025):
            try:
                phone, tunnel = shown(self.doors, "any")
                self.nodes.add(int(phone[1][:2], 16))
                self.join(phone, tunnel)
                phone[0].close()
            except (OSError, AssertionError) as error:
                self.failed.append(repr(error))

    def join(self, phone, tunnel):
        status, computer = self.doors.upgrade("any", f"/cable/connect/{phone[1]}/{tunnel}")
        if status == 101:
            self.done += 1
            computer[0].close()
        else:
            self.failed.append(f"connect {phone[1]}: {status}")

    def end(self):
        self.over.set()
        self.thread.join()


def shown(doors, door):
    """A phone that waits, and its tunnel."""
    tunnel = tunnel_id()
    status, phone = doors.upgrade(door, f"/cable/new/{tunnel}")
    assert status == 101, f"new: {status}"
    return phone, tunnel


def drain_under_load(service, person, node, phones_are_elsewhere):
    screens = [shown(service.doors, node) for _ in range(CODES)]
    load = Load(service.doors)
    rings = 0
    try:
        time.sleep(1)
        child = service.nodes[node].child
        child.send_signal(signal.SIGTERM)
        began = time.monotonic()
        while not phones_are_elsewhere():
            # Before, between and after: the phone is rung wherever it is.
            person.sign_in("any")
            rings += 1
            # Nodes ask for an address's phones at most five times a second.
            time.sleep(0.3)
            assert time.monotonic() - began < PATIENCE, "its phones do not leave"
        left = time.monotonic() - began
        person.sign_in("any")
        time.sleep(1)
        assert child.poll() is None, "somebody waits there"
        for phone, tunnel in screens:
            load.join(phone, tunnel)
            phone[0].close()
    finally:
        load.end()
    child.wait(PATIENCE)
    gone = time.monotonic() - began
    assert not load.failed, load.failed
    assert load.done > 100, load.done
    print(f"node {node} was drained: {load.done} codes, {CODES} of them on screens before, and "
          f"{rings + 1} rings, 0 failed; its phones were elsewhere after {left:.1f} s, it was gone "
          f"after {gone:.1f} s")


def comes_back(service, node):
    """A node that was lost gets codes again once those who scan them find it."""
    # HAProxy has given it up by now, at all of its backends.
    time.sleep(GIVEN_UP)
    load = Load(service.doors)
    try:
        service.start_node(node)
        began = time.monotonic()
        while node not in load.nodes:
            assert time.monotonic() - began < PATIENCE, "it gets no codes"
            time.sleep(0.05)
        took = time.monotonic() - began
        time.sleep(1.5)
    finally:
        load.end()
    assert not load.failed, load.failed
    print(f"node {node} was started: codes again after {took:.1f} s, {load.done} codes, 0 failed")
