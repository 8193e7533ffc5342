//! Phones that are broken, by name.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use towline_virtual_phone::BrokenPhone;
use utoipa::ToSchema;

use crate::BadMember;

/// How long what is late takes at most, in seconds.
const LATEST: f64 = 600.0;

/// How a phone is broken, from the next code or ring on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Breakage {
    /// What is wrong with it.
    pub flaw: PhoneFlaw,
    /// How late it is, in seconds, of what is late; 1 if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

macro_rules! flaws {
    ($($name:ident = $text:literal: $about:literal,)*) => {
        /// What can be wrong with a phone.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[non_exhaustive]
        pub enum PhoneFlaw {
            $(
                #[doc = $about]
                #[serde(rename = $text)]
                $name,
            )*
        }

        impl PhoneFlaw {
            /// All of them, with what is wrong with the phone then, as a sentence.
            pub const ALL: &[(Self, &'static str)] = &[$((Self::$name, $about),)*];
        }
    };
}

flaws! {
    RadioOff = "radio-off": "The radio fails, which the phone notices itself.",
    AdvertLost = "advert-lost": "The advert reaches nobody.",
    AdvertLate = "advert-late": "The advert comes `seconds` later.",
    AdvertForeign = "advert-foreign": "The advert answers somebody else's code.",
    AdvertAltered = "advert-altered": "One bit of the advert is another.",
    AdvertReplayed = "advert-replayed":
        "The advert is that of the phone's connection before; at its first there is none.",
    NoTunnel = "no-tunnel": "The tunnel service is not reached.",
    ClosesOnAir = "closes-on-air": "The connection is lost while the advert is on the air.",
    ClosesAtMessage1 = "closes-at-message-1":
        "The connection is lost when the computer's handshake message comes.",
    ClosesAfterMessage2 = "closes-after-message-2":
        "The connection is lost after the phone's handshake message.",
    ClosesAfterHandshake = "closes-after-handshake":
        "The connection is lost when the phone has said what it is.",
    ClosesAfterRequest = "closes-after-request":
        "The connection is lost when the request has come.",
    HandshakeAltered = "handshake-altered":
        "One bit of the phone's handshake message is another.",
    WrongKey = "wrong-key": "The handshake is made for the key of another computer.",
    InfoNonsense = "info-nonsense": "What the phone says of itself is not CBOR.",
    NeverAnswers = "never-answers": "The request is taken, and never answered.",
    AnswerAltered = "answer-altered": "One bit of the encrypted answer is another.",
    AnswersTwice = "answers-twice": "The same encrypted answer comes twice.",
    LinkLate = "link-late":
        "Whether the computer may remember the phone is said `seconds` after the answer.",
}

impl Breakage {
    /// The same for the phone.
    ///
    /// # Errors
    /// [`BadMember`] for seconds that are none, or of what can't be late.
    pub(crate) fn to_phone(self) -> Result<BrokenPhone, BadMember> {
        let late = matches!(self.flaw, PhoneFlaw::AdvertLate | PhoneFlaw::LinkLate);
        if self.seconds.is_some() && !late {
            let message = "only `advert-late` and `link-late` take seconds; leave it out";
            return Err(BadMember::new("broken.seconds", message));
        }
        let seconds = self.seconds.unwrap_or(1.0);
        let bad = || {
            let message = format!("it is no number of seconds from 0 to {LATEST}");
            BadMember::new("broken.seconds", message)
        };
        let late = Some(seconds).filter(|it| (0.0..=LATEST).contains(it)).ok_or_else(bad)?;
        let late = Duration::try_from_secs_f64(late).map_err(|_| bad())?;
        Ok(match self.flaw {
            PhoneFlaw::RadioOff => BrokenPhone::RadioOff,
            PhoneFlaw::AdvertLost => BrokenPhone::AdvertLost,
            PhoneFlaw::AdvertLate => BrokenPhone::AdvertLate(late),
            PhoneFlaw::AdvertForeign => BrokenPhone::AdvertForeign,
            PhoneFlaw::AdvertAltered => BrokenPhone::AdvertAltered,
            PhoneFlaw::AdvertReplayed => BrokenPhone::AdvertReplayed,
            PhoneFlaw::NoTunnel => BrokenPhone::NoTunnel,
            PhoneFlaw::ClosesOnAir => BrokenPhone::ClosesOnAir,
            PhoneFlaw::ClosesAtMessage1 => BrokenPhone::ClosesAtMessage1,
            PhoneFlaw::ClosesAfterMessage2 => BrokenPhone::ClosesAfterMessage2,
            PhoneFlaw::ClosesAfterHandshake => BrokenPhone::ClosesAfterHandshake,
            PhoneFlaw::ClosesAfterRequest => BrokenPhone::ClosesAfterRequest,
            PhoneFlaw::HandshakeAltered => BrokenPhone::HandshakeAltered,
            PhoneFlaw::WrongKey => BrokenPhone::WrongKey,
            PhoneFlaw::InfoNonsense => BrokenPhone::InfoNonsense,
            PhoneFlaw::NeverAnswers => BrokenPhone::NeverAnswers,
            PhoneFlaw::AnswerAltered => BrokenPhone::AnswerAltered,
            PhoneFlaw::AnswersTwice => BrokenPhone::AnswersTwice,
            PhoneFlaw::LinkLate => BrokenPhone::LinkLate(late),
        })
    }
}
