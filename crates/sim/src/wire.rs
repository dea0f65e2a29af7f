//! The wire over the model broker: the same calls as over librdkafka, each of which gives way before its request is there
//! and before its answer is.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use campanile_ledger::{Ends, Lane, Stored};
use campanile_ledger_kafka::Pulse;
use campanile_ledger_kafka::wire::{self, Change, Fault, Owner, Probe, Producer, Reader, Session, Wire, Witness};

use crate::broker::{Body, Broker, Call, Cluster, Hiccup, Place, Standing, at};
use crate::producer::ModelProducer;
use crate::reader::ModelReader;
use crate::schedule::{Life, Shared, Wait, lock};

/// Between two questions of a client that is told to ask again.
const ASK_AGAIN: Duration = Duration::from_millis(20);
/// How long a call waits for an answer.
pub(crate) const ANSWER_WAIT: Duration = Duration::from_secs(6);

/// The network of one life of a process.
#[derive(Clone)]
pub(crate) struct Network {
    pub(crate) shared: Arc<Shared>,
    pub(crate) life: Arc<Life>,
    pub(crate) cluster: Cluster,
}

impl Network {
    /// A request or an answer under way.
    pub(crate) fn way(&self) {
        if self.shared.percent(60) {
            self.life.wait(Wait::Turn);
        } else {
            self.nap(Duration::from_millis(1 + self.shared.below(4) as u64));
        }
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.life.is_dead() || at(&self.cluster).is_cut(self.life.process)
    }

    pub(crate) fn nap(&self, wait: Duration) {
        self.life.wait(Wait::Until(self.shared.after(wait)));
    }

    /// Waits until the broker can be reached; in vain, if that lasts too long.
    fn reach(&self, is_coordinator: bool) -> Result<(), Fault> {
        self.way();
        let until = self.shared.after(ANSWER_WAIT);
        loop {
            if self.life.is_dead() {
                return Err(Fault::Again("the process is dead".to_owned()));
            }
            let broker = at(&self.cluster);
            let is_away = is_coordinator && broker.away_until > self.shared.now();
            let is_cut = broker.is_cut(self.life.process);
            drop(broker);
            if !is_away && !is_cut {
                return Ok(());
            }
            if self.shared.now() >= until {
                return Err(Fault::Again("timed out".to_owned()));
            }
            self.nap(ASK_AGAIN);
        }
    }

    /// Asks until the broker answers. `None` of `ask` is "ask again".
    pub(crate) fn call<T>(
        &self,
        call: Call,
        mut ask: impl FnMut(&mut Broker) -> Result<Option<T>, Fault>,
    ) -> Result<T, Fault> {
        self.reach(call != Call::Changelog && call != Call::Ends && call != Call::Produce)?;
        let hiccup = at(&self.cluster).hiccup(call);
        match hiccup {
            Some(Hiccup::Before) => return Err(Fault::Again("timed out on the way there".to_owned())),
            Some(Hiccup::Fatal) => return Err(Fault::Dead("the client failed for good".to_owned())),
            Some(Hiccup::Slow(ms)) => self.nap(Duration::from_millis(ms as u64)),
            Some(Hiccup::After | Hiccup::Late) | None => {}
        }
        let until = self.shared.after(ANSWER_WAIT * 3);
        loop {
            if self.life.is_dead() {
                return Err(Fault::Again("the process is dead".to_owned()));
            }
            let answer = ask(&mut at(&self.cluster))?;
            match answer {
                Some(answer) => {
                    self.way();
                    if hiccup == Some(Hiccup::After) {
                        return Err(Fault::Again("timed out on the way back".to_owned()));
                    }
                    return Ok(answer);
                }
                None if self.shared.now() >= until => return Err(Fault::Again("timed out".to_owned())),
                None => self.nap(ASK_AGAIN),
            }
        }
    }
}

/// Who a session speaks for, beside its generation.
pub(crate) struct Voice {
    pub(crate) instance: String,
    pub(crate) id: u64,
}

