//! Who listens on a port: for the message that a busy port deserves.

use std::fs;
use std::net::SocketAddr;

/// State of a listening socket in the kernel's tables. Source: Linux, `include/net/tcp_states.h`, TCP_LISTEN.
const LISTENING: &str = "0A";

/// Name and process id of who listens there, as `name (process 1234)`, if the system tells. Another user's process is
/// not told to us, nor is anything on systems without `/proc`.
pub(crate) fn listening_on(address: SocketAddr) -> Option<String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let inodes: Vec<String> = tables
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| listening_inodes(&table, address.port()))
        .collect();
    let processes = fs::read_dir("/proc").ok()?;
    processes.flatten().find_map(|process| {
        let id = process.file_name().to_str()?.parse::<u32>().ok()?;
        let sockets = fs::read_dir(process.path().join("fd")).ok()?;
        let holds_it = sockets.flatten().filter_map(|socket| fs::read_link(socket.path()).ok()).any(|target| {
            target
                .to_str()
                .and_then(|target| target.strip_prefix("socket:[")?.strip_suffix(']'))
                .is_some_and(|inode| inodes.iter().any(|wanted| wanted == inode))
        });
        let name = fs::read_to_string(process.path().join("comm")).ok()?;
        holds_it.then(|| format!("{} (process {id})", name.trim_end()))
    })
}

/// Inodes of the sockets that listen on the port, in a table as `/proc/net/tcp` shows it.
fn listening_inodes(table: &str, port: u16) -> Vec<String> {
    let port = format!("{port:04X}");
    let rows = table.lines().skip(1).map(|row| row.split_whitespace().collect::<Vec<_>>());
    rows.filter(|columns| {
        columns.get(1).is_some_and(|local| local.rsplit(':').next() == Some(port.as_str()))
            && columns.get(3) == Some(&LISTENING)
    })
    .filter_map(|columns| columns.get(9).map(|inode| (*inode).to_owned()))
    .collect()
}
