//! What each preset has, found out from outside: by getInfo, and by asking for it.

use std::collections::{BTreeMap, BTreeSet};

use towline_authenticator::{AttestationFormat, Config};
use towline_cbor::{Key, Reader, Writer};
use towline_ctap::{
    ClientPinRequest, Command, KeyAgreementKey, Permissions, Request, RpId, Status, Transport,
    Version, algorithm,
};
use towline_testkit::rig::{HOME, Rig, absent};

/// What stands where a preset does not have something.
const ABSENT: &str = "–";

/// A preset, and what it says of itself.
pub(crate) struct Preset {
    config: Config,
    members: BTreeSet<String>,
    options: BTreeMap<String, bool>,
    extensions: Vec<String>,
    algorithms: Vec<i64>,
    protocols: Vec<u64>,
    versions: Vec<Version>,
}

/// In the order of the columns.
pub(crate) fn all() -> Vec<Preset> {
    [Config::phone(), Config::platform(), Config::security_key(), Config::fingerprint_key()]
        .map(Preset::new)
        .into()
}

/// The response, or `None` where the person is asked.
fn response(config: &Config, request: &[u8]) -> Option<Vec<u8>> {
    let mut rig = Rig::new(config.clone());
    rig.transport = None;
    rig.person(absent).send(HOME, request);
    rig.open.is_empty().then(|| rig.response())
}

/// The status of a refusal; a question and a success are none.
fn refusal(config: &Config, request: &[u8]) -> Option<Status> {
    let status = Status::from_u8(*response(config, request)?.first().unwrap());
    (status != Status::Ok).then_some(status)
}

/// A request with these integer members.
fn request(command: u8, members: &[(i64, u64)]) -> Vec<u8> {
    let mut writer = Writer::from_vec(vec![command]);
    writer.map(|map| members.iter().for_each(|(key, value)| map.entry(*key, |w| w.uint(*value))));
    writer.into_vec()
}

/// The two command bytes of FIDO_2_1_PRE, which the standard leaves to vendors.
const PREVIEW: [u8; 2] = [0x40, 0x41];

/// Every command byte that the standard names, and those of the preview.
pub(crate) fn commands() -> BTreeSet<String> {
    let named = Command::ALL.iter().map(|command| command.to_u8());
    named.chain(PREVIEW).map(|byte| format!("{byte:#04x}")).collect()
}

/// The commands with subcommands, and under which key these stand.
const WITH_SUBCOMMANDS: [(Command, i64); 4] = [
    (Command::ClientPin, 2),
    (Command::BioEnrollment, 2),
    (Command::CredentialManagement, 1),
    (Command::Config, 1),
];

fn probe(command: Command, key: i64, number: u64) -> Vec<u8> {
    // The modality of a fingerprint enrolment.
    let modality = (command == Command::BioEnrollment).then_some((1, 1));
    let members: Vec<_> = modality.into_iter().chain([(key, number)]).collect();
    request(command.to_u8(), &members)
}

/// Every subcommand that can be read: its command, a dot, and its number.
pub(crate) fn subcommands() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (command, key) in WITH_SUBCOMMANDS {
        for number in 0..=0xff {
            let read = Request::decode(&probe(command, key, number), 4096);
            if read.map_or_else(|error| error.status(), |_| Status::Ok) != Status::InvalidSubcommand
            {
                found.insert(format!("{:#04x}.{number:02x}", command.to_u8()));
            }
        }
    }
    found
}

/// A request for a token, good but for its secrets.
fn token_request(number: u64, permissions: Permissions, protocol: u64) -> ClientPinRequest {
    let key_agreement = KeyAgreementKey { x: [1; 32], y: [1; 32] };
    let (pin_hash_enc, rp_id) = (vec![0; 32], Some(RpId::new("example.org").unwrap()));
    match number {
        3 => ClientPinRequest::SetPin {
            protocol,
            key_agreement,
            param: vec![0; 32],
            new_pin_enc: vec![0; 80],
        },
        4 => ClientPinRequest::ChangePin {
            protocol,
            key_agreement,
            param: vec![0; 32],
            new_pin_enc: vec![0; 80],
            pin_hash_enc,
        },
        5 => ClientPinRequest::GetPinToken { protocol, key_agreement, pin_hash_enc },
        6 => ClientPinRequest::GetPinUvAuthTokenUsingUvWithPermissions {
            protocol,
            key_agreement,
            permissions,
            rp_id,
        },
        9 => ClientPinRequest::GetPinUvAuthTokenUsingPinWithPermissions {
            protocol,
            key_agreement,
            pin_hash_enc,
            permissions,
            rp_id,
        },
        2 => ClientPinRequest::GetKeyAgreement { protocol },
        7 => ClientPinRequest::GetUvRetries,
        _ => ClientPinRequest::GetPinRetries,
    }
}

