//! Ladders: the levels of a policy, their people and their delays.

mod harness;

use harness::table::{Show, check};

/// The seed's policy and schedule as printed: 5, 15 and 30 minutes, and twice more.
#[test]
fn the_seed_s_ladder_is_climbed_three_times_and_ends() {
    check(
        Show::Ladder,
        "
        10:00:00 trigger prod/disk
        10:00:00 > I1 cycle 1 loop 0 level 1: page PUSER02
        10:05:00 > I1 cycle 1 loop 0 level 2: page PXXXXXX PYYYYYY
        10:20:00 > I1 cycle 1 loop 0 level 3: page PZZZZZZ
        10:50:00 > I1 begins again
        10:50:00 > I1 cycle 1 loop 1 level 1: page PUSER02
        10:55:00 > I1 cycle 1 loop 1 level 2: page PXXXXXX PYYYYYY
        11:10:00 > I1 cycle 1 loop 1 level 3: page PZZZZZZ
        11:40:00 > I1 begins again
        11:40:00 > I1 cycle 1 loop 2 level 1: page PUSER02
        11:45:00 > I1 cycle 1 loop 2 level 2: page PXXXXXX PYYYYYY
        12:00:00 > I1 cycle 1 loop 2 level 3: page PZZZZZZ
        12:30:00 > I1 exhausted
        13:00:00 wait
    ",
    );
}

/// At 17:30 the first level is on call, at 18:20 it is not any more.
#[test]
fn a_level_without_anybody_is_passed_at_once() {
    check(
        Show::Ladder,
        "
        17:30:00 trigger prod/disk
        17:30:00 > I1 cycle 1 loop 0 level 1: page PUSER02
        17:35:00 > I1 cycle 1 loop 0 level 2: page PXXXXXX PYYYYYY
        17:50:00 > I1 cycle 1 loop 0 level 3: page PZZZZZZ
        18:20:00 > I1 loop 1 level 1: nobody on call
        18:20:00 > I1 begins again
        18:20:00 > I1 cycle 1 loop 1 level 2: page PXXXXXX PYYYYYY
        18:30:00 wait
        18:35:00 > I1 cycle 1 loop 1 level 3: page PZZZZZZ
        19:00:00 ack I1
        19:29:00 wait
        19:30:00 > I1 cycle 2 loop 1 level 3: page PZZZZZZ
        19:30:00 wait
        20:00:00 > I1 loop 2 level 1: nobody on call
        20:00:00 > I1 begins again
        20:00:00 > I1 cycle 2 loop 2 level 2: page PXXXXXX PYYYYYY
        20:00:00 resolve prod/disk
    ",
    );
}

#[test]
fn an_acknowledgement_stops_the_ladder_and_its_time_out_resumes_it() {
    check(
        Show::Ladder,
        "
        10:00:00 trigger prod/disk
        10:00:00 > I1 cycle 1 loop 0 level 1: page PUSER02
        10:05:00 > I1 cycle 1 loop 0 level 2: page PXXXXXX PYYYYYY
        10:06:00 ack I1
        10:36:00 > I1 cycle 2 loop 0 level 2: page PXXXXXX PYYYYYY
        10:36:00 wait
        10:51:00 > I1 cycle 2 loop 0 level 3: page PZZZZZZ
        10:51:00 wait
        10:52:00 resolve prod/disk
        12:00:00 wait
    ",
    );
}

#[test]
fn a_priority_delays_the_first_level() {
    check(
        Show::Ladder,
        "
        10:00:00 trigger prio/one sev=critical
        10:00:00 > I1 cycle 1 loop 0 level 1: page PUSER02
        10:00:00 trigger prio/two sev=error
        10:00:00 > I2 waits until 10:15:00
        10:00:00 trigger prio/three sev=warning
        10:00:00 > I3 waits until 11:00:00
        10:05:00 > I1 cycle 1 loop 0 level 2: page PXXXXXX PYYYYYY
        10:05:00 close I1
        10:14:59 close I2
        10:14:59 > I2 resolved before anybody was paged
        10:30:00 priority I3 to=P2
        10:30:00 > I3 cycle 1 loop 0 level 1: page PUSER02
        10:35:00 > I3 cycle 1 loop 0 level 2: page PXXXXXX PYYYYYY
        10:36:00 close I3
    ",
    );
}

#[test]
fn a_rising_priority_shortens_the_delay_and_never_restarts_it() {
    check(
        Show::Ladder,
        "
        10:00:00 trigger prio/a sev=warning
        10:00:00 > I1 waits until 11:00:00
        10:05:00 priority I1 to=P2
        10:05:00 > I1 waits until 10:15:00
        10:06:00 priority I1 to=P3
        10:15:00 > I1 cycle 1 loop 0 level 1: page PUSER02
        10:15:00 wait
        10:20:00 > I1 cycle 1 loop 0 level 2: page PXXXXXX PYYYYYY
        10:20:00 close I1
        11:00:00 trigger prio/b sev=warning
        11:00:00 > I2 waits until 12:00:00
        11:01:00 priority I2 to=P1
        11:01:00 > I2 cycle 1 loop 0 level 1: page PUSER02
        11:02:00 close I2
    ",
    );
}

