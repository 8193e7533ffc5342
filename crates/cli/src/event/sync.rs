//! What is said of the circle of devices that a store belongs to.

use serde::Serialize;

use crate::line::one_line;

/// The circle as it is known on this device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct CircleState {
    /// The name of its folder within the folder of the person.
    pub(crate) circle: String,
    pub(crate) folder: String,
    /// Whether this device still belongs to it.
    pub(crate) member: bool,
    pub(crate) devices: usize,
    pub(crate) passkeys: usize,
    /// How many of them a later version of the program has written.
    pub(crate) unreadable: usize,
    /// How many passkeys are on this device only.
    pub(crate) only_here: usize,
    /// Whether anything of this device has not reached the folder.
    pub(crate) waiting: bool,
    /// Of how many devices it is known that they know who was removed; null if nobody was.
    pub(crate) told: Option<usize>,
}

impl CircleState {
    pub(super) fn human(&self) -> String {
        let Self { folder, devices, passkeys, unreadable, only_here, .. } = self;
        let devices = counted(*devices, "device");
        let mut lines = vec![format!(
            "{devices} and {}, by {}",
            counted(*passkeys, "passkey"),
            one_line(folder)
        )];
        if !self.member {
            lines.push(
                "this device was removed: it keeps what it has, and nothing comes or goes any more"
                    .to_owned(),
            );
        } else if *only_here > 0 {
            lines.push(format!("{} on this device only", are(*only_here)));
        } else if self.waiting {
            lines.push("changes that are on this device only".to_owned());
        }
        if *unreadable > 0 {
            lines.push(format!("{} by a later version: update this one", are(*unreadable)));
        }
        if let Some(told) = self.told {
            lines.push(format!("told {told} of {} who was removed", self.devices));
        }
        lines.join("\n")
    }
}

fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn are(passkeys: usize) -> String {
    format!("{} {}", counted(passkeys, "passkey"), if passkeys == 1 { "is" } else { "are" })
}

/// One line of the list of devices, those that were removed included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct CircleDevice {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    pub(crate) this_device: bool,
    pub(crate) removed: bool,
    /// When it was heard of last, in seconds of Unix time, by its own clock.
    pub(crate) last_news: Option<u64>,
    /// The same day for a person.
    #[serde(skip)]
    pub(crate) day: Option<String>,
    /// Whether that is longer ago than devices are silent that run now and then.
    pub(crate) silent: bool,
    /// How many passkeys a removed one can have that are not ticked off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) exposed: Option<usize>,
}

impl CircleDevice {
    pub(super) fn human(&self) -> String {
        let id: String = self.id.chars().take(8).collect();
        let name = one_line(self.name.as_deref().unwrap_or("no name"));
        let news = match (&self.day, self.exposed) {
            (_, Some(0)) => "removed".to_owned(),
            (_, Some(exposed)) => format!(
                "removed; it can have {}, to be removed at their sites: `towline sync remove` lists them",
                counted(exposed, "passkey")
            ),
            _ if self.this_device => "this device".to_owned(),
            (None, _) => "added, never seen".to_owned(),
            (Some(day), _) if self.silent => format!("no news from the {name} since {day}"),
            (Some(day), _) => format!("last news {day}"),
        };
        format!("{id}  {name:<20} {news}")
    }
}

/// A passkey that somebody else can have, and that is of use to them until its site forgets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Exposed {
    /// Names it for `--done`.
    pub(crate) id: String,
    /// The device that can have it.
    pub(crate) device: String,
    /// Null if it was deleted here.
    pub(crate) rp_id: Option<String>,
    pub(crate) account: Option<String>,
}

impl Exposed {
    pub(super) fn human(&self) -> String {
        let id: String = self.id.chars().take(12).collect();
        let site = one_line(self.rp_id.as_deref().unwrap_or("deleted here since"));
        let account = one_line(self.account.as_deref().unwrap_or("no name"));
        format!("{id}  {site:<30} {account}")
    }
}

/// Six words to a line, each with its number.
pub(super) fn paper_key(words: &str, code: &str) -> String {
    let words: Vec<_> = words.split(' ').collect();
    let numbered = (1..).zip(&words).map(|(number, word)| format!("{number:>2} {word:<10}"));
    let numbered: Vec<_> = numbered.collect();
    let lines: Vec<_> = numbered.chunks(6).map(<[String]>::concat).collect();
    format!(
        "Write these 24 words down, on paper, and keep them where no device is. They are shown this once. Whoever has them, \
         and can read where the circle is, has all passkeys; if you lose all devices, they bring everything back.\n{}\n\
         The same as the text of a code: {code}",
        lines.join("\n")
    )
}
