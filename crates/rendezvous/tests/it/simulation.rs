//! Random schedules of faults over a service of three nodes. A seed that fails is run alone by
//! `TOWLINE_SEED=N`; `TOWLINE_SEEDS=1000` runs so many.

use std::time::Duration;

use towline_rendezvous::Refusal;

use crate::model::Model;

/// Steps of each seed: something happens, and some time passes.
const STEPS: u64 = 1_000;

fn step(model: &mut Model) {
    let node = model.any_node();
    match model.random.below(1_000) {
        0..300 => model.ring(),
        300..360 => model.computer_leaves(),
        360..400 => model.phone_breaks(),
        400..402 => model.phone_revokes(),
        402..410 => model.kill_node(node),
        410..440 => model.start_node(node),
        440..446 => {
            let time = Duration::from_millis(100 + model.random.below(8_000));
            model.freeze_node(node, time);
        }
        446..452 => model.cut_node(node, true),
        452..470 => model.cut_node(node, false),
        470..474 => model.set_bus(false),
        474..490 => model.set_bus(true),
        493..497 => model.drain_node(node),
        490..493 => {
            let time = Duration::from_millis(model.random.below(8_000));
            model.hold_bus(time);
        }
        _ => {}
    }
    let time = Duration::from_millis(model.random.below(200));
    model.pass(time);
}

fn run(seed: u64) -> (u64, u64, u64) {
    let mut model = Model::new(seed, 3, 12);
    for _ in 0..STEPS {
        step(&mut model);
    }
    model.heal();
    model.pass(Duration::from_secs(240));
    model.check_holders();
    model.everybody_leaves();
    (model.told, model.met, model.drained)
}

/// A service whose nodes are replaced one after the other, whose phones' connections break, and in
/// which nothing else fails.
fn moves(seed: u64) -> u64 {
    let mut model = Model::reliable(seed, 3, 12);
    model.pass(Duration::from_secs(2));
    for _ in 0..STEPS {
        match model.random.below(100) {
            0..40 => model.ring(),
            40..50 => model.phone_breaks(),
            50 => model.replace_one(),
            _ => {}
        }
        let time = Duration::from_millis(model.random.below(200));
        model.pass(time);
    }
    model.pass(Duration::from_secs(240));
    model.heal();
    model.pass(Duration::from_secs(240));
    model.check_holders();
    // Four at once are as many as a phone may hear.
    model.refused.retain(|refusal| *refusal != Refusal::TooMany);
    assert_eq!(model.refused, [], "rings that were lost");
    model.everybody_leaves();
    model.met
}

#[test]
fn no_ring_is_lost_when_phones_move_and_nodes_are_replaced() {
    let (first, count) = seeds();
    let mut met = 0;
    for seed in first..first + count {
        let run = std::panic::catch_unwind(|| moves(seed));
        met += run.unwrap_or_else(|_| panic!("seed {seed}"));
    }
    assert!(met > count * 300, "{met} tunnels");
}

/// The first seed, and how many.
fn seeds() -> (u64, u64) {
    match number("TOWLINE_SEED") {
        Some(seed) => (seed, 1),
        None => (1, number("TOWLINE_SEEDS").unwrap_or(20)),
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn whatever_fails_nothing_rings_wrongly_and_nothing_is_left_behind() {
    let (first, count) = seeds();
    let (mut told, mut met, mut drained) = (0, 0, 0);
    for seed in first..first + count {
        let run = std::panic::catch_unwind(|| run(seed));
        let Ok((more_told, more_met, more_drained)) = run else { panic!("seed {seed}") };
        told += more_told;
        met += more_met;
        drained += more_drained;
    }
    // The faults leave most rings alone.
    assert!(told > count * 20 && met > count * 10, "{told} rings, {met} tunnels");
    assert!(count < 20 || drained > count / 2, "{drained} nodes have left in order");
}

#[test]
fn one_seed_is_one_story() {
    assert_eq!(run(7), run(7));
}
