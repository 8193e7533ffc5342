//! A whole phone in one value.

mod broken;
mod holder;

use std::{fmt, sync::Arc};

use towline::{
    Bell, BellEvent, Phone, PhoneTransport,
    hybrid::{
        CodeSource, Error, ResponderConfig, ResponderSummary,
        link::{ComputerLinks, MemoryComputerLinks, PhoneIdentity},
        qr::QrPayload,
    },
    transport::TransportError,
};
use towline_virtual::{Builder, Parts, Passkey, ScriptedPerson, SyncedSet};

use self::broken::breakable;
pub use self::{broken::BrokenPhone, holder::Holder};
use crate::{Place, SetupError, place::provider, spoiled::Knob};

/// What a fake phone calls itself to computers that remember it.
const NAME: &str = "Fake phone";

/// A phone, the person who holds it, its radio and its way to computers. It is the product's own
/// [`Phone`] around a virtual authenticator; only the person is scripted.
///
/// Give it a code, and it does the rest. Where nobody needs it any more, drop the future, or the
/// phone.
pub struct FakePhone {
    phone: Phone<Holder>,
    person: ScriptedPerson,
    passkeys: SyncedSet,
    links: Arc<MemoryComputerLinks>,
    bell: Option<Bell>,
    broken: Knob<BrokenPhone>,
}

impl FakePhone {
    /// A phone at this place.
    ///
    /// # Errors
    /// None that a preset is known to have; [`SetupError::Authenticator`].
    pub fn at(place: &Place) -> Result<Self, SetupError> {
        Self::over(Builder::phone(), place.phone_transport())
    }

    /// A phone whose authenticator is built like this, with this radio and this way to computers:
    /// a simulated air that programs share, or Bluetooth; a relay of one's own, or a real one.
    ///
    /// # Errors
    /// [`SetupError::Authenticator`].
    pub fn over(authenticator: Builder, transport: PhoneTransport) -> Result<Self, SetupError> {
        let Parts { authenticator, person, passkeys, clock, .. } = authenticator.build_parts()?;
        let (broken, links) = (Knob::default(), Arc::new(MemoryComputerLinks::new()));
        let holder = Holder { person: person.clone(), clock, broken: broken.clone() };
        let transport = breakable(transport, &broken);
        let phone = Phone::new(authenticator, provider(), transport, holder)
            .with_links(links.clone(), NAME);
        let phone = Self { phone, person, passkeys, links, bell: None, broken };
        Ok(phone.configured(|_| {}))
    }

    /// The same with other deadlines, or other choices of [`ResponderConfig`].
    #[must_use]
    pub fn configured(self, change: impl Fn(&mut ResponderConfig) + Send + Sync + 'static) -> Self {
        let broken = self.broken.clone();
        let phone = self.phone.with_config(move |config| {
            change(config);
            if broken.get() == Some(BrokenPhone::InfoNonsense) {
                config.get_info = vec![0xff];
            }
        });
        Self { phone, ..self }
    }

    /// The same, which calls itself so to computers that remember it.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        let links = self.links.clone();
        self.with(|phone| phone.with_links(links, name))
    }

    /// The same with whatever else the product's phone can do: a watcher, digital credentials.
    #[must_use]
    pub fn with(self, change: impl FnOnce(Phone<Holder>) -> Phone<Holder>) -> Self {
        Self { phone: change(self.phone), ..self }
    }

    /// The product's phone, for what this one does not do by itself: to stop in the middle of a
    /// session, to listen by a [`Bell`] of one's own.
    pub const fn phone(&mut self) -> &mut Phone<Holder> {
        &mut self.phone
    }

    /// The person who holds it: without a script they agree to everything, but to be remembered.
    #[must_use]
    pub const fn person(&self) -> &ScriptedPerson {
        &self.person
    }

    /// The passkeys on it, oldest first.
    #[must_use]
    pub fn passkeys(&self) -> Vec<Passkey> {
        self.passkeys.passkeys()
    }

    /// How many computers may ask it without a code.
    #[must_use]
    pub fn computers(&self) -> usize {
        self.links.computers().map_or(0, |computers| computers.len())
    }

    /// The computers that may ask it without a code, to look at and to change.
    #[must_use]
    pub const fn links(&self) -> &Arc<MemoryComputerLinks> {
        &self.links
    }

    /// From the next code or ring on the phone is broken so.
    pub fn breaks(&self, how: BrokenPhone) {
        self.broken.set(Some(how));
    }

    /// From the next code or ring on the phone works.
    pub fn mends(&self) {
        self.broken.set(None);
    }

    /// Erased, as by its person: no passkeys, and another phone to all computers. They are not
    /// told; one that rings learns it when the phone listens again.
    ///
    /// # Errors
    /// [`TransportError`], where the cryptography fails: then nothing is erased.
    pub fn wipe(&mut self) -> Result<(), TransportError> {
        let other = PhoneIdentity::generate(&provider()).map_err(Error::from)?;
        self.bell = None;
        self.links.become_other(&other)?;
        self.passkeys.clear();
        Ok(())
    }
}

