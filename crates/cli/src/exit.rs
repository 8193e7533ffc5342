//! How the program ends: exit codes, and the sentence that goes with a failure.

use std::process::ExitCode;

/// The exit codes. They are documented in the long help and in `docs/cli.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Ok,
    Failed,
    /// Wrong arguments, or input that can't be used. Also what the argument parser exits with.
    Usage,
    /// A person said no, or cancelled, at either end.
    Refused,
    TimedOut,
    /// Something that this machine lacks: an adapter, the relay, a good clock, a file, a port.
    Environment,
    /// Ctrl-C here, as shells report it.
    Interrupted,
}

impl Exit {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::TimedOut => 4,
            Self::Environment => 5,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// A stable name for programs.
    pub(crate) reason: &'static str,
    /// A sentence for the person, without the full stop.
    pub(crate) message: String,
    /// The exception that a browser would throw, where a page would be told.
    pub(crate) exception: Option<&'static str>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, reason: &'static str, message: impl Into<String>) -> Self {
        Self { exit, reason, message: message.into(), exception: None }
    }

    /// The same, as a page is told: by the name of this exception.
    pub(crate) fn thrown(self, exception: &'static str) -> Self {
        Self { exception: Some(exception), ..self }
    }

    pub(crate) fn usage(reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, reason, message)
    }

    pub(crate) fn environment(reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(Exit::Environment, reason, message)
    }
}

/// The part of the long help that lists the exit codes.
pub(crate) const HELP: &str = "\
Exit codes:
  0    it worked; a server was stopped with Ctrl-C
  1    it failed: the other end misbehaved, the relying party refused
  2    wrong arguments, or a code, picture or file that can't be used
  3    a person said no or cancelled
  4    nothing was nearby, or nobody answered in time
  5    this machine lacks something: Bluetooth, the relay, a port, a good clock
  130  cancelled here with Ctrl-C or SIGTERM";
