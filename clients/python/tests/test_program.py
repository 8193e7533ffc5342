"""The program: missing, refusing to start, killed, stopped."""

import os
import signal
import subprocess
import sys
import urllib.request

import pytest
from towline_virtual import ProgramEnded, ProgramMissing, Service


def is_gone(pid):
    """Neither running nor a zombie."""
    return not os.path.exists(f"/proc/{pid}")


def test_a_program_that_is_not_there_is_an_error_that_says_what_to_do(monkeypatch, tmp_path):
    with pytest.raises(ProgramMissing, match="/nowhere/towline"):
        Service.start("/nowhere/towline")
    monkeypatch.delenv("TOWLINE", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with pytest.raises(ProgramMissing, match="set the variable TOWLINE"):
        Service.start()


def test_a_program_that_does_not_serve_is_an_error_with_what_it_said():
    with pytest.raises(ProgramEnded, match="no-such"):
        Service.start(kind="no-such")


def test_a_program_that_is_killed_is_an_error_and_leaves_no_zombie():
    service = Service.start()
    os.kill(service.pid, signal.SIGKILL)
    with pytest.raises(ProgramEnded, match="signal 9"):
        while True:
            service.new_session()
    service.stop()
    assert is_gone(service.pid)


def test_a_test_run_that_is_killed_leaves_no_service():
    lines = "from towline_virtual import Service; print(Service.start().address, flush=True); input()"
    command = [sys.executable, "-c", lines]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as run:
        url = run.stdout.readline().decode().strip()
        with urllib.request.urlopen(f"{url}v1/default") as answer:
            assert answer.status == 200
        run.kill()
        with pytest.raises(OSError):
            while True:
                urllib.request.urlopen(f"{url}v1/default").close()


def test_a_stopped_program_is_gone():
    with Service.start() as service:
        service.new_session()
    assert is_gone(service.pid)
    with pytest.raises(ProgramEnded):
        service.new_session()
