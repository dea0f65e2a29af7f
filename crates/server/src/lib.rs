//! Floor 80: the house. The `campanile` binary with its roles, wiring, configuration and supervision, the operator's
//! door, and the commands that use it.
//!
//! ```text
//!  commands ──► config ──► wiring ──► ledger-rocks · gateway · processor
//!      │                     │
//!      └── client ──► door ──┴──► feed (the directory) · apply
//! ```
//!
//! The library exists for the binary and its tests; nothing else is meant to use it.

pub mod apply;
pub mod client;
pub mod commands;
pub mod config;
pub mod demo;
pub mod desk;
pub mod doctor;
pub mod door;
pub mod failure;
pub mod feed;
pub mod folder;
pub mod http;
pub mod logs;
pub mod print;
pub mod readiness;
pub mod roles;
pub mod signals;
pub mod supervise;
pub mod telemetry;
pub mod watch;
pub mod wiring;
