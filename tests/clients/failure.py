"""What ends a run."""

from fido2.client import ClientError
from fido2.ctap import CtapError


class Failure(Exception):
    """A check that failed, or something that had to work before one."""


def status_of(error):
    """The status code in an error of python-fido2, or the error in words."""
    if isinstance(error, ClientError) and isinstance(error.cause, CtapError):
        error = error.cause
    if isinstance(error, CtapError):
        return f"status {int(error.code):02x} {error.code.name}"
    return repr(error)
