//! Identifiers that appear in the URLs of a tunnel service.

use std::fmt;

/// Text that is not the hexadecimal form of an identifier of this length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier in hexadecimal digits")]
pub struct NotHex;

/// Declares an identifier of so many bytes.
#[doc(hidden)]
#[macro_export]
macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $length:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $length]);

        impl $name {
            /// Its length in bytes.
            pub const LENGTH: usize = $length;

            /// Makes one of bytes, any of which are allowed.
            #[must_use]
            pub const fn new(bytes: [u8; $length]) -> Self {
                Self(bytes)
            }

            /// Its bytes, as they are on the wire.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $length] {
                &self.0
            }

            /// Reads hexadecimal digits of either case, two for each byte.
            ///
            /// # Errors
            /// `NotHex` for another length or other characters.
            pub fn from_hex(text: &str) -> Result<Self, $crate::ids::NotHex> {
                let mut bytes = [0; $length];
                $crate::ids::read_hex(text, &mut bytes)?;
                Ok(Self(bytes))
            }
        }

        /// Upper-case hexadecimal, as URLs want it.
        impl ::core::fmt::Display for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
            }
        }

        /// Not the bytes: they name one person's transaction or link.
        impl ::core::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                write!(f, concat!(stringify!($name), "({} bytes)"), $length)
            }
        }
    };
}

identifier! {
    /// Names one tunnel at its service, 16 bytes. In a QR transaction both sides derive it from the
    /// QR secret.
    TunnelId, 16
}
identifier! {
    /// What the tunnel service gives to the phone, and the advert to the computer, so that the
    /// computer reaches the same server, 3 bytes.
    RoutingId, 3
}
/// Where a linked phone can be reached: opaque to the computer. Not a secret, but it identifies the
/// phone, so that it is not printed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ContactId(Box<[u8]>);

impl ContactId {
    /// The longest that is offered, stored or looked up, in bytes. Phones' own have about 150.
    pub const MAX_LENGTH: usize = 256;

    /// Makes one of bytes that a phone sent; their number is checked where it matters.
    #[must_use]
    pub fn new(bytes: impl Into<Box<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// Its bytes, as the phone sent them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether it has from one byte to [`ContactId::MAX_LENGTH`]: others can't be used.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        (1..=Self::MAX_LENGTH).contains(&self.0.len())
    }
}

impl fmt::Debug for ContactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContactId({} bytes)", self.0.len())
    }
}

/// Hexadecimal of either case that fills `bytes` exactly.
#[doc(hidden)]
pub fn read_hex(text: &str, bytes: &mut [u8]) -> Result<(), NotHex> {
    if text.len() != bytes.len().saturating_mul(2) {
        return Err(NotHex);
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let [high, low] = pair else { return Err(NotHex) };
        *byte = nibble(*high)? << 4 | nibble(*low)?;
    }
    Ok(())
}

fn nibble(digit: u8) -> Result<u8, NotHex> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok()).ok_or(NotHex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_is_written_in_upper_case_and_read_in_either() {
        let id = RoutingId::new([0x00, 0xab, 0x4c]);
        assert_eq!(id.to_string(), "00AB4C");
        assert_eq!(RoutingId::from_hex("00aB4c"), Ok(id));
    }

    #[test]
    fn anything_but_the_right_number_of_digits_is_refused() {
        for text in ["", "00AB4", "00AB4C0", "00AB4C00", "00AB4G", "+0AB4C", "0x00AB", "é0AB4"] {
            assert_eq!(RoutingId::from_hex(text), Err(NotHex), "{text:?}");
        }
    }
}