#[test]
fn low_urgency_pages_its_first_level_and_rising_begins_anew() {
    check(
        Show::Ladder,
        "
        10:00:00 trigger low/a
        10:00:00 > I1 cycle 1 loop 0 level 1: page ANN
        11:00:00 urgency I1 to=high
        11:00:00 > I1 cycle 2 loop 0 level 1: page ANN
        11:05:00 > I1 cycle 2 loop 0 level 2: page BEN
        11:05:00 urgency I1 to=low
        12:00:00 close I1
    ",
    );
}

#[test]
fn a_ring_gives_each_incident_to_the_next_and_goes_round_before_it_leaves() {
    check(
        Show::Ladder,
        "
        10:00:00 trigger ring/a
        10:00:00 > I1 cycle 1 loop 0 level 1: page BEN
        10:01:00 trigger ring/b
        10:01:00 > I2 loop 0 level 1: nobody on call
        10:01:00 > I2 cycle 1 loop 0 level 1: page CID
        10:02:00 trigger ring/c
        10:02:00 > I3 cycle 1 loop 0 level 1: page BEN
        10:05:00 > I1 loop 0 level 1 turn 1: nobody on call
        10:05:00 > I1 cycle 1 loop 0 level 1: page CID
        10:06:00 > I2 cycle 1 loop 0 level 1: page BEN
        10:07:00 > I3 loop 0 level 1 turn 1: nobody on call
        10:07:00 > I3 cycle 1 loop 0 level 1: page CID
        10:10:00 > I1 cycle 1 loop 0 level 2: page BOSS
        10:11:00 > I2 cycle 1 loop 0 level 2: page BOSS
        10:12:00 > I3 cycle 1 loop 0 level 2: page BOSS
        10:12:00 close I1
        10:12:00 close I2
        10:17:00 > I3 loop 1 level 1: nobody on call
        10:17:00 > I3 begins again
        10:17:00 > I3 cycle 1 loop 1 level 1: page CID
        10:22:00 > I3 cycle 1 loop 1 level 1: page BEN
        10:27:00 > I3 cycle 1 loop 1 level 2: page BOSS
        10:30:00 wait
    ",
    );
}

#[test]
fn nobody_on_call_goes_to_the_last_resort_and_makes_an_event() {
    check(
        Show::Ladder,
        "
        10:00:00 last_resort BOSS
        10:00:00 gap_key RRRR
        10:00:00 trigger empty/a
        10:00:00 > I1 loop 0 level 1: nobody on call
        10:00:00 > I1 loop 0 level 2: nobody on call
        10:00:00 > I1 nobody on call at any level of PEMPTY
        10:00:00 > event campanile/uncovered/PEMPTY
        10:00:00 > I1 cycle 1 last resort: page BOSS
        10:05:00 > I1 loop 1 level 1: nobody on call
        10:05:00 > I1 loop 1 level 2: nobody on call
        10:05:00 > I1 nobody on call at any level of PEMPTY
        10:05:00 > I1 cycle 1 last resort: page BOSS
        10:10:00 > I1 exhausted
        10:11:00 wait
        22:00:00 trigger empty/b
        22:00:00 > I2 loop 0 level 1: nobody on call
        22:00:00 > I2 cycle 1 loop 0 level 2: page CID
        22:05:00 > I2 loop 1 level 1: nobody on call
        22:05:00 > I2 begins again
        22:05:00 > I2 cycle 1 loop 1 level 2: page CID
        22:10:00 > I2 exhausted
        22:30:00 wait
    ",
    );
}

#[test]
fn without_a_last_resort_the_policy_is_looked_at_until_somebody_is_on_call() {
    check(
        Show::Ladder,
        "
        21:49:00 trigger empty/a
        21:49:00 > I1 loop 0 level 1: nobody on call
        21:49:00 > I1 loop 0 level 2: nobody on call
        21:49:00 > I1 nobody on call at any level of PEMPTY
        21:54:00 > I1 loop 0 level 1: nobody on call
        21:54:00 > I1 loop 0 level 2: nobody on call
        21:54:00 > I1 nobody on call at any level of PEMPTY
        21:59:00 > I1 loop 0 level 1: nobody on call
        21:59:00 > I1 loop 0 level 2: nobody on call
        21:59:00 > I1 nobody on call at any level of PEMPTY
        22:04:00 > I1 loop 0 level 1: nobody on call
        22:04:00 > I1 cycle 1 loop 0 level 2: page CID
        22:09:00 > I1 loop 1 level 1: nobody on call
        22:09:00 > I1 begins again
        22:09:00 > I1 cycle 1 loop 1 level 2: page CID
        22:14:00 > I1 exhausted
        22:20:00 wait
    ",
    );
}

