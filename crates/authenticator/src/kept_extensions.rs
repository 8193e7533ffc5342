//! Extensions that do nothing but keep what the relying party gives, and give it back: one impl and
//! one row for each, beside the member of [`ExtensionData`] that keeps it and the switch of the
//! config.

use towline_ctap::{
    Extensions, Status,
    extension::{CredBlob, CredBlobStored, ExtensionValue, GetCredBlob, ThirdPartyPayment},
};

use crate::{Config, ExtensionData, SecretBytes, extensions::input};

/// All of them.
pub(crate) const ROWS: [Row; 2] = [row::<CredBlob>(), row::<ThirdPartyPayment>()];

/// An extension of this kind, by what a creation brings.
trait Keeps: ExtensionValue {
    /// The answer to a creation.
    type Kept: ExtensionValue;
    /// What an assertion asks with.
    type Asked: ExtensionValue + Send + Sync + 'static;
    /// The answer to an assertion.
    type Told: ExtensionValue;

    fn is_on(config: &Config) -> bool;

    /// Puts it among the members that are kept.
    fn keep(self, config: &Config, data: &mut ExtensionData) -> Self::Kept;

    /// Gives it back, to whoever asks for that.
    fn tell(asked: &Self::Asked, data: Option<&ExtensionData>) -> Option<Self::Told>;
}

/// `credBlob` (CTAP 2.3 §12.2).
impl Keeps for CredBlob {
    type Kept = CredBlobStored;
    type Asked = GetCredBlob;
    type Told = Self;

    fn is_on(config: &Config) -> bool {
        config.extensions.cred_blob.is_some()
    }

    fn keep(self, config: &Config, data: &mut ExtensionData) -> Self::Kept {
        let fits = config.extensions.cred_blob.is_some_and(|max| self.0.len() <= max);
        data.cred_blob = fits.then(|| self.0.into());
        CredBlobStored(fits)
    }

    fn tell(asked: &Self::Asked, data: Option<&ExtensionData>) -> Option<Self> {
        let blob = data.and_then(|data| data.cred_blob.as_ref());
        let blob = blob.map_or(&[][..], SecretBytes::expose);
        (*asked == GetCredBlob(true)).then(|| Self(blob.to_vec()))
    }
}

/// `thirdPartyPayment` (CTAP 2.3 §12.10).
impl Keeps for ThirdPartyPayment {
    type Kept = Self;
    type Asked = Self;
    type Told = Self;

    fn is_on(config: &Config) -> bool {
        config.extensions.third_party_payment
    }

    fn keep(self, _: &Config, data: &mut ExtensionData) -> Self {
        data.third_party_payment = self.0;
        self
    }

    fn tell(asked: &Self, data: Option<&ExtensionData>) -> Option<Self> {
        let payment = data.is_some_and(|data| data.third_party_payment);
        (*asked == Self(true)).then_some(Self(payment))
    }
}

/// What is kept at a creation, and what is answered.
#[derive(Default)]
pub(crate) struct Keeping {
    pub(crate) data: ExtensionData,
    pub(crate) signed: Extensions,
}

/// What an assertion is told of what is kept.
pub(crate) type Tell = Box<dyn Fn(Option<&ExtensionData>, &mut Extensions) + Send + Sync>;

pub(crate) struct Row {
    pub(crate) id: &'static str,
    pub(crate) is_on: fn(&Config) -> bool,
    pub(crate) keep: fn(&Extensions, &Config, &mut Keeping) -> Result<(), Status>,
    pub(crate) asked: fn(&Extensions, &Config) -> Result<Option<Tell>, Status>,
}

const fn row<K: Keeps>() -> Row {
    Row {
        id: K::ID,
        is_on: K::is_on,
        keep: |inputs, config, keeping| {
            if let Some(given) = input::<K>(inputs, K::is_on(config))? {
                keeping.signed.set(&given.keep(config, &mut keeping.data));
            }
            Ok(())
        },
        asked: |inputs, config| {
            let asked = input::<K::Asked>(inputs, K::is_on(config))?;
            Ok(asked.map(|asked| -> Tell {
                Box::new(move |data, signed| {
                    if let Some(told) = K::tell(&asked, data) {
                        signed.set(&told);
                    }
                })
            }))
        },
    }
}
