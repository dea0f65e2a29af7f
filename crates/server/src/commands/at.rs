//! Which server or cluster a command talks to.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use campanile_ledger_kafka::Options;
use clap::Args;

use crate::client::Client;
use crate::config::{Flags, default_socket};
use crate::desk::Desk;
use crate::wiring::kafka::ledger_options;

/// The data directory where nobody names one.
pub(super) const DATA_DEFAULT: &str = "./campanile-data";
/// The name that the cluster sees in this client's requests.
const OPERATOR: &str = "operator";

/// How a cluster is spoken to, beside its address.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Reach {
    /// A setting of the Kafka client as it is, such as security.protocol=SASL_PLAINTEXT; NAME=@FILE reads the value from
    /// a file, for secrets; again for more
    #[arg(long, value_name = "NAME=VALUE")]
    pub(super) kafka_option: Vec<String>,
    /// First part of the topics' names on Kafka [default: campanile]
    #[arg(long, value_name = "NAME")]
    pub(super) topic_prefix: Option<String>,
}

impl Reach {
    /// Options of the ledger on these brokers.
    ///
    /// # Errors
    /// A setting is not `name=value`, or its file cannot be read.
    pub(super) fn options(&self, brokers: &str, instance: Option<&str>, data: &Path) -> Result<Options> {
        let mut options = ledger_options(brokers, instance, data, &self.kafka_option)?;
        if let Some(prefix) = &self.topic_prefix {
            options.prefix.clone_from(prefix);
        }
        Ok(options)
    }
}

#[derive(Args, Clone)]
pub(super) struct At {
    /// Data directory of the running server [default: ./campanile-data]
    #[arg(long, value_name = "DIR", env = "CAMPANILE_LEDGER_DATA", hide_env_values = true)]
    data: Option<PathBuf>,
    /// Socket of the running server [default: campanile.sock in the data directory]
    #[arg(long, value_name = "PATH", env = "CAMPANILE_DOOR_SOCKET", hide_env_values = true)]
    socket: Option<PathBuf>,
    /// Talk to a Kafka cluster and no server: its brokers, host:port separated by commas; wins over --data and --socket
    #[arg(long, value_name = "BROKERS", env = "CAMPANILE_KAFKA")]
    kafka: Option<String>,
    #[command(flatten)]
    reach: Reach,
}

impl At {
    pub(super) fn data(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(|| DATA_DEFAULT.into())
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.socket.clone().unwrap_or_else(|| default_socket(&self.data()))
    }

    /// What was named, as flags of the configuration.
    pub(super) fn flags(&self) -> Flags {
        Flags::default().with("ledger.data", "--data", self.data.as_ref().map(|path| path.display())).with(
            "door.socket",
            "--socket",
            self.socket.as_ref().map(|path| path.display()),
        )
    }

    /// The brokers, if a cluster was named.
    pub(super) fn kafka(&self) -> Option<&str> {
        self.kafka.as_deref()
    }

    /// Somebody named a server or a cluster.
    pub(super) fn is_named(&self) -> bool {
        self.data.is_some() || self.socket.is_some() || self.kafka.is_some()
    }

    /// Options of the named cluster, if one was.
    ///
    /// # Errors
    /// As [`Reach::options`].
    pub(super) fn options(&self) -> Result<Option<Options>> {
        let options = |brokers: &String| self.reach.options(brokers, Some(OPERATOR), &self.data());
        self.kafka.as_ref().map(options).transpose()
    }

    /// Connects to the server's door, or to the cluster.
    ///
    /// # Errors
    /// As [`Client::connect`] and [`Desk::open`].
    pub(super) fn connect(&self) -> Result<Client> {
        match self.options()? {
            Some(options) => Ok(Client::Kafka(Arc::new(Desk::open(options)?))),
            None => Client::connect(&self.socket()),
        }
    }
}
