//! What is counted, and how Prometheus wants to read it. No label names a peer, a tunnel or an
//! address.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use towline_rendezvous::{Ending, NodeCounts, Refusal, RingCounts};

/// How a relay is doing.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Phones that wait for their computer now.
    pub waiting: usize,
    /// Computers that ring now, or wait for the phone that said that it comes.
    pub ringing: usize,
    /// Phones that listen for computers that ring now.
    pub listening: usize,
    /// Phones that listened, have lost their connection, and are expected back. They keep their
    /// place.
    pub absent: usize,
    /// Connections that belong to a joined tunnel now, two for each.
    pub joined: usize,
    /// Connections that have not made their request yet, or have not been answered.
    pub requests: usize,
    /// Tunnels joined so far.
    pub tunnels: u64,
    /// Requests refused so far.
    pub refused: u64,
    /// Messages passed on so far.
    pub messages: u64,
    /// Bytes passed on so far.
    pub bytes: u64,
}

/// A number that only grows.
#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Such numbers by a name out of a fixed set.
struct Tally<Name>(Mutex<BTreeMap<Name, u64>>);

impl<Name: Ord> Tally<Name> {
    fn count(&self, name: Name) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(name).or_default();
        *count = count.saturating_add(1);
    }

    fn total(&self) -> u64 {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.values().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

/// What one relay has counted since its start.
pub(crate) struct Counters {
    pub(crate) accepted: Counter,
    pub(crate) over_quota: Counter,
    pub(crate) tls_failed: Counter,
    pub(crate) no_request: Counter,
    pub(crate) tunnels: Counter,
    begun: Counter,
    /// Whether messages go to other nodes; nothing where there are none.
    bus: Mutex<Option<bool>>,
    pub(crate) not_understood: Counter,
    /// Revocations that are kept from then on.
    pub(crate) kept: Counter,
    /// Those of which the phone has to try again.
    pub(crate) not_kept: Counter,
    /// Look-ups of contact ids that told nothing.
    pub(crate) not_recalled: Counter,
    pub(crate) messages: Counter,
    pub(crate) bytes: Counter,
    pub(crate) certificates: Counter,
    pub(crate) certificates_failed: Counter,
    refused: Tally<u16>,
    ended: Tally<&'static str>,
}

impl Counters {
    pub(crate) fn new() -> Self {
        Self {
            accepted: Counter::default(),
            over_quota: Counter::default(),
            tls_failed: Counter::default(),
            no_request: Counter::default(),
            tunnels: Counter::default(),
            begun: Counter::default(),
            bus: Mutex::default(),
            not_understood: Counter::default(),
            kept: Counter::default(),
            not_kept: Counter::default(),
            not_recalled: Counter::default(),
            messages: Counter::default(),
            bytes: Counter::default(),
            certificates: Counter::default(),
            certificates_failed: Counter::default(),
            refused: Tally(Mutex::default()),
            ended: Tally(Mutex::default()),
        }
    }

    /// One more tunnel runs; the how many-th it is.
    pub(crate) fn begun(&self) -> u64 {
        self.begun.0.fetch_add(1, Ordering::Relaxed).saturating_add(1)
    }

    /// Whether messages reach the other nodes.
    pub(crate) fn bus_is(&self, up: bool) {
        *self.bus.lock().unwrap_or_else(PoisonError::into_inner) = Some(up);
    }

    pub(crate) fn refused(&self, refusal: Refusal) {
        self.refused.count(refusal.status());
    }

    pub(crate) fn refused_in_all(&self) -> u64 {
        self.refused.total()
    }

    pub(crate) fn ended(&self, ending: Ending) {
        self.ended.count(ending.name());
    }

    /// Everything in Prometheus' text format, version 0.0.4.
    pub(crate) fn render(
        &self,
        stats: &Stats,
        nodes: &NodeCounts,
        rings: &RingCounts,
        draining: bool,
    ) -> String {
        let mut page = Page(String::with_capacity(4096));
        page.gauge("waiting", "Phones that wait for a computer.", stats.waiting);
        page.gauge("ringing", "Computers that ring, or wait for the phone.", stats.ringing);
        page.gauge("listening", "Phones that listen for computers that ring.", stats.listening);
        page.gauge(
            "absent",
            "Phones that listened and are expected back. They keep their place.",
            stats.absent,
        );
        page.gauge("joined", "Connections of joined tunnels, two for each.", stats.joined);
        page.gauge("requests", "Connections that have not made their request yet.", stats.requests);
        page.gauge("draining", "1 once the relay is on its way out.", u8::from(draining));
        page.counter("accepted_total", "TCP connections accepted.", &self.accepted);
        page.counter(
            "over_quota_total",
            "Connections closed at once: too many requests of one source.",
            &self.over_quota,
        );
        page.counter("tls_failed_total", "TLS handshakes that failed.", &self.tls_failed);
        page.counter(
            "no_request_total",
            "Connections that made no request in time, or before others needed their place.",
            &self.no_request,
        );
        page.counter("tunnels_total", "Tunnels joined.", &self.tunnels);
        page.counter("messages_total", "Messages passed on.", &self.messages);
        page.counter("bytes_total", "Bytes of messages passed on.", &self.bytes);
        page.counter(
            "certificates_total",
            "Certificates taken from replaced files.",
            &self.certificates,
        );
        page.counter(
            "certificates_failed_total",
            "Looks at the certificate's files that found nothing usable.",
            &self.certificates_failed,
        );
        let bus = *self.bus.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(up) = bus {
            page.gauge("bus_up", "1 while messages reach the other nodes.", u8::from(up));
        }
        page.counter(
            "bus_not_understood_total",
            "Messages of other nodes that were not understood.",
            &self.not_understood,
        );
        page.results(
            "revocations_total",
            "Revocations of contact ids, by what became of them.",
            &[("kept", self.kept.get()), ("not_kept", self.not_kept.get())],
        );
        page.counter(
            "recalls_failed_total",
            "Times that nothing told whether a contact id was revoked.",
            &self.not_recalled,
        );
        page.rings(rings);
        page.nodes(nodes);
        page.tally("refused_total", "Requests refused, by HTTP status.", "status", &self.refused);
        page.tally("ended_total", "Connections ended, by reason.", "reason", &self.ended);
        page.0
    }
}

struct Page(String);

impl Page {
    fn head(&mut self, name: &str, help: &str, kind: &str) {
        // Writing into a string can't fail.
        let _written = write!(
            self.0,
            "# HELP towline_relay_{name} {help}\n# TYPE towline_relay_{name} {kind}\n"
        );
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.head(name, help, "gauge");
        let _written = writeln!(self.0, "towline_relay_{name} {value}");
    }

    fn counter(&mut self, name: &str, help: &str, value: &Counter) {
        self.number(name, help, value.get());
    }

    fn rings(&mut self, rings: &RingCounts) {
        self.head(
            "rings_total",
            "What became of the rings of this node's phones, by where the computer was.",
            "counter",
        );
        for (from, results) in [("here", &rings.here), ("elsewhere", &rings.elsewhere)] {
            for (result, count) in [
                ("accepted", results.accepted),
                ("busy", results.busy),
                ("gone", results.gone),
                ("too_many", results.too_many),
                ("unanswered", results.unanswered),
                ("moved", results.moved),
            ] {
                let labels = format!("from=\"{from}\",result=\"{result}\"");
                let _written = writeln!(self.0, "towline_relay_rings_total{{{labels}}} {count}");
            }
        }
    }

    fn nodes(&mut self, nodes: &NodeCounts) {
        self.number(
            "finds_asked_total",
            "Times that all nodes were asked for a phone.",
            nodes.asked,
        );
        self.results(
            "finds_total",
            "What became of looking for a phone, by result.",
            &[
                ("found", nodes.found),
                ("nobody", nodes.nobody),
                ("late", nodes.late),
                ("over_quota", nodes.over_quota),
                ("bus_away", nodes.bus_away),
            ],
        );
        self.head("find_seconds", "How long those took that were found.", "summary");
        let seconds = nodes.found_in.as_secs_f64();
        let _written = write!(
            self.0,
            "towline_relay_find_seconds_sum {seconds}\ntowline_relay_find_seconds_count {}\n",
            nodes.found
        );
        self.number(
            "finds_heard_total",
            "Times that another node asked for a phone.",
            nodes.foreign,
        );
        self.number("finds_answered_total", "Those of them whose phone is here.", nodes.held);
        self.number(
            "rings_late_total",
            "Rings of other nodes that came too late to be told.",
            nodes.late_rings,
        );
        self.number(
            "number_twice_total",
            "Words of another node that has this node's number, one each second.",
            nodes.twins,
        );
        self.number(
            "misrouted_total",
            "Connections that were meant for another node.",
            nodes.misrouted,
        );
    }

    fn results(&mut self, name: &str, help: &str, results: &[(&str, u64)]) {
        self.head(name, help, "counter");
        for (result, count) in results {
            let _written = writeln!(self.0, "towline_relay_{name}{{result=\"{result}\"}} {count}");
        }
    }

    fn number(&mut self, name: &str, help: &str, value: u64) {
        self.head(name, help, "counter");
        let _written = writeln!(self.0, "towline_relay_{name} {value}");
    }

    fn tally<Name: Display>(&mut self, name: &str, help: &str, label: &str, tally: &Tally<Name>) {
        self.head(name, help, "counter");
        for (value, count) in tally.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let _written = writeln!(self.0, "towline_relay_{name}{{{label}=\"{value}\"}} {count}");
        }
    }
}
