//! The ledger of one process: the card, the ports, and what its shards share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use campanile_ledger::{Appender, Card, MachineId, Tail, Topic};

use crate::appender::KafkaAppender;
use crate::claims::{Group, KafkaShards};
use crate::disk::Disk;
use crate::disk_rocks::Rocks;
use crate::faults;
use crate::host::{Host, Machine};
use crate::openings::Openings;
use crate::options::Options;
use crate::pulse::Pulse;
use crate::table::Table;
use crate::tail::KafkaTail;
use crate::topics::{self, Names, TopicsError, unreachable};
use crate::wire::Cluster;
use crate::wire_rdkafka::RdkafkaCluster;

pub(crate) struct Core {
    pub(crate) options: Options,
    pub(crate) card: Card,
    pub(crate) cluster: Box<dyn Cluster>,
    pub(crate) host: Arc<dyn Host>,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) pulse: Arc<Pulse>,
    pub(crate) group: Mutex<Weak<Group>>,
    /// Why this process is out for good: another has its name.
    pub(crate) fenced: Mutex<Option<String>>,
    pub(crate) openings: Openings,
}

/// What claims, committer, restore and write-behind stand on.
pub struct Ports {
    pub cluster: Box<dyn Cluster>,
    pub host: Arc<dyn Host>,
    pub disk: Arc<dyn Disk>,
}

impl Core {
    pub(crate) fn new(options: Options, card: Card, ports: Ports) -> Arc<Self> {
        let Ports { cluster, host, disk } = ports;
        let pulse = Arc::new(Pulse::new(Arc::clone(&host)));
        let (group, fenced, openings) = Default::default();
        Arc::new(Self { options, card, cluster, host, disk, pulse, group, fenced, openings })
    }
}

/// A ledger on a cluster. Nothing is joined before shards are claimed.
pub struct Ledger {
    core: Arc<Core>,
    appender: Arc<KafkaAppender>,
    tail: Arc<KafkaTail>,
    table: Arc<Table>,
}

impl Ledger {
    /// Reads the card and the topics of the cluster.
    ///
    /// # Errors
    /// The cluster is out of reach, or its topics were not made.
    pub fn open(options: Options) -> Result<Self, TopicsError> {
        faults::open_page(&options.data);
        let card = topics::card(&options)?;
        let names = Names::new(&options);
        let counts = topics::partitions(&options)?;
        let mut partitions = HashMap::new();
        for topic in Topic::ALL {
            let name = names.of(topic);
            let found = counts.get(name).copied().unwrap_or(0);
            if found < topic.partitions(card.shards) {
                let reason = format!("{found} partitions, {} are needed", topic.partitions(card.shards));
                return Err(TopicsError::NotMade { topic: name.to_owned(), reason });
            }
            partitions.insert(topic, found);
        }
        let appender = KafkaAppender::new(&options, names.clone(), partitions);
        let appender = Arc::new(appender.map_err(|error| unreachable(&options, &error))?);
        let tail = KafkaTail::new(&options, card.ledger.0, names.clone());
        let tail = Arc::new(tail.map_err(|error| unreachable(&options, &error))?);
        let table = Arc::new(Table::new(options.clone(), names.clone()));
        let cluster = Box::new(RdkafkaCluster::new(options.clone(), card.ledger.0, card.shards));
        let ports = Ports { cluster, host: Arc::new(Machine), disk: Arc::new(Rocks::new()) };
        Ok(Self { core: Core::new(options, card, ports), appender, tail, table })
    }

    pub fn card(&self) -> Card {
        self.core.card
    }

    /// The shards that the group assigns to this process; it joins at the first claim.
    pub fn shards(&self) -> KafkaShards {
        KafkaShards::new(Arc::clone(&self.core))
    }

    /// Why this process must end and not be restarted as it is, if so: another uses its instance name. The answer outlives
    /// the ledger.
    pub fn fenced(&self) -> impl Fn() -> Option<String> + Send + 'static {
        let core = Arc::downgrade(&self.core);
        move || core.upgrade()?.fenced.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What this process's shards wait for before they open.
    pub fn openings(&self) -> Openings {
        self.core.openings.clone()
    }

    pub fn appender(&self) -> Arc<dyn Appender> {
        Arc::clone(&self.appender) as Arc<dyn Appender>
    }

    pub fn tail(&self) -> Arc<dyn Tail> {
        Arc::clone(&self.tail) as Arc<dyn Tail>
    }

    /// Committed rows of every shard of this ledger's machine, to look at.
    pub fn table(&self) -> Arc<Table> {
        Arc::clone(&self.table)
    }

    /// Those of any machine.
    pub fn table_of(&self, machine: MachineId) -> Arc<Table> {
        let options = self.core.options.of(machine);
        let names = Names::new(&options);
        Arc::new(Table::new(options, names))
    }
}
