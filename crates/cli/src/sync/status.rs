//! `towline sync status`: who belongs to the circle, and what has reached whom.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use towline::crypto::CryptoProvider;
use towline_sync::DeviceId;
use towline_synced::SyncedStore;

use super::{circle::Member, day::day, objects::Patience};
use crate::{
    args,
    event::{CircleDevice, CircleState, Event},
    exit::{Exit, Failure},
    hex::hex,
    report::Report,
};

/// Devices say each week that they are there, if they run now and then.
const SILENT: Duration = Duration::from_secs(8 * 24 * 3600);

pub(super) fn run(
    args: &args::Store,
    provider: &CryptoProvider,
    report: &Arc<Report>,
) -> Result<Exit, Failure> {
    let member = Member::open(args, Patience::Glance, provider)?;
    tell(&member.synced, report);
    let reached = member.can_be_reached(report);
    Ok(if reached { Exit::Ok } else { Exit::Environment })
}

/// Tells all of it, as it is known here.
pub(super) fn tell(synced: &SyncedStore, report: &Report) {
    let circle = synced.circle();
    let removed: BTreeSet<_> = circle.removed().collect();
    let devices: Vec<_> = circle.devices().collect();
    let told = devices.len().saturating_sub(circle.not_told().count());
    report.event(&Event::Circle(CircleState {
        circle: hex(&circle.id().0),
        folder: synced.address().to_owned(),
        member: circle.is_member(),
        devices: devices.len(),
        passkeys: circle.passkeys().count(),
        unreadable: synced.unreadable(),
        only_here: synced.only_here(),
        waiting: circle.is_on_this_device_only(),
        told: (!removed.is_empty()).then_some(told),
    }));
    for device in devices.into_iter().chain(removed) {
        report.event(&Event::CircleDevice(told_of(synced, device)));
    }
}

fn told_of(synced: &SyncedStore, device: DeviceId) -> CircleDevice {
    let (circle, now) = (synced.circle(), SystemTime::now());
    let last_news = circle.last_news(device);
    let removed = circle.removed().any(|other| other == device);
    let heard = last_news.and_then(|at| UNIX_EPOCH.checked_add(Duration::from_millis(at)));
    let silent = heard.is_some_and(|at| now.duration_since(at).is_ok_and(|since| since > SILENT));
    CircleDevice {
        id: hex(&device.0),
        name: circle.device_name(device),
        this_device: device == circle.device(),
        removed,
        last_news: last_news.map(|millis| millis / 1000),
        day: last_news.map(|at| day(at, now)),
        silent,
        exposed: removed.then(|| circle.exposed(device).len()),
    }
}
