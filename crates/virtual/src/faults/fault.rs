//! The faults and their names.

use std::{fmt, str::FromStr};

use towline_ctap::Status;

/// Where a fault is put in.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultPlace {
    /// Before the authenticator sees the request: it does something else than it was asked.
    Request,
    /// On the way to the client, which has to notice it, if it can.
    Answer,
    /// In the signature of an assertion, which no client can check.
    Signature,
    /// In what the site gets, past an honest client and signed anew: the site has to notice it.
    Result,
    /// In what a key answers to messages of U2F: the client has to notice it, if it can.
    Message,
    /// In the reports of CTAPHID: the host has to notice it.
    Report,
}

macro_rules! faults {
    ($($place:ident { $($variant:ident $name:literal $about:literal)+ })+) => {
        /// Something that an authenticator, or what lies between it and a site, does wrong.
        ///
        /// Each has a name that stays ([`Display`](fmt::Display), [`FromStr`]), and a sentence
        /// that says what it does ([`Self::describe`]). docs/faults.md says who notices which.
        #[non_exhaustive]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Fault {
            /// Answers with this status, and does nothing. Its name is `status-0x27` and the like.
            Status(Status),
            $($(
                #[doc = concat!("`", $name, "`: ", $about, ".")]
                $variant,
            )+)+
        }

        impl Fault {
            /// Every fault, in the order of [`FaultPlace`]; one [`Self::Status`] stands for all.
            pub const ALL: &'static [Self] =
                &[Self::Status(Status::Other), $($(Self::$variant,)+)+];

            /// Where it is put in.
            #[must_use]
            pub const fn place(self) -> FaultPlace {
                match self {
                    Self::Status(_) => FaultPlace::Request,
                    $($(Self::$variant => FaultPlace::$place,)+)+
                }
            }

            /// What it does: a phrase without a full stop, with the answer, the client data and so
            /// on as its objects.
            #[must_use]
            pub const fn describe(self) -> &'static str {
                match self {
                    Self::Status(_) => "answers with this status, and does nothing",
                    $($(Self::$variant => $about,)+)+
                }
            }

            const fn name(self) -> &'static str {
                match self {
                    Self::Status(_) => STATUS,
                    $($(Self::$variant => $name,)+)+
                }
            }
        }
    };
}

/// How the names of all statuses begin.
const STATUS: &str = "status-0x";

