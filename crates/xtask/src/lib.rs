//! Tasks of the repository, run as `cargo xtask <task>`.
//!
//! - `tidy` checks what neither the compiler nor clippy can: floors, names, sizes, heads, purity.
//! - `docs` writes the pages that are generated from code; `tidy` checks that they are fresh.
//!
//! A library beside the binary, so that the tests can plant a breach of each rule in a tree of their own.

pub mod docs;
pub mod tidy;
