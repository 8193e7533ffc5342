//! The seam for faults: what may be changed on the way, and where.
//!
//! A [`Meddler`] stands between a client and the authenticator, and beside the authenticator when
//! it signs. One method is called at each place; those that do nothing are the default. Whoever
//! builds faults by name keeps their rules (which call, how often) in one of these.
//!
//! | place | method | what may be changed |
//! | --- | --- | --- |
//! | before the authenticator sees a request | [`Meddler::request`] | the request; or it is answered here |
//! | when it signs | [`Meddler::sign`] | authenticator data (flags, counter, RP ID hash), the client data hash, the signature |
//! | before the client sees a response | [`Meddler::response`] | the whole response, well-formed or not |
//! | before the site sees the result | [`Meddler::result`] | the JSON: client data, flags that the client would refuse, signatures |
//! | on CTAPHID | [`Meddler::report`] | reports: dropped, changed, doubled, late |
//!
//! What the client checks never reaches a site by the first three; a fault that a *site* has to
//! notice is put into the result, and signed anew by
//! [`VirtualAuthenticator::sign`](crate::VirtualAuthenticator::sign).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use towline_ctap::{CredentialId, hid::Report};

use crate::faults::{Fate, Faults};

/// Changes what passes by. It must not call the authenticator that it meddles with, but for the
/// [`Hand`] that it is given.
pub trait Meddler: Send {
    /// A request, before the authenticator sees it. `Some` is the response in its place: the status
    /// byte, then CBOR.
    fn request(&mut self, request: &mut Vec<u8>) -> Option<Vec<u8>> {
        let _ = request;
        None
    }

    /// What a credential is about to sign: an assertion, or the self attestation of its creation.
    fn sign(&mut self, signing: &mut Signing) {
        let _ = signing;
    }

    /// A response, before the client sees it.
    fn response(&mut self, request: &[u8], response: &mut Vec<u8>) {
        let _ = (request, response);
    }

    /// What the site is about to get: RegistrationResponseJSON or AuthenticationResponseJSON.
    /// `hand` signs with the credential that was made or used.
    fn result(&mut self, hand: &dyn Hand, json: &mut String) {
        let _ = (hand, json);
    }

    /// A report of CTAPHID, to the authenticator or from it: the reports that go on in its place,
    /// none if it is lost.
    fn report(&mut self, direction: Direction, report: Report) -> Vec<Report> {
        let _ = direction;
        vec![report]
    }
}

/// Sees what passes by, and changes nothing. It must not call the authenticator that it watches.
pub trait Witness: Send {
    /// A CTAP request, as the client has sent it.
    fn request(&mut self, request: &[u8]);

    /// The response to this request, as the client gets it, with all that is wrong with it.
    fn response(&mut self, request: &[u8], response: &[u8]);
}

/// A [`Meddler`] that changes what is signed, and nothing else.
///
/// ```
/// use towline_virtual::{Builder, signing};
///
/// let broken = Builder::platform().meddler(signing(|it| it.signature = Some(vec![0; 70])));
/// # broken.build()?;
/// # Ok::<(), towline_virtual::BuildError>(())
/// ```
pub fn signing(change: impl FnMut(&mut Signing) + Send) -> impl Meddler {
    SigningFn(change)
}

struct SigningFn<F>(F);

impl<F: FnMut(&mut Signing) + Send> Meddler for SigningFn<F> {
    fn sign(&mut self, signing: &mut Signing) {
        (self.0)(signing);
    }
}

/// Where a report goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the host to the authenticator.
    In,
    /// From the authenticator to the host.
    Out,
}

/// What a credential signs, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signing {
    /// The encoded authenticator data. They may be changed where they are, and then stand in the
    /// response as they were signed; their length stays.
    pub auth_data: Vec<u8>,
    /// What is signed beside them.
    pub client_data_hash: Vec<u8>,
    /// Another signature than the credential's over both, if it is to be another.
    pub signature: Option<Vec<u8>>,
}

/// Signs with the keys of a virtual authenticator, whatever it is.
pub trait Hand {
    /// The signature of this credential over the parts, one after the other, in the form that
    /// WebAuthn wants; `None` where there is no such credential.
    fn sign(&self, id: &CredentialId, parts: &[&[u8]]) -> Option<Vec<u8>>;
}

/// The meddler of one authenticator, if it has one, its faults, and what was signed in another form
/// than it was made.
#[derive(Clone)]
pub(crate) struct Meddling {
    state: Arc<Mutex<State>>,
    pub(crate) faults: Faults,
}

#[derive(Default)]
struct State {
    meddler: Option<Box<dyn Meddler>>,
    /// Authenticator data as they were made, and as they were signed.
    signed: Vec<(Vec<u8>, Vec<u8>)>,
}

/// What the meddler does comes first.
impl Meddling {
    pub(crate) fn new(faults: Faults) -> Self {
        Self { state: Arc::default(), faults }
    }

    pub(crate) fn set(&self, meddler: Option<Box<dyn Meddler>>) {
        self.lock().meddler = meddler;
    }

    pub(crate) fn request(&self, request: &mut Vec<u8>) -> Option<Vec<u8>> {
        let in_its_place = self.with(|meddler| meddler.request(request)).flatten();
        in_its_place.or_else(|| self.faults.is_on().then(|| self.faults.request(request)).flatten())
    }

    pub(crate) fn sign(&self, signing: &mut Signing) {
        self.with(|meddler| meddler.sign(signing));
    }

    pub(crate) fn response(&self, request: &[u8], response: &mut Vec<u8>) -> Fate {
        self.with(|meddler| meddler.response(request, response));
        if self.faults.is_on() { self.faults.response(request, response) } else { Fate::Delivered }
    }

    pub(crate) fn result(&self, hand: &dyn Hand, json: &mut String) {
        self.with(|meddler| meddler.result(hand, json));
        if self.faults.is_on() {
            self.faults.result(hand, json);
        }
    }

    pub(crate) fn message(&self, apdu: &[u8], answer: &mut Vec<u8>) {
        if self.faults.is_on() {
            self.faults.message(apdu, answer);
        }
    }

    pub(crate) fn report(&self, direction: Direction, report: Report) -> Vec<Report> {
        let passed = self.with(|meddler| meddler.report(direction, report));
        let passed = passed.unwrap_or_else(|| vec![report]).into_iter();
        passed.flat_map(|report| self.faults.report(direction, report)).collect()
    }

    /// Whether anybody meddles.
    pub(crate) fn is_on(&self) -> bool {
        self.lock().meddler.is_some() || self.faults.is_on()
    }

    /// These authenticator data were signed in another form.
    pub(crate) fn note_signed(&self, made: Vec<u8>, signed: Vec<u8>) {
        self.lock().signed.push((made, signed));
    }

    /// Puts what was signed in the place of what was made.
    pub(crate) fn put_what_was_signed(&self, response: &mut [u8]) {
        for (made, signed) in self.lock().signed.drain(..) {
            let place = response.windows(made.len()).position(|window| window == made);
            let Some(place) = place.filter(|_| made.len() == signed.len()) else { continue };
            for (to, from) in response.iter_mut().skip(place).zip(signed) {
                *to = from;
            }
        }
    }

    fn with<T>(&self, meddle: impl FnOnce(&mut dyn Meddler) -> T) -> Option<T> {
        self.lock().meddler.as_mut().map(|meddler| meddle(&mut **meddler))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
