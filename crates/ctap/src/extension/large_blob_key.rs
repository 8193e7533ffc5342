//! `largeBlobKey`: a key under which the platform encrypts a credential's large blob (CTAP 2.3
//! §12). The key itself is a member of the response, not an output.

boolean! {
    /// Asks for the key. Only `true` is allowed: anything else is for the authenticator to refuse.
    GetLargeBlobKey "largeBlobKey"
}
