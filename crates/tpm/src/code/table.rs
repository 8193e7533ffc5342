//! The codes, one by one.

/// Makes the enumeration of the codes with what each is called and means.
macro_rules! codes {
    ($($number:literal $name:ident $sentence:literal,)+) => {
        /// What a response code says, whichever part of the command it is about (TPM 2.0 Part 2
        /// §6.6.3).
        #[non_exhaustive]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = concat!("`", stringify!($number), "`: ", $sentence, ".")] $name,)+
        }

        impl Code {
            /// Every code, with its number.
            pub const ALL: &[(u32, Self)] = &[$(($number, Self::$name),)+];

            /// What it means, for a person.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self {
                    $(Self::$name => $sentence,)+
                }
            }
        }
    };
}

codes! {
    0x100 Initialize
    "the TPM has not been started since its power came: the firmware does that, or \
     TPM2_Startup",
    0x101 Failure
    "the TPM has failed its own test and does nothing any more: turn the machine off and on",
    0x103 Sequence "the TPM was used in an order that it refuses",
    0x10b Private "the command is not for this kind of TPM",
    0x119 HmacNotAllowed "the command is not for this kind of TPM",
    0x120 Disabled
    "this command is turned off in the TPM: look into the firmware settings of the machine",
    0x121 Exclusive "another program has reserved the TPM: try again when it is done",
    0x124 AuthType "the key takes another kind of authorisation than was given",
    0x125 AuthMissing "the command needs an authorisation that was not given",
    0x126 Policy "the policy command was not possible",
    0x127 Pcr "the state of the machine (PCR) is not as it has to be",
    0x128 PcrChanged "the state of the machine (PCR) has changed meanwhile",
    0x12d Upgrade "the firmware of the TPM is being updated: restart the machine",
    0x12e TooManyContexts "the TPM has handed out all the contexts that it can",
    0x12f AuthUnavailable "the key can't be authorised this way, or its PIN was tried too often",
    0x130 Reboot "the TPM needs a restart of the machine first",
    0x131 Unbalanced "the algorithms of a key are not equally strong, which the TPM refuses",
    0x142 CommandSize "the TPM takes no command of this length",
    0x143 CommandCode "the TPM, or its resource manager, doesn't have this command",
    0x144 AuthSize "the length of the authorisations is wrong",
    0x145 AuthContext "this command takes no authorisation",
    0x146 NvRange "what was asked for is outside of the NV index",
    0x147 NvSize "the NV index has another length than the TPM can have",
    0x148 NvLocked "the NV index is locked",
    0x149 NvAuthorization "the NV index doesn't allow this, or its PIN was tried too often",
    0x14a NvUninitialized "nothing was written to the NV index yet",
    0x14b NvSpace "the TPM has no room for another NV index",
    0x14c NvDefined "there is an NV index or a persistent key at this place already",
    0x150 BadContext "a saved context is not of this TPM",
    0x151 CpHash "the session was bound to another command",
    0x152 Parent "what was to be the parent of a key is none",
    0x153 NeedsTest "the TPM wants to test itself first",
    0x154 NoResult "the TPM has no result: it is testing itself",
    0x155 Sensitive "the secret part of the key is not as it has to be",
    0x156 ReadOnly
    "the TPM is in its read-only mode: look into the firmware settings of the machine",
    0x1e BadTag "the device is a TPM of version 1.2, or none: version 2.0 is needed",
    0x81 Asymmetric "the TPM doesn't have this algorithm",
    0x82 Attributes "the attributes of the key don't go together, or don't allow this",
    0x83 Hash "the TPM doesn't have this hash algorithm",
    0x84 Value "a value is not among those that the TPM takes",
    0x85 Hierarchy
    "this part of the TPM is turned off, or not the right one: look into the firmware settings \
     of the machine",
    0x87 KeySize "the TPM has no keys of this length",
    0x88 Mgf "the TPM doesn't have this mask generation",
    0x89 Mode "the TPM doesn't have this mode of encryption",
    0x8a Type "the key is of another type than the command needs",
    0x8b Handle "there is nothing at this handle",
    0x8c Kdf "the TPM doesn't have this key derivation",
    0x8d Range "a value is outside of its range",
    0x8e AuthFail "the authorisation is wrong; the TPM has counted it",
    0x8f Nonce "a nonce has the wrong length",
    0x90 PhysicalPresence "somebody has to be at the machine for this",
    0x92 Scheme "the TPM doesn't have this signature scheme, or the key has another one",
    0x95 Size "something has the wrong length",
    0x96 Symmetric "the TPM doesn't have this encryption",
    0x97 Tag "a structure has the wrong tag",
    0x98 Selector "a structure is of the wrong kind",
    0x9a Insufficient "the command is too short",
    0x9b Signature "the signature is wrong",
    0x9c Key "the key doesn't fit the command",
    0x9d PolicyFail
    "the policy of the key is not met: the state of the machine (PCR) has changed, say",
    0x9f Integrity
    "the TPM refuses the key: it was made by another TPM, or before this one was cleared, or \
     it is damaged",
    0xa0 Ticket "a ticket is wrong",
    0xa1 ReservedBits "a reserved bit is set",
    0xa2 BadAuth "the authorisation is wrong; it was not counted",
    0xa3 Expired "an authorisation has expired",
    0xa4 PolicyCommandCode "the policy of the key is for another command",
    0xa5 Binding "the public and the secret part of the key don't belong together",
    0xa6 Curve "the TPM doesn't have this curve",
    0xa7 EccPoint "a point is not on its curve",
    0xa8 FirmwareLimited "the key is for another version of the TPM's firmware",
    0xa9 SvnLimited "the key is for another version of the TPM's firmware",
    0xb0 Channel "the secure channel to the TPM is missing",
    0xb1 ChannelKey "the secure channel to the TPM has another key",
    0x901 ContextGap "the oldest saved session is too old: restart the programs that use the TPM",
    0x902 ObjectMemory "the TPM has no room for another key: other programs hold theirs",
    0x903 SessionMemory "the TPM has no room for another session: other programs hold theirs",
    0x904 Memory "the TPM has no memory left",
    0x905 SessionHandles
    "the TPM has no handle left for a session: restart the programs that use it",
    0x906 ObjectHandles "the TPM has no handle left for a key: restart the programs that use it",
    0x907 Locality "the TPM takes this from another part of the machine only",
    0x908 Yielded "the TPM is busy with something else",
    0x909 Cancelled "the command was cancelled",
    0x90a Testing "the TPM is testing itself",
    0x910 ReferenceHandle "a key is not in the TPM any more",
    0x918 ReferenceSession "a session is not in the TPM any more",
    0x920 NvRate "the TPM writes no faster, so that its memory does not wear out",
    0x921 Lockout
    "the TPM is locked out: wrong passwords were tried, or its power was cut too often; \
     `towline doctor` says until when",
    0x922 Retry "the TPM was not ready",
    0x923 NvUnavailable "the memory of the TPM can't be written now",
}

impl Code {
    /// The code of a number that says nothing of a part of the command any more.
    pub(super) fn of(base: u32) -> Option<Self> {
        // Which of the handles, or of the sessions, is in the last three bits.
        let base = match base {
            0x910..=0x916 => 0x910,
            0x918..=0x91e => 0x918,
            other => other,
        };
        Self::ALL.iter().find(|(number, _)| *number == base).map(|(_, code)| *code)
    }
}
