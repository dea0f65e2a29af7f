//! Floor 70: the processor, the role that turns raw alerts into incidents: `Options → Service → Handle`.

mod job;
mod machine;
mod options;
mod service;

pub use campanile_engine::{Drained, Handle, ShardStatus};
pub use machine::machine;
pub use options::{Options, TimeSource};
pub use service::{Directory, Service};
