//! The tools, as an agent sees them: names, descriptions, and arguments, whose schemas follow from
//! the types that read them.

use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::{Map, Value, json};
use utoipa::{PartialSchema, ToSchema};

macro_rules! tools {
    ($($name:ident = $text:literal($arguments:ty): $description:literal,)*) => {
        /// Which tool is called.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Name {
            $($name,)*
        }

        impl Name {
            /// What agents call the tools, in the order of [`all`].
            pub(super) const ALL: &[&str] = &[$($text,)*];

            pub(super) fn read(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(Self::$name),)*
                    _ => None,
                }
            }
        }

        /// All tools, in the order in which an agent needs them, as `tools/list` shows them.
        pub(super) fn all() -> Value {
            json!([$({
                "name": $text,
                "description": $description,
                "inputSchema": <$arguments>::schema(),
            },)*])
        }
    };
}

tools! {
    Status = "status"(Nothing):
        "What there is: the authenticators with their passkeys and what their persons are being \
         asked, the clock, and the addresses of the service.",
    Make = "make_authenticator"(Make):
        "Make a simulated authenticator. Do this first; without arguments it is a passkey provider \
         that syncs, which fits most sites. Tools that take `authenticator` need it only where there \
         are several.",
    Remove = "remove_authenticator"(One):
        "Remove an authenticator, with its passkeys.",
    Script = "page_script"(Script):
        "How a page in any browser comes to use these authenticators: the address of a script that \
         takes the place of navigator.credentials, as a <script> element, and as an expression to \
         evaluate in the page. Put it in before the site's own code runs, and again after each \
         navigation. Then click the site's own buttons: register, sign in. Where a content security \
         policy of the site forbids to connect to it, ask for `byHand`: an expression to evaluate in \
         such a page, whose calls you carry to create_passkey and use_passkey and back.",
    Create = "create_passkey"(Ceremony):
        "Register without a browser, as navigator.credentials.create() in a page: takes the options \
         that the site's server sends (PublicKeyCredentialCreationOptionsJSON), gives in \
         `response` the RegistrationResponseJSON that the page would post back to it: put that \
         member where the page puts the credential, with the cookies of its session.",
    Use = "use_passkey"(Ceremony):
        "Sign in without a browser, as navigator.credentials.get() in a page: takes the options that \
         the site's server sends (PublicKeyCredentialRequestOptionsJSON), gives in \
         `response` the AuthenticationResponseJSON that the page would post back to it: put that \
         member where the page puts the credential. A refusal is an error by the name of the \
         exception that the page would get.",
    Person = "person"(Person):
        "What the person in front of the authenticator does: `rules` for what they will be asked, \
         `answer` for what they are being asked now, and two switches. Without arguments it only \
         tells what they are and were asked.",
    Log = "read_log"(Log):
        "What has happened, the newest last: each request of a site and each answer of an \
         authenticator member by member, ceremonies and how they ended, passkeys that were made, \
         used or deleted. Look here when a site behaves unexpectedly.",
    Faults = "set_faults"(Faults):
        "Let something go wrong, to see whether the site notices: a signature of another key, a \
         wrong challenge, flags, status codes and a hundred others. `faults` takes the place of those \
         before, and an empty list mends everything; `find` lists names.",
    Time = "move_time"(Time):
        "Let time pass at once, so that a time-out of minutes takes none; or hold the clock.",
    Credentials = "credentials"(Credentials):
        "The passkeys of an authenticator with all that is kept of them, private keys included; \
         with `put`, puts such passkeys in, as this tool, WebDriver, DevTools or Playwright give \
         them: one with the id of another takes its place.",
    Scan = "scan_code"(Scan):
        "Let a simulated phone scan the QR code with which a computer signs in or registers \
         (\"use a phone\", a text that begins with FIDO:/): take a screenshot as a PNG file while \
         the code is visible, and give its path. The phone is made when it is needed, and its person \
         agrees to everything unless `person` says otherwise. Works for computers that are near: those \
         of this service, and others if the program was started with --meet-others.",
}

