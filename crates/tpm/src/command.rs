//! Commands: what is sent, and what a response to it holds (TPM 2.0 Part 3).

mod capability;
mod nv;
mod objects;
mod policy;

use std::fmt;

use zeroize::Zeroizing;

pub use self::{
    capability::{Algorithms, Capability, Curves, Handles, Properties},
    nv::{NvIndex, NvKind, NvPublic},
    objects::{Attested, Created, Loaded, LoadedPrimary, Private, Public},
    policy::{StartedSession, policy_secret},
};
use crate::{
    handle::{Handle, ObjectName},
    wire::{Reader, Unreadable, Writer},
};

/// A command, and how its response is read.
#[derive(Clone)]
pub struct TpmCommand<R> {
    pub(crate) code: CommandCode,
    /// What it is about. Those that need an authorisation come first.
    pub(crate) handles: Vec<(Handle, ObjectName)>,
    /// How many of the handles need one.
    pub(crate) authorised: usize,
    pub(crate) parameters: Zeroizing<Vec<u8>>,
    /// Whether a handle comes back.
    pub(crate) gives_handle: bool,
    pub(crate) reply: fn(Option<Handle>, &mut Reader<'_>) -> Result<R, Unreadable>,
}

impl<R> TpmCommand<R> {
    fn new(
        code: CommandCode,
        parameters: Writer,
        reply: fn(Option<Handle>, &mut Reader<'_>) -> Result<R, Unreadable>,
    ) -> Self {
        Self {
            code,
            handles: Vec::new(),
            authorised: 0,
            parameters: parameters.finish(),
            gives_handle: false,
            reply,
        }
    }

    /// About something that needs an authorisation.
    fn by(mut self, handle: Handle, name: &ObjectName) -> Self {
        self.handles.push((handle, name.clone()));
        self.authorised = self.handles.len();
        self
    }

    /// About something that needs none.
    fn about(mut self, handle: Handle, name: &ObjectName) -> Self {
        self.handles.push((handle, name.clone()));
        self
    }

    const fn giving_handle(mut self) -> Self {
        self.gives_handle = true;
        self
    }

    /// Which command it is.
    #[must_use]
    pub const fn code(&self) -> CommandCode {
        self.code
    }
}

impl<R> fmt::Debug for TpmCommand<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TpmCommand({:?}, {} bytes)", self.code, self.parameters.len())
    }
}

/// The commands that are used (TPM 2.0 Part 2 §6.5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
#[expect(missing_docs, reason = "they are the standard's own names, and it says what each does")]
pub enum CommandCode {
    NvUndefineSpace = 0x122,
    NvDefineSpace = 0x12a,
    CreatePrimary = 0x131,
    NvIncrement = 0x134,
    NvWrite = 0x137,
    StartUp = 0x144,
    Shutdown = 0x145,
    ActivateCredential = 0x147,
    Certify = 0x148,
    NvRead = 0x14e,
    PolicySecret = 0x151,
    Create = 0x153,
    Load = 0x157,
    Sign = 0x15d,
    Unseal = 0x15e,
    FlushContext = 0x165,
    NvReadPublic = 0x169,
    ReadPublic = 0x173,
    StartAuthSession = 0x176,
    GetCapability = 0x17a,
    Hash = 0x17d,
}

impl CommandCode {
    /// The number that stands for it in a command.
    #[must_use]
    #[allow(clippy::as_conversions, reason = "the discriminant of a `repr(u32)` is a u32")]
    pub const fn number(self) -> u32 {
        self as u32
    }
}

/// The response holds nothing.
#[expect(clippy::unnecessary_wraps, reason = "it has the type of those that can fail")]
fn nothing(_: Option<Handle>, _: &mut Reader<'_>) -> Result<(), Unreadable> {
    Ok(())
}

/// The handle that has to be there.
fn required(handle: Option<Handle>) -> Result<Handle, Unreadable> {
    handle.ok_or(Unreadable("response without a handle"))
}

impl TpmCommand<()> {
    /// `TPM2_Startup(CLEAR)`: what the firmware does, and somebody has to after a restart of a TPM
    /// without a firmware.
    #[must_use]
    pub fn start_up() -> Self {
        Self::new(CommandCode::StartUp, Writer::new().u16(0), nothing)
    }

    /// `TPM2_Shutdown(CLEAR)`: the power may go.
    #[must_use]
    pub fn shutdown() -> Self {
        Self::new(CommandCode::Shutdown, Writer::new().u16(0), nothing)
    }

    /// `TPM2_FlushContext`: an object or a session leaves the TPM's memory.
    #[must_use]
    pub fn flush(handle: Handle) -> Self {
        Self::new(CommandCode::FlushContext, Writer::new().u32(handle.0), nothing)
    }
}
