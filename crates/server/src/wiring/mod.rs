//! How the parts are put together: one file per ledger. Embedded is the default; Kafka scales out.

mod channels;
mod counted;
pub mod embedded;
mod gate;
pub mod kafka;

pub use channels::to_the_terminal;
pub(crate) use embedded::start_feed;
pub use embedded::{House, Plan};
