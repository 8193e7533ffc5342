//! The two servers of a test, and how to reach them.

use serde_json::Value;

use crate::program::{Directory, Ended, Program};

/// A relay with the simulated air, and a relying party.
pub(crate) struct World {
    pub(crate) directory: Directory,
    pub(crate) relay: Program,
    pub(crate) rp: Program,
    pub(crate) relay_url: String,
    pub(crate) air: String,
    pub(crate) rp_url: String,
    pub(crate) ca: Option<String>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Directory::new(), Program::start(["relay", "--air", "udp:127.0.0.1:0"])).await
    }

    pub(crate) async fn with(directory: Directory, mut relay: Program) -> Self {
        let mut rp = Program::start(["rp"]);
        let air = text(&relay.event("listening").await["url"]);
        let relay_url = text(&relay.event("listening").await["url"]);
        let rp_url = text(&rp.event("listening").await["url"]);
        Self { directory, relay, rp, relay_url, air, rp_url, ca: None }
    }

    pub(crate) fn both_ends<'a>(&'a self, args: &[&'a str]) -> Vec<&'a str> {
        let mut all = args.to_vec();
        all.extend(["--relay", &self.relay_url, "--air", &self.air]);
        if let Some(ca) = &self.ca {
            all.extend(["--ca", ca]);
        }
        all
    }

    pub(crate) fn phone(&self, args: &[&str]) -> Program {
        let all: Vec<_> = ["phone"].iter().chain(args).copied().collect();
        Program::start(self.both_ends(&all))
    }

    pub(crate) fn computer(&self, args: &[&str]) -> Program {
        let all: Vec<_> =
            ["computer"].iter().chain(args).copied().chain(["--rp", &self.rp_url]).collect();
        Program::start(self.both_ends(&all))
    }

    /// Shows a code on the computer and gives its picture to the phone.
    pub(crate) async fn scan(&self, args: &[&str], phone: &mut Program) -> Program {
        let picture = self.directory.path("code.png");
        let all: Vec<_> = args.iter().copied().chain(["--qr-image", &picture]).collect();
        let mut computer = self.computer(&all);
        let code = computer.event("qr_code").await;
        assert_eq!(code["image"], picture.as_str());
        phone.say(&picture).await;
        computer
    }

    pub(crate) async fn register(&self, phone: &mut Program, account: &str) -> Ended {
        let args = ["register", "--account", account, "--name", "Alice's phone"];
        self.scan(&args, phone).await.ended().await
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value}")).to_owned()
}

pub(crate) fn find<'a>(ended: &'a Ended, event: &str) -> &'a Value {
    ended
        .events
        .iter()
        .find(|found| found["event"] == event)
        .unwrap_or_else(|| panic!("{event}: {ended:?}"))
}

pub(crate) fn steps(ended: &Ended) -> Vec<&str> {
    ended.events.iter().filter_map(|event| event["step"].as_str()).collect()
}
