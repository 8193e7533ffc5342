//! What the person is asked, and what they may answer.

use std::fmt;

use towline_ctap::{Permissions, Rp, RpId, RpIdHash, SampleStatus, TemplateId, User};
use zeroize::Zeroizing;

use crate::Template;

/// A question to the person. Its `Display` form is a sentence that a simple dialog can show.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// A touch or a click: [`Answer::Approve`] or [`Answer::Deny`].
    ConfirmPresence {
        /// What for.
        purpose: Purpose,
    },
    /// The screen lock, a fingerprint, a face: [`Answer::Verified`], [`Answer::NotVerified`] for a failed attempt, or
    /// [`Answer::Deny`].
    VerifyUser {
        /// What for.
        purpose: Purpose,
        /// How many attempts there are, with this one.
        attempts_left: u8,
        /// Whether the last attempt failed.
        failed_before: bool,
    },
    /// Which of several accounts to sign in with: [`Answer::Account`] or [`Answer::Deny`].
    ChooseAccount {
        /// For whom.
        rp_id: RpId,
        /// The accounts, newest first.
        accounts: Vec<User>,
    },
    /// A site asks for a passkey and there is none for it here: the person is told so. [`Answer::Approve`] says that they have
    /// seen it, and lets the site know; [`Answer::Deny`], or no answer, tells the site no more than a refusal.
    NothingToUse {
        /// Who asks.
        rp_id: RpId,
    },
    /// One more sample of the finger that is being enrolled: [`Answer::Sample`], good or not, until the sensor has all that
    /// it needs; then [`Answer::Enrolled`]. With one sample left a good one can only be that. [`Answer::Deny`] ends the
    /// enrolment. When nobody touches the sensor in time, the question is withdrawn, and the enrolment goes on.
    EnrollFingerprint {
        /// Names the finger. Another one than before means that a new enrolment begins, and an unfinished one is over.
        template: TemplateId,
        /// How many good samples there are to be at most, with this one.
        samples_left: u8,
    },
    /// A command of the vendor (vendorPrototype of authenticatorConfig) that the config lists, sent by a platform that may
    /// configure: the embedder carries it out, asking the person or not, and says [`Answer::Approve`] when that is done,
    /// or [`Answer::Deny`].
    VendorCommand {
        /// Which (`vendorCommandId`).
        command: u64,
        /// Its parameters, as one encoded CBOR map, the command's number among them.
        params: Vec<u8>,
    },
}

impl Question {
    /// The answer of somebody who agrees to everything, and whose finger the sensor always knows: for simulated presence,
    /// demos and tests. Of several accounts it is the first, which is the newest.
    #[must_use]
    pub fn agreement(&self) -> Answer {
        match self {
            Self::ConfirmPresence { .. }
            | Self::NothingToUse { .. }
            | Self::VendorCommand { .. } => Answer::Approve,
            Self::VerifyUser { .. } => Answer::Verified,
            Self::ChooseAccount { .. } => Answer::Account(0),
            Self::EnrollFingerprint { template, samples_left: 0 | 1 } => {
                // Of a finger that nobody has there is nothing to be kept but its name.
                Answer::Enrolled(Template::new(Zeroizing::new(template.as_bytes().into())))
            }
            Self::EnrollFingerprint { .. } => Answer::Sample(SampleStatus::Good),
        }
    }
}

