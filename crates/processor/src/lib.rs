//! Floor 70: the processor, the role that turns raw alerts into incidents: `Options → Service → Handle`.

mod job;
mod machine;
mod options;
mod service;

pub use machine::machine;
pub use options::{Options, TimeSource};
pub use service::{Directory, Drained, Handle, Service, ShardStatus};
