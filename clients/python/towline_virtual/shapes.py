"""The JSON of the service, as types."""

from typing import Any, Literal, TypedDict

Preset = Literal[
    "security-key",
    "fingerprint-key",
    "platform",
    "synced-passkey",
    "phone",
    "u2f-key",
    "android-phone",
    "iphone",
    "synced-platform",
    "ctap2.0-key",
    "narrow-key",
]

Json = dict[str, Any]


class Options(TypedDict, total=False):
    """What a new authenticator is; each member changes one thing of the preset."""

    preset: Preset
    name: str
    protocol: Literal["ctap1/u2f", "ctap2", "ctap2_1"]
    ctap2Version: Literal["ctap2_0", "ctap2_1", "ctap2_2"]
    transport: str
    pin: str
    seed: int
    capacity: int
    algorithms: list[int]
    extensions: list[str]
    alwaysUv: bool
    countsSignatures: bool
    hasDisplay: bool
    hasResidentKey: bool
    hasUserVerification: bool
    hasPrf: bool
    hasLargeBlob: bool
    hasCredBlob: bool
    hasMinPinLength: bool
    hasHmacSecret: bool
    hasHmacSecretMc: bool
    defaultBackupEligibility: bool
    defaultBackupState: bool
    isUserConsenting: bool
    isUserVerified: bool


class Credential(TypedDict, total=False):
    """A passkey with its private key; bytes are base64url.

    The members are a superset of those of WebDriver, DevTools, Playwright and CXF: what is read
    anywhere can be added anywhere. A `signCount` of None is one that does not count.
    """

    credentialId: str
    id: str
    rpId: str
    privateKey: str
    key: str
    publicKey: str
    rpName: str
    userHandle: str
    userName: str
    userDisplayName: str
    isResidentCredential: bool
    signCount: int | None
    backupEligibility: bool
    backupState: bool
    largeBlob: str
    largeBlobKey: str
    prfSecret: str
    credBlob: str
    credProtect: int
    createdAt: int
    changedAt: int
    usedAt: int
    fido2Extensions: Json


class CredentialChange(TypedDict, total=False):
    """What is to be changed of a passkey; None takes a name or the counter away."""

    signCount: int | None
    backupEligibility: bool
    backupState: bool
    userName: str | None
    userDisplayName: str | None


class Fault(TypedDict, total=False):
    """Something that goes wrong: its name, and when. Without `times` it comes whenever it can."""

    fault: str
    phase: Literal["create", "get"]
    after: int
    times: int
    count: int


class Questions(TypedDict, total=False):
    """What the person was asked, what is open, and what did not fit the script."""

    open: list[str]
    heard: list[str]
    unmet: str | None


class Clock(TypedDict):
    """The clock of a session, in seconds."""

    elapsed: float
    held: bool
