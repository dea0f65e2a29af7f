//! What an operator may set.

use campanile_escalation as escalation;

#[derive(Clone, Debug)]
pub struct Options {
    /// Threads that step shards. Default 1: pages are few, and it steps all shards in turn.
    pub threads: usize,
    /// Base of links in messages, without a slash at the end.
    pub public_url: String,
    /// The account's choices: delays by priority, last resort, where gaps are told.
    pub paging: escalation::Options,
    /// Orders of one channel that are on their way to its provider at once. Default 16: a provider that stalls holds up
    /// no other channel, and one that is quick is not flooded.
    pub deliveries_per_channel_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            threads: 1,
            public_url: "http://127.0.0.1:8080".to_owned(),
            paging: escalation::Options::default(),
            deliveries_per_channel_max: 16,
        }
    }
}
