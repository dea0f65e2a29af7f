//! Through the operator's door: straight appends over the data directory's Unix socket, a JSON object a line.
//!
//! What is due for one record key is sent in one request, for the records of a request go to one partition.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::json;

use super::{Backoff, Common, Tally};
use crate::hostile::Door;
use crate::journal::{Event, Journal};

/// Longest wait for an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Most events taken from the queue at once, and so most records of a request.
const BATCH: usize = 256;

#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The socket of a running server: campanile.sock in its data directory.
    #[arg(long)]
    pub socket: PathBuf,
    #[command(flatten)]
    pub common: Common,
}

/// Appends. Says whether every event was taken.
///
/// # Errors
/// The journal cannot be written, or the door refuses what was sent.
pub fn run(options: &Options) -> Result<bool> {
    let (socket, retry) = (options.socket.clone(), options.common.retry);
    let carrier = move |events: Receiver<Event>, journal: &Journal| carry(&socket, retry, &events, journal);
    super::run(&options.common, Door::Append, Arc::new(carrier))
}

fn carry(socket: &Path, retry: bool, events: &Receiver<Event>, journal: &Journal) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut connection = Connection { socket: socket.to_owned(), stream: None };
    while let Ok(first) = events.recv() {
        let due: VecDeque<Event> = std::iter::once(first).chain(events.try_iter().take(BATCH - 1)).collect();
        for batch in by_key(due) {
            deliver(&mut connection, retry, &batch, journal, &mut tally)?;
        }
    }
    Ok(tally)
}

/// Batches of one record key each, events of a key in their order.
fn by_key(mut due: VecDeque<Event>) -> Vec<Vec<Event>> {
    let mut batches: Vec<Vec<Event>> = Vec::new();
    while let Some(event) = due.pop_front() {
        match batches.iter_mut().find(|batch| batch.first().is_some_and(|it| it.record_key == event.record_key)) {
            Some(batch) => batch.push(event),
            None => batches.push(vec![event]),
        }
    }
    batches
}

fn deliver(
    connection: &mut Connection,
    retry: bool,
    batch: &[Event],
    journal: &Journal,
    tally: &mut Tally,
) -> Result<()> {
    let mut backoff = Backoff::new();
    for attempt in 1.. {
        journal.sends(batch, attempt)?;
        let name = match connection.append(batch) {
            Ok(Answer { partition: Some(partition), first: Some(first), offsets, .. }) => {
                let offsets = offsets.unwrap_or_else(|| (first..).take(batch.len()).collect());
                ensure!(offsets.len() == batch.len(), "{} records got {} offsets", batch.len(), offsets.len());
                journal.appended(batch, attempt, partition, &offsets)?;
                "done"
            }
            Ok(Answer { error, .. }) => {
                let reason = error.map_or_else(|| "an answer without a position".to_owned(), |error| error.to_string());
                journal.lost(batch, attempt, &reason)?;
                "refused"
            }
            Err(error) => {
                connection.stream = None;
                journal.lost(batch, attempt, &format!("{error:#}"))?;
                "lost"
            }
        };
        if name != "done" && retry {
            tally.retries += batch.len() as u64;
            backoff.wait();
            continue;
        }
        tally.answer(name, batch.len() as u64);
        let now = Instant::now();
        batch.iter().for_each(|event| tally.latency.record(now.saturating_duration_since(event.intended)));
        break;
    }
    Ok(())
}

#[derive(Debug, Deserialize)]
struct Answer {
    partition: Option<u64>,
    first: Option<u64>,
    /// Where each record lies, if others may have come in between.
    offsets: Option<Vec<u64>>,
    /// A sentence, or an object around one.
    error: Option<serde_json::Value>,
}

struct Connection {
    socket: PathBuf,
    stream: Option<BufReader<UnixStream>>,
}

impl Connection {
    fn append(&mut self, batch: &[Event]) -> Result<Answer> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => connect(&self.socket)?,
        };
        let mut line = request(batch)?;
        line.push(b'\n');
        stream.get_mut().write_all(&line)?;
        let mut answer = String::new();
        stream.read_line(&mut answer)?;
        ensure!(answer.ends_with('\n'), "the connection ended before an answer");
        let answer = serde_json::from_str(&answer).with_context(|| format!("{answer:?} is no answer"))?;
        self.stream = Some(stream);
        Ok(answer)
    }
}

fn request(batch: &[Event]) -> Result<Vec<u8>> {
    let mut records = Vec::with_capacity(batch.len());
    for event in batch {
        let Ok(value) = std::str::from_utf8(&event.json) else { bail!("event {} is not UTF-8", event.index) };
        let key = Some(&event.record_key).filter(|key| !key.is_empty());
        records.push(json!({ "key": key, "value": value }));
    }
    Ok(serde_json::to_vec(&json!({ "op": "append", "topic": "events", "partition": null, "records": records }))?)
}

fn connect(socket: &Path) -> Result<BufReader<UnixStream>> {
    let stream = UnixStream::connect(socket).with_context(|| format!("{} takes no connection", socket.display()))?;
    stream.set_read_timeout(Some(ANSWER_WITHIN))?;
    stream.set_write_timeout(Some(ANSWER_WITHIN))?;
    Ok(BufReader::new(stream))
}