faults! {
    Request {
        IgnoresExcludeList "ignores-exclude-list"
            "makes a second passkey where it should say that there is one"
        IgnoresAllowList "ignores-allow-list"
            "signs with any passkey of the site, whatever was allowed"
        IgnoresVerification "ignores-verification"
            "does not verify the person, though it was asked to"
        UnaskedAlgorithm "unasked-algorithm"
            "makes a key of an algorithm that the site did not offer"
        AnotherAccount "another-account"
            "stores the passkey for another user handle than the site gave"
    }
    Answer {
        NoAnswer "no-answer" "never answers: on CTAPHID, keepalives for ever"
        LateAnswer "late-answer" "answers eleven minutes late"
        Disconnects "disconnects" "goes away when it should answer"
        AnswersTwice "answers-twice" "gives the answer, and gives it again to the next request"
        EmptyAnswer "empty-answer" "answers with nothing, not even a status"
        NoBody "no-body" "answers with success, and no CBOR"
        TruncatedAnswer "truncated-answer" "leaves out the last byte"
        ExtendedAnswer "extended-answer" "adds a byte after the CBOR"
        NotCbor "not-cbor" "answers with JSON"
        ArrayAnswer "array-answer" "answers with an array in place of a map"
        UnsortedAnswer "unsorted-answer" "gives the members in reverse order"
        LongForm "long-form" "encodes the count of members in more bytes than needed"
        IndefiniteLength "indefinite-length" "answers with a map of indefinite length"
        MemberTwice "member-twice" "gives its first member twice"
        HugeLength "huge-length" "claims that the authenticator data have 4 GiB"
        DeepNesting "deep-nesting" "adds a member that nests arrays 1000 deep"
        UnknownMember "unknown-member" "adds a member that no standard knows"
        WronglyTyped "wrongly-typed" "gives the authenticator data as text"
        MissingAuthData "missing-auth-data" "leaves out the authenticator data"
        MissingSignature "missing-signature" "leaves out the signature, or the statement"
        AnswerOfAnotherSite "answer-of-another-site" "gives authenticator data of another RP ID"
        AnswerWithoutPresence "answer-without-presence" "says that nobody was there (UP)"
        AnswerWithoutVerification "answer-without-verification"
            "says that nobody was verified (UV)"
        AnswerOfStranger "answer-of-stranger" "signs in with a credential that was not allowed"
        AnswerForNobody "answer-for-nobody" "leaves out the user handle"
        UnaskedOutput "unasked-output" "gives the output of an extension that nobody asked for"
        UnaskedAttestation "unasked-attestation"
            "gives a statement that tells what it is, though nobody asked for one"
        OffCurveAnswer "off-curve-answer" "gives a public key that is not on its curve"
    }
    Signature {
        SignatureOfAnotherKey "signature-of-another-key" "signs with another key"
        HighS "high-s" "signs with the larger of the two values for s: valid ECDSA"
        NotDer "not-der" "gives r and s side by side, in 64 bytes"
        LongFormDer "long-form-der" "encodes the signature's length in two bytes: BER, not DER"
        PaddedDer "padded-der" "puts a zero before r that does not belong there"
        NegativeR "negative-r" "encodes r as a negative number"
        ZeroSignature "zero-signature" "signs with r and s both zero"
        TruncatedSignature "truncated-signature" "leaves out the last byte of the signature"
        ExtendedSignature "extended-signature" "adds a byte after the signature"
        EmptySignature "empty-signature" "gives a signature of no bytes"
    }
    Result {
        WrongType "wrong-type" "swaps `webauthn.create` and `webauthn.get`"
        WrongChallenge "wrong-challenge" "signs another challenge"
        PaddedChallenge "padded-challenge" "pads the base64url of the challenge with `=`"
        WrongOrigin "wrong-origin" "signs for `https://attacker.example`"
        InsecureOrigin "insecure-origin" "signs for the origin with `http`"
        OriginWithPort "origin-with-port" "signs for the origin at port 8443"
        OriginOfSubdomain "origin-of-subdomain" "signs for a subdomain of the origin"
        CrossOrigin "cross-origin" "says that a page of another origin embedded the site"
        TopOrigin "top-origin" "names the page that embedded the site"
        MissingChallenge "missing-challenge" "leaves the challenge out of the client data"
        ClientDataNotJson "client-data-not-json" "signs client data that are not JSON"
        UnknownClientData "unknown-client-data"
            "adds a member to the client data, as browsers may at any time"
        WrongRpIdHash "wrong-rp-id-hash" "signs for another RP ID"
        FlipUp "flip-up" "flips the flag UP: nobody was there"
        FlipUv "flip-uv" "flips the flag UV: nobody was verified"
        FlipBe "flip-be" "flips the flag BE: whether the passkey may be backed up"
        FlipBs "flip-bs" "flips the flag BS: whether the passkey is backed up"
        FlipAt "flip-at" "flips the flag AT: whether there is a credential in the data"
        FlipEd "flip-ed" "flips the flag ED: whether there are extension outputs"
        FlipReserved1 "flip-reserved-1" "flips the reserved bit 1"
        FlipReserved2 "flip-reserved-2" "flips the reserved bit 5"
        BackedUpWithoutEligibility "backed-up-without-eligibility"
            "clears BE and sets BS: backed up, but may not be"
        SignatureOverAnotherHash "signature-over-another-hash"
            "signs over another hash of client data"
        SignatureOverClientDataAlone "signature-over-client-data-alone"
            "does not sign the authenticator data"
        TruncatedAuthData "truncated-auth-data" "leaves out the last byte of authenticator data"
        ExtendedAuthData "extended-auth-data" "adds a byte after the authenticator data"
        SignedUnaskedOutput "signed-unasked-output"
            "signs the output of an extension that nobody asked for"
        UnaskedClientOutput "unasked-client-output"
            "gives a client extension output (`appid`) that nobody asked for"
        CounterGoesBack "counter-goes-back" "counts two less than it should"
        CounterStandsStill "counter-stands-still" "counts what it counted last"
        CounterLost "counter-lost" "counts zero, having counted before"
        CounterLeaps "counter-leaps" "counts to the highest number that there is"
        IdTooLong "id-too-long" "gives a credential ID of 1024 bytes"
        EmptyId "empty-id" "gives a credential ID of no bytes"
        IdTwice "id-twice" "gives the new key the ID of the oldest passkey"
        IdOfAnother "id-of-another" "names another credential of the authenticator as the signer"
        IdsDiffer "ids-differ" "gives another `id` than `rawId`"
        IdNotAttested "id-not-attested"
            "gives another ID beside the authenticator data than in them"
        MissingUserHandle "missing-user-handle" "leaves out the user handle"
        ForeignUserHandle "foreign-user-handle" "gives the user handle of somebody else"
        EmptyUserHandle "empty-user-handle" "gives a user handle of no bytes"
        LongUserHandle "long-user-handle" "gives a user handle of 65 bytes"
        KeyOfAnother "key-of-another" "registers a public key whose private half it does not have"
        KeyOffCurve "key-off-curve" "registers a public key that is not on its curve"
        KeyOfAnotherCurve "key-of-another-curve" "registers an ES256 key on the curve P-384"
        KeyOfAnotherAlgorithm "key-of-another-algorithm"
            "says RS256 of a key that is one of ES256"
        KeyWithoutAlgorithm "key-without-algorithm" "leaves `alg` out of the public key"
        KeyCompressed "key-compressed" "gives the public key's point in compressed form"
        KeyWithPrivatePart "key-with-private-part" "adds a private part to the public key"
        UnknownAttestationFormat "unknown-attestation-format"
            "gives an attestation of a format that nobody knows"
        NoneWithStatement "none-with-statement"
            "gives a statement under the format `none`, which has none"
        SelfAttestationOfAnother "self-attestation-of-another"
            "attests itself with another key (`packed`)"
        MissingAttestation "missing-attestation" "leaves out the attestation object"
        WrongCredentialType "wrong-credential-type" "gives a `type` other than `public-key`"
        PaddedBase64 "padded-base64" "pads base64url with `=`"
        UnknownTransport "unknown-transport" "names a transport that no standard knows"
        PrfChanges "prf-changes" "gives another `prf` output than the last time"
        PrfMissing "prf-missing" "gives no `prf` output, though it was asked for one"
    }
    Message {
        U2fNeverTouched "u2f-never-touched" "asks for a touch for ever"
        U2fForgets "u2f-forgets" "does not know its own key handles"
        U2fClaimsAll "u2f-claims-all" "says of every key handle that it is its own"
        U2fFails "u2f-fails" "answers that something went wrong inside"
        U2fUnknownStatus "u2f-unknown-status" "answers with a status word that nobody knows"
        U2fEmptyAnswer "u2f-empty-answer" "answers with nothing, not even a status word"
        U2fNoData "u2f-no-data" "answers with success, and no data"
        U2fTruncatedAnswer "u2f-truncated-answer" "leaves out the last byte of the data"
        U2fExtendedAnswer "u2f-extended-answer" "adds a byte after the data"
        U2fReservedByte "u2f-reserved-byte" "begins a registration with another byte than 0x05"
        U2fLongKeyHandle "u2f-long-key-handle" "claims that the key handle is longer than the answer"
        U2fEmptyKeyHandle "u2f-empty-key-handle" "registers a key handle of no bytes"
        U2fOffCurve "u2f-off-curve" "registers a public key that is not on its curve"
        U2fWithoutPresence "u2f-without-presence" "says that nobody was there"
        U2fCounterLeaps "u2f-counter-leaps" "counts on without signing it"
        U2fWrongSignature "u2f-wrong-signature" "signs something else"
    }
    Report {
        LosesReports "loses-reports" "loses every second report that it sends"
        LosesRequests "loses-requests" "loses every second report that is sent to it"
        ReordersReports "reorders-reports" "sends two reports in the wrong order"
        DoublesReports "doubles-reports" "sends each report twice"
        CorruptsSequence "corrupts-sequence" "sends continuations with the wrong numbers"
        AnotherChannel "another-channel" "answers on a channel that nobody has"
        BusyForever "busy-forever" "says that it is busy, to every request"
        NoKeepalives "no-keepalives" "does not say that it is waiting for the person"
        IgnoresCancel "ignores-cancel" "does not stop when it is cancelled"
        HidInvalidLength "hid-invalid-length" "claims that its message has 65535 bytes"
        HidUnknownCommand "hid-unknown-command" "answers with a command that no standard knows"
        GarbageReports "garbage-reports" "sends reports of 0xFF alone"
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::Status(status) => write!(f, "{:02x}", status.to_u8()),
            _ => Ok(()),
        }
    }
}

