//! Filling a fresh ledger with an organisation and its noise, the model counting along.

use std::io::Write as _;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use anyhow::{Context, Result, anyhow, ensure};
use campanile_ledger::{AppendError, Appended, Appender, Record, Topic};
use campanile_model::Epoch;
use campanile_model::murmur2::partition_of;
use campanile_pagerduty::objects::{File, Known, load};
use campanile_record::directory::epoch_record;

use super::ground::Ground;
use crate::model::{Model, Step, Totals};
use crate::organisation::{self, maintained};
use crate::report::grouped;
use crate::workload::{self, Workload};

/// Records of one append.
const GROUP: usize = 1000;
/// Appends on their way; enough that a sync covers several, few enough that memory stays small.
const IN_FLIGHT: usize = 16;
/// Events between two lines of progress.
const PROGRESS: u64 = 500_000;

/// Makes the ledger. Gives what must come out of it.
pub(super) fn run(ground: &Ground, shards: u16, source: workload::Options, events: u64) -> Result<Totals> {
    ground.make(shards, |appender| {
        append_directory(appender, shards, source)?;
        append_events(appender, shards, source, events)
    })
}

fn append_directory(appender: &dyn Appender, shards: u16, source: workload::Options) -> Result<()> {
    let files: Vec<File> = organisation::objects(source.seed, source.services)
        .into_iter()
        .map(|(kind, id, bytes)| File { kind, name: format!("{}/{id}.json", kind.folder()), id, bytes })
        .collect();
    let mut no_entropy = || [0; 16];
    let loaded = load(&files, Known::NOTHING, &mut no_entropy, Epoch(1), shards).map_err(|problems| {
        let list: Vec<String> = problems.iter().map(ToString::to_string).collect();
        anyhow!("the workload's own directory is refused:\n{}", list.join("\n"))
    })?;
    let objects = loaded.objects.into_iter();
    let mut records: Vec<Record> =
        objects.map(|(kind, id, json)| Record::new(format!("{}/{id}", kind.folder()), json)).collect();
    records.push(epoch_record(Epoch(1)));
    appender.append_wait(Topic::Directory, 0, records).context("the directory could not be appended")?;
    Ok(())
}

type Answer = Result<Appended, AppendError>;

/// Appends on their way; never more than [`IN_FLIGHT`].
struct Flight<'a> {
    appender: &'a dyn Appender,
    answers: (SyncSender<Answer>, Receiver<Answer>),
    count: usize,
}

impl Flight<'_> {
    fn send(&mut self, partition: u16, records: Vec<Record>) -> Result<()> {
        if self.count == IN_FLIGHT {
            self.wait()?;
        }
        let answer = self.answers.0.clone();
        self.count += 1;
        // The channel has room for every append on its way, so the ledger's thread never blocks here.
        self.appender.append(Topic::Events, partition, records, Box::new(move |it| drop(answer.send(it))));
        Ok(())
    }

    fn wait(&mut self) -> Result<()> {
        let answer = self.answers.1.recv().context("the ledger closed before it answered")?;
        self.count -= 1;
        answer.map(drop).context("events could not be appended")
    }
}

fn append_events(appender: &dyn Appender, shards: u16, source: workload::Options, events: u64) -> Result<Totals> {
    ensure!(source.services > 0, "there is nothing to say without services");
    let mut workload = Workload::new(source);
    let mut model = Model::new();
    let quiet = maintained(source.services);
    let mut flight = Flight { appender, answers: sync_channel(IN_FLIGHT), count: 0 };
    let mut groups: Vec<Vec<Record>> = vec![Vec::with_capacity(GROUP); usize::from(shards)];
    let mut json = Vec::with_capacity(1024);
    for nth in 0..events {
        let fact = workload.write_next(&mut json);
        let key = workload.routing_key(fact.service).to_owned();
        let shard = partition_of(key.as_bytes(), shards);
        model.apply(&Step {
            shard,
            service: u32::from(fact.service),
            alert: u64::from(fact.alert),
            class: u32::from(fact.class),
            hidden: quiet.binary_search(&fact.service).is_ok(),
            action: fact.action,
            at: fact.at,
        });
        let group = &mut groups[usize::from(shard)];
        group.push(Record::new(key, json.clone()));
        if group.len() == GROUP {
            flight.send(shard, std::mem::replace(group, Vec::with_capacity(GROUP)))?;
        }
        if (nth + 1) % PROGRESS == 0 || nth + 1 == events {
            eprint!("\rprefilled {} of {} events", grouped(nth + 1), grouped(events));
            std::io::stderr().flush()?;
        }
    }
    for (shard, group) in (0..shards).zip(groups) {
        if !group.is_empty() {
            flight.send(shard, group)?;
        }
    }
    while flight.count > 0 {
        flight.wait()?;
    }
    eprintln!();
    Ok(model.totals())
}
