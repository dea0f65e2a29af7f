//! `campanile-sim`: reads the command line, prints, sets the exit code.

use std::process::ExitCode;
use std::time::Instant;

use campanile_sim::{Mutation, Weather, choose, replay, search};
use clap::Parser;

/// Simulates processors on a model of Kafka, with faults, and checks the laws after every step.
#[derive(Parser)]
struct Cli {
    /// How many seeds to try.
    #[arg(long, default_value_t = 2000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Tell this one seed's story, and print it.
    #[arg(long)]
    seed: Option<u64>,
    /// With --seed: print a failing story as it is, not made short.
    #[arg(long)]
    whole: bool,
    /// One process and no faults.
    #[arg(long)]
    calm: bool,
    /// The broker also loses what it acknowledged; shards may then stand still, refused.
    #[arg(long)]
    lost_tails: bool,
    /// Put this fault into the code under test; needs the feature `faults`.
    #[arg(long)]
    mutate: Option<String>,
    /// Threads, each with stories of its own.
    #[arg(long, default_value_t = 2)]
    threads: usize,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let mutation = match cli.mutate.as_deref().map(Mutation::parse) {
        Some(None) => {
            let names: Vec<_> = Mutation::ALL.iter().map(|it| it.as_str()).collect();
            eprintln!("no fault has this name; there are {}", names.join(", "));
            return ExitCode::from(2);
        }
        Some(found) => found,
        None => None,
    };
    if !choose(mutation) {
        eprintln!("this build has no faults: add --features faults");
        return ExitCode::from(2);
    }
    campanile_sim::quiet();
    let weather = match (cli.calm, cli.lost_tails) {
        (true, _) => Weather::Calm,
        (false, true) => Weather::LostTails,
        (false, false) => Weather::Stormy,
    };
    if let Some(seed) = cli.seed {
        let (text, is_breach) = replay(seed, weather, mutation, cli.whole);
        print!("{text}");
        return if is_breach { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    }
    let began = Instant::now();
    let report = search(cli.from, cli.seeds, cli.threads, weather, mutation);
    println!(
        "{} seeds, {} steps, {} commits, {} inputs, {} faults in {:.1} s",
        report.seeds,
        report.steps,
        report.commits,
        report.inputs,
        report.faults,
        began.elapsed().as_secs_f64()
    );
    match report.breach {
        None => {
            println!("0 violations");
            ExitCode::SUCCESS
        }
        Some((seed, law)) => {
            println!("seed {seed} breaks a law: {law}");
            let (text, _) = replay(seed, weather, mutation, false);
            print!("{text}");
            let name = mutation.map_or(String::new(), |it| format!(" --mutate {}", it.as_str()));
            println!("replay: cargo run -p campanile-sim -- --seed {seed}{name}");
            ExitCode::FAILURE
        }
    }
}
