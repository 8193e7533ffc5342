//! What may happen, and how often.
#![allow(unreachable_pub)]

use proptest::{option, prelude::*};
use towline_ctap::{ConfigSubcommand, Request, SetMinPinLength};

use super::RPS;

#[derive(Debug, Clone)]
pub enum Step {
    SetPin(usize),
    /// From the right PIN or a wrong one, to this.
    ChangePin(bool, usize),
    /// A token for the right PIN or a wrong one, or without any for verification.
    Token {
        pin: Option<bool>,
        permissions: u64,
        rp: Option<usize>,
    },
    Create {
        rp: usize,
        user: u8,
        discoverable: bool,
        proof: bool,
        uv: bool,
    },
    /// A sign-in, and so many accounts after the first.
    SignIn {
        rp: usize,
        list: List,
        up: bool,
        proof: bool,
        uv: bool,
        more: usize,
    },
    /// A look at what there is, or a change, and so many continuations.
    Manage(Management, usize),
    WriteBlobs {
        length: usize,
        part: usize,
    },
    ReadBlobs(u64),
    Settings(ConfigSubcommand),
    /// A finger, and so many samples after the first.
    Enroll(usize),
    RemoveFinger(usize),
    Plain(Request),
    /// What the person does from now on.
    Mood(Mood),
    /// The operation of the store or the keys at this place, from 0, fails, if the next request
    /// comes that far.
    Fault(usize),
    PowerUp,
    Pass(u64),
}

/// What a sign-in lists.
#[derive(Debug, Clone, Copy)]
pub enum List {
    None,
    All,
    /// One credential, with a blob of this length to keep.
    OneToWrite(usize),
}

#[derive(Debug, Clone, Copy)]
pub enum Management {
    Count,
    Parties,
    List(usize),
    Delete(usize),
    Rename(usize),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mood {
    Agrees,
    Refuses,
    Fails,
    Absent,
}

pub fn often() -> impl Strategy<Value = bool> {
    prop::bool::weighted(0.8)
}

pub fn step() -> impl Strategy<Value = Step> {
    let rp = || 0..RPS.len();
    let token = prop_oneof![
        3 => rp().prop_map(|rp| (0x03_u64, Some(rp))),
        3 => rp().prop_map(|rp| (0x3f, Some(rp))),
        4 => Just((0x3c, None)),
        1 => Just((0x40, None)),
        1 => (1..0x80_u64, option::of(rp())),
    ];
    let management = prop_oneof![
        Just(Management::Count),
        Just(Management::Parties),
        (0..2_usize).prop_map(Management::List),
        (0..4_usize).prop_map(Management::Delete),
        (0..4_usize).prop_map(Management::Rename),
    ];
    let list = prop_oneof![
        2 => Just(List::None),
        1 => Just(List::All),
        2 => (0..80_usize).prop_map(List::OneToWrite),
    ];
    let settings = prop_oneof![
        Just(ConfigSubcommand::ToggleAlwaysUv),
        Just(ConfigSubcommand::EnableLongTouchForReset),
        (option::of(0..12_u64), any::<bool>(), any::<bool>()).prop_map(
            |(length, force, strict)| {
                ConfigSubcommand::SetMinPinLength(SetMinPinLength {
                    new_min_pin_length: length,
                    min_pin_length_rp_ids: Some(vec![RPS[0].into()]),
                    force_change_pin: force.then_some(true),
                    pin_complexity_policy: strict.then_some(true),
                })
            }
        ),
    ];
    let plain = prop_oneof![
        4 => Just(Request::GetInfo),
        2 => Just(Request::Selection),
        1 => Just(Request::Reset)
    ];
    let mood = prop_oneof![
        5 => Just(Mood::Agrees),
        1 => Just(Mood::Refuses),
        1 => Just(Mood::Fails),
        1 => Just(Mood::Absent)
    ];
    prop_oneof![
        2 => (0..2_usize).prop_map(Step::SetPin),
        1 => (any::<bool>(), 0..2_usize).prop_map(|(right, new)| Step::ChangePin(right, new)),
        12 => (option::weighted(0.8, often()), token)
            .prop_map(|(pin, (permissions, rp))| Step::Token { pin, permissions, rp }),
        8 => (rp(), 0..3_u8, often(), often(), any::<bool>())
            .prop_map(|(rp, user, discoverable, proof, uv)| Step::Create {
                rp, user, discoverable, proof, uv
            }),
        6 => (rp(), list, often(), often(), any::<bool>(), 0..4_usize)
            .prop_map(|(rp, list, up, proof, uv, more)| Step::SignIn {
                rp, list, up, proof, uv, more
            }),
        8 => (management, 0..3_usize).prop_map(|(what, more)| Step::Manage(what, more)),
        3 => (0..80_usize, 1..80_usize)
            .prop_map(|(length, part)| Step::WriteBlobs { length, part }),
        1 => (0..90_u64).prop_map(Step::ReadBlobs),
        3 => settings.prop_map(Step::Settings),
        3 => (0..6_usize).prop_map(Step::Enroll),
        1 => (0..3_usize).prop_map(Step::RemoveFinger),
        3 => plain.prop_map(Step::Plain),
        4 => mood.prop_map(Step::Mood),
        2 => (0..6_usize).prop_map(Step::Fault),
        1 => Just(Step::PowerUp),
        1 => (0..60_u64).prop_map(Step::Pass),
    ]
}
