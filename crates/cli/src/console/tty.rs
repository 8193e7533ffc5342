//! What a terminal does with what is typed before anybody reads it.

#[cfg(unix)]
mod unix {
    use std::io;

    use rustix::termios::{
        LocalModes, OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcsetattr,
    };

    /// Forgets what was typed and is not a line yet.
    pub(crate) fn forget_typed() {
        // A terminal that went away has nothing to forget.
        let _ = tcflush(io::stdin(), QueueSelector::IFlush);
    }

    /// What is typed is not shown, until this is dropped.
    pub(crate) struct Unseen(Termios);

    impl Unseen {
        /// None where the terminal can't do it.
        pub(crate) fn new() -> Option<Self> {
            let before = tcgetattr(io::stdin()).ok()?;
            let mut unseen = before.clone();
            unseen.local_modes.remove(LocalModes::ECHO);
            // The end of the line is seen, so that what follows begins a line.
            unseen.local_modes.insert(LocalModes::ECHONL);
            tcsetattr(io::stdin(), OptionalActions::Now, &unseen).ok()?;
            Some(Self(before))
        }
    }

    impl Drop for Unseen {
        fn drop(&mut self) {
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
        }
    }
}

#[cfg(unix)]
pub(crate) use unix::{Unseen, forget_typed};

/// The console of Windows gives whole lines only, which are known by when they came.
#[cfg(not(unix))]
pub(crate) const fn forget_typed() {}

/// There is no way to hide what is typed here.
#[cfg(not(unix))]
pub(crate) enum Unseen {}

#[cfg(not(unix))]
impl Unseen {
    pub(crate) const fn new() -> Option<Self> {
        None
    }
}
