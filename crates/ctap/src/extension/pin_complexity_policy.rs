//! `pinComplexityPolicy`: tells relying parties that may know whether PINs follow a policy (CTAP
//! 2.3 §12).

boolean! {
    /// The input of a creation, where `true` asks, and its output: whether the policy is on.
    PinComplexityPolicy "pinComplexityPolicy"
}
