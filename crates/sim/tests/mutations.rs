//! Every seeded fault is found. A program of its own, because a fault is chosen for the whole process.

use campanile_sim::{Mutation, Weather, choose, search};

/// Source: the project's own promise for the simulation.
const SEEDS_MAX: u64 = 500;

#[test]
fn every_mutation_is_found_within_500_seeds() {
    campanile_sim::quiet();
    for mutation in Mutation::ALL {
        assert!(choose(Some(mutation)), "this build has {}", mutation.as_str());
        let report = search(0, SEEDS_MAX, 2, Weather::Stormy, Some(mutation));
        let Some((seed, law)) = report.breach else { panic!("{} was not found", mutation.as_str()) };
        println!("{}: seed {seed}: {law}", mutation.as_str());
    }
    assert!(choose(None));
}
