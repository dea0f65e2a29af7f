//! `campanile offsets`: for the case that somebody moved the offset of the processors' group.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};
use campanile_ledger_kafka::offsets::{Standing, go_on_from, standings};
use campanile_ledger_kafka::topics;
use clap::{Args as ClapArgs, Subcommand};

use super::kafka::Cluster;
use crate::print::{Table, say};

#[derive(ClapArgs)]
#[command(after_help = "\
A shard whose offset was moved, say by kafka-consumer-groups.sh --reset-offsets, is refused until somebody decides. Stop
every processor, then:

  campanile offsets show --kafka BROKERS
  campanile offsets restore --shard 0 --kafka BROKERS     back to where the changelog stands: nothing was meant
  campanile offsets accept --shard 0 --kafka BROKERS      go on from the moved offset: judge again, or skip what lies between")]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Show where each shard stands; exit 1 if one was moved
    Show {
        #[command(flatten)]
        cluster: Cluster,
    },
    /// Go on from the moved offset
    Accept {
        #[command(flatten)]
        which: Which,
    },
    /// Go on from where the changelog stands, as if nobody had moved the offset
    Restore {
        #[command(flatten)]
        which: Which,
    },
}

#[derive(ClapArgs)]
struct Which {
    #[command(flatten)]
    cluster: Cluster,
    /// The shard
    #[arg(long, value_name = "N")]
    shard: u16,
}

pub(super) fn run(args: Args) -> Result<ExitCode> {
    match args.verb {
        Verb::Show { cluster } => show(&cluster),
        Verb::Accept { which } => decide(&which, |standing| standing.offset.as_ref().map(|(offset, _)| *offset)),
        Verb::Restore { which } => decide(&which, |standing| standing.last.as_ref().map(|last| last.next[0])),
    }
}

fn show(cluster: &Cluster) -> Result<ExitCode> {
    let options = cluster.options(Path::new("."))?;
    let standings = standings(&options, topics::card(&options)?)?;
    let mut table = Table::new(&["SHARD", "COMMIT", "CHANGELOG AT", "GROUP AT", "LANE", "STANDS"]);
    for it in &standings {
        let text = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
        table.add(vec![
            it.shard.to_string(),
            text(it.last.as_ref().map(|last| last.seq)),
            text(it.last.as_ref().map(|last| last.next[0])),
            text(it.offset.as_ref().map(|(offset, _)| *offset)),
            format!("{}..{}", it.lane.start, it.lane.end),
            if it.is_moved() { "moved: refused until accept or restore" } else { "well" }.to_owned(),
        ]);
    }
    table.print()?;
    let is_moved = standings.iter().any(Standing::is_moved);
    Ok(if is_moved { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn decide(which: &Which, position: impl Fn(&Standing) -> Option<u64>) -> Result<ExitCode> {
    let options = which.cluster.options(Path::new("."))?;
    let card = topics::card(&options)?;
    let shard = which.shard;
    let Some(standing) = standings(&options, card)?.into_iter().find(|it| it.shard == shard) else {
        bail!("this ledger has {} shards, none numbered {shard}", card.shards);
    };
    if !standing.is_moved() {
        bail!("the offset of shard {shard} was not moved; nothing is to be decided");
    }
    let main = position(&standing).unwrap_or(standing.lane.start);
    let record = go_on_from(&options, card, &standing, main)?;
    say(&format!("shard {shard} goes on from {main}, commit {}; start the processors again", record.seq));
    Ok(ExitCode::SUCCESS)
}
