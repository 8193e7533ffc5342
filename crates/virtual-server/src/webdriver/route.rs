//! The addresses of the commands (WebDriver §6.3, "match a request").

use super::error::{Error, ErrorCode};

/// A command, as far as its address tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    Status,
    NewSession,
    DeleteSession,
    GetTimeouts,
    SetTimeouts,
    AddVirtualAuthenticator,
    RemoveVirtualAuthenticator,
    AddCredential,
    GetCredentials,
    RemoveCredential,
    RemoveAllCredentials,
    SetUserVerified,
    SetCredentialProperties,
}

/// A variable in an address stands in braces. Those of a command come in the same order: session,
/// authenticator, credential.
const COMMANDS: [(&str, &str, Command); 13] = [
    ("GET", "status", Command::Status),
    ("POST", "session", Command::NewSession),
    ("DELETE", "session/{}", Command::DeleteSession),
    ("GET", "session/{}/timeouts", Command::GetTimeouts),
    ("POST", "session/{}/timeouts", Command::SetTimeouts),
    ("POST", "session/{}/webauthn/authenticator", Command::AddVirtualAuthenticator),
    ("DELETE", "session/{}/webauthn/authenticator/{}", Command::RemoveVirtualAuthenticator),
    ("POST", "session/{}/webauthn/authenticator/{}/credential", Command::AddCredential),
    ("GET", "session/{}/webauthn/authenticator/{}/credentials", Command::GetCredentials),
    ("DELETE", "session/{}/webauthn/authenticator/{}/credentials", Command::RemoveAllCredentials),
    ("DELETE", "session/{}/webauthn/authenticator/{}/credentials/{}", Command::RemoveCredential),
    (
        "POST",
        "session/{}/webauthn/authenticator/{}/credentials/{}/props",
        Command::SetCredentialProperties,
    ),
    ("POST", "session/{}/webauthn/authenticator/{}/uv", Command::SetUserVerified),
];

/// A command with the variables of its address, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) command: Command,
    variables: Vec<String>,
}

impl Route {
    /// Which command a request is. The path has no query, and a slash in front or none.
    ///
    /// # Errors
    /// `unknown command` where no command has this address, and `unknown method` where none has it
    /// with this method.
    pub(super) fn of(method: &str, path: &str) -> Result<Self, Error> {
        let path = path.strip_prefix('/').unwrap_or(path);
        let mut methods = Vec::new();
        for (of, template, command) in COMMANDS {
            let Some(variables) = variables(template, path) else { continue };
            if of == method {
                return Ok(Self { command, variables });
            }
            methods.push(of);
        }
        if methods.is_empty() {
            let message = "there is no browser here, and no such command: this remote end has \
                           sessions, timeouts and virtual authenticators";
            return Err(Error::new(ErrorCode::UnknownCommand, message));
        }
        let message = format!("this command is sent by {}", methods.join(" or "));
        Err(Error::new(ErrorCode::UnknownMethod, message))
    }

    /// The session that is meant, if it is one.
    pub(super) fn session(&self) -> Option<&str> {
        self.variables.first().map(String::as_str)
    }

    /// The authenticator that is meant; empty, which none is, if it is none.
    pub(super) fn authenticator(&self) -> &str {
        self.variables.get(1).map_or("", String::as_str)
    }

    /// The credential that is meant, in base64url; empty, which none is, if it is none.
    pub(super) fn credential(&self) -> &str {
        self.variables.get(2).map_or("", String::as_str)
    }
}

/// The variables of a path that has this form.
fn variables(template: &str, path: &str) -> Option<Vec<String>> {
    let mut variables = Vec::new();
    let mut segments = path.split('/');
    for expected in template.split('/') {
        let segment = segments.next()?;
        match expected {
            "{}" if !segment.is_empty() => variables.push(decoded(segment)),
            _ if expected == segment => {}
            _ => return None,
        }
    }
    segments.next().is_none().then_some(variables)
}

/// A segment of a path without its percent signs. One that is no text is nothing that has a name
/// here, and neither is what this gives for it.
fn decoded(segment: &str) -> String {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = if first == b'%' { after.split_first_chunk::<2>() } else { None };
        let byte = hex.and_then(|(digits, after)| {
            let digits = std::str::from_utf8(digits).ok()?;
            Some((u8::from_str_radix(digits, 16).ok()?, after))
        });
        let (byte, after) = byte.unwrap_or((first, after));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_decoded() {
        let route = Route::of("DELETE", "/session/a/webauthn/authenticator/b/credentials/AA%3D%3D");
        let route = route.unwrap();
        assert_eq!(route.command, Command::RemoveCredential);
        assert_eq!(
            (route.session(), route.authenticator(), route.credential()),
            (Some("a"), "b", "AA==")
        );
        for (segment, text) in [("%", "%"), ("%4", "%4"), ("%zz", "%zz"), ("%41b", "Ab")] {
            assert_eq!(decoded(segment), text);
        }
    }
}
