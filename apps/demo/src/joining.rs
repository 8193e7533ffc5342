//! Another tablet takes the place of the one that was lost: it shows a code, phone B scans it, and
//! the person agrees on both.

use std::sync::Arc;

use tokio::sync::oneshot;
use towline::{
    hybrid::{CodeSource, InitiatorConfig, ResponderConfig, qr::QrPayload},
    transport::TransportError,
};
use towline_sync::JoiningQuestion;
use towline_sync_joining::{JoiningEvent, JoiningEvents, JoiningFailure, JoiningSession};

use crate::{
    board::Place,
    desk::{Asked, Posted, Reply},
    devices::DeviceId,
    door::Stage,
    handset::domain,
    pair::Order,
    wires::{SeenRadio, way},
};

/// Lets another tablet join, if the old one is lost; says at phone B how it went.
pub(crate) async fn renew(stage: Arc<Stage>) {
    // One at a time.
    let Ok(_turn) = stage.joining.try_lock() else { return };
    if !stage.board.is_lost() {
        return;
    }
    let says = |what| {
        stage.board.device(DeviceId::PhoneB, |view| view.notice = Some((what, String::new())));
    };
    says("joining");
    if let Err(error) = meet(&stage).await {
        tracing::debug!(%error, "the joining broke off");
    }
    // It counts what the tablet has kept, also where phone B was not told of it any more.
    says(if stage.board.is_lost() { "not-joined" } else { "joined" });
}

async fn meet(stage: &Stage) -> Result<(), JoiningFailure> {
    let Stage { browser, handsets, board, relay, pair, .. } = stage;
    let over = || JoiningFailure::from(TransportError::Over);
    let provider = &browser.provider;
    let relay = relay.connector().map_err(|_| over())?;
    let end = |device| {
        let whose = Place::Device(device);
        let radio = handsets.get(&device).map(|handset| handset.radio.clone()).ok_or_else(over)?;
        Ok::<_, JoiningFailure>((radio, way(&relay, whose, board)))
    };
    let (ours, other) = pair.asked(Order::Meet).await.ok_or_else(over)?;
    let (radio, connector) = end(DeviceId::Tablet)?;
    let config = InitiatorConfig::default();
    let (new, new_events) =
        JoiningSession::show(other, config, provider, Arc::new(radio), connector)?;
    let code = new.qr_uri().ok_or_else(over)?;
    let code = QrPayload::from_uri(provider, &code).map_err(|_| over())?;
    let (radio, connector) = end(DeviceId::PhoneB)?;
    let radio = SeenRadio { radio, whose: Place::Device(DeviceId::PhoneB), board: board.clone() };
    let config = ResponderConfig::for_circle(domain());
    let code = (code, CodeSource::Camera);
    let (old, old_events) =
        JoiningSession::scan(ours, config, provider, code, Arc::new(radio), connector)?;
    tokio::try_join!(
        side(stage, DeviceId::PhoneB, &old, old_events),
        side(stage, DeviceId::Tablet, &new, new_events)
    )?;
    Ok(())
}

/// One of the two, until its end.
async fn side(
    stage: &Stage,
    device: DeviceId,
    session: &JoiningSession,
    mut events: JoiningEvents,
) -> Result<(), JoiningFailure> {
    let mut open: Option<Posted> = None;
    loop {
        let event = match &mut open {
            None => events.next().await,
            Some(question) => tokio::select! {
                event = events.next() => event,
                reply = question.reply() => {
                    open = None;
                    session.answer(reply == Reply::Finger);
                    continue;
                }
            },
        };
        match event {
            Some(JoiningEvent::Ask(question)) => {
                let asked = match question {
                    JoiningQuestion::Add { passkeys, .. } => Asked::Add { passkeys },
                    JoiningQuestion::Join { passkeys, .. } => Asked::Join { passkeys },
                };
                open = Some(stage.desk.post(device, asked));
            }
            Some(JoiningEvent::Withdraw) => open = None,
            Some(JoiningEvent::Admit(newcomer)) => {
                let admit = |done: oneshot::Sender<_>| Order::Admit(Box::new(newcomer), done);
                match stage.pair.asked(admit).await {
                    Some((welcome, address)) => session.admitted(welcome, address),
                    None => session.not_admitted(None),
                }
            }
            Some(JoiningEvent::Keep(joined)) => {
                match stage.pair.asked(|done| Order::Keep(joined, done)).await {
                    Some(()) => session.kept(),
                    None => session.not_kept(),
                }
            }
            Some(JoiningEvent::Finished(result)) => return result.map(drop),
            Some(_) => {}
            None => return Err(TransportError::Over.into()),
        }
    }
}
