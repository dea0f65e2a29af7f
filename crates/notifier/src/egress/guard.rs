//! Where a request that somebody else wrote the address of may go.
//!
//! Whoever may write a webhook must not reach what only this machine can reach. A host name is resolved once, every
//! address it has is judged, and the connection goes to a judged address, so a name that changes its mind between the
//! two gains nothing. One bad address refuses the name: a name that has both is a trick, or a mistake.

use std::net::IpAddr;

use ipnet::IpNet;
use thiserror::Error;
use url::{Host, Url};

use super::address;

/// Ports that need no entry in the allow-list. Source: reference of this project, "SSRF".
pub const PORTS: [u16; 3] = [80, 443, 8443];

/// Longest address of a request, in bytes. Common servers and proxies refuse longer ones.
pub const URL_BYTES_MAX: usize = 2_048;

/// Why a request may not leave. Asking again will not help; changing the address or the allow-list will.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    #[error("the address is no URL: {0}")]
    NotUrl(String),
    #[error("an address of {0} bytes exceeds the limit of {URL_BYTES_MAX} bytes")]
    TooLong(usize),
    #[error("scheme {0} is neither http nor https")]
    Scheme(String),
    #[error("the address names no host")]
    NoHost,
    #[error("port {0} is none of 80, 443 and 8443; list the host in egress.allow to open its other ports")]
    Port(u16),
    #[error(
        "{host} has the address {address}, which is not the public internet ({what}); list it in egress.allow if it is meant"
    )]
    Inside { host: String, address: IpAddr, what: &'static str },
    #[error("{host} is {address}, this very machine; list it in egress.allow if it is meant")]
    Ourselves { host: String, address: IpAddr },
}

/// One entry of the allow-list: a network, an address, or a host name in full. It opens every port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed {
    Network(IpNet),
    /// In lower case, without a dot at the end. Its addresses are not judged: the operator answers for the name.
    Host(String),
}

impl Allowed {
    /// Reads an entry as an operator writes it: `10.1.0.0/16`, `10.1.2.3`, `fd00::/8`, `hooks.example.org`.
    ///
    /// # Errors
    /// What the entry would have to look like.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some(network) = address::network(text) {
            return Ok(Self::Network(network));
        }
        match Host::parse(text) {
            Ok(Host::Domain(name)) if !text.contains(['/', '*']) => Ok(Self::Host(plain(&name))),
            Ok(Host::Ipv4(address)) => Ok(Self::Network(IpNet::from(IpAddr::V4(address)))),
            _ => Err(format!("\"{text}\" is neither a network like 10.1.0.0/16, nor an address, nor a host name")),
        }
    }
}

/// What the operator opens.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    pub allow: Vec<Allowed>,
}

impl Guard {
    /// Judges an address before anything is resolved: its length, its scheme, its host.
    ///
    /// Odd spellings of numbers (`0x7f.1`, `2130706433`, `０`) and of names are read as browsers read them, and what is
    /// judged and connected to is the result.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn url(text: &str) -> Result<Url, Refusal> {
        if text.len() > URL_BYTES_MAX {
            return Err(Refusal::TooLong(text.len()));
        }
        let url = Url::parse(text).map_err(|error| Refusal::NotUrl(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refusal::Scheme(url.scheme().to_owned()));
        }
        match url.host_str() {
            Some(host) if !host.trim_matches('.').is_empty() => Ok(url),
            _ => Err(Refusal::NoHost),
        }
    }

    /// Judges where a host was resolved to. `addresses` are all that it has.
    ///
    /// # Errors
    /// The first address that may not be connected to, or the port.
    pub fn addresses(&self, host: &str, port: u16, addresses: &[IpAddr]) -> Result<(), Refusal> {
        if self.allows_host(host) {
            return Ok(());
        }
        let judged = addresses.iter().filter(|address| !self.allows_address(**address));
        for &address in judged.clone() {
            if let Some(what) = address::inside(address) {
                return Err(Refusal::Inside { host: host.to_owned(), address, what });
            }
        }
        if judged.count() > 0 && !PORTS.contains(&port) {
            return Err(Refusal::Port(port));
        }
        Ok(())
    }

    /// Judges a connection that was made: one whose two ends are the same machine came home by its public address.
    ///
    /// # Errors
    /// It did.
    pub fn connected(&self, host: &str, local: IpAddr, peer: IpAddr) -> Result<(), Refusal> {
        if local == peer && !self.allows_host(host) && !self.allows_address(peer) {
            return Err(Refusal::Ourselves { host: host.to_owned(), address: peer });
        }
        Ok(())
    }

    fn allows_host(&self, host: &str) -> bool {
        let host = plain(host);
        self.allow.iter().any(|entry| matches!(entry, Allowed::Host(name) if *name == host))
    }

    fn allows_address(&self, address: IpAddr) -> bool {
        self.allow.iter().any(|entry| matches!(entry, Allowed::Network(network) if network.contains(&address)))
    }
}

fn plain(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}
