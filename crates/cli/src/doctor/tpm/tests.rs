//! The ten causes, by a TPM that answers as one with that cause would.

use std::io;

use towline::crypto::rustcrypto;
use towline_tpm::TpmTransport;

use super::*;

const SHA256: u16 = 0x000b;
const P256: u16 = 3;

/// What a TPM is like.
#[derive(Clone)]
struct Fake {
    algorithms: Vec<u16>,
    curves: Vec<u16>,
    /// Properties that are other than those of a good one.
    properties: Vec<(u32, u32)>,
    /// What its keys in the owner's and in the endorsement hierarchy are made from.
    seeds: [u8; 2],
    /// What it answers to everything.
    refusal: Option<Vec<u8>>,
}

impl Default for Fake {
    fn default() -> Self {
        let (algorithms, curves) = (vec![0x0001, SHA256, 0x0023], vec![P256]);
        Self { algorithms, curves, properties: Vec::new(), seeds: [1, 1], refusal: None }
    }
}

const GOOD: [(u32, u32); 9] = [
    (0x102, 164),
    (0x105, u32::from_be_bytes(*b"IBM\0")),
    (0x10b, 0x2019_1023),
    (0x200, 0),
    (0x201, 0x8000_000f),
    (0x20e, 0),
    (0x20f, 32),
    (0x210, 7200),
    (0x211, 86400),
];

fn sized(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn framed(tag: u16, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len() + 10).unwrap();
    [&tag.to_be_bytes()[..], &length.to_be_bytes(), &[0; 4], content].concat()
}

impl Fake {
    fn capability(&self, capability: u32, from: u32) -> Vec<u8> {
        let values: Vec<Vec<u8>> = match capability {
            0 => {
                let of = |it: &u16| [&it.to_be_bytes()[..], &[0; 4]].concat();
                self.algorithms.iter().map(of).collect()
            }
            8 => self.curves.iter().map(|it| it.to_be_bytes().to_vec()).collect(),
            _ => {
                let own = |known: u32| self.properties.iter().find(|(it, _)| *it == known);
                let of = |(name, value): &(u32, u32)| {
                    let value = own(*name).map_or(*value, |(_, value)| *value);
                    [name.to_be_bytes(), value.to_be_bytes()].concat()
                };
                GOOD.iter().filter(|(name, _)| name >> 8 == from >> 8).map(of).collect()
            }
        };
        let count = u32::try_from(values.len()).unwrap();
        [&[0][..], &capability.to_be_bytes(), &count.to_be_bytes(), &values.concat()].concat()
    }

    /// A primary key, which follows from the seed of its hierarchy.
    fn primary(&self, hierarchy: u32) -> Vec<u8> {
        let seed = self.seeds[usize::from(hierarchy != 0x4000_0001)];
        let mut template = towline_tpm::template::parent();
        let towline_tpm::Object::Ecc { x, y, .. } = &mut template.object else { panic!() };
        (*x, *y) = (vec![seed; 32], vec![hierarchy.to_be_bytes()[3]; 32]);
        let name = template.name(&rustcrypto::provider());
        let ticket = [&[0x80, 0x21][..], &hierarchy.to_be_bytes(), &sized(&[])].concat();
        let parameters =
            [sized(&template.encode()), sized(&[]), sized(&[]), ticket, sized(name.as_bytes())];
        let parameters = parameters.concat();
        let length = u32::try_from(parameters.len()).unwrap().to_be_bytes();
        let password = [0, 0, 1, 0, 0];
        [&[0x80, 0, 0, 0][..], &length, &parameters, &password].concat()
    }
}

impl TpmTransport for Fake {
    fn exchange(&mut self, command: &[u8], response: &mut Vec<u8>) -> io::Result<()> {
        *response = match (&self.refusal, number(command, 6)) {
            (Some(refusal), _) => refusal.clone(),
            (None, 0x17a) => {
                framed(0x8001, &self.capability(number(command, 10), number(command, 14)))
            }
            (None, 0x131) => framed(0x8002, &self.primary(number(command, 10))),
            (None, 0x165) => framed(0x8001, &[]),
            (None, other) => panic!("command {other:#x}"),
        };
        Ok(())
    }

    fn is_managed(&self) -> bool {
        true
    }
}

fn of(worker: Worker, binding: Option<TpmBinding>) -> Vec<(Outcome, String)> {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    let sys = Path::new("/nowhere");
    let look = Look { worker, is_default: true, sys, binding, now };
    let findings = look.findings(&rustcrypto::provider());
    findings.into_iter().map(|it| (it.outcome, it.message)).collect()
}

fn worker(fake: Fake) -> Worker {
    Worker::new(rustcrypto::provider(), move || Ok(Box::new(fake.clone())))
}

fn said(fake: Fake) -> Vec<(Outcome, String)> {
    of(worker(fake), None)
}

/// What is said of the only thing that is not as it should be.
fn bad(findings: &[(Outcome, String)]) -> &str {
    let mut bad = findings.iter().filter(|(outcome, _)| *outcome == Outcome::Bad);
    let (Some((_, message)), None) = (bad.next(), bad.next()) else { panic!("{findings:?}") };
    message
}

fn unopened(error: fn(TpmPlace) -> TpmOpenError) -> Vec<(Outcome, String)> {
    let open = move || Err(error(TpmPlace::default()));
    of(Worker::new(rustcrypto::provider(), open), None)
}

