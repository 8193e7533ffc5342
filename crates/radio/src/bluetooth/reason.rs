//! What BlueZ, or the bus below it, says when something does not work, in our terms.

use bluer::{Error, ErrorKind, InternalErrorKind};

use crate::RadioError;

/// Why the bus does not let us in: it refuses, or nobody is there.
pub(super) fn no_session(error: Error) -> RadioError {
    match reason(error) {
        RadioError::Lost { detail } => RadioError::NoService { detail },
        told => told,
    }
}

/// The service, or the bus itself, does not answer.
fn no_service(error: &Error) -> RadioError {
    RadioError::NoService { detail: error.to_string() }
}

/// What BlueZ or the bus says, in our terms.
pub(super) fn reason(error: Error) -> RadioError {
    match &error.kind {
        ErrorKind::NotFound | ErrorKind::DoesNotExist => RadioError::NoAdapter,
        ErrorKind::NotReady => RadioError::Off,
        ErrorKind::NotAuthorized => RadioError::NoPermission,
        ErrorKind::InProgress | ErrorKind::NotPermitted | ErrorKind::AlreadyExists => {
            RadioError::Busy
        }
        ErrorKind::NotSupported | ErrorKind::NotAvailable => RadioError::CannotAdvertise,
        ErrorKind::Internal(InternalErrorKind::DBus(name)) => match name.as_str() {
            "org.freedesktop.DBus.Error.AccessDenied" | "org.freedesktop.DBus.Error.AuthFailed" => {
                RadioError::NoPermission
            }
            "org.freedesktop.DBus.Error.ServiceUnknown"
            | "org.freedesktop.DBus.Error.NameHasNoOwner"
            | "org.freedesktop.DBus.Error.NoServer"
            | "org.freedesktop.DBus.Error.FileNotFound"
            | "org.freedesktop.DBus.Error.Disconnected"
            | "org.freedesktop.DBus.Error.NoReply" => no_service(&error),
            _ => RadioError::lost(&error),
        },
        _ => RadioError::lost(&error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_the_bus(name: &str) -> Error {
        dbus::Error::new_custom(name, "it is pretended").into()
    }

    #[test]
    fn a_bus_that_refuses_is_not_a_service_that_does_not_run() {
        for name in ["AccessDenied", "AuthFailed"] {
            let error = from_the_bus(&format!("org.freedesktop.DBus.Error.{name}"));
            assert_eq!(no_session(error), RadioError::NoPermission, "{name}");
        }
        for name in ["NoServer", "FileNotFound", "Failed", "Timeout"] {
            let error = from_the_bus(&format!("org.freedesktop.DBus.Error.{name}"));
            let told = no_session(error);
            assert!(matches!(told, RadioError::NoService { .. }), "{name}: {told:?}");
        }
    }
}
