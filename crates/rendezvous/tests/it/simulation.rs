//! Random schedules of faults over a service of three nodes. A seed that fails is run alone by
//! `TOWLINE_SEED=N`; `TOWLINE_SEEDS=1000` runs so many.

use std::time::Duration;

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

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn whatever_fails_nothing_rings_wrongly_and_nothing_is_left_behind() {
    let (first, count) = match number("TOWLINE_SEED") {
        Some(seed) => (seed, 1),
        None => (1, number("TOWLINE_SEEDS").unwrap_or(20)),
    };
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
