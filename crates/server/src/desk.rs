//! The operator's desk on Kafka: every port of the door, held by the command line itself, with the user's own permissions
//! on the cluster. No role runs here and no group is joined.

use std::sync::{Arc, Mutex};

use anyhow::Result;
use campanile_ledger_kafka::{Ledger, Options};
use serde_json::Value;

use crate::door::{self, Ports};
use crate::supervise::{Stop, Supervisor, lock};
use crate::wiring::{kafka, start_feed};

pub struct Desk {
    ports: Ports,
    supervisor: Arc<Supervisor>,
    stop: Stop,
    /// Whether the directory is followed. It is read only when somebody asks for it: a `tail` need not wait.
    is_fed: Mutex<bool>,
}

impl Desk {
    /// Reads the cluster's card and topics.
    ///
    /// # Errors
    /// The cluster is out of reach, or its topics were not made.
    pub fn open(options: Options) -> Result<Self> {
        let ports = kafka::ports(&Ledger::open(options)?);
        // A death of the feed shows in the request that waits for it.
        let (supervisor, _deaths) = Supervisor::new();
        Ok(Self { ports, supervisor, stop: Stop::default(), is_fed: Mutex::new(false) })
    }

    /// Answers a request of the door, line by line.
    ///
    /// # Errors
    /// The directory cannot be read, or `hear` gives one.
    pub fn ask(&self, request: &Value, hear: &mut dyn FnMut(Value) -> Result<()>) -> Result<()> {
        if request["op"].as_str().is_some_and(|op| op.starts_with("directory")) {
            let mut is_fed = lock(&self.is_fed);
            if !*is_fed {
                start_feed(&self.ports.feed, &self.ports.tail, &self.supervisor)?;
                *is_fed = true;
            }
        }
        door::ask(&self.ports, request, hear, &self.stop)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.supervisor.stop().set();
    }
}
