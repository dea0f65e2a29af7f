//! What people see in a terminal.

pub mod calendar;
pub mod colour;
pub mod diagnostic;
pub mod table;
pub mod time;
pub mod wall;

pub use table::Table;

use std::io::Write;

/// Says something about the process itself on standard error, where it mixes with no output.
pub fn say(text: &str) {
    // Nobody can be told that telling failed.
    let _ = writeln!(std::io::stderr(), "campanile: {text}");
}
