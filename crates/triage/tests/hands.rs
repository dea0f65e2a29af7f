//! From hand to hand: steps, escalation and reassignment by people, snooze, merge and notes.

mod harness;

use harness::table::check;

#[test]
fn a_step_assigns_and_a_step_to_others_escalates() {
    check(
        "
        09:00:00 trigger plain/a => triggered, I1 r1 triggered high P1 open 1/1, (a triggered critical x1)
        09:00:01 step I1 level=1 to=PUSER seen=1 => applied, I1 r2 assigned high P1 open 1/1 to PUSER level 1, +answer_expiry 1+09:00:01
        09:05:01 step I1 level=2 to=PBEN+PUSER+PBEN seen=2 => applied, I1 r3 escalated high P1 open 1/1 to PBEN+PUSER level 2, +answer_expiry 1+09:05:01
        09:10:00 step I1 level=3 to=PBEN+PUSER seen=3 => applied, I1 r4 assigned high P1 open 1/1 to PBEN+PUSER level 3, +answer_expiry 1+09:10:00
        09:10:01 step I1 level=1 to=PNOBODY => refused unknown_user, answer refused unknown_user, +answer_expiry 1+09:10:01
        09:10:02 step I1 level=1 to= => refused bad_assignees, answer refused bad_assignees, +answer_expiry 1+09:10:02
        09:11:00 ack I1 seen=4 => applied, I1 r5 acknowledged high P1 open 1/1 to PBEN+PUSER level 3, +answer_expiry 1+09:11:00
        09:11:01 step I1 level=3 to=PUSER seen=4 => refused stale_revision, answer refused stale_revision, +answer_expiry 1+09:11:01
        09:11:02 step I1 level=3 to=PUSER => refused acknowledged, answer refused acknowledged, +answer_expiry 1+09:11:02
        09:12:00 resolve plain/a => resolved, I1 r6 resolved high P1 open 0/1, (a resolved critical x1)
    ",
    );
}

#[test]
fn a_person_escalates_to_a_level_of_the_policy() {
    check(
        "
        09:00:00 trigger web/a class=d => triggered, I1 r1 triggered high P1 open 1/1, +auto_resolve I1 13:00:00, (a triggered critical x1)
        09:00:01 escalate I1 => applied, I1 r2 escalation_requested high P1 open 1/1 next, +answer_expiry 1+09:00:01
        09:00:02 step I1 level=1 to=PUSER => applied, I1 r3 assigned high P1 open 1/1 to PUSER level 1, +answer_expiry 1+09:00:02
        09:00:03 escalate I1 => refused no_such_level, answer refused no_such_level, +answer_expiry 1+09:00:03
        09:00:04 escalate I1 level=2 => refused no_such_level, answer refused no_such_level, +answer_expiry 1+09:00:04
        09:00:05 ack I1 => applied, I1 r4 acknowledged high P1 open 1/1 to PUSER level 1, +acknowledgement_timeout I1 09:30:05, +answer_expiry 1+09:00:05
        09:00:06 escalate I1 level=1 => applied, I1 r5 escalation_requested high P1 open 1/1 to PUSER level 1 wanted 1, -acknowledgement_timeout I1, +answer_expiry 1+09:00:06
        09:00:07 urgency I1 to=low => applied, I1 r6 urgency_updated low P1 open 1/1 to PUSER level 1, +answer_expiry 1+09:00:07
        09:00:08 escalate I1 level=1 => refused low_urgency, answer refused low_urgency, +answer_expiry 1+09:00:08
    ",
    );
}

#[test]
fn reassigning_triggers_again_and_delegating_changes_the_policy() {
    check(
        "
        09:00:00 trigger web/a class=d => triggered, I1 r1 triggered high P1 open 1/1, +auto_resolve I1 13:00:00, (a triggered critical x1)
        09:00:01 step I1 level=1 to=PUSER => applied, I1 r2 assigned high P1 open 1/1 to PUSER level 1, +answer_expiry 1+09:00:01
        09:00:02 ack I1 => applied, I1 r3 acknowledged high P1 open 1/1 to PUSER level 1, +acknowledgement_timeout I1 09:30:02, +answer_expiry 1+09:00:02
        09:00:03 reassign I1 to=PBEN => applied, I1 r4 reassigned high P1 open 1/1 to PBEN level 0, -acknowledgement_timeout I1, +answer_expiry 1+09:00:03
        09:00:04 reassign I1 to=PBEN => unchanged, answer unchanged r4, +answer_expiry 1+09:00:04
        09:00:05 reassign I1 to=PNOBODY => refused unknown_user, answer refused unknown_user, +answer_expiry 1+09:00:05
        09:00:06 reassign I1 policy=PPOLICY => applied, I1 r5 delegated high P1 open 1/1, +answer_expiry 1+09:00:06
        09:00:07 reassign I1 policy=PNONE => refused unknown_policy, answer refused unknown_policy, +answer_expiry 1+09:00:07
    ",
    );
}