/// There is no fault of this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no fault of the name {name:?}{}", nearest(.name))]
pub struct UnknownFault {
    /// The name that was asked for.
    pub name: String,
}

/// The names that share most with this one, as the end of a sentence.
fn nearest(name: &str) -> String {
    let words = |text: &str| text.split('-').map(str::to_owned).collect::<Vec<_>>();
    let asked = words(name);
    let shared = |fault: &Fault| {
        let its = words(fault.name());
        asked.iter().filter(|word| its.contains(word)).count()
    };
    let best = Fault::ALL.iter().map(shared).max().unwrap_or(0);
    if best == 0 {
        return String::new();
    }
    let names: Vec<String> = Fault::ALL
        .iter()
        .filter(|fault| shared(fault) == best)
        .take(3)
        .map(|fault| format!("`{fault}`"))
        .collect();
    format!("; there is {}", names.join(", "))
}

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(name: &str) -> Result<Self, UnknownFault> {
        let found = match name.strip_prefix(STATUS) {
            Some(digits) if digits.len() == 2 && !digits.starts_with('+') => {
                let code = u8::from_str_radix(digits, 16).ok();
                code.map(|code| Self::Status(Status::from_u8(code)))
            }
            Some(_) => None,
            None => Self::ALL.iter().find(|fault| fault.name() == name).copied(),
        };
        found.ok_or_else(|| UnknownFault { name: name.to_owned() })
    }
}
