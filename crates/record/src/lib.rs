//! Floor 45: the formats of our own topics. Values are JSON with `"v":1`; facts about a record's journey are headers
//! that begin with `campanile-`. docs/reference/topics.md describes them for readers of the topics.

pub mod alert;
pub mod answer;
pub mod body;
pub mod command;
pub mod dead_letter;
pub mod directory;
pub mod gap;
pub mod header;
pub mod hop;
pub mod incident_event;
pub mod incident_notice;
mod json;
pub mod notification;
pub mod page;
pub mod steps;
