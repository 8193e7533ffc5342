"""python-fido2 and libfido2 against `towline key`: every topic with keys of its own, several at a
time.

    run.py PROGRAM LIBFIDO2 [TOPIC...]

PROGRAM is `towline`, LIBFIDO2 what libfido2.c was compiled to; where that is not, only python-fido2
is used. Topics are chosen by a part of their names.
"""

import functools
import logging
import os
import subprocess
import sys
import time
import traceback
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

from failure import Failure, status_of
from topic import Topic
from topics import blobs, extensions, fingers, management, passkeys, pins, resets, restarts, settings, tokens, transport, u2f

# Those that wait for a time-out come first, so that the others need not wait for them.
MODULES = [resets, transport, passkeys, pins, tokens, management, blobs, settings, extensions, fingers, u2f, restarts]
AT_A_TIME = 4


def main(program, libfido2, wanted):
    topics = [
        (Topic(f"{module.__name__.split('.')[-1]}.{run.__name__}", program), run)
        for module in MODULES
        for run in module.TOPICS
    ]
    if os.path.exists(libfido2):
        run = functools.partial(by_libfido2, program=libfido2)
        topics.append((Topic("libfido2", program), run))
        run = functools.partial(run, key=["--kind=fingerprint-key"], args=["fingerprints"])
        topics.append((Topic("libfido2.fingerprints", program), run))
    topics = [(topic, run) for topic, run in topics if not wanted or any(word in topic.name for word in wanted)]
    pool = ThreadPoolExecutor(AT_A_TIME)
    started = {pool.submit(play, topic, run): topic for topic, run in topics}
    done, _ = wait(started, return_when=FIRST_EXCEPTION)
    pool.shutdown(wait=False, cancel_futures=True)
    failed = [future for future in done if future.exception()]
    for future in failed:
        report(started[future], future.exception())
    # Those that still run may wait for long; without their keys they are over.
    for topic, _ in topics:
        topic.close()
    passed = sum(topic.passed for topic, _ in topics)
    print(f"{passed} passed, {len(failed)} failed", flush=True)
    os._exit(1 if failed or not passed else 0)


def play(topic, run):
    started = time.monotonic()
    run(topic)
    topic.close()
    print(f"     {topic.name}: {topic.passed} checks in {time.monotonic() - started:.1f} s\n", end="", flush=True)


def by_libfido2(topic, program, key=(), args=()):
    """Runs the C program with a key, and takes over its lines."""
    key = topic.key(*key)
    ran = subprocess.run([program, key.addresses["udp"], *args], stdout=subprocess.PIPE, text=True, timeout=120)
    *lines, last = ran.stdout.splitlines() or [""]
    print("\n".join(lines), flush=True)
    topic.passed += sum(line.startswith("ok ") for line in lines)
    if ran.returncode != 0 or not last.endswith(" passed, 0 failed"):
        raise Failure(f"it ended with {ran.returncode}: {last}")


def report(topic, error):
    if isinstance(error, Failure):
        print(f"FAILED {topic.name}: {error}")
    else:
        print(f"FAILED {topic.name}: {status_of(error)}")
    traceback.print_exception(error, limit=-4, file=sys.stdout)
    print("what went to and fro last:")
    for line in topic.trace():
        print(f"     {line}")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    # It says so each time that the key is busy with another client, which is what some topics are
    # about.
    logging.getLogger("fido2").setLevel(logging.ERROR)
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
