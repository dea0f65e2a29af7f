//! The transaction coordinator: producer epochs, fencing, time-outs, and ends whose markers come later.

use std::collections::BTreeSet;

use campanile_ledger_kafka::wire::Fault;
use campanile_model::{Span, Timestamp};

use super::{Body, Broker, Committed, Happening, Log, Place};

/// `session.timeout.ms` of the group.
pub(crate) const SESSION_MS: i64 = 10_000;
/// `transaction.timeout.ms` of the producers.
const TRANSACTION_MS: i64 = 8_000;

pub(crate) struct Open {
    number: u64,
    life: u64,
    began: Timestamp,
    places: BTreeSet<Place>,
    has_offsets: bool,
    /// Why its commit would be a zombie's.
    trespass: Option<String>,
}

#[derive(Default)]
pub(crate) enum State {
    #[default]
    Idle,
    Ongoing(Open),
    Ending {
        number: u64,
        is_commit: bool,
        /// Markers that are not written yet, each with its time; `None` is the offsets topic.
        markers: Vec<(Timestamp, Option<Place>)>,
    },
}

/// One transactional id, which is one shard.
#[derive(Default)]
pub(crate) struct Coordinator {
    pub(crate) epoch: i64,
    pub(crate) state: State,
    transactions: u64,
    /// EndTxn requests that are still on their way: when, with which epoch.
    late: Vec<(Timestamp, i64)>,
}

impl Broker {
    pub(crate) fn coordinator(&mut self, shard: u16) -> &mut Coordinator {
        self.coordinators.entry(shard).or_default()
    }

    /// InitProducerId. `None` while the last transaction is not wholly ended: ask again.
    pub(crate) fn init(&mut self, shard: u16, life: u64) -> Option<i64> {
        match self.coordinator(shard).state {
            State::Idle => {
                let may = self.group.may_init(life, shard);
                if let Some(owner) = self.group.owner_beside(life, shard).filter(|_| !may) {
                    self.breach(format!(
                        "zombie: life {life} fenced {owner}, the owner of shard {shard}, without asking the group"
                    ));
                }
                let coordinator = self.coordinator(shard);
                coordinator.epoch += 1;
                let epoch = coordinator.epoch;
                self.note(|| format!("shard {shard}: epoch {epoch} for life {life}"));
                Some(epoch)
            }
            State::Ongoing(_) => {
                self.coordinator(shard).epoch += 1;
                self.decide(shard, false);
                None
            }
            State::Ending { .. } => None,
        }
    }

    /// InitProducerId with an epoch that is there, as a client asks when it aborts what was not delivered. As in Kafka, the
    /// epoch is compared only when nothing is open. `None`: ask again.
    pub(crate) fn bump(&mut self, shard: u16, epoch: i64, life: u64) -> Result<Option<i64>, Fault> {
        let newest = self.coordinator(shard).epoch;
        match &self.coordinator(shard).state {
            State::Idle if newest == epoch || newest == epoch + 1 => {
                let epoch = newest + 1;
                self.coordinator(shard).epoch = epoch;
                Ok(Some(epoch))
            }
            State::Idle => self.check(shard, epoch).map(|()| None),
            State::Ongoing(_) => {
                let may = self.group.may_init(life, shard);
                if let Some(owner) = self.group.owner_beside(life, shard).filter(|_| !may) {
                    self.breach(format!(
                        "zombie: life {life} aborted a transaction of {owner}, the owner of shard {shard}, without asking the group"
                    ));
                }
                self.coordinator(shard).epoch += 1;
                self.decide(shard, false);
                Ok(None)
            }
            State::Ending { .. } => Ok(None),
        }
    }

    fn check(&mut self, shard: u16, epoch: i64) -> Result<(), Fault> {
        let newest = self.coordinator(shard).epoch;
        if newest == epoch {
            return Ok(());
        }
        Err(Fault::Dead(format!("fenced: epoch {epoch} of shard {shard}, now {newest}")))
    }

    /// Opens the transaction at its first use. `None` while the last one is ending.
    fn open(&mut self, shard: u16, epoch: i64, life: u64) -> Result<Option<&mut Open>, Fault> {
        self.check(shard, epoch)?;
        let now = self.shared.now();
        let coordinator = self.coordinator(shard);
        if let State::Idle = coordinator.state {
            coordinator.transactions += 1;
            let number = (u64::from(shard) << 32) + coordinator.transactions;
            let (places, has_offsets, trespass) = Default::default();
            coordinator.state = State::Ongoing(Open { number, life, began: now, places, has_offsets, trespass });
        }
        Ok(match &mut coordinator.state {
            State::Ongoing(open) => Some(open),
            State::Idle | State::Ending { .. } => None,
        })
    }

    /// Produces one record of the open transaction. `None`: ask again.
    pub(crate) fn produce(
        &mut self,
        (shard, epoch, life): (u16, i64, u64),
        place: Place,
        body: Body,
    ) -> Result<Option<(u64, Timestamp)>, Fault> {
        let Some(open) = self.open(shard, epoch, life)? else { return Ok(None) };
        open.places.insert(place);
        let number = open.number;
        let now = self.now();
        let appended = self.log(place).append(now, Some(number), body);
        Ok(Some(appended))
    }

    /// AddOffsetsToTxn and TxnOffsetCommit; the caller has asked the group. `None`: ask again.
    pub(crate) fn pend_offset(
        &mut self,
        (shard, epoch, life): (u16, i64, u64),
        (offset, metadata): (u64, &str),
    ) -> Result<Option<()>, Fault> {
        let trespass = self.group.owner_beside(life, shard);
        let Some(open) = self.open(shard, epoch, life)? else { return Ok(None) };
        open.has_offsets = true;
        if let Some(owner) = trespass {
            open.trespass = Some(format!("life {life} commits shard {shard}, which the group gave to {owner}"));
        }
        let number = open.number;
        self.offsets.pend(number, shard, offset, metadata);
        Ok(Some(()))
    }

