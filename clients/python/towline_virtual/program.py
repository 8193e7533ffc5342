"""The program `towline`: where it is, how it is started, and how it ends."""

import atexit
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import threading
from typing import Any

from .errors import ProgramEnded, ProgramMissing

# How long the program may take to start, and to end, in seconds.
TO_START = 30
TO_END = 5


def find_program(asked: str | os.PathLike[str] | None = None) -> str:
    """What was asked for, the variable TOWLINE, the program of the wheel, or the one in PATH."""
    named = asked or os.environ.get("TOWLINE")
    if named:
        if os.path.exists(named):
            return os.fspath(named)
        by = "the argument `program` names" if asked else "the variable TOWLINE names"
        raise ProgramMissing(f"there is no program {named}, which {by}")
    beside = [sysconfig.get_path("scripts"), os.path.dirname(sys.executable)]
    found = shutil.which("towline", path=os.pathsep.join(beside)) or shutil.which("towline")
    if found:
        return found
    raise ProgramMissing(
        "the program towline was not found: install a wheel of towline-virtual for this platform "
        "if there is one, or build it (`cargo build -p towline-cli`) and set the variable TOWLINE "
        "to its path"
    )


class Program:
    """`towline --json virtual serve`, from the moment that it serves.

    Nothing is written to its input: that ends with this process, however it does, and so the
    service does.
    """

    def __init__(self, program: str | os.PathLike[str] | None = None, **options: Any):
        command = [find_program(program), "--json", "virtual", "serve", "--until-stdin-ends"]
        for option, value in options.items():
            if value is not None:
                command += [f"--{option}", str(value)]
        # A file and not a pipe, which would have to be emptied all the time.
        self._errors = tempfile.TemporaryFile()
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors
            )
        except OSError as error:
            self._errors.close()
            raise ProgramEnded(f"{command[0]} can't be started: {error}") from error
        # A test run that forgets to stop the service, or fails, leaves nothing behind.
        atexit.register(self.stop)
        try:
            self.serving = self._began()
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    def _began(self) -> dict[str, Any]:
        """The event `serving`. A program that says nothing is killed, which ends the reading."""
        output = self._process.stdout
        assert output is not None
        late = threading.Timer(TO_START, self._process.kill)
        late.start()
        try:
            for line in output:
                event = json.loads(line)
                if event["event"] == "serving":
                    return event
        finally:
            late.cancel()
        self._process.wait(TO_END)
        raise self.failure()

    def has_ended(self) -> bool:
        """Whether it is gone. Its connections end a moment before it does."""
        try:
            self._process.wait(0.5)
        except subprocess.TimeoutExpired:
            return False
        return True

    def failure(self) -> ProgramEnded:
        """The error for whoever wanted something of a program that is no more."""
        how, said = self._process.returncode, ""
        if not self._errors.closed:
            self._errors.seek(0)
            said = self._errors.read().decode(errors="replace").strip()[-4000:]
        ended = f"killed by signal {-how}" if how < 0 else f"code {how}"
        return ProgramEnded(
            f"towline has ended ({ended}){': ' + said if said else ''}. Start another with "
            "Service.start()"
        )

    def stop(self) -> None:
        """Ends the program, and waits until it is gone."""
        atexit.unregister(self.stop)
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()
        self._errors.close()
