//! Status codes: the first byte of every response (CTAP 2.3 §8.2).

use core::fmt;

macro_rules! status {
    ($($code:literal $variant:ident $name:literal $sentence:literal)*) => {
        /// What an authenticator answers; the first byte of every response (CTAP 2.3 §8.2).
        ///
        /// [`fmt::Display`] is a sentence for a person, [`Status::name`] the standard's name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Status {
            $(
                #[doc = concat!("`", $name, "`. ", $sentence)]
                $variant,
            )*
            /// A code without a meaning of its own here: reserved, specific to an extension (0xE0
            /// to 0xEF), or to a vendor (0xF0 to 0xFF).
            Unknown(UnknownStatus),
        }

        impl Status {
            /// Every code that has a name, ascending.
            pub const NAMED: &'static [Self] = &[$(Self::$variant),*];

            /// The status that a byte stands for; every byte is one.
            #[must_use]
            pub const fn from_u8(code: u8) -> Self {
                match code {
                    $($code => Self::$variant,)*
                    _ => Self::Unknown(UnknownStatus(code)),
                }
            }

            /// The byte on the wire.
            #[must_use]
            pub const fn to_u8(self) -> u8 {
                match self {
                    $(Self::$variant => $code,)*
                    Self::Unknown(UnknownStatus(code)) => code,
                }
            }

            /// The name in the standard; `UNKNOWN` for a code that has none.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Unknown(_) => "UNKNOWN",
                }
            }
        }

        impl fmt::Display for Status {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$variant => f.write_str($sentence),)*
                    Self::Unknown(unknown) => unknown.fmt(f),
                }
            }
        }
    };
}

status! {
    0x00 Ok "CTAP2_OK" "The operation succeeded."
    0x01 InvalidCommand "CTAP1_ERR_INVALID_COMMAND" "The authenticator does not know this command."
    0x02 InvalidParameter "CTAP1_ERR_INVALID_PARAMETER" "A parameter of the request is not valid."
    0x03 InvalidLength "CTAP1_ERR_INVALID_LENGTH" "The request, or an item in it, has a length that is not allowed."
    0x04 InvalidSeq "CTAP1_ERR_INVALID_SEQ" "A part of the request is out of order."
    0x05 Timeout "CTAP1_ERR_TIMEOUT" "The message took too long to arrive; try again."
    0x06 ChannelBusy "CTAP1_ERR_CHANNEL_BUSY" "The authenticator is busy with another request; try again in a moment."
    0x0a LockRequired "CTAP1_ERR_LOCK_REQUIRED" "The authenticator is locked by another program; try again in a moment."
    0x0b InvalidChannel "CTAP1_ERR_INVALID_CHANNEL" "The authenticator does not know this channel; connect again."
    0x11 CborUnexpectedType "CTAP2_ERR_CBOR_UNEXPECTED_TYPE" "A part of the request is of the wrong type."
    0x12 InvalidCbor "CTAP2_ERR_INVALID_CBOR" "The request is not well-formed."
    0x14 MissingParameter "CTAP2_ERR_MISSING_PARAMETER" "A required parameter is missing from the request."
    0x15 LimitExceeded "CTAP2_ERR_LIMIT_EXCEEDED" "The request exceeds a limit of the authenticator."
    0x16 UnsupportedExtension "CTAP2_ERR_UNSUPPORTED_EXTENSION" "The authenticator does not support an extension that was asked for."
    0x17 FpDatabaseFull "CTAP2_ERR_FP_DATABASE_FULL" "No further fingerprint can be stored; remove one first."
    0x18 LargeBlobStorageFull "CTAP2_ERR_LARGE_BLOB_STORAGE_FULL" "The authenticator has no room left for large blobs."
    0x19 CredentialExcluded "CTAP2_ERR_CREDENTIAL_EXCLUDED" "This authenticator already holds a passkey for the site; sign in with it, or use another authenticator."
    0x21 Processing "CTAP2_ERR_PROCESSING" "The authenticator is still working on the request."
    0x22 InvalidCredential "CTAP2_ERR_INVALID_CREDENTIAL" "The credential is not valid for this authenticator."
    0x23 UserActionPending "CTAP2_ERR_USER_ACTION_PENDING" "The authenticator waits for an action by the user."
    0x24 OperationPending "CTAP2_ERR_OPERATION_PENDING" "An operation is still pending."
    0x25 NoOperations "CTAP2_ERR_NO_OPERATIONS" "No operation is pending."
    0x26 UnsupportedAlgorithm "CTAP2_ERR_UNSUPPORTED_ALGORITHM" "The authenticator supports none of the algorithms that the site accepts."
    0x27 OperationDenied "CTAP2_ERR_OPERATION_DENIED" "The operation was declined on the authenticator."
    0x28 KeyStoreFull "CTAP2_ERR_KEY_STORE_FULL" "The authenticator has no room left; remove a passkey first."
    0x29 NotBusy "CTAP2_ERR_NOT_BUSY" "The authenticator is not busy."
    0x2a NoOperationPending "CTAP2_ERR_NO_OPERATION_PENDING" "There is no pending operation to act on."
    0x2b UnsupportedOption "CTAP2_ERR_UNSUPPORTED_OPTION" "The authenticator does not support an option that was asked for."
    0x2c InvalidOption "CTAP2_ERR_INVALID_OPTION" "An option is not valid for this operation."
    0x2d KeepaliveCancel "CTAP2_ERR_KEEPALIVE_CANCEL" "The operation was cancelled."
    0x2e NoCredentials "CTAP2_ERR_NO_CREDENTIALS" "The authenticator holds no matching passkey."
    0x2f UserActionTimeout "CTAP2_ERR_USER_ACTION_TIMEOUT" "Nobody confirmed in time; try again."
    0x30 NotAllowed "CTAP2_ERR_NOT_ALLOWED" "The operation is not allowed now."
    0x31 PinInvalid "CTAP2_ERR_PIN_INVALID" "The PIN is wrong."
    0x32 PinBlocked "CTAP2_ERR_PIN_BLOCKED" "The PIN is blocked; the authenticator must be reset."
    0x33 PinAuthInvalid "CTAP2_ERR_PIN_AUTH_INVALID" "The PIN/UV authentication does not match."
    0x34 PinAuthBlocked "CTAP2_ERR_PIN_AUTH_BLOCKED" "Too many wrong PINs in a row; restart the authenticator, then try again."
    0x35 PinNotSet "CTAP2_ERR_PIN_NOT_SET" "No PIN is set; set one first."
    0x36 PuatRequired "CTAP2_ERR_PUAT_REQUIRED" "The operation needs the PIN or another user verification."
    0x37 PinPolicyViolation "CTAP2_ERR_PIN_POLICY_VIOLATION" "The PIN does not follow the rules of the authenticator; choose another."
    0x38 PinTokenExpired "CTAP2_ERR_PIN_TOKEN_EXPIRED" "The permission that the PIN gave has expired; enter the PIN again."
    0x39 RequestTooLarge "CTAP2_ERR_REQUEST_TOO_LARGE" "The request is larger than the authenticator accepts."
    0x3a ActionTimeout "CTAP2_ERR_ACTION_TIMEOUT" "The operation took too long; try again."
    0x3b UpRequired "CTAP2_ERR_UP_REQUIRED" "The operation needs the user's presence."
    0x3c UvBlocked "CTAP2_ERR_UV_BLOCKED" "User verification is blocked after too many failures; use the PIN."
    0x3d IntegrityFailure "CTAP2_ERR_INTEGRITY_FAILURE" "The data failed their integrity check."
    0x3e InvalidSubcommand "CTAP2_ERR_INVALID_SUBCOMMAND" "The authenticator does not know this subcommand."
    0x3f UvInvalid "CTAP2_ERR_UV_INVALID" "User verification failed; try again."
    0x40 UnauthorizedPermission "CTAP2_ERR_UNAUTHORIZED_PERMISSION" "The permission that was asked for can't be given."
    0x7f Other "CTAP1_ERR_OTHER" "The authenticator failed for a reason that it does not name."
    0xdf SpecLast "CTAP2_ERR_SPEC_LAST" "The authenticator failed with the last code of the standard."
}

