//! Which server a command talks to.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::client::Client;
use crate::config::default_socket;

/// The data directory where nobody names one.
pub(super) const DATA_DEFAULT: &str = "./campanile-data";

#[derive(Args, Clone)]
pub(super) struct At {
    /// Data directory of the running server [default: ./campanile-data]
    #[arg(long, value_name = "DIR", env = "CAMPANILE_LEDGER_DATA", hide_env_values = true)]
    data: Option<PathBuf>,
    /// Socket of the running server [default: campanile.sock in the data directory]
    #[arg(long, value_name = "PATH", env = "CAMPANILE_DOOR_SOCKET", hide_env_values = true)]
    socket: Option<PathBuf>,
}

impl At {
    pub(super) fn data(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(|| DATA_DEFAULT.into())
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.socket.clone().unwrap_or_else(|| default_socket(&self.data()))
    }

    /// Somebody named a server.
    pub(super) fn is_named(&self) -> bool {
        self.data.is_some() || self.socket.is_some()
    }

    /// Connects to the server's door.
    ///
    /// # Errors
    /// As [`Client::connect`].
    pub(super) fn connect(&self) -> Result<Client> {
        Client::connect(&self.socket())
    }
}
