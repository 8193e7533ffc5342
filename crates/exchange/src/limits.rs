//! How much of a file is read, and how much of it is kept.

/// How large things may be. The default is far above what any exporter writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportLimits {
    /// The whole document, in bytes; 16 MiB unless changed. It may have a value for each sixteen
    /// of them.
    pub document: usize,
    /// How deep its lists and objects are nested; 64 unless changed. It bounds the stack.
    pub depth: usize,
    /// The longest `credBlob` that is taken, in bytes; 32 unless changed, the least that
    /// authenticators have to keep (CTAP 2.3 §12.2).
    pub cred_blob: usize,
    /// The longest large blob that is taken: compressed, and by what it says that it is
    /// uncompressed. 64 KiB unless changed. Nothing is inflated.
    pub large_blob: usize,
    /// The longest name of an account, a person or a site, in bytes; 1024 unless changed: all of
    /// them, and what is beside them, go into one answer of a security key.
    pub name: usize,
    /// How much of an item that means nothing here is kept with its passkey, as JSON; 64 KiB unless
    /// changed.
    pub foreign: usize,
}

impl Default for ImportLimits {
    fn default() -> Self {
        Self {
            document: 16 << 20,
            depth: 64,
            cred_blob: 32,
            large_blob: 64 << 10,
            name: 1024,
            foreign: 64 << 10,
        }
    }
}