pub(crate) struct ModelCluster {
    pub(crate) network: Network,
    pub(crate) instance: String,
    /// The fault of generation -1: metadata of a consumer that is in no group.
    pub(crate) is_stranger: bool,
}

impl wire::Cluster for ModelCluster {
    fn join(&self, owner: Arc<dyn Owner>) -> Result<Arc<dyn Wire>, Fault> {
        let (network, instance) = (self.network.clone(), self.instance.clone());
        let client = Mutex::default();
        Ok(Arc::new(ModelWire { network, instance, owner, client, is_stranger: self.is_stranger }))
    }

    fn reader(&self, lane: Lane, pulse: Arc<Pulse>) -> Result<Box<dyn Reader>, Fault> {
        Ok(Box::new(ModelReader::new(self.network.clone(), lane, pulse)))
    }
}

/// What the client believes of its membership.
#[derive(Default)]
struct Client {
    id: Option<u64>,
    /// `None` while it joins.
    generation: Option<i32>,
    owned: BTreeSet<u16>,
    is_fenced: bool,
}

pub(crate) struct ModelWire {
    network: Network,
    instance: String,
    owner: Arc<dyn Owner>,
    client: Mutex<Client>,
    is_stranger: bool,
}

impl ModelWire {
    /// One look at the group. True: something was told to the owner.
    fn look(&self) -> bool {
        let (id, owned) = {
            let mut client = lock(&self.client);
            if client.is_fenced {
                return false;
            }
            let id = *client
                .id
                .get_or_insert_with(|| at(&self.network.cluster).group.join(&self.instance, &self.network.life));
            (id, client.owned.clone())
        };
        let standing = at(&self.network.cluster).group.look(&self.instance, id, &owned, &self.network.shared);
        match standing {
            Standing::Joining => {
                lock(&self.client).generation = None;
                false
            }
            Standing::Unknown | Standing::Fenced => self.lose(matches!(standing, Standing::Fenced)),
            Standing::Assigned { generation, shards } => self.follow(id, generation, &owned, &shards),
        }
    }

    fn lose(&self, is_fenced: bool) -> bool {
        let owned = {
            let mut client = lock(&self.client);
            (client.id, client.generation, client.is_fenced) = (None, None, is_fenced);
            std::mem::take(&mut client.owned)
        };
        let number = self.network.life.number;
        at(&self.network.cluster).note(|| format!("life {number}: no member any more, lost {owned:?}"));
        if is_fenced {
            self.owner.fenced("the instance name is another's".to_owned());
        }
        for shard in &owned {
            self.owner.lost(*shard);
        }
        true
    }

    fn follow(&self, id: u64, generation: i32, owned: &BTreeSet<u16>, shards: &BTreeSet<u16>) -> bool {
        let revoked: Vec<u16> = owned.difference(shards).copied().collect();
        let granted: Vec<u16> = shards.difference(owned).copied().collect();
        let mut client = lock(&self.client);
        if revoked.is_empty() && granted.is_empty() {
            client.generation = Some(generation);
            return false;
        }
        let (number, from) = (self.network.life.number, client.generation);
        at(&self.network.cluster).note(|| {
            format!("life {number}: generation {from:?} to {generation}, revoked {revoked:?}, granted {granted:?}")
        });
        // Cleared before the owner is called, as the client library does.
        client.generation = None;
        drop(client);
        if !revoked.is_empty() {
            self.owner.revoking(&revoked);
        }
        {
            let mut client = lock(&self.client);
            client.owned.clone_from(shards);
            client.generation = revoked.is_empty().then_some(generation);
        }
        if !revoked.is_empty() {
            at(&self.network.cluster).group.let_go(&self.instance, id);
        }
        for shard in granted {
            at(&self.network.cluster).group.granted(self.network.life.number, shard);
            self.owner.granted(shard);
        }
        true
    }
}

