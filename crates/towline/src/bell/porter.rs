//! The task behind a bell: it listens for each computer by itself, and decides about rings at once,
//! whether or not somebody asks the bell.

use std::{future::poll_fn, sync::Arc, task::Poll, time::Duration};

use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
    time::{Instant, sleep_until},
};
use towline_crypto::CryptoProvider;
use towline_hybrid::{
    Decision, ListenError, ListenerConfig, RingToken,
    domain::TunnelDomain,
    ids::{RoutingId, TunnelId},
    link::{ClientPayload, ComputerLinks, ContactKey, Ledger, LinkStoreError, Ring},
};
use towline_hybrid_tokio::{
    Connector, ListenerEvent, ListenerEvents, ListenerSession, TransportError,
};

use super::{
    BellEvent, kept,
    line::{Line, Occupancy},
    outbox::{Outbox, RingName},
};

/// How many linked computers a phone listens for, the newest.
const MOST_COMPUTERS: usize = 32;
/// How many contact ids are given up at once; others follow.
const MOST_REVOKING: usize = 8;
/// How many rings wait for a phone that has answered somebody else.
const MOST_HELD: usize = 4;
/// For how long: the service waits for 6 seconds.
const PATIENCE: Duration = Duration::from_secs(4);
/// How often it is looked whether other links are kept: another process may have changed them.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

pub(super) type Ended = Result<(), TransportError>;

pub(super) enum Command {
    /// Listen no more.
    Stop(oneshot::Sender<Ended>),
    /// Listen no more, once the service knows of all that were forgotten.
    Leave(oneshot::Sender<Ended>),
}

pub(super) struct Porter {
    store: Arc<dyn ComputerLinks>,
    provider: CryptoProvider,
    domain: TunnelDomain,
    connector: Arc<dyn Connector>,
    line: Arc<Line>,
    occupancy: watch::Receiver<Occupancy>,
    links_changed: watch::Receiver<()>,
    commands: mpsc::Receiver<Command>,
    outbox: Outbox,
    places: Vec<Place>,
    next_place: u64,
    held: Vec<Held>,
    revoking: JoinSet<(ContactKey, Ended)>,
    closing: JoinSet<Ended>,
    /// What is being given up.
    being_revoked: Vec<ContactKey>,
    /// What the service does not take any more.
    refused: Vec<ContactKey>,
    look_again: Instant,
    /// Whether it was told that computers can ring.
    listening: bool,
    /// The place whose trouble is told.
    troubled: Option<u64>,
    leaving: Option<oneshot::Sender<Ended>>,
}

/// One connection to the service, by which some computers ring.
struct Place {
    number: u64,
    key: ContactKey,
    session: ListenerSession,
    events: ListenerEvents,
    up: bool,
}

/// A ring of a known computer that waits for the phone.
struct Held {
    name: RingName,
    ring: Ring,
    until: Instant,
}

/// A ring, as the service told of it.
struct Rung {
    token: RingToken,
    payload: ClientPayload,
    routing_id: RoutingId,
    tunnel_id: TunnelId,
}

impl Porter {
    pub(super) fn new(
        store: Arc<dyn ComputerLinks>,
        provider: CryptoProvider,
        domain: TunnelDomain,
        connector: Arc<dyn Connector>,
        line: Arc<Line>,
    ) -> (Self, Outbox, mpsc::Sender<Command>) {
        let (commands, commands_in) = mpsc::channel(1);
        let outbox = Outbox::default();
        let porter = Self {
            store,
            provider,
            domain,
            connector,
            occupancy: line.occupancy(),
            links_changed: line.links_changed(),
            line,
            commands: commands_in,
            outbox: outbox.clone(),
            places: Vec::new(),
            next_place: 0,
            held: Vec::new(),
            revoking: JoinSet::new(),
            closing: JoinSet::new(),
            being_revoked: Vec::new(),
            refused: Vec::new(),
            look_again: Instant::now(),
            listening: false,
            troubled: None,
            leaving: None,
        };
        (porter, outbox, commands)
    }