#[test]
fn a_snooze_replaces_the_time_out_and_puts_auto_resolve_off() {
    check(
        "
        09:00:00 trigger web/a class=d => triggered, I1 r1 triggered high P1 open 1/1, +auto_resolve I1 13:00:00, (a triggered critical x1)
        09:01:00 acknowledge web/a => acknowledged, I1 r2 acknowledged high P1 open 1/1, +acknowledgement_timeout I1 09:31:00
        09:02:00 snooze I1 for=3600 => applied, I1 r3 snoozed high P1 open 1/1, -acknowledgement_timeout I1, +snooze_end I1 10:02:00, +answer_expiry 1+09:02:00
        09:03:00 ack I1 => unchanged, answer unchanged r3, +answer_expiry 1+09:03:00
        09:04:00 snooze I1 for=7200 => applied, I1 r4 snoozed high P1 open 1/1, +answer_expiry 1+09:04:00
        09:05:00 snooze I1 for=0 => refused bad_snooze, answer refused bad_snooze, +answer_expiry 1+09:05:00
        09:05:00 snooze I1 for=604801 => refused bad_snooze, answer refused bad_snooze, +answer_expiry 1+09:05:00
        10:02:00 [snooze_end I1] => stale, +snooze_end I1 11:04:00
        11:04:00 [snooze_end I1] => fired, I1 r5 unacknowledged high P1 open 1/1, -snooze_end I1
        11:04:00 wait
        13:00:00 [auto_resolve I1] => stale, +auto_resolve I1 15:02:00
        14:59:00 ack I1 => applied, I1 r6 acknowledged high P1 open 1/1, +acknowledgement_timeout I1 15:29:00, +answer_expiry 1+14:59:00
        15:01:59 wait
        15:02:00 [auto_resolve I1] => fired, I1 r7 resolved high P1 open 0/1, -auto_resolve I1, -acknowledgement_timeout I1, (a resolved critical x1)
        15:02:00 wait
        15:04:00 wait
    ",
    );
}

#[test]
fn a_shorter_snooze_and_a_reassignment_bring_auto_resolve_back() {
    check(
        "
        09:00:00 trigger web/a class=d => triggered, I1 r1 triggered high P1 open 1/1, +auto_resolve I1 13:00:00, (a triggered critical x1)
        09:00:00 snooze I1 for=36000 => applied, I1 r2 snoozed high P1 open 1/1, +snooze_end I1 19:00:00, +answer_expiry 1+09:00:00
        10:00:00 snooze I1 for=60 => applied, I1 r3 snoozed high P1 open 1/1, +snooze_end I1 10:01:00, +auto_resolve I1 14:01:00, +answer_expiry 1+10:00:00
        10:01:00 [snooze_end I1] => fired, I1 r4 unacknowledged high P1 open 1/1, -snooze_end I1
        10:01:00 wait
        10:02:00 snooze I1 for=36000 => applied, I1 r5 snoozed high P1 open 1/1, +snooze_end I1 20:02:00, +answer_expiry 1+10:02:00
        10:03:00 reassign I1 to=PBEN => applied, I1 r6 reassigned high P1 open 1/1 to PBEN level 0, -snooze_end I1, +auto_resolve I1 14:02:00, +answer_expiry 1+10:03:00
        14:02:00 [auto_resolve I1] => fired, I1 r7 resolved high P1 open 0/1, -auto_resolve I1, (a resolved critical x1)
        14:02:00 wait
        14:30:00 resolve web/a => nothing_open
    ",
    );
}

#[test]
fn a_resolve_ends_a_snooze() {
    check(
        "
        09:00:00 trigger web/a class=d => triggered, I1 r1 triggered high P1 open 1/1, +auto_resolve I1 13:00:00, (a triggered critical x1)
        09:00:01 snooze I1 for=3600 => applied, I1 r2 snoozed high P1 open 1/1, +snooze_end I1 10:00:01, +answer_expiry 1+09:00:01
        09:00:02 resolve web/a => resolved, I1 r3 resolved high P1 open 0/1, -snooze_end I1, -auto_resolve I1, (a resolved critical x1)
    ",
    );
}

#[test]
fn a_merge_moves_open_alerts_and_later_events_act_on_the_target() {
    check(
        "
        09:00:00 trigger web/a class=d => triggered, I1 r1 triggered high P1 open 1/1, +auto_resolve I1 13:00:00, (a triggered critical x1)
        09:00:01 trigger web/b class=e => triggered, I2 r1 triggered high P1 open 1/1, +auto_resolve I2 13:00:01, (b triggered critical x1)
        09:00:02 trigger web/c class=e => grouped, (c triggered critical x1)
        09:00:03 resolve web/c => resolved, (c resolved critical x1)
        09:00:04 merge I1 of=I2 => applied, I2 r2 resolved high P1 open 0/2 into I1, I1 r2 merged high P1 open 2/2 of I2 b, -auto_resolve I2, +answer_expiry 1+09:00:04, (b triggered critical x1)
        09:00:05 trigger web/f class=e => grouped, (f triggered critical x1)
        09:00:06 trigger web/b class=e => deduplicated
        09:00:07 resolve web/b => resolved, (b resolved critical x2)
        09:00:08 merge I1 of=I2 => unchanged, answer unchanged r2, +answer_expiry 1+09:00:08
        09:00:09 merge I1 of=I1 => refused bad_merge, answer refused bad_merge, +answer_expiry 1+09:00:09
        09:00:10 merge I1 of=I9 => refused unknown_incident, answer refused unknown_incident, +answer_expiry 1+09:00:10
        09:00:11 merge I2 of=I1 => refused resolved, answer refused resolved, +answer_expiry 1+09:00:11
        09:00:12 close I1 => applied, I1 r3 resolved high P1 open 0/3, -auto_resolve I1, +answer_expiry 1+09:00:12, (a resolved critical x1), (f resolved critical x1)
        09:00:13 trigger web/g class=e => triggered, I3 r1 triggered high P1 open 1/1, +auto_resolve I3 13:00:13, (g triggered critical x1)
    ",
    );
}

#[test]
fn a_note_is_a_revision() {
    check(
        "
        09:00:00 trigger plain/a => triggered, I1 r1 triggered high P1 open 1/1, (a triggered critical x1)
        09:00:01 note I1 text=seen => applied, I1 r2 annotated high P1 open 1/1 note seen, +answer_expiry 1+09:00:01
        09:00:02 note I1 => refused bad_note, answer refused bad_note, +answer_expiry 1+09:00:02
    ",
    );
}
