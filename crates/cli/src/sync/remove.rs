//! `towline sync remove`: a device that was lost or stolen, and what it can still do.

use std::{collections::BTreeSet, sync::Arc};

use towline::crypto::CryptoProvider;
use towline_sync::DeviceId;
use towline_synced::SyncedStore;

use super::{
    circle::{Member, now, refused},
    objects::Patience,
    status,
};
use crate::{
    args,
    event::{Event, Exposed, Question},
    exit::{Exit, Failure},
    hex::hex,
    keys::{
        kept::{self, Kept},
        owner,
    },
    report::Report,
};

/// What is to be removed, or ticked off.
pub(super) struct Whom<'a> {
    pub(super) device: Option<&'a str>,
    pub(super) keep: &'a [String],
    pub(super) done: &'a [String],
}

pub(super) async fn run(
    args: &args::Store,
    Whom { device, keep, done }: Whom<'_>,
    owner: &args::Owner,
    provider: &CryptoProvider,
    report: &Arc<Report>,
) -> Result<Exit, Failure> {
    let store = kept::open(args, provider)?;
    let kept = Kept::File(store.clone());
    let mut member = Member::of(store, Patience::Work, provider)?;
    // Who belongs to it, and what it has added, as far as the folder knows.
    member.settle(report)?;
    if let Some(device) = device {
        let devices = chosen(&member.synced, device, keep)?;
        let message = question(&member.synced, &devices);
        owner::agrees(Question::RemoveDevice, message, owner, args, &kept, report).await?;
        let removed = member.synced.circle_mut().remove(&devices, now());
        removed.map_err(|error| refused(&error))?;
    }
    for id in done {
        let record = one_exposed(&member.synced, id)?;
        member.synced.circle_mut().tick_off(record);
    }
    let exit = member.finish(report)?;
    list(&member.synced, report);
    status::tell(&member.synced, report);
    Ok(exit)
}

/// The devices that go: the one that was named, and what it has added, but for what is kept (R18 of
/// the design: in one record).
fn chosen(
    synced: &SyncedStore,
    device: &str,
    keep: &[String],
) -> Result<BTreeSet<DeviceId>, Failure> {
    let circle = synced.circle();
    let device = one(synced, device)?;
    let mut chosen = circle.added_by(device);
    for kept in keep {
        if !chosen.remove(&one(synced, kept)?) {
            let message = format!("{kept:?} was not added by that device, and stays in any case");
            return Err(Failure::usage("not_added", message));
        }
    }
    chosen.insert(device);
    if chosen.contains(&circle.device()) {
        let message = "this would remove this device itself: do it on one that stays, or keep this one with --keep";
        return Err(Failure::usage("this_device", message));
    }
    Ok(chosen)
}

fn one(synced: &SyncedStore, named: &str) -> Result<DeviceId, Failure> {
    let circle = synced.circle();
    let by_name = |device: &DeviceId| circle.device_name(*device).as_deref() == Some(named);
    let by_id =
        |device: &DeviceId| named.len() > 3 && hex(&device.0).starts_with(&named.to_lowercase());
    let found: Vec<_> = match circle.devices().filter(by_name).collect::<Vec<_>>() {
        found if found.is_empty() => circle.devices().filter(by_id).collect(),
        found => found,
    };
    match *found {
        [device] => Ok(device),
        [] => {
            let message = format!(
                "no device of the circle is called {named:?}, nor has an id that begins so; `towline sync status` lists them"
            );
            Err(Failure::usage("no_such_device", message))
        }
        _ => {
            let message = format!(
                "several devices are called {named:?}, or have an id that begins so; give more of the id"
            );
            Err(Failure::usage("not_one_device", message))
        }
    }
}

fn question(synced: &SyncedStore, devices: &BTreeSet<DeviceId>) -> String {
    let name = |device: &DeviceId| {
        let name = synced.circle().device_name(*device);
        name.unwrap_or_else(|| hex(&device.0).chars().take(8).collect())
    };
    let names: Vec<_> = devices.iter().map(|device| format!("{:?}", name(device))).collect();
    format!(
        "Remove {} for ever? What was on it, whoever has it can still use, until you remove it at the sites.",
        names.join(", ")
    )
}

/// The record of a passkey that is listed, by the beginning of its id.
fn one_exposed(synced: &SyncedStore, id: &str) -> Result<[u8; 16], Failure> {
    let wanted = id.to_ascii_lowercase();
    let records: BTreeSet<_> = exposed(synced).into_iter().map(|(record, _)| record).collect();
    let mut found =
        records.into_iter().filter(|record| !wanted.is_empty() && hex(record).starts_with(&wanted));
    match (found.next(), found.next()) {
        (Some(record), None) => Ok(record),
        (None, _) => {
            let message = format!(
                "no passkey that is to be removed has an id that begins with {id:?}; `towline sync remove` lists them"
            );
            Err(Failure::usage("no_such_passkey", message))
        }
        _ => {
            let message = format!("several of these passkeys have an id that begins with {id:?}");
            Err(Failure::usage("not_one_passkey", message))
        }
    }
}

fn exposed(synced: &SyncedStore) -> Vec<([u8; 16], Exposed)> {
    let circle = synced.circle();
    let of = |device: DeviceId| {
        synced.exposed(device).into_iter().map(move |(record, credential)| {
            let user = credential.as_ref().map(|it| it.user.clone());
            let account = user.and_then(|user| user.name.or(user.display_name));
            let rp_id = credential.map(|it| it.rp_id.as_str().to_owned());
            let name = circle.device_name(device).unwrap_or_else(|| hex(&device.0));
            (record, Exposed { id: hex(&record), device: name, rp_id, account })
        })
    };
    circle.removed().flat_map(of).collect()
}

/// Lists what those who are out can have, if there is anything.
pub(super) fn list(synced: &SyncedStore, report: &Report) {
    let exposed = exposed(synced);
    if exposed.is_empty() {
        return;
    }
    let message = "remove these passkeys at their sites: whoever has the device can sign in with them until then; tick each off \
         with `towline sync remove --done ID`";
    report.event(&Event::Sync { reason: "exposed", problem: true, message: message.into() });
    for (_, exposed) in exposed {
        report.event(&Event::Exposed(exposed));
    }
}
