//! The gateway over real sockets, its answers byte for byte, on the ledger in memory.

mod answers;
mod bodies;
mod durability;
mod gate;
mod harness;
mod health;
mod life;
mod limits;
mod patience;
mod windows;