    pub(super) async fn run(mut self) {
        let ended = loop {
            let due = self.held.iter().map(|held| held.until).min();
            let due = due.map_or(self.look_again, |due| due.min(self.look_again));
            let step = tokio::select! {
                (number, event) = next_event(&mut self.places) => self.happened(number, event).await,
                Ok(()) = self.occupancy.changed() => {
                    self.occupied();
                    Ok(())
                }
                Ok(()) = self.links_changed.changed() => self.look().await,
                Some(revoked) = self.revoking.join_next() => match revoked {
                    Ok((key, ended)) => self.revoked(&key, ended).await,
                    Err(_) => Ok(()),
                },
                Some(_) = self.closing.join_next() => Ok(()),
                command = self.commands.recv() => match command {
                    Some(Command::Leave(reply)) => {
                        self.leaving = Some(reply);
                        self.look().await
                    }
                    Some(Command::Stop(reply)) => return self.stop(Some(reply), Ok(())).await,
                    // The bell was dropped: this task is about to be ended.
                    None => return,
                },
                () = sleep_until(due) => self.due().await,
            };
            match step {
                Ok(()) if self.leaving.is_some() && self.being_revoked.is_empty() => break Ok(()),
                Ok(()) => self.announce(),
                Err(error) => break Err(error),
            }
        };
        let reply = self.leaving.take();
        self.stop(reply, ended).await;
    }

    async fn stop(mut self, reply: Option<oneshot::Sender<Ended>>, ended: Ended) {
        self.outbox.end(ended.clone().err().unwrap_or(TransportError::Over));
        for place in std::mem::take(&mut self.places) {
            self.closing.spawn(place.session.stop());
        }
        while self.closing.join_next().await.is_some() {}
        self.revoking.shutdown().await;
        if let Some(reply) = reply {
            let _nobody_waits = reply.send(ended);
            return;
        }
        // Who stops the bell later is told why it had ended.
        if let Some(Command::Stop(reply) | Command::Leave(reply)) = self.commands.recv().await {
            let _nobody_waits = reply.send(ended);
        }
    }

    async fn due(&mut self) -> Ended {
        let now = Instant::now();
        let late = self.held.extract_if(.., |held| held.until <= now).collect::<Vec<_>>();
        for Held { name, .. } in late {
            self.decide(name, Decision::Busy);
        }
        if self.look_again <= now { self.look().await } else { Ok(()) }
    }

    /// Listens by what is kept, and by nothing else.
    async fn look(&mut self) -> Ended {
        self.look_again = in_a_while(LOOK_AGAIN);
        // Before the links: a key that was given away meanwhile is among either.
        let next = self.line.next_key(&self.provider).map_err(towline_hybrid::Error::from)?;
        let ledger = match kept(&self.store, |store| store.ledger()).await {
            Ok(ledger) => ledger,
            Err(error) if self.leaving.is_some() => return Err(error.into()),
            Err(error) => {
                tracing::warn!(%error, "the links can't be read; the phone listens as before");
                return Ok(());
            }
        };
        let mut wanted = Vec::new();
        if self.leaving.is_none() {
            let newest = ledger.computers.iter().rev().take(MOST_COMPUTERS);
            for key in newest.filter_map(|computer| ledger.contact_key_of(computer)) {
                if !wanted.contains(key) && !self.refused.contains(key) {
                    wanted.push(key.clone());
                }
            }
            wanted.push(next);
        }
        let forgotten = ledger.forgotten.iter().filter_map(|gone| gone.contact_key.clone());
        for key in forgotten.chain(self.line.unkept()) {
            self.revoke(key);
        }
        let unwanted =
            self.places.extract_if(.., |place| !wanted.contains(&place.key)).collect::<Vec<_>>();
        for place in unwanted {
            self.withdraw(place.number);
            self.closing.spawn(place.session.stop());
        }
        for key in wanted {
            if !self.places.iter().any(|place| place.key == key) {
                let (session, events) = self.listen(&key);
                let number = self.next_place;
                self.next_place = number.wrapping_add(1);
                self.places.push(Place { number, key, session, events, up: false });
            }
        }
        Ok(())
    }

    fn listen(&self, key: &ContactKey) -> (ListenerSession, ListenerEvents) {
        let config = ListenerConfig::new(self.domain, key.clone());
        ListenerSession::start(config, &self.provider, self.connector.clone())
    }