#[test]
fn a_processor_that_does_not_answer_gets_the_page_out_unconfirmed() {
    check(
        Show::Ladder,
        "
        10:00:00 deaf
        10:00:00 trigger short/a
        10:00:15 > I1 cycle 1 loop 0 level 1: page ANN, unconfirmed
        10:00:20 hears
        10:00:20 wait
        10:05:00 wait
        10:05:15 > I1 cycle 1 loop 0 level 2: page BEN
        10:06:00 close I1
    ",
    );
}

#[test]
fn by_hand_an_incident_does_not_escalate_and_a_policy_begins_anew() {
    check(
        Show::Ladder,
        "
        10:00:00 trigger short/a
        10:00:00 > I1 cycle 1 loop 0 level 1: page ANN
        10:01:00 reassign I1 to=BEN+CID
        10:01:00 > I1 cycle 2 by hand: page BEN CID
        11:00:00 reassign I1 policy=PRING
        11:00:00 > I1 cycle 3 loop 0 level 1: page BEN
        11:05:00 > I1 loop 0 level 1 turn 1: nobody on call
        11:05:00 > I1 cycle 3 loop 0 level 1: page CID
        11:06:00 ack I1
        11:07:00 escalate I1 level=2
        11:07:00 > I1 cycle 4 loop 0 level 2: page BOSS
        11:12:00 > I1 loop 1 level 1: nobody on call
        11:12:00 > I1 begins again
        11:12:00 > I1 cycle 4 loop 1 level 1: page CID
        11:13:00 wait
        11:17:00 > I1 cycle 4 loop 1 level 1: page BEN
        11:22:00 > I1 cycle 4 loop 1 level 2: page BOSS
        11:27:00 > I1 exhausted
        11:50:00 close I1
    ",
    );
}

#[test]
fn a_snooze_is_quiet_and_ends_with_full_paging() {
    check(
        Show::Ladder,
        "
        10:00:00 trigger short/a
        10:00:00 > I1 cycle 1 loop 0 level 1: page ANN
        10:05:00 > I1 cycle 1 loop 0 level 2: page BEN
        10:06:00 snooze I1 for=60
        10:30:00 ack I1
        11:06:00 > I1 cycle 2 loop 0 level 1: page ANN
        11:06:00 wait
        11:07:00 resolve short/a
        13:00:00 wait
    ",
    );
}

#[test]
fn the_auditor_gives_a_ladder_its_future_back() {
    check(
        Show::Ladder,
        "
        10:00:00 trigger short/a
        10:00:00 > I1 cycle 1 loop 0 level 1: page ANN
        10:01:00 forget I1
        10:20:00 wait
        10:20:00 audit I1
        10:20:00 > I1 cycle 1 loop 0 level 2: page BEN
        10:21:00 close I1
    ",
    );
}

/// One step only, of those who are on call when the outage ends; its delay runs from there.
#[test]
fn an_outage_of_hours_ends_with_one_step_of_those_on_call_now() {
    check(
        Show::Ladder,
        "
        10:00:00 trigger prod/disk
        10:00:00 > I1 cycle 1 loop 0 level 1: page PUSER02
        10:01:00 away
        10:30:00 wait
        15:00:00 back
        15:00:00 > I1 cycle 1 loop 0 level 2: page PXXXXXX PYYYYYY
        15:14:59 wait
        15:15:00 > I1 cycle 1 loop 0 level 3: page PZZZZZZ
        15:15:00 close I1
    ",
    );
}

#[test]
fn who_is_not_on_call_any_more_when_the_outage_ends_is_not_paged() {
    check(
        Show::Ladder,
        "
        17:40:00 trigger prod/disk
        17:40:00 > I1 cycle 1 loop 0 level 1: page PUSER02
        17:45:00 > I1 cycle 1 loop 0 level 2: page PXXXXXX PYYYYYY
        18:00:00 > I1 cycle 1 loop 0 level 3: page PZZZZZZ
        18:00:00 away
        23:00:00 back
        23:00:00 > I1 loop 1 level 1: nobody on call
        23:00:00 > I1 begins again
        23:00:00 > I1 cycle 1 loop 1 level 2: page PXXXXXX PYYYYYY
        23:01:00 close I1
    ",
    );
}

/// The processor is asked anew: its silence was ours.
#[test]
fn an_incident_triggered_before_an_outage_pages_its_first_level_after_it() {
    check(
        Show::Ladder,
        "
        10:00:00 deaf
        10:00:00 trigger prod/disk
        10:00:01 away
        10:00:02 hears
        13:00:00 back
        13:00:00 > I1 cycle 1 loop 0 level 1: page PUSER02
        13:04:59 wait
        13:05:00 > I1 cycle 1 loop 0 level 2: page PXXXXXX PYYYYYY
        13:06:00 close I1
    ",
    );
}

#[test]
fn a_processor_that_is_silent_after_an_outage_has_its_patience_anew() {
    check(
        Show::Ladder,
        "
        10:00:00 deaf
        10:00:00 trigger prod/disk
        10:00:01 away
        13:00:00 back
        13:00:15 > I1 cycle 1 loop 0 level 1: page PUSER02, unconfirmed
        13:01:00 wait
        13:02:00 hears
        13:02:00 close I1
    ",
    );
}
