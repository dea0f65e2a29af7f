//! The life of one connection.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::door::Door;
use crate::pulse::{Phase, Pulse, Watched, overstayed};
use crate::series::Closed;

/// Largest head of a request, in bytes, and the most that is read at once. Ours, as other servers have it: 8 to 16 KiB.
/// Above it the server library answers 431.
const HEAD_BYTES_MAX: usize = 16_384;

/// Serves requests until the peer leaves, stays too long in a phase, or the door is drained and the last answer is out.
pub(crate) async fn serve(door: Arc<Door>, stream: TcpStream, mut draining: watch::Receiver<bool>) {
    let _present = door.series.connection();
    // Answers are one small packet: waiting for more of them to fill it would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "connection takes no options");
    }
    let pulse = Pulse::new();
    let service = service_fn(|request| {
        pulse.serving();
        let (door, pulse) = (&door, &pulse);
        async move {
            let answer = door.answer(request).await;
            pulse.answered();
            Ok::<_, Infallible>(answer)
        }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            // The pulse keeps the time. This is a second line for what it cannot see, such as half a head that came
            // together with the request before it.
            .header_read_timeout(door.options.idle_timeout + door.options.header_timeout)
            .max_buf_size(HEAD_BYTES_MAX)
            // Some senders close their half once the request is out, and still want the answer.
            .half_close(true)
            .serve_connection(TokioIo::new(Watched::new(stream, pulse.clone())), service)
    );
    let mut overstayed = pin!(overstayed(&pulse, &door.options));
    let mut is_draining = *draining.borrow_and_update();
    if is_draining {
        connection.as_mut().graceful_shutdown();
    }
    loop {
        tokio::select! {
            // In this order: the pulse is asked after the connection has moved it.
            biased;
            ended = &mut connection => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "connection ended early");
                }
                return;
            }
            phase = &mut overstayed => {
                match phase {
                    Phase::Silent => door.series.closed(Closed::Silent),
                    Phase::Head => door.series.closed(Closed::SlowHeader),
                    Phase::Idle | Phase::Serving => {}
                }
                return;
            }
            _ = draining.changed(), if !is_draining => {
                is_draining = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}