impl Wire for ModelWire {
    fn poll(&self, wait: Duration) {
        self.network.way();
        let broker = at(&self.network.cluster);
        let is_reached = !broker.is_cut(self.network.life.process) && broker.away_until <= self.network.shared.now();
        drop(broker);
        if !self.network.life.is_dead() && is_reached && self.look() {
            return;
        }
        self.network.nap(wait);
    }

    fn session(&self) -> Option<Session> {
        let client = lock(&self.client);
        if self.is_stranger {
            let voice = Voice { instance: String::new(), id: 0 };
            return Some(Session { generation: -1, native: Arc::new(voice) });
        }
        let (generation, id) = (client.generation?, client.id?);
        Some(Session { generation, native: Arc::new(Voice { instance: self.instance.clone(), id }) })
    }

    fn probe(&self, shard: u16, _door: u64) -> Probe {
        let (generation, id) = {
            let client = lock(&self.client);
            match (client.generation, client.id) {
                (Some(generation), Some(id)) => (generation, id),
                _ => return Probe::Unclear("not in the group at this moment".to_owned()),
            }
        };
        let life = self.network.life.number;
        let answer = self.network.call(Call::Probe, |broker| {
            let member = broker.group.member(&self.instance, id);
            if member == Ok(generation) {
                broker.group.proved(life, shard);
            }
            Ok(Some(member))
        });
        match answer {
            Ok(Ok(newest)) if newest == generation => Probe::Member,
            Ok(Ok(_)) => Probe::Unclear("illegal generation".to_owned()),
            Ok(Err(reason)) => Probe::Gone(reason.to_owned()),
            Err(fault) => Probe::Unclear(fault.to_string()),
        }
    }

    fn producer(&self, shard: u16) -> Result<Box<dyn Producer>, Fault> {
        let life = self.network.life.number;
        let epoch = self.network.call(Call::Init, |broker| Ok(broker.init(shard, life)))?;
        Ok(Box::new(ModelProducer::new(self.network.clone(), shard, epoch)))
    }

    fn committed(&self, shard: u16) -> Result<Option<Witness>, Fault> {
        self.network.call(Call::Committed, |broker| {
            let stored = broker.offsets.stable(shard);
            let witness = stored.map(|it| it.map(|it| Witness { offset: it.offset, metadata: it.metadata.clone() }));
            Ok(witness)
        })
    }

    fn changelog_ends(&self, shard: u16) -> Result<Ends, Fault> {
        self.network.call(Call::Ends, |broker| {
            let log = broker.log(Place::Changelog(shard));
            Ok(Some(Ends { start: log.start, end: log.stable_end() }))
        })
    }

    fn lane_ends(&self, lane: Lane, shard: u16) -> Result<Ends, Fault> {
        self.network.call(Call::Ends, |broker| {
            let log = broker.lane(lane, shard);
            Ok(Some(Ends { start: log.start, end: log.stable_end() }))
        })
    }

    fn changelog(&self, shard: u16, from: u64, until: u64, take: &mut dyn FnMut(Change<'_>)) -> Result<(), Fault> {
        let mut next = from;
        while next < until {
            let piece = 1 + self.network.shared.below(40);
            let read = self.network.call(Call::Changelog, |broker| {
                let log = broker.log(Place::Changelog(shard));
                Ok(Some(log.committed(next, until).take(piece).cloned().collect::<Vec<_>>()))
            })?;
            let Some(last) = read.last() else { return Ok(()) };
            next = last.offset + 1;
            for entry in &read {
                if let Body::Row { key, value } = &entry.body {
                    take(Change { offset: entry.offset, at: entry.at, key, value: value.as_deref() });
                }
            }
        }
        Ok(())
    }
}

/// A record as a reader gives it.
pub(crate) fn stored(entry: &crate::broker::Entry) -> Option<Stored> {
    match &entry.body {
        Body::Record(record) => Some(Stored { offset: entry.offset, at: entry.at, record: record.clone() }),
        Body::Row { .. } | Body::Marker => None,
    }
}
