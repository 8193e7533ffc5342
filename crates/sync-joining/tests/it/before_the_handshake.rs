//! A device that scanned the code and goes before it has said who it is.

use std::pin::Pin;

use tokio::sync::Notify;
use towline_hybrid_tokio::{ConnectFailure, Connected, DataChannel, Incoming, Target};

use super::*;

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A way to the tunnel on which nothing is sent. It tells when something was to be.
struct Mute(Arc<dyn Connector>, Arc<Notify>);

struct MuteChannel(Box<dyn DataChannel>, Arc<Notify>);

impl DataChannel for MuteChannel {
    fn send(&mut self, _: Vec<u8>) {
        self.1.notify_one();
    }

    fn next(&mut self) -> Boxed<'_, Incoming> {
        self.0.next()
    }

    fn close(self: Box<Self>) -> Boxed<'static, ()> {
        self.0.close()
    }
}

impl Connector for Mute {
    fn connect(&self, target: Target) -> Boxed<'static, Result<Connected, ConnectFailure>> {
        let (opening, said) = (self.0.connect(target), self.1.clone());
        Box::pin(async move {
            let Connected { channel, opened } = opening.await?;
            Ok(Connected { channel: Box::new(MuteChannel(channel, said)), opened })
        })
    }
}

/// The relay's word is heard at once: that nothing comes would be noticed after 20 seconds only.
/// The code is of no use any more.
#[tokio::test]
async fn the_one_that_shows_the_code_is_told_at_once() {
    let relay = LoopbackRelay::plain().await;
    for new_shows in [false, true] {
        let air = Air::new();
        let (circle, keys) = (circle(1), keys());
        let (shows, scans) = if new_shows {
            (newcomer(&keys), sponsor(&circle))
        } else {
            (sponsor(&circle), newcomer(&keys))
        };
        let (session, mut events) = show(shows, &air, relay.connector());
        let said = Arc::new(Notify::new());
        let mute = Arc::new(Mute(relay.connector(), said.clone()));
        let scanned = scan(scans, code(&session), &air, mute).unwrap();
        in_time(said.notified()).await;
        drop(scanned);
        let ended = async {
            loop {
                if let JoiningEvent::Finished(result) = events.next().await.unwrap() {
                    return result.unwrap_err();
                }
            }
        };
        let ended = tokio::time::timeout(PATIENCE / 4, ended).await.expect("at once");
        assert_eq!(ended, JoiningError::Closed(JoiningStep::Agreeing).into());
        assert!(session.qr_uri().is_none());
        assert_eq!(air.scans(), 0);
        relay.until_empty().await;
    }
}
