//! Which requests a broker answers. The client library knows and does not tell, so the question is asked over a connection
//! of its own: Kafka's ApiVersions, version 0, which every broker since 0.10 answers before anybody has signed in.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

const WAIT: Duration = Duration::from_secs(3);
/// Longest answer, in bytes. Ours: brokers send about 500.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
const API_VERSIONS: i16 = 18;
const TXN_OFFSET_COMMIT: i16 = 28;
const CONSUMER_GROUP_HEARTBEAT: i16 = 68;

/// What a broker answers, as far as it matters here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Versions {
    /// Kinds of requests that it answers at all.
    pub requests: usize,
    /// Newest version of TxnOffsetCommit. Source: KIP-447, the group's fence came with version 3 (Kafka 2.5).
    pub txn_offset_commit: Option<i16>,
    /// Whether it has the consumer protocol of KIP-848 (Kafka 4.0).
    pub has_consumer_protocol: bool,
}

/// Asks the broker at `host:port`, in plain text. An encrypted listener does not answer this.
///
/// # Errors
/// Nobody listens there, or it speaks something else.
pub fn versions(address: &str) -> io::Result<Versions> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, WAIT) {
            Ok(stream) => return ask(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn ask(mut stream: TcpStream) -> io::Result<Versions> {
    stream.set_read_timeout(Some(WAIT))?;
    stream.set_write_timeout(Some(WAIT))?;
    let client = b"campanile-doctor";
    let mut request = Vec::new();
    request.extend(API_VERSIONS.to_be_bytes());
    request.extend(0_i16.to_be_bytes());
    request.extend(1_i32.to_be_bytes());
    request.extend((client.len() as i16).to_be_bytes());
    request.extend(client);
    stream.write_all(&(request.len() as i32).to_be_bytes())?;
    stream.write_all(&request)?;
    let mut size = [0; 4];
    stream.read_exact(&mut size)?;
    let size = usize::try_from(i32::from_be_bytes(size)).unwrap_or(usize::MAX);
    if size > ANSWER_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "no Kafka broker answers there"));
    }
    let mut answer = vec![0; size];
    stream.read_exact(&mut answer)?;
    read(&answer).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no Kafka broker answers there"))
}

/// Correlation id, error code, and an array of (request, oldest version, newest version).
fn read(answer: &[u8]) -> Option<Versions> {
    let (head, rest) = answer.split_at_checked(10)?;
    let count = usize::try_from(i32::from_be_bytes(head[6..10].try_into().ok()?)).ok()?;
    if head[0..4] != 1_i32.to_be_bytes() || head[4..6] != [0, 0] || rest.len() != count.checked_mul(6)? {
        return None;
    }
    let mut versions = Versions { requests: count, ..Versions::default() };
    for entry in rest.chunks_exact(6) {
        match i16::from_be_bytes([entry[0], entry[1]]) {
            TXN_OFFSET_COMMIT => versions.txn_offset_commit = Some(i16::from_be_bytes([entry[4], entry[5]])),
            CONSUMER_GROUP_HEARTBEAT => versions.has_consumer_protocol = true,
            _ => {}
        }
    }
    Some(versions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_of_a_broker_is_read() {
        let mut answer = vec![0, 0, 0, 1, 0, 0, 0, 0, 0, 2];
        answer.extend([0, 28, 0, 0, 0, 5, 0, 68, 0, 0, 0, 1]);
        let expected = Versions { requests: 2, txn_offset_commit: Some(5), has_consumer_protocol: true };
        assert_eq!(read(&answer), Some(expected));
    }

    #[test]
    fn anything_else_is_refused() {
        assert_eq!(read(b"HTTP/1.1 400 Bad Request"), None);
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[0, 0, 0, 1, 0, 0, 0, 0, 0, 2, 0, 28, 0, 0, 0, 5]), None, "one entry of two");
        assert_eq!(read(&[0, 0, 0, 1, 0, 35, 0, 0, 0, 0]), None, "an error code");
    }
}
