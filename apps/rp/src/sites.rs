//! The two sites that sign in through this one, each a small web application of its own.

mod relying;
mod visitors;

use crate::texts::Texts;

pub(crate) use relying::RelyingSite;
pub(crate) use visitors::Visitor;

/// What one of the sites is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Trusts that the person is signed in.
    Library,
    /// Wants a fresh proof each time.
    Records,
}

impl Kind {
    pub(crate) const ALL: [Self; 2] = [Self::Library, Self::Records];

    /// What the provider calls it.
    pub(crate) const fn client_id(self) -> &'static str {
        match self {
            Self::Library => "library",
            Self::Records => "records",
        }
    }

    pub(crate) const fn name(self, texts: &'static Texts) -> &'static str {
        match self {
            Self::Library => texts.sites.library,
            Self::Records => texts.sites.records,
        }
    }

    pub(crate) const fn what(self, texts: &'static Texts) -> &'static str {
        match self {
            Self::Library => texts.sites.library_text,
            Self::Records => texts.sites.records_text,
        }
    }

    /// Whether it wants to see that the person proved just now who they are.
    pub(crate) const fn wants_fresh_proof(self) -> bool {
        matches!(self, Self::Records)
    }
}

/// A site that may send people to the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnownSite {
    pub(crate) kind: Kind,
    /// Where it is: `http://localhost:PORT`.
    pub(crate) url: String,
}

impl KnownSite {
    /// Where people come back with a code.
    pub(crate) fn callback(&self) -> String {
        format!("{}/callback", self.url)
    }

    /// Where people come back once they are signed out.
    pub(crate) fn after_sign_out(&self) -> String {
        format!("{}/signed-out", self.url)
    }
}