fn binding(fake: Fake) -> TpmBinding {
    TpmBinding::new(&worker(fake), &rustcrypto::provider()).unwrap()
}

#[test]
fn a_good_one_is_told_as_such() {
    let findings = said(Fake::default());
    assert!(findings.iter().all(|(outcome, _)| *outcome != Outcome::Bad), "{findings:?}");
    assert_eq!(
        findings[0],
        (Outcome::Good, "a TPM 2.0 by IBM, revision 1.64, can keep passkeys (ES256, RS256)".into())
    );
    assert!(findings[1].1.contains("not locked out (0 of 32"), "{findings:?}");
}

#[test]
fn no_device_is_a_note_unless_a_store_needs_it() {
    let none = unopened(TpmOpenError::NoDevice);
    assert_eq!(none.len(), 1);
    assert!(none[0].0 == Outcome::Note && none[0].1.contains("there is no TPM"), "{none:?}");
    let open = || Err(TpmOpenError::NoDevice(TpmPlace::default()));
    let worker = Worker::new(rustcrypto::provider(), open);
    let needed = of(worker, Some(binding(Fake::default())));
    assert!(bad(&needed).contains("there is no TPM"), "{needed:?}");
}

#[test]
fn no_permission_names_the_group() {
    assert!(bad(&unopened(TpmOpenError::NoPermission)).contains("usermod -aG tss"));
}

#[test]
fn a_busy_one_has_a_program_to_stop() {
    assert!(bad(&unopened(TpmOpenError::Busy)).contains("another program has the TPM"));
}

#[test]
fn one_that_the_firmware_has_disabled_says_so() {
    let disabled = Fake { properties: vec![(0x201, 0x8000_0005)], ..Fake::default() };
    assert!(bad(&said(disabled)).contains("storage is turned off"));
    let refusal = Some(framed_code(0x120));
    let disabled = Fake { refusal, ..Fake::default() };
    assert!(bad(&said(disabled)).contains("firmware settings"));
}

fn framed_code(code: u32) -> Vec<u8> {
    [&[0x80, 0x01, 0, 0, 0, 10][..], &code.to_be_bytes()].concat()
}

#[test]
fn one_that_is_locked_out_says_until_when() {
    let properties = vec![(0x200, 0x0200), (0x20e, 32)];
    let locked = said(Fake { properties, ..Fake::default() });
    let (outcome, message) = locked.last().unwrap();
    assert_eq!(*outcome, Outcome::Note, "passkeys are not affected");
    let until = "locked out for what counts on it, such as disk encryption, until Mon, 12 Jan 1970 15:46:40 GMT at the \
                 latest, in 7200 s (32 of 32 wrong passwords";
    assert!(message.contains(until), "{message}");
    let properties = vec![(0x200, 0x0200), (0x20e, 32), (0x210, 0)];
    let for_good = said(Fake { properties, ..Fake::default() });
    assert!(for_good.last().unwrap().1.contains("until its owner resets that"), "{for_good:?}");
}

#[test]
fn one_that_was_cleared_is_told_from_another_one() {
    let known = binding(Fake::default());
    let same = of(worker(Fake::default()), Some(known.clone()));
    assert!(same.iter().any(|(_, it)| it == "it is the TPM that the store knows"), "{same:?}");
    let cleared = Fake { seeds: [2, 1], ..Fake::default() };
    let cleared = of(worker(cleared), Some(known.clone()));
    assert!(bad(&cleared).contains("this TPM was cleared"), "{cleared:?}");
    let other = Fake { seeds: [2, 2], ..Fake::default() };
    let other = of(worker(other), Some(known));
    assert!(bad(&other).contains("this is another TPM"), "{other:?}");
}

#[test]
fn what_it_lacks_is_named() {
    let algorithms = vec![0x0001, 0x0004, 0x0023];
    let without_sha256 = said(Fake { algorithms, ..Fake::default() });
    assert!(bad(&without_sha256).contains("does not have SHA-256"), "{without_sha256:?}");
    let without_p256 = said(Fake { curves: Vec::new(), ..Fake::default() });
    assert!(bad(&without_p256).contains("keys on the curve P-256"), "{without_p256:?}");
}

#[test]
fn one_that_is_too_old_says_what_it_can_not() {
    let old = said(Fake { properties: vec![(0x102, 116)], ..Fake::default() });
    assert!(
        old.iter()
            .any(|(outcome, it)| *outcome == Outcome::Note && it.contains("too old to count PINs")),
        "{old:?}"
    );
    // A TPM 1.2 does not know the tag.
    let refusal = Some([&[0x00, 0xc4, 0, 0, 0, 10][..], &0x1e_u32.to_be_bytes()].concat());
    let older = said(Fake { refusal, ..Fake::default() });
    assert!(bad(&older).contains("version 1.2"), "{older:?}");

    let sys = std::env::temp_dir().join(format!("towline-doctor-tpm-{}", std::process::id()));
    fs::create_dir_all(sys.join("class/tpm/tpm0")).unwrap();
    fs::write(sys.join("class/tpm/tpm0/tpm_version_major"), "1\n").unwrap();
    let (worker, now) = (worker(Fake::default()), SystemTime::UNIX_EPOCH);
    let look = Look { worker, is_default: true, sys: &sys, binding: None, now };
    let findings = look.findings(&rustcrypto::provider());
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].message.contains("too old"), "{findings:?}");
    fs::remove_dir_all(&sys).unwrap();
}