    /// Nobody shall reach this phone by this key any more.
    fn revoke(&mut self, key: ContactKey) {
        if self.being_revoked.contains(&key) || self.being_revoked.len() >= MOST_REVOKING {
            return;
        }
        let session = match self.places.iter().position(|place| place.key == key) {
            Some(index) => {
                let place = self.places.remove(index);
                self.withdraw(place.number);
                place.session
            }
            None => self.listen(&key).0,
        };
        self.being_revoked.push(key.clone());
        self.revoking.spawn(async move { (key, session.revoke().await) });
    }

    async fn revoked(&mut self, key: &ContactKey, ended: Ended) -> Ended {
        self.being_revoked.retain(|known| known != key);
        match ended {
            Ok(()) => {
                self.line.given_up(key);
                let key = key.clone();
                let noted = kept(&self.store, move |store| store.given_up(&key)).await;
                match noted {
                    // There may be more than could be given up at once.
                    Ok(()) => self.look().await,
                    Err(error) if self.leaving.is_some() => Err(error.into()),
                    // It is given up once more, when the store works again.
                    Err(error) => {
                        tracing::warn!(%error, "what was given up could not be noted");
                        Ok(())
                    }
                }
            }
            Err(error) if self.leaving.is_some() => Err(error),
            Err(error) => {
                tracing::warn!(%error, "a contact id could not be given up yet");
                Ok(())
            }
        }
    }

    /// Rings that came by a place that is gone are moot.
    fn withdraw(&mut self, number: u64) {
        self.held.retain(|held| held.name.0 != number);
    }

    fn announce(&mut self) {
        let ready = self.being_revoked.is_empty() && self.places.iter().all(|place| place.up);
        if ready && !std::mem::replace(&mut self.listening, ready) {
            self.troubled = None;
            self.outbox.state(BellEvent::Listening);
        }
    }

    async fn happened(&mut self, number: u64, event: Option<ListenerEvent>) -> Ended {
        let Some(index) = self.places.iter().position(|place| place.number == number) else {
            return Ok(());
        };
        match event {
            Some(ListenerEvent::Listening) => self.set_up(index, true),
            Some(ListenerEvent::Lost { failure, pause }) => {
                self.set_up(index, false);
                let told = self.troubled.filter(|told| {
                    self.places.iter().any(|place| place.number == *told && !place.up)
                });
                // One trouble of the network is told once, and not for each place.
                if told.is_none_or(|told| told == number) {
                    (self.troubled, self.listening) = (Some(number), false);
                    self.outbox.state(BellEvent::Lost { failure, pause });
                }
            }
            Some(ListenerEvent::Rung { token, payload, routing_id, tunnel_id }) => {
                let forgotten =
                    self.rung(index, Rung { token, payload, routing_id, tunnel_id }).await;
                // Another process may have done that. From now on the service answers for this
                // phone.
                if forgotten {
                    return self.look().await;
                }
            }
            Some(ListenerEvent::Over { token }) => {
                self.held.retain(|held| held.name != (number, token));
                self.outbox.over((number, token));
            }
            Some(ListenerEvent::Finished(Err(ListenError::Revoked))) => {
                return self.refused(index).await;
            }
            Some(ListenerEvent::Finished(Err(error))) => return Err(error.into()),
            Some(_) | None => drop(self.places.remove(index)),
        }
        // All have their turn.
        if !self.places.is_empty() {
            self.places.rotate_left(1);
        }
        Ok(())
    }

    fn set_up(&mut self, index: usize, up: bool) {
        if let Some(place) = self.places.get_mut(index) {
            place.up = up;
        }
    }

    /// The service does not take this key any more. It was given up by a copy of this phone, or
    /// before a backup was brought back. What is kept stays: only a person deletes a link because
    /// of a service.
    async fn refused(&mut self, index: usize) -> Ended {
        let Place { number, key, .. } = self.places.remove(index);
        self.withdraw(number);
        let ledger = kept(&self.store, |store| store.ledger()).await?;
        let computers = &ledger.computers;
        match computers.iter().filter(|known| ledger.contact_key_of(known) == Some(&key)).count() {
            // It was not even used yet.
            0 => return Err(ListenError::Revoked.into()),
            lost => self.outbox.given_up(lost),
        }
        self.refused.push(key);
        Ok(())
    }

