//! `Debug` for what holds a message, or a part of one, as bytes: only how long it is. Messages name
//! people and carry secrets, such as what `prf` gives.

use alloc::{boxed::Box, vec::Vec};
use core::fmt;

/// Bytes of which `Debug` shows the length alone.
pub(crate) struct Hidden(Option<usize>);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(length) => write!(f, "{length} bytes"),
            None => f.write_str("None"),
        }
    }
}

/// What can be hidden.
pub(crate) trait Hide {
    fn hidden(&self) -> Hidden;
}

impl Hide for [u8] {
    fn hidden(&self) -> Hidden {
        Hidden(Some(self.len()))
    }
}

impl<const N: usize> Hide for [u8; N] {
    fn hidden(&self) -> Hidden {
        Hidden(Some(N))
    }
}

impl Hide for Vec<u8> {
    fn hidden(&self) -> Hidden {
        Hidden(Some(self.len()))
    }
}

impl Hide for Box<[u8]> {
    fn hidden(&self) -> Hidden {
        Hidden(Some(self.len()))
    }
}

impl<T: Hide + ?Sized> Hide for &T {
    fn hidden(&self) -> Hidden {
        (**self).hidden()
    }
}

impl<T: Hide> Hide for Option<T> {
    fn hidden(&self) -> Hidden {
        self.as_ref().map_or(Hidden(None), Hide::hidden)
    }
}

/// Implements `Debug`: what stands behind `hides` is shown by its length. Every member has to be
/// named.
macro_rules! debug_without_bytes {
    (struct $name:ident $(<$life:lifetime>)? { $($shown:ident),* $(,)? } $(,)? hides { $($hidden:ident),* }) => {
        impl $(<$life>)? core::fmt::Debug for $name $(<$life>)? {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                let Self { $($shown,)* $($hidden),* } = self;
                f.debug_struct(stringify!($name))
                    $(.field(stringify!($shown), $shown))*
                    $(.field(stringify!($hidden), &$crate::hidden::Hide::hidden($hidden)))*
                    .finish()
            }
        }
    };
    (enum $name:ident $(<$life:lifetime>)? {
        $($variant:ident { $($shown:ident),* } $(,)? hides { $($hidden:ident),* })*
    }) => {
        impl $(<$life>)? core::fmt::Debug for $name $(<$life>)? {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self {
                    $(Self::$variant { $($shown,)* $($hidden),* } => f
                        .debug_struct(stringify!($variant))
                        $(.field(stringify!($shown), $shown))*
                        $(.field(stringify!($hidden), &$crate::hidden::Hide::hidden($hidden)))*
                        .finish(),)*
                }
            }
        }
    };
}

pub(crate) use debug_without_bytes;