/// How it meets computers: by their codes, and when they ring.
impl FakePhone {
    /// Points the camera at a code of this text, and serves the computer until that is done.
    ///
    /// # Errors
    /// Why it came to nothing: [`TransportError`] prints as a sentence for the person.
    pub async fn scan(&mut self, code: &str) -> Result<ResponderSummary, TransportError> {
        self.answer(code, CodeSource::Camera).await
    }

    /// The same with a picture of the code: the bytes of a PNG.
    ///
    /// # Errors
    /// [`PictureError`](crate::PictureError).
    #[cfg(feature = "picture")]
    pub async fn scan_png(&mut self, png: &[u8]) -> Result<ResponderSummary, crate::PictureError> {
        let code = crate::picture::read_png(png)?;
        Ok(self.answer(&code, CodeSource::Camera).await?)
    }

    /// The same with a picture of `width` by so many rows: one grey level a pixel, 0 is black.
    ///
    /// # Errors
    /// [`PictureError`](crate::PictureError).
    #[cfg(feature = "picture")]
    pub async fn scan_luma(
        &mut self,
        width: usize,
        pixels: &[u8],
    ) -> Result<ResponderSummary, crate::PictureError> {
        let code = crate::picture::read_luma(width, pixels)?;
        Ok(self.answer(&code, CodeSource::Camera).await?)
    }

    /// Takes a code that came in this way.
    ///
    /// # Errors
    /// As [`scan`](Self::scan).
    pub async fn answer(
        &mut self,
        code: &str,
        source: CodeSource,
    ) -> Result<ResponderSummary, TransportError> {
        if self.broken.get() == Some(BrokenPhone::WrongKey) {
            let code = with_another_key(code)?;
            return self.phone.answer_code(&code, source).await;
        }
        self.phone.answer_code(code, source).await
    }

    /// Begins to listen for the computers that may ask without a code. From then on they can ring.
    ///
    /// # Errors
    /// [`TransportError::Listen`].
    pub async fn listen(&mut self) -> Result<(), TransportError> {
        let mut bell = self.phone.listen().await?;
        while !matches!(bell.next().await?, BellEvent::Listening) {}
        self.bell = Some(bell);
        Ok(())
    }

    /// Waits until a computer rings, and serves it until that is done. Without
    /// [`listen`](Self::listen) before, a computer that rings at once may come too early.
    ///
    /// # Errors
    /// As [`scan`](Self::scan); [`TransportError::Listen`].
    pub async fn answer_ring(&mut self) -> Result<ResponderSummary, TransportError> {
        if self.bell.is_none() {
            self.listen().await?;
        }
        loop {
            let Some(bell) = &mut self.bell else { return Err(TransportError::Over) };
            if let BellEvent::Rung(ring) = bell.next().await? {
                return self.phone.answer_ring_until(ring, std::future::pending()).await;
            }
        }
    }
}

impl fmt::Debug for FakePhone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakePhone")
            .field("passkeys", &self.passkeys)
            .field("broken", &self.broken.get())
            .finish_non_exhaustive()
    }
}

/// The code as a computer with another key would show it.
fn with_another_key(code: &str) -> Result<String, TransportError> {
    let provider = provider();
    let mut payload = QrPayload::from_uri(&provider, code).map_err(Error::from)?;
    let other = provider.ecdh.generate(&*provider.random).map_err(Error::from)?;
    payload.public_key = *other.public_key();
    Ok(payload.to_uri())
}
