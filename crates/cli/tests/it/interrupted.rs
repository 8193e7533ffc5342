//! A joining that is interrupted at any of its messages: told on both sides in good time, and taken
//! up again with the same two commands.

mod proxy;

use std::{
    fs,
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::{sync::oneshot, time::timeout};

use self::proxy::{At, End, Proxy};
use crate::{
    program::{Ended, PATIENCE, Program, run},
    sync::{start, sync},
    world::{World, find, text},
};

/// Much longer than a side may take to tell that it was interrupted.
const SOON: Duration = Duration::from_secs(40);
/// How many messages there are: two of the handshake and one behind it, the new device's and the
/// other's word of who they are with what the tunnel says of itself, the offer, the introduction,
/// the welcome in two, what asks for more of it, and that everything has come. One that ends the
/// session may follow.
const MESSAGES: usize = 12;
/// How many of these are tried beside each other.
const LANES: usize = 4;

/// What both devices begin with: a passkey each, and the first one has a circle.
struct Devices {
    first: String,
    second: String,
    /// What picture the code is in.
    code: String,
    /// Whether the new device shows it.
    new_shows: bool,
}

/// How the two commands ended: of the device in the circle, and of the new one. One that was killed
/// did not.
type Both = [Option<Ended>; 2];

impl Devices {
    async fn new(world: &World, templates: &[String; 2], name: &str, new_shows: bool) -> Self {
        let path = |what: &str| world.directory.path(&format!("{name}-{what}"));
        let [first, second] = ["first", "second"].map(path);
        for (from, to) in templates.iter().zip([&first, &second]) {
            for suffix in ["", ".key"] {
                fs::copy(format!("{from}{suffix}"), format!("{to}{suffix}")).unwrap();
            }
        }
        let (started, _) = start(&first, &path("folder")).await;
        assert_eq!(started.code, 0, "{started:?}");
        Self { first, second, code: path("code.png"), new_shows }
    }

    /// `sync invite` and `sync join`, over this way.
    async fn join(&self, world: &World, proxy: &Proxy, held: Option<Hold>) -> Both {
        let network = ["--answer", "yes", "--relay", &proxy.url, "--air", &world.air];
        let (invite, join) = (&["invite"][..], &["join", "--name", "phone"][..]);
        let invite = (self.first.as_str(), invite);
        let join = (self.second.as_str(), join);
        let (shows, scans) = if self.new_shows { (join, invite) } else { (invite, join) };
        let image = ["--qr-image", &self.code];
        let start = |(store, command): (&str, &[&str]), code: &[&str]| {
            Program::start(sync(store, &[command, code, &network].concat()))
        };
        let mut shows = start(shows, &image);
        shows.event("qr_code").await;
        let scans = start(scans, &[&self.code]);
        let [shown, scanned] = match held {
            None => [Some(shows.ended().await), Some(scans.ended().await)],
            Some(Hold { held, go_on }) => {
                let end = timeout(PATIENCE, held).await.expect("the message comes").unwrap();
                let (killed, other) =
                    if end == End::Shows { (shows, scans) } else { (scans, shows) };
                drop(killed);
                drop(go_on);
                let other = Some(other.ended().await);
                if end == End::Shows { [None, other] } else { [other, None] }
            }
        };
        if self.new_shows { [scanned, shown] } else { [shown, scanned] }
    }
}

/// The test's end of [`At::Held`].
struct Hold {
    held: oneshot::Receiver<End>,
    go_on: oneshot::Sender<()>,
}

fn circle(ended: &Ended) -> (Vec<String>, &Value) {
    let mut devices: Vec<_> = ended
        .events
        .iter()
        .filter(|event| event["event"] == "circle_device")
        .map(|device| format!("{} {} {}", device["id"], device["name"], device["removed"]))
        .collect();
    devices.sort();
    (devices, &find(ended, "circle")["passkeys"])
}

/// What a device says to the person whose joining was interrupted, with what to do next.
fn assert_told(ended: &Ended, what: &str) {
    assert_eq!((ended.code, &ended.failed()["reason"]), (1, &"not_joined".into()), "{what}");
    let message = text(&ended.failed()["message"]);
    let next = [
        "nothing was changed; start again with a new code",
        "start again with a new code, and it goes on from there",
        "invite it again, or remove it",
    ];
    assert!(next.iter().any(|next| message.contains(next)), "{what}: {message}");
}

/// One interruption, and the same two commands once more.
async fn interrupted(world: &World, devices: Devices, number: usize, kill: bool) {
    let what = format!("new shows: {}, message {number}, kill: {kill}", devices.new_shows);
    let (at, hold) = if kill {
        let ((tell, held), (go_on, told)) = (oneshot::channel(), oneshot::channel());
        (At::Held(tell, told), Some(Hold { held, go_on }))
    } else {
        (At::Lost, None)
    };
    let proxy = Proxy::start(&world.relay_url, Some((number, at))).await;
    let begun = Instant::now();
    let [invited, joined] = devices.join(world, &proxy, hold).await;
    assert!(begun.elapsed() < SOON, "{what}: {:?}", begun.elapsed());
    let has_joined = joined.as_ref().is_some_and(|joined| joined.code == 0);
    for ended in [&invited, &joined].into_iter().flatten().filter(|ended| ended.code != 0) {
        assert_told(ended, &what);
    }
    // One that has everything says so, and waits for nobody.
    let status = run(sync(&devices.second, &["status"])).await;
    if status.code == 0 {
        run(sync(&devices.second, &["join", "--name", "phone"]))
            .await
            .assert_failed(2, "in_circle");
        assert!(number > 10, "{what}");
    } else {
        status.assert_failed(2, "no_circle");
        let proxy = Proxy::start(&world.relay_url, None).await;
        let both = devices.join(world, &proxy, None).await;
        assert!(both.iter().flatten().all(|ended| ended.code == 0), "{what}: {both:?}");
        assert!(!has_joined, "{what}");
    }
    let mut looks = Vec::new();
    for store in [&devices.second, &devices.first] {
        looks.push(run(sync(store, &["watch", "--once"])).await);
    }
    for look in &looks {
        let (devices, passkeys) = circle(look);
        assert_eq!((look.code, devices.len(), passkeys), (0, 2, &2.into()), "{what}: {look:?}");
        assert_eq!(devices, circle(&looks[0]).0, "{what}");
    }
}

/// A store with a passkey.
async fn with_passkey(world: &World, name: &str) -> String {
    let store = world.directory.path(name);
    let mut phone = world.phone(&["--answer", "yes", "--store", &store]);
    assert_eq!(world.register(&mut phone, name).await.code, 0);
    phone.event("served").await;
    phone.close_stdin();
    assert_eq!(phone.ended().await.code, 0);
    store
}

/// Each message is lost once with the connection, and after each whoever sent it is killed once.
#[tokio::test]
async fn a_joining_that_is_interrupted_at_any_message_is_told_and_taken_up_again() {
    let world = World::new().await;
    let templates = [with_passkey(&world, "alice").await, with_passkey(&world, "bob").await];
    for new_shows in [false, true] {
        let name = format!("whole-{new_shows}");
        let devices = Devices::new(&world, &templates, &name, new_shows).await;
        let proxy = Proxy::start(&world.relay_url, None).await;
        let both = devices.join(&world, &proxy, None).await;
        assert!(both.iter().flatten().all(|ended| ended.code == 0), "{both:?}");
        let come = proxy.come().await;
        assert!((MESSAGES..=MESSAGES + 1).contains(&come), "{come}");
    }
    let mut cases = Vec::new();
    for number in 1..=MESSAGES {
        cases.extend(
            [(false, false), (false, true), (true, false), (true, true)].map(|it| (number, it)),
        );
    }
    let lane = async |lane: usize| {
        for (number, (new_shows, kill)) in cases.iter().skip(lane).step_by(LANES) {
            let name = format!("{new_shows}-{number}-{kill}");
            let devices = Devices::new(&world, &templates, &name, *new_shows).await;
            interrupted(&world, devices, *number, *kill).await;
        }
    };
    tokio::join!(lane(0), lane(1), lane(2), lane(3));
}

/// It was added, and whoever has it never tries again.
#[tokio::test]
async fn a_device_that_was_added_and_never_came_is_listed_and_removed_by_its_id() {
    let world = World::new().await;
    let templates = [with_passkey(&world, "alice").await, with_passkey(&world, "bob").await];
    let devices = Devices::new(&world, &templates, "never", false).await;
    // The welcome.
    let proxy = Proxy::start(&world.relay_url, Some((9, At::Lost))).await;
    let both = devices.join(&world, &proxy, None).await;
    assert!(both.iter().flatten().all(|ended| ended.code == 1), "{both:?}");
    let status = run(sync(&devices.first, &["status"])).await;
    let mut listed = status.events.iter().filter(|event| event["event"] == "circle_device");
    let added = listed.find(|device| device["this_device"] == false).unwrap();
    assert_eq!((&added["name"], &added["last_news"]), (&Value::Null, &Value::Null), "{added}");
    let id = text(&added["id"]);
    let remove = sync(&devices.first, &["remove", &id[..8], "--answer", "yes"]);
    let removed = run(remove).await;
    assert_eq!((removed.code, &find(&removed, "circle")["devices"]), (0, &1.into()), "{removed:?}");
    // It comes back with new keys only: it is told so, and the next time it has them.
    let proxy = Proxy::start(&world.relay_url, None).await;
    let [invited, joined] = devices.join(&world, &proxy, None).await;
    invited.unwrap().assert_failed(1, "not_joined");
    joined.unwrap().assert_failed(3, "was_removed");
    let both = devices.join(&world, &proxy, None).await;
    assert!(both.iter().flatten().all(|ended| ended.code == 0), "{both:?}");
    let watched = run(sync(&devices.first, &["watch", "--once"])).await;
    let circle = find(&watched, "circle");
    assert_eq!((&circle["devices"], &circle["passkeys"]), (&2.into(), &2.into()), "{watched:?}");
}