/// What a confirmation is for.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// A passkey is to be made.
    Create {
        /// For whom.
        rp: Rp,
        /// The account.
        user: User,
        /// Whether it takes the place of the passkey that there is for this account.
        replaces: bool,
    },
    /// A passkey was to be made, but there is one already; a confirmation only tells the site so.
    AlreadyRegistered {
        /// For whom.
        rp: Rp,
        /// The account that was to be registered.
        user: User,
    },
    /// A passkey is to be used.
    Use {
        /// For whom.
        rp_id: RpId,
        /// The account, where there is only one to choose from.
        user: Option<User>,
    },
    /// The person shows which of several authenticators they want to use.
    SelectDevice,
    /// The site learns which model of authenticator this is; a refusal only keeps that from it.
    Attest {
        /// For whom.
        rp: Rp,
    },
    /// The site learns which one device this is, so that it can tell it from all others; a refusal only keeps that from it.
    Identify {
        /// For whom.
        rp: Rp,
    },
    /// A website that speaks the older protocol U2F, and does not say which one it is, is to be registered.
    RegisterU2f {
        /// The hash of its name.
        application: RpIdHash,
        /// Whether the site learns which model of authenticator this is.
        tells_model: bool,
    },
    /// Such a website wants a sign-in.
    UseU2f {
        /// The hash of its name.
        application: RpIdHash,
    },
    /// Whoever holds the client is to be let in: it gets a PIN/UV token.
    Authorize {
        /// For whom; `None`: for anybody.
        rp_id: Option<RpId>,
        /// What for.
        permissions: Permissions,
    },
    /// Everything is to be deleted.
    Reset {
        /// Whether only a touch of 5 s or more is a yes.
        long_touch: bool,
    },
}

/// What the person answered.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Yes: the touch or click happened.
    Approve,
    /// No.
    Deny,
    /// The person was verified.
    Verified,
    /// One attempt to verify the person failed.
    NotVerified,
    /// The account at this index of [`Question::ChooseAccount`], from 0.
    Account(usize),
    /// What became of one sample of [`Question::EnrollFingerprint`]. A bad one is no error.
    Sample(SampleStatus),
    /// The last sample was good, too: what the sensor wants kept of the finger.
    Enrolled(Template),
}

/// Why an answer was not taken. The state is as before.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// No such question is open: it was answered, withdrawn or never asked.
    #[error("no question with this token is open")]
    UnknownToken,
    /// The question is of another kind, or has no such account; it stays open.
    #[error("the question can't be answered so")]
    DoesNotFit,
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConfirmPresence { purpose } => purpose.fmt(f),
            Self::VerifyUser { purpose, failed_before, .. } => {
                if *failed_before {
                    f.write_str("That did not work; try again. ")?;
                }
                write!(f, "{purpose} Confirm with your screen lock.")
            }
            Self::ChooseAccount { rp_id, .. } => {
                write!(f, "Which account do you want to use on {}?", Plain(rp_id.as_str()))
            }
            Self::NothingToUse { rp_id } => {
                write!(f, "There is no passkey for {} on this device.", Plain(rp_id.as_str()))
            }
            Self::EnrollFingerprint { samples_left, .. } => write!(
                f,
                "Touch the fingerprint sensor with the finger that you want to use. Touches left: {samples_left}."
            ),
            Self::VendorCommand { command, .. } => {
                write!(
                    f,
                    "Let this computer run the manufacturer's command {command} on this device?"
                )
            }
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { rp, user, replaces } => {
                let what = if *replaces { "Replace the passkey" } else { "Create a passkey" };
                write!(f, "{what} for {} on {}?", Name(user), Site(rp))
            }
            Self::AlreadyRegistered { rp, user } => write!(
                f,
                "{} asks for a passkey for {}, but this device has one already. Let it know?",
                Site(rp),
                Name(user)
            ),
            Self::Use { rp_id, user: Some(user) } => {
                write!(f, "Sign in to {} as {}?", Plain(rp_id.as_str()), Name(user))
            }
            Self::Use { rp_id, user: None } => {
                write!(f, "Sign in to {}?", Plain(rp_id.as_str()))
            }
            Self::SelectDevice => f.write_str("Use this device?"),
            Self::RegisterU2f { tells_model, .. } => {
                let model =
                    if *tells_model { " It learns which model of device this is." } else { "" };
                write!(f, "Register this device with a website that does not say its name?{model}")
            }
            Self::UseU2f { .. } => f.write_str("Sign in to a website that does not say its name?"),
            Self::Attest { rp } => {
                write!(f, "Let {} know which model of device this is?", Site(rp))
            }
            Self::Identify { rp } => write!(
                f,
                "Let {} know exactly which device this is? It can tell it from all others from then on.",
                Site(rp)
            ),
            Self::Authorize { rp_id, permissions } => {
                let mut what: Vec<&str> = USES
                    .iter()
                    .filter(|(bit, _)| permissions.contains(*bit))
                    .map(|(_, u)| *u)
                    .collect();
                if what.is_empty() {
                    what.push("use this device");
                }
                write!(f, "Let this computer {}", what.join(", "))?;
                match rp_id {
                    Some(rp_id) => write!(f, " for {}?", Plain(rp_id.as_str())),
                    None => f.write_str("?"),
                }
            }
            Self::Reset { long_touch } => {
                f.write_str(
                    "Delete every passkey on this device? The accounts that have no other way in can't be signed in \
                     to afterwards.",
                )?;
                if *long_touch {
                    f.write_str(" Touch it for five seconds to agree.")?;
                }
                Ok(())
            }
        }
    }
}

