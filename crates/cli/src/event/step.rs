//! The steps of a transaction between a phone and a computer.

use serde::Serialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// Computer: the code is on show.
    WaitingForScan,
    /// Computer: it has been for long.
    StillWaiting,
    /// Phone: a code was read.
    CodeRead,
    /// Computer: a linked phone is asked, without a code.
    Ringing,
    /// Computer: several phones are linked, and none was named, so that a code is shown.
    SeveralPhones,
    /// Computer: the linked phone said that it comes.
    PhoneComing,
    /// Computer: the linked phone was not reached, and a code is shown.
    NotReached,
    /// Both: the computer may ask this phone without a code from now on.
    Linked,
    /// Computer: the phone does not know it any more, and its link was removed.
    Forgotten,
    /// Phone: linked computers can ask it now.
    Listening,
    /// Phone: linked computers can't ask it until the relay is there again.
    NotListening,
    /// Phone: a linked computer asks for it.
    Rung,
    /// Computer: the phone's advert was heard.
    Near,
    /// The tunnel is being opened.
    Connecting,
    /// Phone: the advert is on the air.
    Advertising,
    /// Computer: both ends prove that they saw the code and heard the advert.
    Handshake,
    /// The connection is secure.
    Connected,
    /// Computer: an attempt led nowhere, the code is on show again.
    AttemptFailed,
    /// Computer: the person acts on the phone. Phone: a request came.
    ScreenLock,
    /// Computer: the security key waits to be touched.
    Touch,
    /// Phone: the answer is on its way.
    Answered,
    /// The connection is being ended.
    Closing,
}
