//! How the parts are put together: one file per ledger. Embedded is the default and the only one so far.

mod counted;
pub mod embedded;
mod gate;

pub use embedded::{House, Plan};
