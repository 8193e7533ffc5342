//! All that the pages say, in every language: one table, of which each row has all of them.

pub(crate) mod account;
pub(crate) mod errors;
pub(crate) mod frame;
pub(crate) mod keys;
pub(crate) mod privacy;
pub(crate) mod script;
pub(crate) mod sign_in;
pub(crate) mod sites;

use towline_pages::Language;

/// A part of the table: a name, and what it is in English and in Danish.
macro_rules! texts {
    ($(#[$doc:meta])* $table:ident { $($name:ident: $english:literal, $danish:literal;)+ }) => {
        $(#[$doc])*
        pub(crate) struct $table {
            $(pub(crate) $name: &'static str,)+
        }

        impl $table {
            pub(super) const ENGLISH: Self = Self { $($name: $english,)+ };
            pub(super) const DANISH: Self = Self { $($name: $danish,)+ };
            #[cfg(test)]
            pub(super) const ROWS: &[towline_pages::Row] =
                &[$([stringify!($name), $english, $danish],)+];
        }

    };
}
use texts;

/// Everything that is said, in one language.
pub(crate) struct Texts {
    pub(crate) frame: frame::Frame,
    pub(crate) sign_in: sign_in::SignIn,
    pub(crate) account: account::AccountPage,
    pub(crate) keys: keys::Keys,
    pub(crate) privacy: privacy::Privacy,
    pub(crate) errors: errors::Errors,
    pub(crate) sites: sites::Sites,
}

static ENGLISH: Texts = Texts {
    frame: frame::Frame::ENGLISH,
    sign_in: sign_in::SignIn::ENGLISH,
    account: account::AccountPage::ENGLISH,
    keys: keys::Keys::ENGLISH,
    privacy: privacy::Privacy::ENGLISH,
    errors: errors::Errors::ENGLISH,
    sites: sites::Sites::ENGLISH,
};

static DANISH: Texts = Texts {
    frame: frame::Frame::DANISH,
    sign_in: sign_in::SignIn::DANISH,
    account: account::AccountPage::DANISH,
    keys: keys::Keys::DANISH,
    privacy: privacy::Privacy::DANISH,
    errors: errors::Errors::DANISH,
    sites: sites::Sites::DANISH,
};

/// What is said in a language.
pub(crate) fn of(language: Language) -> &'static Texts {
    language.of_both(&ENGLISH, &DANISH)
}

#[cfg(test)]
mod tests;
