//! Errors, split by what the caller does next.

/// Why a shard cannot go on. A full disk or a slow one is not here: that is [`crate::Settled::Halted`], and it passes.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Stop {
    /// Somebody else owns it now: drop everything, commit nothing.
    #[error("the shard was lost to another owner")]
    Lost,
    /// What was read cannot be right: stop the process, a person must look.
    #[error("the ledger is damaged: {0}")]
    Damaged(String),
    /// The ledger is closing.
    #[error("the ledger is shutting down")]
    Closing,
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum AppendError {
    /// Nothing was written; try again later.
    #[error("the log takes no input now: {0}")]
    Unavailable(String),
    /// It may or may not have been written; a retry can make a repeat.
    #[error("the append is in doubt: {0}")]
    InDoubt(String),
    /// Never will fit.
    #[error("record of {size} bytes exceeds the topic limit of {limit} bytes")]
    TooLarge { size: usize, limit: usize },
    #[error("topic {topic} has {partitions} partitions, none numbered {partition}")]
    NoPartition { topic: &'static str, partition: u16, partitions: u16 },
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum TailError {
    /// The log was trimmed past the position asked for; go on from `start`.
    #[error("offset {asked} is below the start of the log, {start}")]
    Trimmed { asked: u64, start: u64 },
    #[error("the ledger is damaged: {0}")]
    Damaged(String),
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the data directory {path} is in use by another process; stop it, or choose another --data directory")]
    Locked { path: String },
    #[error("the data directory {path} cannot be used: {reason}")]
    Unusable { path: String, reason: String },
    #[error(
        "the data in {path} has format {found}, this program reads {known}; a server upgrades older data when it starts, newer data needs the version that wrote it"
    )]
    Format { path: String, found: u16, known: u16 },
    #[error(
        "the ledger in {path} has {found} shards, {asked} were asked for; the number is fixed when a ledger is made"
    )]
    Shards { path: String, found: u16, asked: u16 },
    #[error("the data in {path} is damaged: {reason}; restore a copy, or move it away to begin anew")]
    Damaged { path: String, reason: String },
    /// Recovery brought back less than was once confirmed as durable.
    #[error(
        "the data in {path} lost confirmed writes: recovered up to {recovered}, confirmed up to {confirmed}; the disk does not keep its word"
    )]
    LostTail { path: String, recovered: u64, confirmed: u64 },
}