    /// EndTxn.
    pub(crate) fn end(&mut self, shard: u16, epoch: i64, is_commit: bool) -> Result<(), Fault> {
        self.check(shard, epoch)?;
        match &self.coordinator(shard).state {
            State::Ongoing(_) => self.decide(shard, is_commit),
            State::Ending { is_commit: before, .. } if *before != is_commit => {
                return Err(Fault::Dead("invalid transaction state".to_owned()));
            }
            // A repeat, or nothing was sent.
            State::Ending { .. } | State::Idle => {}
        }
        Ok(())
    }

    /// An EndTxn that arrives later, when the client has long asked again.
    pub(crate) fn end_later(&mut self, shard: u16, epoch: i64, wait_ms: i64) {
        let at = self.shared.now() + Span(wait_ms);
        self.coordinator(shard).late.push((at, epoch));
    }

    /// The decision; markers follow one by one, each with a lag of its own.
    fn decide(&mut self, shard: u16, is_commit: bool) {
        let State::Ongoing(open) = std::mem::take(&mut self.coordinator(shard).state) else { return };
        let now = self.shared.now();
        let lag = if self.shared.percent(6) { 900 } else { 12 };
        let mut markers = Vec::new();
        let places = open.places.iter().map(|place| Some(*place));
        for place in places.chain(open.has_offsets.then_some(None)) {
            markers.push((now + Span(self.shared.below(lag) as i64), place));
        }
        if is_commit {
            self.tell(shard, &open);
        }
        let number = open.number;
        self.note(|| {
            format!("shard {shard}: transaction {} {}", number as u32, if is_commit { "commits" } else { "aborts" })
        });
        let is_done = markers.is_empty();
        let state = if is_done { State::Idle } else { State::Ending { number, is_commit, markers } };
        self.coordinator(shard).state = state;
    }

    fn tell(&mut self, shard: u16, open: &Open) {
        self.group.has_claimed(open.life, shard);
        if let Some(trespass) = &open.trespass {
            self.breach(format!("zombie: {trespass}"));
        }
        let (mut records, mut rows) = (Vec::new(), Vec::new());
        for place in &open.places {
            let entries = self.logs.get(place).into_iter().flat_map(|log: &Log| log.of_transaction(open.number));
            for entry in entries {
                match &entry.body {
                    Body::Record(record) => records.push((*place, record.clone())),
                    Body::Row { key, value } => rows.push((key.clone(), value.clone())),
                    Body::Marker => {}
                }
            }
        }
        let witness = self.offsets.of_transaction(open.number);
        let witness = witness.map(|stored| (stored.offset, stored.metadata.clone()));
        self.happenings.push(Happening::Committed(Committed { shard, records, rows, witness }));
    }

    /// Writes a marker, or lets a late EndTxn arrive, if one is due.
    pub(super) fn write_a_marker(&mut self) -> bool {
        let now = self.shared.now();
        for (shard, coordinator) in &mut self.coordinators {
            if let Some(nth) = coordinator.late.iter().position(|(at, _)| *at <= now) {
                let ((_, epoch), shard) = (coordinator.late.remove(nth), *shard);
                self.note(|| format!("shard {shard}: a late EndTxn of epoch {epoch} arrives"));
                drop(self.end(shard, epoch, true));
                return true;
            }
            let State::Ending { number, is_commit, markers } = &mut coordinator.state else { continue };
            let Some(nth) = markers.iter().position(|(at, _)| *at <= now) else { continue };
            let (_, place) = markers.remove(nth);
            let (number, is_commit) = (*number, *is_commit);
            if markers.is_empty() {
                coordinator.state = State::Idle;
            }
            let at = self.now();
            match place {
                Some(place) => self.log(place).end_transaction(at, number, is_commit),
                None => self.offsets.end_transaction(number, is_commit),
            }
            self.beat();
            return true;
        }
        false
    }

    pub(super) fn next_marker(&self) -> Option<Timestamp> {
        let dues = self.coordinators.values().flat_map(|coordinator| {
            let markers = match &coordinator.state {
                State::Ending { markers, .. } => markers.as_slice(),
                State::Idle | State::Ongoing(_) => &[],
            };
            let late = coordinator.late.iter().map(|(at, _)| *at);
            markers.iter().map(|(at, _)| *at).chain(late)
        });
        dues.min()
    }

    /// The coordinator aborts what stays open too long, and fences who left it open.
    pub(super) fn time_out_a_transaction(&mut self) -> bool {
        let now = self.shared.now();
        let is_old = |coordinator: &Coordinator| match &coordinator.state {
            State::Ongoing(open) => open.began + Span(TRANSACTION_MS) <= now,
            State::Idle | State::Ending { .. } => false,
        };
        let Some(shard) = self.coordinators.iter().find(|(_, it)| is_old(it)).map(|(shard, _)| *shard) else {
            return false;
        };
        self.coordinator(shard).epoch += 1;
        self.decide(shard, false);
        true
    }

    pub(super) fn next_time_out(&self) -> Option<Timestamp> {
        let dues = self.coordinators.values().filter_map(|coordinator| match &coordinator.state {
            State::Ongoing(open) => Some(open.began + Span(TRANSACTION_MS)),
            State::Idle | State::Ending { .. } => None,
        });
        dues.min()
    }
}