/// A status byte that [`Status`] has no name for; made by [`Status::from_u8`] only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UnknownStatus(u8);

impl UnknownStatus {
    /// The byte on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        self.0
    }
}

impl fmt::Display for UnknownStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let family = match self.0 {
            0xe0..=0xef => "a code of an extension",
            0xf0..=0xff => "a code of its vendor",
            _ => "a code that is not known",
        };
        write!(f, "The authenticator failed with {family} (0x{:02x}).", self.0)
    }
}

impl From<u8> for Status {
    fn from(code: u8) -> Self {
        Self::from_u8(code)
    }
}

impl From<Status> for u8 {
    fn from(status: Status) -> Self {
        status.to_u8()
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::Status;

    #[test]
    fn every_byte_survives_the_round_trip() {
        for code in 0..=u8::MAX {
            assert_eq!(Status::from_u8(code).to_u8(), code);
        }
    }

    #[test]
    fn the_named_codes_are_those_of_the_standard() {
        let codes: alloc::vec::Vec<u8> =
            Status::NAMED.iter().map(|status| status.to_u8()).collect();
        let mut expected: alloc::vec::Vec<u8> = alloc::vec![
            0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0a, 0x0b, 0x11, 0x12, 0x14, 0x15, 0x16,
            0x17, 0x18, 0x19
        ];
        expected.extend(0x21..=0x40);
        expected.extend([0x7f, 0xdf]);
        assert_eq!(codes, expected);
    }

    #[test]
    fn every_status_is_a_sentence() {
        for code in 0..=u8::MAX {
            let text = Status::from_u8(code).to_string();
            assert!(text.starts_with(char::is_uppercase) && text.ends_with('.'), "{text}");
        }
    }

    #[test]
    fn codes_without_a_name_say_whose_they_are() {
        assert!(Status::from_u8(0xe3).to_string().contains("extension"));
        assert!(Status::from_u8(0xf3).to_string().contains("vendor"));
        assert!(Status::from_u8(0x13).to_string().contains("0x13"));
        assert_eq!(Status::from_u8(0x13).name(), "UNKNOWN");
    }
}