impl Preset {
    fn new(config: Config) -> Self {
        let info = response(&config, &[Command::GetInfo.to_u8()]).unwrap();
        let (mut members, mut options) = (BTreeSet::new(), BTreeMap::new());
        towline_cbor::decode(&info[1..], 4, |reader: &mut Reader<'_>| {
            reader.map(|key, value| {
                if let Key::Int(key) = key {
                    members.insert(format!("{key:#04x}"));
                }
                if matches!(key, Key::Int(4)) {
                    value.map(|id, on| {
                        let Key::Text(id) = id else { return Ok(()) };
                        options.insert(id.to_owned(), on.bool()?);
                        Ok::<(), towline_cbor::Error>(())
                    })?;
                }
                Ok::<(), towline_cbor::Error>(())
            })
        })
        .unwrap();
        let info = towline_ctap::GetInfo::decode(&info).unwrap();
        Self {
            config,
            members,
            options,
            extensions: info.extensions.unwrap_or_default(),
            algorithms: info.algorithms.unwrap_or_default(),
            protocols: info.pin_uv_auth_protocols.unwrap_or_default(),
            versions: info.versions,
        }
    }

    /// What the cell of this preset has to say.
    pub(crate) fn state(&self, table: &str, id: &str) -> String {
        let yes = |there: bool| if there { "yes" } else { ABSENT }.to_owned();
        match table {
            "Commands" => {
                let byte = u8::from_str_radix(id.trim_start_matches("0x"), 16).unwrap();
                yes(refusal(&self.config, &[byte]) != Some(Status::InvalidCommand))
            }
            "Versions" => yes(self.versions.iter().any(|version| version.as_str() == id)),
            // One who is not reached by USB speaks no CTAPHID.
            "CTAPHID commands" => {
                let spoken = id != "0x03" || self.versions.contains(&Version::U2fV2);
                yes(spoken && self.config.identity.transports.contains(&Transport::Usb))
            }
            "Subcommands" => yes(self.has_subcommand(id)),
            "Members of getInfo" => yes(self.members.contains(id)),
            "Option IDs" => {
                self.options.get(id).map_or_else(|| ABSENT.to_owned(), ToString::to_string)
            }
            "Extensions" => yes(self.extensions.iter().any(|known| known == id)),
            "Algorithms" => yes(self.algorithms.contains(&number(id))),
            "Attestation formats" => self.format(id),
            "PIN/UV auth protocols" => yes(self.protocols.contains(&id.parse().unwrap())),
            "Permissions" => self.permission(id),
            other => panic!("no table {other}"),
        }
    }

    fn has_subcommand(&self, id: &str) -> bool {
        let (command, number) = id.split_once('.').unwrap();
        let command = u8::from_str_radix(command.trim_start_matches("0x"), 16).unwrap();
        let command = Command::from_u8(command).unwrap();
        let number = u64::from_str_radix(number, 16).unwrap();
        let (_, key) = WITH_SUBCOMMANDS.iter().find(|(known, _)| *known == command).unwrap();
        let probe = if command == Command::ClientPin {
            // Of a protocol that there is not, so that nothing but the subcommand is judged.
            Request::from(token_request(number, Permissions::GA, 9)).encode()
        } else {
            probe(command, *key, number)
        };
        let refused = refusal(&self.config, &probe);
        !matches!(refused, Some(Status::InvalidCommand | Status::InvalidSubcommand))
    }

    /// By which way a token with a permission can be had.
    fn permission(&self, id: &str) -> String {
        let bit = match id {
            "mc" => Permissions::MC,
            "ga" => Permissions::GA,
            "cm" => Permissions::CM,
            "be" => Permissions::BE,
            "lbw" => Permissions::LBW,
            "acfg" => Permissions::ACFG,
            "pcmr" => Permissions::PCMR,
            other => panic!("no permission {other}"),
        };
        let had = |number| {
            let request = Request::from(token_request(number, bit, 2)).encode();
            let refused = refusal(&self.config, &request);
            !matches!(
                refused,
                Some(
                    Status::InvalidCommand
                        | Status::InvalidSubcommand
                        | Status::UnauthorizedPermission
                )
            )
        };
        match (had(9), had(6)) {
            (true, true) => "PIN, uv",
            (true, false) => "PIN",
            (false, true) => "uv",
            (false, false) => ABSENT,
        }
        .to_owned()
    }

    fn format(&self, id: &str) -> String {
        let is = |format: &AttestationFormat| format!("{format:?}").split('(').next() == Some(id);
        match self.config.attestation.formats.iter().position(is) {
            Some(0) => "unless asked for another",
            Some(_) => "if asked for",
            None => ABSENT,
        }
        .to_owned()
    }
}

/// The COSE number of an algorithm.
fn number(name: &str) -> i64 {
    match name {
        "ES256" => algorithm::ES256,
        "EDDSA" => algorithm::EDDSA,
        "ESP256" => algorithm::ESP256,
        "ED25519" => algorithm::ED25519,
        "ES384" => algorithm::ES384,
        "ES512" => algorithm::ES512,
        "ES256K" => algorithm::ES256K,
        "ML_DSA_44" => algorithm::ML_DSA_44,
        "ML_DSA_65" => algorithm::ML_DSA_65,
        "ML_DSA_87" => algorithm::ML_DSA_87,
        "ESP384" => algorithm::ESP384,
        "ESP512" => algorithm::ESP512,
        "RS256" => algorithm::RS256,
        other => panic!("no algorithm {other}"),
    }
}
