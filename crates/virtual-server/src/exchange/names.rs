//! What the numbered members of CTAP2's messages are called (CTAP 2.3 §6).

use towline_ctap::Command;

/// The names of the members 1, 2, 3 and so on of a message; an empty one is not given out.
pub(super) const fn members(command: Command, is_response: bool) -> &'static [&'static str] {
    match (command, is_response) {
        (Command::MakeCredential, false) => &[
            "clientDataHash",
            "rp",
            "user",
            "pubKeyCredParams",
            "excludeList",
            "extensions",
            "options",
            "pinUvAuthParam",
            "pinUvAuthProtocol",
            "enterpriseAttestation",
            "attestationFormatsPreference",
        ],
        (Command::MakeCredential, true) => {
            &["fmt", "authData", "attStmt", "epAtt", "largeBlobKey", "unsignedExtensionOutputs"]
        }
        (Command::GetAssertion, false) => &[
            "rpId",
            "clientDataHash",
            "allowList",
            "extensions",
            "options",
            "pinUvAuthParam",
            "pinUvAuthProtocol",
            "enterpriseAttestation",
            "attestationFormatsPreference",
        ],
        (Command::GetAssertion | Command::GetNextAssertion, true) => &[
            "credential",
            "authData",
            "signature",
            "user",
            "numberOfCredentials",
            "userSelected",
            "largeBlobKey",
            "unsignedExtensionOutputs",
            "epAtt",
            "attStmt",
        ],
        (Command::GetInfo, true) => GET_INFO,
        (Command::ClientPin, false) => &[
            "pinUvAuthProtocol",
            "subCommand",
            "keyAgreement",
            "pinUvAuthParam",
            "newPinEnc",
            "pinHashEnc",
            "",
            "",
            "permissions",
            "rpId",
        ],
        (Command::ClientPin, true) => {
            &["keyAgreement", "pinUvAuthToken", "pinRetries", "powerCycleState", "uvRetries"]
        }
        (Command::BioEnrollment, false) => &[
            "modality",
            "subCommand",
            "subCommandParams",
            "pinUvAuthProtocol",
            "pinUvAuthParam",
            "getModality",
        ],
        (Command::BioEnrollment, true) => &[
            "modality",
            "fingerprintKind",
            "maxCaptureSamplesRequiredForEnroll",
            "templateId",
            "lastEnrollSampleStatus",
            "remainingSamples",
            "templateInfos",
            "maxTemplateFriendlyName",
        ],
        (Command::CredentialManagement | Command::Config, false) => {
            &["subCommand", "subCommandParams", "pinUvAuthProtocol", "pinUvAuthParam"]
        }
        (Command::CredentialManagement, true) => &[
            "existingResidentCredentialsCount",
            "maxPossibleRemainingResidentCredentialsCount",
            "rp",
            "rpIDHash",
            "totalRPs",
            "user",
            "credentialID",
            "publicKey",
            "totalCredentials",
            "credProtect",
            "largeBlobKey",
            "thirdPartyPayment",
        ],
        (Command::LargeBlobs, false) => {
            &["get", "set", "offset", "length", "pinUvAuthParam", "pinUvAuthProtocol"]
        }
        (Command::LargeBlobs, true) => &["config"],
        _ => &[],
    }
}

const GET_INFO: &[&str] = &[
    "versions",
    "extensions",
    "aaguid",
    "options",
    "maxMsgSize",
    "pinUvAuthProtocols",
    "maxCredentialCountInList",
    "maxCredentialIdLength",
    "transports",
    "algorithms",
    "maxSerializedLargeBlobArray",
    "forcePINChange",
    "minPINLength",
    "firmwareVersion",
    "maxCredBlobLength",
    "maxRPIDsForSetMinPINLength",
    "preferredPlatformUvAttempts",
    "uvModality",
    "certifications",
    "remainingDiscoverableCredentials",
    "vendorPrototypeConfigCommands",
    "attestationFormats",
    "uvCountSinceLastPinEntry",
    "longTouchForReset",
    "encIdentifier",
    "transportsForReset",
    "pinComplexityPolicy",
    "pinComplexityPolicyURL",
    "maxPINLength",
    "encCredStoreState",
    "authenticatorConfigCommands",
];

/// What a command is called.
pub(super) const fn command(command: Command) -> &'static str {
    match command {
        Command::MakeCredential => "authenticatorMakeCredential",
        Command::GetAssertion => "authenticatorGetAssertion",
        Command::GetInfo => "authenticatorGetInfo",
        Command::ClientPin => "authenticatorClientPIN",
        Command::Reset => "authenticatorReset",
        Command::GetNextAssertion => "authenticatorGetNextAssertion",
        Command::BioEnrollment => "authenticatorBioEnrollment",
        Command::CredentialManagement => "authenticatorCredentialManagement",
        Command::Selection => "authenticatorSelection",
        Command::LargeBlobs => "authenticatorLargeBlobs",
        Command::Config => "authenticatorConfig",
    }
}

/// The flags of authenticator data (WebAuthn L3 §6.1), from bit 0.
pub(super) const FLAGS: [&str; 8] = ["UP", "RFU1", "UV", "BE", "BS", "RFU2", "AT", "ED"];
