//! A part that dies ends the server; a part that was asked to end does not.

use std::time::Duration;

use anyhow::bail;
use campanile_server::supervise::Supervisor;

const LONG: Duration = Duration::from_secs(30);

#[test]
fn an_error_a_panic_and_a_silent_end_are_each_told_as_a_death() {
    let (supervisor, mut deaths) = Supervisor::new();
    supervisor.spawn("fails", |_| bail!("the disk is gone")).expect("it starts");
    supervisor.spawn("panics", |_| panic!("a law was broken")).expect("it starts");
    supervisor.spawn("leaves", |_| Ok(())).expect("it starts");
    let mut told: Vec<_> = (0..3)
        .map(|_| deaths.blocking_recv().expect("three deaths are told"))
        .map(|death| format!("{}: {}", death.name, death.reason))
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            "fails: the disk is gone",
            "leaves: it ended although nobody asked it to",
            "panics: it panicked: a law was broken",
        ]
    );
}

#[test]
fn whoever_ends_when_asked_has_not_died() {
    let (supervisor, mut deaths) = Supervisor::new();
    supervisor
        .spawn("waits", |stop| {
            stop.wait(LONG);
            Ok(())
        })
        .expect("it starts");
    assert_eq!(supervisor.end(LONG), Vec::<&str>::new());
    assert!(deaths.try_recv().is_err());
}

#[test]
fn whoever_does_not_end_is_named() {
    let (supervisor, _deaths) = Supervisor::new();
    let (release, held) = std::sync::mpsc::channel::<()>();
    supervisor
        .spawn("stays", move |_| {
            // Until the test lets go.
            let _ = held.recv();
            Ok(())
        })
        .expect("it starts");
    assert_eq!(supervisor.end(Duration::ZERO), ["stays"]);
    drop(release);
}