/// For tools that take none: whatever an agent hands over is refused.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Make {
    /// What it is like: synced-passkey (if nothing is said), security-key, fingerprint-key,
    /// platform, phone, u2f-key, android-phone, iphone, synced-platform, ctap2.0-key or narrow-key.
    #[serde(skip_serializing_if = "Option::is_none")]
    preset: Option<String>,
    /// A name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// A PIN that is set, for security keys; the person knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pin: Option<String>,
    /// Whether the person agrees to everything; if false, questions wait for the tool `person`.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_user_consenting: Option<bool>,
    /// Whether the screen lock or the fingerprint is right.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_user_verified: Option<bool>,
    /// Other members of WebDriver's or DevTools' options: transport, hasResidentKey,
    /// hasUserVerification, extensions, algorithms, defaultBackupState ...
    #[serde(skip_serializing, default, deserialize_with = "object")]
    #[schema(value_type = Object)]
    pub(super) options: Map<String, Value>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct One {
    /// The authenticatorId; not needed where there is only one.
    pub(super) authenticator: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Script {
    /// Give the text of the script as well (long), for an init script of Playwright or Puppeteer.
    /// It has to connect to the service, too: where the page's content security policy forbids
    /// that, ask for `byHand`.
    #[serde(default)]
    pub(super) text: bool,
    /// Give what is evaluated in a page whose content security policy forbids connections, and
    /// nothing else.
    #[serde(default)]
    pub(super) by_hand: bool,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Ceremony {
    /// The origin of the page: `https://example.org`, or `http://localhost:3000`.
    pub(super) origin: Option<String>,
    /// The options as JSON, as the site's server sends them, alone or in a member `publicKey` or
    /// `public_key` of its answer. Byte strings in them are base64url.
    #[serde(default, alias = "publicKey", deserialize_with = "maybe_object")]
    #[schema(value_type = Option<Object>)]
    pub(super) options: Option<Map<String, Value>>,
    /// In the place of `origin` and `options`: the ceremony of an earlier call that was pending, to
    /// see how it ended.
    pub(super) ceremony_id: Option<String>,
    /// optional, conditional (as for autofill), immediate or silent; optional if nothing is said.
    pub(super) mediation: Option<String>,
    /// How many seconds to wait for the end, from 0 to 120; 10 if nothing is said.
    pub(super) wait: Option<f64>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Person {
    /// The authenticatorId, or a phoneId; not needed where there is one authenticator and no phone.
    pub(super) authenticator: Option<String>,
    /// What they do from now on, in the place of earlier rules; `""` is none. Rules with semicolons
    /// between them: `[WHICH [at RPID] [of ACCOUNT]: ][waits=SECONDS ]DOES[ xTIMES]`. WHICH is
    /// anything, creating, signing-in, verifying, choosing, typing-a-pin; DOES is agrees, refuses,
    /// absent (time runs out), fails-the-lock, picks=ACCOUNT, picks=#1, types=PIN, calls-it-off.
    /// Example: `verifying: fails-the-lock x2; signing-in: refuses`.
    pub(super) rules: Option<String>,
    /// The answer to what is open now: agrees, refuses, fails-the-lock, picks=ACCOUNT, picks=#1,
    /// types=PIN, cannot-type or calls-it-off.
    pub(super) answer: Option<String>,
    /// Whether they agree to what no rule is about; if false, questions stay open.
    pub(super) is_user_consenting: Option<bool>,
    /// Whether their screen lock or fingerprint is right.
    pub(super) is_user_verified: Option<bool>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Log {
    /// Only what came after the notice of this number.
    #[serde(default)]
    pub(super) after: u64,
    /// How many notices at most, the newest; 10 if nothing is said.
    pub(super) limit: Option<usize>,
    /// Only what the site's requests and the answers were.
    #[serde(default)]
    pub(super) requests: bool,
    /// Only notices with all of these words, or parts of words, anywhere in them: `makeCredential`,
    /// `alice`, `error`.
    pub(super) find: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Faults {
    /// The authenticatorId; not needed where there is only one.
    pub(super) authenticator: Option<String>,
    /// What goes wrong from now on; an empty list mends everything.
    #[schema(inline)]
    pub(super) faults: Option<Vec<Fault>>,
    /// List the faults with these words, or parts of words, in their name or description:
    /// `challenge`, `signature`, `user handle`.
    pub(super) find: Option<String>,
}

/// Something that goes wrong.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Fault {
    /// Its name, as `find` lists it: `wrong-challenge`.
    fault: String,
    /// `create` or `get`: only while registering, or only while signing in.
    #[serde(skip_serializing_if = "Option::is_none")]
    phase: Option<String>,
    /// How many occasions it lets pass before.
    #[serde(default)]
    after: u32,
    /// How often it comes; without this whenever it can.
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<u32>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Time {
    /// So many seconds pass at once.
    #[serde(default)]
    pub(super) advance: f64,
    /// Whether the clock stands still from now on, or goes on with the machine's.
    pub(super) held: Option<bool>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Credentials {
    /// The authenticatorId; not needed where there is only one.
    pub(super) authenticator: Option<String>,
    /// Only this passkey, by its id in base64url.
    pub(super) credential_id: Option<String>,
    /// Passkeys to put in: objects with at least credentialId, rpId and privateKey (PKCS #8,
    /// base64url); all are read before the first one is put in.
    #[serde(alias = "credentials")]
    #[schema(value_type = Option<Vec<Object>>)]
    pub(super) put: Option<Vec<Map<String, Value>>>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Scan {
    /// The path of a screenshot (PNG) on this machine, with the code in it.
    #[schema(value_type = Option<String>)]
    pub(super) path: Option<PathBuf>,
    /// The text of the code, where it is known: FIDO:/ and digits.
    pub(super) code: Option<String>,
    /// The phoneId; not needed where there is only one phone, or none yet.
    pub(super) phone: Option<String>,
    /// End the connection that the phone has.
    #[serde(default)]
    pub(super) end: bool,
    /// How many seconds to wait for the end, from 0 to 120; 10 if nothing is said.
    pub(super) wait: Option<f64>,
}

/// An object of JSON, also one that an agent has written as a text.
fn object<'de, D: Deserializer<'de>>(from: D) -> Result<Map<String, Value>, D::Error> {
    match Value::deserialize(from)? {
        Value::Object(members) => Ok(members),
        Value::String(text) => serde_json::from_str(&text).map_err(|error| {
            let start: String = text.chars().take(40).collect();
            let message = "is needed as a JSON object, and a text was given that is none";
            D::Error::custom(format!("`options` {message} ({error}): {start}"))
        }),
        other => {
            let given = other.to_string().chars().take(40).collect::<String>();
            let message = "is needed as a JSON object, as the site's server sends it";
            Err(D::Error::custom(format!("`options` {message}, and not {given}")))
        }
    }
}

fn maybe_object<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Map<String, Value>>, D::Error> {
    object(from).map(Some)
}
