//! What a connection is doing, and until when it may.
//!
//! ```text
//!            byte             head read           answered
//!  Silent ─────────► Head ───────────────► Serving ─────────► Idle
//!                     ▲                                        │
//!                     └──────────────── byte ──────────────────┘
//! ```
//!
//! The server library has one timer for all of Silent, Head and Idle. Apart they must be: a head that takes ten seconds
//! is an attack, a pause of ten seconds between two alerts is a quiet night. Serving has no deadline here, because
//! bodies and appends keep their own.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::options::Options;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Silent,
    Head,
    Serving,
    Idle,
}

/// Shared by those who see it change: the stream (bytes), the service (requests). All run in one task, so the lock is
/// never waited for; it is there because the task may move between threads.
#[derive(Clone)]
pub(crate) struct Pulse(Arc<Mutex<(Phase, Instant)>>);

impl Pulse {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new((Phase::Silent, Instant::now()))))
    }

    fn bytes_came(&self) {
        let mut state = self.lock();
        if matches!(state.0, Phase::Silent | Phase::Idle) {
            *state = (Phase::Head, Instant::now());
        }
    }

    /// The head of a request is there.
    pub(crate) fn serving(&self) {
        *self.lock() = (Phase::Serving, Instant::now());
    }

    /// The answer is on its way.
    pub(crate) fn answered(&self) {
        *self.lock() = (Phase::Idle, Instant::now());
    }

    fn deadline(&self, options: &Options) -> (Phase, Option<Instant>) {
        let (phase, since) = *self.lock();
        let limit = match phase {
            Phase::Silent => Some(options.first_byte_timeout),
            Phase::Head => Some(options.header_timeout),
            Phase::Serving => None,
            Phase::Idle => Some(options.idle_timeout),
        };
        (phase, limit.map(|limit| since + limit))
    }

    fn lock(&self) -> MutexGuard<'_, (Phase, Instant)> {
        // A pair of plain values is whole whatever panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends when the connection has stayed too long in a phase, and says in which. Polled in the connection's own task and
/// after it, so it sees every change of phase as it happens.
pub(crate) async fn overstayed(pulse: &Pulse, options: &Options) -> Phase {
    let mut timer: Pin<Box<Sleep>> = Box::pin(sleep_until(Instant::now() + options.first_byte_timeout));
    std::future::poll_fn(|cx| {
        loop {
            let (phase, deadline) = pulse.deadline(options);
            // No deadline: the timer goes on as it stands, for the connection's task wakes at the next change anyway.
            if let Some(deadline) = deadline {
                if deadline <= Instant::now() {
                    return Poll::Ready(phase);
                }
                // A timer that is early only looks again; setting it at every request would cost more.
                if timer.deadline() > deadline || timer.is_elapsed() {
                    timer.as_mut().reset(deadline);
                }
            } else if timer.is_elapsed() {
                return Poll::Pending;
            }
            ready!(timer.as_mut().poll(cx));
        }
    })
    .await
}

/// A stream that tells when bytes come.
pub(crate) struct Watched {
    stream: TcpStream,
    pulse: Pulse,
}

impl Watched {
    pub(crate) fn new(stream: TcpStream, pulse: Pulse) -> Self {
        Self { stream, pulse }
    }
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let before = buf.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, buf));
        if buf.filled().len() > before {
            self.pulse.bytes_came();
        }
        Poll::Ready(read)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
