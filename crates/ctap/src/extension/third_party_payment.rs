//! `thirdPartyPayment`: credentials for payments that another site than their own starts (CTAP 2.3
//! §12).

boolean! {
    /// Asks for such a credential, or whether it is one; and the answer.
    ThirdPartyPayment "thirdPartyPayment"
}
