//! What an operator may set about the processor.

/// Where log time comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeSource {
    /// The log's append time. The only one that serving roles accept.
    #[default]
    Append,
    /// `payload.timestamp`, for benches, back-tests and the simulator.
    Event,
}

#[derive(Clone, Debug)]
pub struct Options {
    /// Threads that step shards. Default: one per shard, at most the machine's cores. 1 steps all shards in turn.
    pub threads: Option<usize>,
    /// Base of `self` and `html_url` in records, without a slash at the end.
    pub public_url: String,
    pub time: TimeSource,
    /// Whether each commit notes what it consumed on `campanile.steps`. Default on: about 100 bytes a commit.
    pub steps: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { threads: None, public_url: "http://127.0.0.1:8080".to_owned(), time: TimeSource::Append, steps: true }
    }
}
