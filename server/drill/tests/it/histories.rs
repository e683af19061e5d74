//! Short histories in a simulated world, and whether they find what is wrong.

use symbolon_drill::{Options, Outcome, Stage};
use symbolon_kernel::simulation::Mutation;

/// Histories that must hold.
const HISTORIES: u64 = 60;
/// Histories in which whatever is broken must be found.
const ENOUGH: u64 = 400;

fn outcomes(options: Options, seeds: std::ops::Range<u64>) -> impl Iterator<Item = (u64, Outcome)> {
    let stage = Stage::new().unwrap();
    seeds.map(move |seed| (seed, stage.play(seed, options).unwrap()))
}

#[test]
fn nothing_is_lost_and_nothing_happens_twice_whatever_befalls_whom() {
    for (seed, outcome) in outcomes(Options::default(), 1..HISTORIES) {
        assert_eq!(outcome.findings, [""; 0], "seed {seed}");
    }
}

#[test]
fn a_seed_is_one_history() {
    let traced = Options { is_traced: true, ..Options::default() };
    for ((seed, one), (_, other)) in outcomes(traced, 1..10).zip(outcomes(traced, 1..10)) {
        assert_eq!(one, other, "seed {seed}");
    }
    let digests = |seeds| outcomes(Options::default(), seeds).map(|(_, it)| it.digest);
    assert!(digests(1..3).zip(digests(2..4)).all(|(one, other)| one != other));
}

#[test]
fn whatever_rule_is_broken_a_history_finds_it() {
    std::thread::scope(|scope| {
        for (name, mutation) in Mutation::ALL {
            scope.spawn(move || {
                let broken = Options { mutation: Some(mutation), is_traced: false };
                let found = outcomes(broken, 1..ENOUGH).any(|(_, it)| !it.findings.is_empty());
                assert!(found, "{name} is not found in {ENOUGH} histories");
            });
        }
    });
}
