//! What an operator may set about the gateway.
//!
//! The largest body is not here: 524288 bytes is PagerDuty's contract, and the answer above it names the number.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen. Default 127.0.0.1:8080: nobody outside reaches an installation that nobody has secured yet.
    /// Port 0 takes a free one. Since 0.1.
    pub listen: SocketAddr,
    /// Longest wait for the first byte of a new connection. Default 10 s. Since 0.1.
    pub first_byte_timeout: Duration,
    /// Longest time from the first byte of a request to the end of its head. Default 10 s. Since 0.1.
    pub header_timeout: Duration,
    /// How long a connection may rest between two requests. Default 60 s: longer than the pause between two
    /// notifications of most senders, so that they seldom meet a closed connection. Since 0.1.
    pub idle_timeout: Duration,
    /// Longest time for a body. Default 30 s. Since 0.1.
    pub body_timeout: Duration,
    /// How long a body may be slower than the lowest rate. Default 10 s, which a bad mobile link needs. Since 0.1.
    pub body_grace: Duration,
    /// Lowest rate of a body, in bytes per second, once the grace is over. Default 1024. Since 0.1.
    pub body_bytes_per_second_min: NonZeroU32,
    /// Memory for bodies that are being read or are not yet durable, in bytes; above it the answer is 503. Default
    /// 256 MiB, 512 bodies of the largest size. Since 0.1.
    pub body_memory_bytes_max: usize,
    /// Most open connections; more wait. Default 10000. Since 0.1.
    pub connections_max: usize,
    /// Most open connections from one address; more are closed. Default 5000, half of all, because senders behind one
    /// proxy share an address. Since 0.1.
    pub connections_per_address_max: NonZeroU32,
    /// Most events on their way to the log at once; above it the answer is 503. Default 10000. Since 0.1.
    pub in_flight_max: usize,
    /// Most events per routing key in any 60 s. Default none. PagerDuty allows about 120. Since 0.1.
    pub events_per_key_per_minute_max: Option<NonZeroU32>,
    /// Most bytes of bodies above the limit that are kept in dead letters per minute; further ones are refused all the
    /// same, counted and not kept. Default 64 MiB: whoever sends them need not know a key, and must not fill the disk.
    /// Since 0.1.
    pub too_large_kept_bytes_per_minute_max: u64,
    /// Longest wait for the log to say that an event is durable. Default 30 s. Since 0.1.
    pub append_timeout: Duration,
    /// How long readiness is false before the door closes. Default 0; behind a load balancer as long as it needs to
    /// notice. Since 0.1.
    pub drain_notice: Duration,
    /// Longest wait for requests under way when the door closes. Default 10 s. Since 0.1.
    pub drain_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            first_byte_timeout: Duration::from_secs(10),
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            body_timeout: Duration::from_secs(30),
            body_grace: Duration::from_secs(10),
            body_bytes_per_second_min: NonZeroU32::MIN.saturating_add(1_023),
            body_memory_bytes_max: 256 << 20,
            connections_max: 10_000,
            connections_per_address_max: NonZeroU32::MIN.saturating_add(4_999),
            in_flight_max: 10_000,
            events_per_key_per_minute_max: None,
            too_large_kept_bytes_per_minute_max: 64 << 20,
            append_timeout: Duration::from_secs(30),
            drain_notice: Duration::ZERO,
            drain_timeout: Duration::from_secs(10),
        }
    }
}
