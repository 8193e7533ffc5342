//! What a computer keeps of the phones that let it remember them, and the end of a session, when
//! they may still say so.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::time::sleep;
use towline_hybrid::link::{LinkStoreError, LinkedPhone, PhoneLinks};
use towline_hybrid_tokio::ComputerEvent;

use super::{ComputerStep, Open, Screen, show};

/// How long the person is shown how a session ends. What a phone says later about remembering it is
/// kept all the same.
const FAREWELL: Duration = Duration::from_secs(2);

/// Ends a session. The response for the site does not wait for a phone whose person still thinks
/// about being remembered.
pub(super) async fn farewell(
    Open { session, mut events, phone }: Open,
    screen: &dyn Screen,
    links: Option<Arc<dyn PhoneLinks>>,
    good: bool,
) {
    let mut ending = Box::pin(async move {
        let ended = if good { session.shutdown().await } else { session.cancel().await };
        if let Err(error) = ended {
            tracing::debug!(%error, "the session ended");
        }
    });
    let (mut ended, mut patience) = (false, std::pin::pin!(sleep(FAREWELL)));
    loop {
        tokio::select! {
            biased;
            event = events.next() => match event {
                Some(event) => {
                    show(screen, None, &event);
                    keep(links.as_ref(), phone.as_ref(), &event, Some(screen)).await;
                }
                None => break,
            },
            () = &mut ending, if !ended => ended = true,
            () = &mut patience, if good && links.is_some() => {
                tokio::spawn(async move {
                    let rest = async {
                        while let Some(event) = events.next().await {
                            keep(links.as_ref(), None, &event, None).await;
                        }
                    };
                    tokio::join!(rest, async { if !ended { ending.await } });
                });
                return;
            }
        }
    }
    if !ended {
        ending.await;
    }
}

/// A call of the store, which may block.
pub(super) async fn kept<T: Send + 'static>(
    links: &Arc<dyn PhoneLinks>,
    call: impl FnOnce(&dyn PhoneLinks) -> Result<T, LinkStoreError> + Send + 'static,
) -> Result<T, LinkStoreError> {
    let links = links.clone();
    let called = tokio::task::spawn_blocking(move || call(&*links)).await;
    called.unwrap_or_else(|_| Err(LinkStoreError::Unavailable("the store failed".into())))
}

/// Keeps the links as the event says, and says whether the person was told that a phone does not
/// know this computer. A link that can't be kept is no reason to fail: the person came to sign in.
pub(super) async fn keep(
    links: Option<&Arc<dyn PhoneLinks>>,
    rung: Option<&LinkedPhone>,
    event: &ComputerEvent,
    screen: Option<&dyn Screen>,
) -> bool {
    let Some(links) = links else { return false };
    let mut forgotten = false;
    let changed = match event {
        ComputerEvent::Linked(phone) => {
            let (name, mut phone) = (phone.display_name(), phone.clone());
            phone.since =
                SystemTime::now().duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs());
            let saved = kept(links, move |links| links.save(&phone)).await;
            if saved.is_ok()
                && let Some(screen) = screen
            {
                screen.show(ComputerStep::Remembered(&name));
            }
            saved
        }
        ComputerEvent::Unlink { identity, link_id } => {
            let (identity, link_id) = (*identity, *link_id);
            let removed = kept(links, move |links| links.remove(&identity, &link_id)).await;
            if let (Ok(_), Some(screen), Some(phone)) = (&removed, screen, rung) {
                screen.show(ComputerStep::Forgotten(&phone.display_name()));
                forgotten = true;
            }
            removed.map(drop)
        }
        _ => Ok(()),
    };
    if let Err(error) = changed {
        tracing::warn!(%error, "a link was not kept");
    }
    forgotten
}