    /// A computer rings. The service waits for the answer, and no person is asked. Says whether
    /// there is a contact id to give up.
    async fn rung(&mut self, index: usize, rung: Rung) -> bool {
        let Some(place) = self.places.get(index) else { return false };
        let (name, key) = ((place.number, rung.token), place.key.clone());
        match kept(&self.store, |store| store.ledger()).await {
            // The computer must not delete its link because of a disk.
            Err(error) => {
                tracing::warn!(%error, "a ring could not be looked up");
                self.decide(name, Decision::Busy);
            }
            Ok(ledger) => match look_up(&ledger, &key, &rung.payload) {
                Decision::Come => match self.ring(&ledger, &key, &rung) {
                    Ok(ring) => self.admit(name, ring),
                    Err(error) => {
                        tracing::warn!(%error, "a ring could not be answered");
                        self.decide(name, Decision::Busy);
                    }
                },
                decision => {
                    self.decide(name, decision);
                    return ledger
                        .forgotten
                        .iter()
                        .any(|gone| gone.contact_key.as_ref() == Some(&key));
                }
            },
        }
        false
    }

    fn ring(&self, ledger: &Ledger, key: &ContactKey, rung: &Rung) -> Result<Ring, TransportError> {
        let Rung { payload, routing_id, tunnel_id, .. } = *rung;
        let missing = || LinkStoreError::Unavailable("the phone's identity is not there".into());
        let identity = ledger.identity.as_ref().ok_or_else(missing)?;
        let ring = identity.ring(&self.provider, key, payload, routing_id, tunnel_id);
        Ok(ring.map_err(towline_hybrid::Error::from)?)
    }

    /// A known computer rings.
    fn admit(&mut self, name: RingName, ring: Ring) {
        match *self.occupancy.borrow() {
            _ if self.outbox.has_ring() => {}
            Occupancy::Free => return self.come(name, ring),
            // Most computers that ring now are those that were answered.
            Occupancy::Answered if self.held.len() < MOST_HELD => {
                let until = in_a_while(PATIENCE);
                return self.held.push(Held { name, ring, until });
            }
            Occupancy::Answered | Occupancy::Busy => {}
        }
        self.decide(name, Decision::Busy);
    }

    fn come(&self, name: RingName, ring: Ring) {
        self.decide(name, Decision::Come);
        self.outbox.ring(name, ring);
    }

    /// The phone is free, or serves somebody.
    fn occupied(&mut self) {
        if *self.occupancy.borrow() == Occupancy::Answered {
            return;
        }
        for Held { name, ring, .. } in std::mem::take(&mut self.held) {
            self.admit(name, ring);
        }
    }

    fn decide(&self, (number, token): RingName, decision: Decision) {
        if let Some(place) = self.places.iter().find(|place| place.number == number) {
            place.session.decide(token, decision);
        }
    }
}

/// Whether a computer that rings by this key is known. It deletes its link if it is told that it is
/// not, so that this takes more than not to find it.
fn look_up(ledger: &Ledger, key: &ContactKey, payload: &ClientPayload) -> Decision {
    let known = ledger.computers.iter().find(|known| known.link_id == payload.link_id);
    if known.is_some_and(|known| ledger.contact_key_of(known) == Some(key)) {
        return Decision::Come;
    }
    let forgotten = ledger.forgotten.iter().any(|gone| gone.link_id == payload.link_id);
    let somebody_elses = ledger.identity.as_ref().is_some_and(|own| own.contact_key == *key)
        || ledger.computers.iter().any(|known| known.contact_key.as_ref() == Some(key));
    // A link that was made a moment ago may not be kept yet.
    if forgotten || somebody_elses { Decision::Unknown } else { Decision::Busy }
}

fn in_a_while(pause: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(pause).unwrap_or(now)
}

/// What happened at one of them. Cancel-safe.
async fn next_event(places: &mut [Place]) -> (u64, Option<ListenerEvent>) {
    poll_fn(|context| {
        for place in places.iter_mut() {
            if let Poll::Ready(event) = place.events.poll_next(context) {
                return Poll::Ready((place.number, event));
            }
        }
        Poll::Pending
    })
    .await
}
