//! The device: made, served, and gone with its file descriptor.

use std::{
    fs::File,
    io::{self, Write as _},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use rustix::fs::{Mode, OFlags};
use tokio::{
    net::unix::pipe,
    time::{sleep, sleep_until},
};
use towline_ctap::hid::Report;
use towline_ctaphid_tokio::{ReportSource, Reports};

use crate::{
    Description,
    event::{self, EVENT_SIZE, UhidEvent},
    node,
    pace::Pace,
};

/// Where devices are made.
const DOOR: &str = "/dev/uhid";

/// How often the node is looked for, a moment after the device has started.
const NODE_LOOKS: u32 = 100;
/// How long it is waited for between two looks.
const NODE_PAUSE: Duration = Duration::from_millis(20);

/// Why there is no key on USB, or no more.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum UhidError {
    /// The kernel has no such device.
    #[error("there is no {}: load the kernel's module first, with `modprobe uhid` as root", .0.display())]
    Missing(PathBuf),
    /// This user may not make HID devices.
    #[error(
        "{} may not be opened: a udev rule has to give its group to you, as docs/usb-key.md shows",
        .0.display()
    )]
    Forbidden(PathBuf),
    /// Something else went wrong.
    #[error("the USB key failed: {0}")]
    Failed(#[from] io::Error),
}

/// A security key on a pretended USB. It is unplugged when this is dropped, or the process ends.
#[derive(Debug)]
pub struct UsbKey {
    events: pipe::Receiver,
    door: File,
    physical: String,
}

impl UsbKey {
    /// Whether a key could be plugged in, without doing so.
    ///
    /// # Errors
    /// As [`plug_in`](Self::plug_in).
    pub fn look() -> Result<(), UhidError> {
        open().map(drop)
    }

    /// Plugs a key in. To be called within a tokio runtime.
    ///
    /// # Errors
    /// [`UhidError::Missing`], [`UhidError::Forbidden`] and others.
    pub fn plug_in(description: &Description) -> Result<Self, UhidError> {
        Self::through(open()?, description)
    }

    /// The same through a descriptor of `/dev/uhid` that somebody with more rights has opened.
    ///
    /// # Errors
    /// [`UhidError::Failed`].
    pub fn through(door: OwnedFd, description: &Description) -> Result<Self, UhidError> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let physical = format!("towline/{}/{number}", std::process::id());
        rustix::fs::fcntl_setfl(&door, OFlags::NONBLOCK).map_err(io::Error::from)?;
        // Nothing but a type for descriptors that can be waited for, whatever its name: it neither
        // asks nor minds what it reads.
        let events = pipe::Receiver::from_owned_fd_unchecked(door.try_clone()?)?;
        let key = Self { events, door: File::from(door), physical };
        key.write(&event::create(description, &key.physical))?;
        Ok(key)
    }

    /// Waits until the kernel has taken the key, and gives its node, `/dev/hidraw3` say. None if it
    /// has no node that can be found, in a container without `/sys` for instance.
    ///
    /// # Errors
    /// [`UhidError::Failed`].
    pub async fn started(&mut self) -> Result<Option<PathBuf>, UhidError> {
        loop {
            match self.read().await? {
                UhidEvent::Start => break,
                event => self.answer(event)?,
            }
        }
        for _ in 0..NODE_LOOKS {
            if let Some(node) = node::of(&self.physical) {
                return Ok(Some(node));
            }
            sleep(NODE_PAUSE).await;
        }
        Ok(None)
    }

    /// Serves until the [`SecurityKey`](towline_ctaphid_tokio::SecurityKey) is gone, and unplugs it
    /// then.
    ///
    /// # Errors
    /// [`UhidError::Failed`] when the kernel takes the device away.
    pub async fn serve(self, reports: Reports) -> Result<(), UhidError> {
        // There is one way in, and answers to all programs go the same way out: each knows its
        // channel. It lasts for as long as any of them has the node open.
        let (mut source, mut answers) = ReportSource::stream();
        let (mut pace, mut waiting) = (Pace::default(), None::<Report>);
        loop {
            let free = waiting.and_then(|_| pace.until(Instant::now()));
            if let (Some(report), None) = (&waiting, free) {
                self.input(report)?;
                pace.sent(Instant::now());
                waiting = None;
            }
            let event = tokio::select! {
                // The kernel keeps 32 events and drops what comes after them.
                biased;
                event = self.read() => event?,
                Some(report) = answers.next(), if waiting.is_none() => {
                    waiting = Some(report);
                    continue;
                }
                () = at(free), if waiting.is_some() => continue,
                () = reports.gone() => return Ok(()),
            };
            match event {
                UhidEvent::Output(report) => {
                    if reports.deliver(report, &source).await.is_err() {
                        return Ok(());
                    }
                }
                // The last program is gone: nobody waits for what is under way, and nobody reads
                // what is still to be sent.
                UhidEvent::Close | UhidEvent::Stop => {
                    (source, answers) = ReportSource::stream();
                    waiting = None;
                }
                event => self.answer(event)?,
            }
        }
    }

    /// Answers what the kernel waits for.
    fn answer(&self, event: UhidEvent) -> io::Result<()> {
        match event {
            UhidEvent::GetReport { id } => self.write(&event::no_report(id)),
            UhidEvent::SetReport { id } => self.write(&event::not_set(id)),
            event => {
                tracing::debug!(?event);
                Ok(())
            }
        }
    }

    fn input(&self, report: &Report) -> io::Result<()> {
        match self.write(&event::input(report)) {
            // The device is stopped: nobody is there to read.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                tracing::debug!("a report has no reader");
                Ok(())
            }
            written => written,
        }
    }

    /// The next event. Cancel-safe.
    async fn read(&self) -> io::Result<UhidEvent> {
        let mut bytes = [0; EVENT_SIZE];
        loop {
            self.events.readable().await?;
            let length = match self.events.try_read(&mut bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => read?,
            };
            if let Some(event) = bytes.get(..length).and_then(UhidEvent::read) {
                return Ok(event);
            }
        }
    }

    /// Writes an event, which the kernel takes whole and at once.
    fn write(&self, event: &[u8]) -> io::Result<()> {
        let written = (&self.door).write(event)?;
        if written == event.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
    }
}

/// No device is there before it is described.
fn open() -> Result<OwnedFd, UhidError> {
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let door = rustix::fs::open(DOOR, flags, Mode::empty());
    door.map_err(|error| opening(Path::new(DOOR), error.into()))
}

fn opening(path: &Path, error: io::Error) -> UhidError {
    match error.kind() {
        io::ErrorKind::NotFound => UhidError::Missing(path.to_owned()),
        io::ErrorKind::PermissionDenied => UhidError::Forbidden(path.to_owned()),
        // The node is there, and its module is not.
        _ if error.raw_os_error() == Some(rustix::io::Errno::NODEV.raw_os_error()) => {
            UhidError::Missing(path.to_owned())
        }
        _ => UhidError::Failed(error),
    }
}

async fn at(instant: Option<Instant>) {
    if let Some(instant) = instant {
        sleep_until(instant.into()).await;
    }
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;

    #[test]
    fn why_there_is_no_key_is_said_with_what_to_do() {
        let failed = |errno: Errno| opening(Path::new(DOOR), errno.into()).to_string();
        for errno in [Errno::NOENT, Errno::NODEV] {
            assert!(failed(errno).contains("`modprobe uhid` as root"), "{errno}");
        }
        assert!(failed(Errno::ACCESS).contains("udev rule"));
        assert!(failed(Errno::MFILE).starts_with("the USB key failed"));
    }
}
