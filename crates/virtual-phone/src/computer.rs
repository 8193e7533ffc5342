//! A whole computer in one value.

mod broken;
mod showing;

use std::{fmt, sync::Arc};

use towline::{
    Computer,
    hybrid::{
        InitiatorConfig,
        link::{MemoryPhoneLinks, PhoneLinks},
    },
    radio::Scanner,
    transport::Connector,
};

use self::broken::{Ears, Network};
pub use self::{broken::BrokenComputer, showing::Showing};
use crate::{Place, place::provider, spoiled::Knob};

/// A computer, with a browser on it and somebody who looks at the screen: what a phone application
/// is tested with. It is the product's own [`Computer`], and remembers phones that let it.
///
/// A ceremony runs by itself; [`Showing`] is what is on the screen meanwhile.
pub struct FakeComputer {
    scanner: Arc<dyn Scanner>,
    connector: Arc<dyn Connector>,
    config: InitiatorConfig,
    links: Arc<MemoryPhoneLinks>,
    broken: Knob<BrokenComputer>,
}

impl FakeComputer {
    /// A computer at this place.
    #[must_use]
    pub fn at(place: &Place) -> Self {
        Self::over(Arc::new(place.air().radio()), place.connector())
    }

    /// A computer with this radio and this way to tunnel services: a simulated air that programs
    /// share, or Bluetooth; a relay of one's own, or the real ones.
    ///
    /// It tries one phone for a code. A browser goes on to the next one, for minutes if none comes:
    /// `max_attempts` of [`InitiatorConfig`] is theirs by [`Self::configured`].
    #[must_use]
    pub fn over(scanner: Arc<dyn Scanner>, connector: Arc<dyn Connector>) -> Self {
        let broken = Knob::default();
        let mut config = InitiatorConfig::default();
        config.max_attempts = 1;
        Self {
            scanner: Arc::new(Ears { inner: scanner, broken: broken.clone() }),
            connector: Arc::new(Network { inner: connector, broken: broken.clone() }),
            config,
            links: Arc::default(),
            broken,
        }
    }

    /// The same with other deadlines, or other choices of [`InitiatorConfig`].
    #[must_use]
    pub fn configured(mut self, change: impl FnOnce(&mut InitiatorConfig)) -> Self {
        change(&mut self.config);
        self
    }

    /// How many phones it may ask without a code.
    #[must_use]
    pub fn phones(&self) -> usize {
        self.links.all().map_or(0, |phones| phones.len())
    }

    /// From the next ceremony on the computer is broken so.
    pub fn breaks(&self, how: BrokenComputer) {
        self.broken.set(Some(how));
    }

    /// From the next ceremony on the computer works.
    pub fn mends(&self) {
        self.broken.set(None);
    }

    /// Registers a passkey: rings the phone that it remembers, the last one, or shows a code. The
    /// options are those that a site hands to `navigator.credentials.create()`, as JSON.
    ///
    /// # Panics
    /// Outside of a tokio runtime with its time driver.
    #[must_use = "dropping this ends the ceremony"]
    pub fn create(&self, origin: &str, options_json: &str) -> Showing {
        let (computer, origin, options) =
            (self.computer(), origin.to_owned(), options_json.to_owned());
        Showing::spawn(self.broken.clone(), async move |screen| {
            computer.create(&screen, &origin, &options).await
        })
    }

    /// Signs in: rings the phone that it remembers, the last one, or shows a code. The options are
    /// those that a site hands to `navigator.credentials.get()`, as JSON.
    ///
    /// # Panics
    /// Outside of a tokio runtime with its time driver.
    #[must_use = "dropping this ends the ceremony"]
    pub fn get(&self, origin: &str, options_json: &str) -> Showing {
        let (computer, origin, options) =
            (self.computer(), origin.to_owned(), options_json.to_owned());
        Showing::spawn(self.broken.clone(), async move |screen| {
            computer.get(&screen, &origin, &options).await
        })
    }

    fn computer(&self) -> Computer {
        Computer::new(provider(), self.scanner.clone(), self.connector.clone())
            .with_config(self.config.clone())
            .with_links(self.links.clone())
    }
}

impl fmt::Debug for FakeComputer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeComputer")
            .field("phones", &self.phones())
            .field("broken", &self.broken.get())
            .finish_non_exhaustive()
    }
}