/// What each permission lets a client do.
const USES: [(Permissions, &str); 7] = [
    (Permissions::MC, "create passkeys"),
    (Permissions::GA, "sign in"),
    (Permissions::CM, "see, change and delete passkeys"),
    (Permissions::BE, "manage fingerprints"),
    (Permissions::LBW, "store data"),
    (Permissions::ACFG, "change the settings of this device"),
    (Permissions::PCMR, "see the passkeys on this device from now on"),
];

struct Name<'a>(&'a User);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [&self.0.name, &self.0.display_name];
        match names.into_iter().flatten().find(|name| !name.is_empty()) {
            Some(name) => Plain(name).fmt(f),
            None => f.write_str("an account without a name"),
        }
    }
}

struct Site<'a>(&'a Rp);

impl fmt::Display for Site<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The RP ID comes first: the name is whatever the site says.
        Plain(self.0.id.as_str()).fmt(f)?;
        match &self.0.name {
            Some(name) if !name.is_empty() && name != self.0.id.as_str() => {
                write!(f, " ({})", Plain(name))
            }
            _ => Ok(()),
        }
    }
}

/// Text from a site or a client, without what could restyle, reorder or break up the sentence that it stands in.
struct Plain<'a>(&'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| {
            let restyles = c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
            let reorders = matches!(
                c,
                '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            );
            fmt::Write::write_char(f, if restyles || reorders { char::REPLACEMENT_CHARACTER } else { c })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Purpose, Question};
    use towline_ctap::{Rp, RpId, User, UserHandle};

    fn asks(rp: &str, site: &str, name: &str) -> String {
        let purpose = Purpose::Create {
            rp: Rp { id: RpId::new(rp).unwrap(), name: Some(site.into()) },
            user: User {
                id: UserHandle::new(b"1").unwrap(),
                name: Some(name.into()),
                display_name: None,
            },
            replaces: false,
        };
        Question::ConfirmPresence { purpose }.to_string()
    }

    #[test]
    fn names_can_not_restyle_or_reorder_the_question() {
        let text = asks("bank.example", "\u{202e}elpmaxe.knab", "a\x1b[2Jb\r\nc\u{2028}");
        assert!(text.chars().all(|c| !c.is_control() && c != '\u{202e}' && c != '\u{2028}'));
        assert!(text.contains("bank.example"));
    }

    #[test]
    fn a_site_named_like_its_rp_id_is_named_once() {
        assert_eq!(
            asks("bank.example", "bank.example", "alice"),
            "Create a passkey for alice on bank.example?"
        );
    }

    #[test]
    fn an_account_without_a_name_is_called_that() {
        assert_eq!(
            asks("bank.example", "", ""),
            "Create a passkey for an account without a name on bank.example?"
        );
    }
}
