"""Virtual authenticators for tests: thin calls over the HTTP of `towline virtual serve`."""

from .authenticator import Authenticator
from .errors import BadCall, ProgramEnded, ProgramMissing, Refused, StillOpen
from .service import Service
from .session import Session
from .shapes import Credential, CredentialChange, Fault, Options, Preset

__all__ = [
    "Authenticator",
    "BadCall",
    "Credential",
    "CredentialChange",
    "Fault",
    "Options",
    "Preset",
    "ProgramEnded",
    "ProgramMissing",
    "Refused",
    "Service",
    "Session",
    "StillOpen",
]
