//! What the machine does, scenario by scenario. Each table is the whole truth of its story.

mod harness;

use harness::table::check;

#[test]
fn repeat_is_absorbed_and_resolve_closes_the_incident() {
    check("
        09:00:00 trigger web/disk class=disk => triggered, I1 r1 triggered high P1 open 1/1, +auto_resolve I1 13:00:00, (disk triggered critical x1)
        09:00:05 trigger web/disk class=disk => deduplicated
        09:10:00 resolve web/disk => resolved, I1 r2 resolved high P1 open 0/1, -auto_resolve I1, (disk resolved critical x2)
        09:11:00 resolve web/disk => nothing_open
    ");
}

#[test]
fn trigger_after_resolve_is_a_new_alert_and_a_new_incident() {
    check(
        "
        09:00:00 trigger plain/a => triggered, I1 r1 triggered high P1 open 1/1, (a triggered critical x1)
        09:01:00 resolve plain/a => resolved, I1 r2 resolved high P1 open 0/1, (a resolved critical x1)
        09:02:00 trigger plain/a => triggered, I2 r1 triggered high P1 open 1/1, (a triggered critical x1)
    ",
    );
}

#[test]
fn a_group_takes_no_alert_after_its_incident_resolved() {
    check("
        09:00:00 trigger web/a class=disk => triggered, I1 r1 triggered high P1 open 1/1, +auto_resolve I1 13:00:00, (a triggered critical x1)
        09:00:10 resolve web/a => resolved, I1 r2 resolved high P1 open 0/1, -auto_resolve I1, (a resolved critical x1)
        09:00:20 trigger web/b class=disk => triggered, I2 r1 triggered high P1 open 1/1, +auto_resolve I2 13:00:20, (b triggered critical x1)
    ");
}

#[test]
fn rolling_window_is_counted_from_the_latest_alert() {
    check("
        09:00:00 trigger web/a class=disk => triggered, I1 r1 triggered high P1 open 1/1, +auto_resolve I1 13:00:00, (a triggered critical x1)
        09:04:59 trigger web/b class=disk => grouped, (b triggered critical x1)
        09:09:58 trigger web/c class=disk => grouped, (c triggered critical x1)
        09:14:58 trigger web/d class=disk => triggered, I2 r1 triggered high P1 open 1/1, +auto_resolve I2 13:14:58, (d triggered critical x1)
        09:14:59 trigger web/e class=cpu => triggered, I3 r1 triggered high P1 open 1/1, +auto_resolve I3 13:14:59, (e triggered critical x1)
    ");
}

#[test]
fn fixed_window_is_counted_from_the_first_alert() {
    check(
        "
        09:00:00 trigger fixed/a => triggered, I1 r1 triggered high P1 open 1/1, (a triggered critical x1)
        09:04:59 trigger fixed/b => grouped, (b triggered critical x1)
        09:05:00 trigger fixed/c => triggered, I2 r1 triggered high P1 open 1/1, (c triggered critical x1)
    ",
    );
}

#[test]
fn time_grouping_without_a_window_lasts_until_the_incident_resolves() {
    check(
        "
        09:00:00 trigger open/a => triggered, I1 r1 triggered high P1 open 1/1, (a triggered critical x1)
        3+09:00:00 trigger open/b => grouped, (b triggered critical x1)
    ",
    );
}

#[test]
fn any_field_joins_and_joining_is_transitive() {
    check("
        09:00:00 trigger any/a component=db class=x => triggered, I1 r1 triggered high P1 open 1/1, (a triggered critical x1)
        09:00:01 trigger any/b component=db class=y => grouped, (b triggered critical x1)
        09:00:02 trigger any/c component=web class=y => grouped, (c triggered critical x1)
        09:00:03 trigger any/d component=cdn => triggered, I2 r1 triggered high P1 open 1/1, (d triggered critical x1)
        09:00:04 trigger any/e => triggered, I3 r1 triggered high P1 open 1/1, (e triggered critical x1)
        09:00:05 trigger any/f => triggered, I4 r1 triggered high P1 open 1/1, (f triggered critical x1)
    ");
}

#[test]
fn all_fields_must_agree_and_nothing_in_common_is_not_agreement() {
    check("
        09:00:00 trigger both/a component=db class=x => triggered, I1 r1 triggered high P1 open 1/1, (a triggered critical x1)
        09:00:01 trigger both/b component=db class=x => grouped, (b triggered critical x1)
        09:00:02 trigger both/c component=db => triggered, I2 r1 triggered high P1 open 1/1, (c triggered critical x1)
        09:00:03 trigger both/d component=db => grouped, (d triggered critical x1)
        09:00:04 trigger both/e => triggered, I3 r1 triggered high P1 open 1/1, (e triggered critical x1)
        09:00:05 trigger both/f => triggered, I4 r1 triggered high P1 open 1/1, (f triggered critical x1)
    ");
}

#[test]
fn custom_details_can_group() {
    check("
        09:00:00 trigger deep/a details.host.rack=r1 => triggered, I1 r1 triggered high P1 open 1/1, (a triggered critical x1)
        09:00:01 trigger deep/b details.host.rack=r1 => grouped, (b triggered critical x1)
        09:00:02 trigger deep/c details.host.rack=r2 => triggered, I2 r1 triggered high P1 open 1/1, (c triggered critical x1)
    ");
}

#[test]
fn likeness_masks_digits_of_the_summary() {
    check("
        09:00:00 trigger like/a summary=disk-91%-on-db-07 => triggered, I1 r1 triggered high P1 open 1/1, (a triggered critical x1)
        09:00:01 trigger like/b summary=disk-94%-on-db-112 => grouped, (b triggered critical x1)
        09:00:02 trigger like/c summary=cpu-94%-on-db-112 => triggered, I2 r1 triggered high P1 open 1/1, (c triggered critical x1)
    ");
}

#[test]
fn the_incident_stays_open_until_its_last_alert_resolves() {
    check("
        09:00:00 trigger web/a class=d => triggered, I1 r1 triggered high P1 open 1/1, +auto_resolve I1 13:00:00, (a triggered critical x1)
        09:00:01 trigger web/b class=d => grouped, (b triggered critical x1)
        09:00:02 resolve web/a => resolved, (a resolved critical x1)
        09:00:03 resolve web/b => resolved, I1 r2 resolved high P1 open 0/2, -auto_resolve I1, (b resolved critical x1)
    ");
}

#[test]
fn resolving_the_incident_resolves_all_its_alerts() {
    check("
        09:00:00 trigger web/a class=d => triggered, I1 r1 triggered high P1 open 1/1, +auto_resolve I1 13:00:00, (a triggered critical x1)
        09:00:01 trigger web/b class=d => grouped, (b triggered critical x1)
        09:00:02 close I1 => applied, I1 r2 resolved high P1 open 0/2, -auto_resolve I1, +answer_expiry 1+09:00:02, (a resolved critical x1), (b resolved critical x1)
        09:00:03 trigger web/a class=d => triggered, I2 r1 triggered high P1 open 1/1, +auto_resolve I2 13:00:03, (a triggered critical x1)
    ");
}

#[test]
fn an_alert_that_came_back_under_another_incident_is_left_alone() {
    check("
        09:00:00 trigger web/a class=d => triggered, I1 r1 triggered high P1 open 1/1, +auto_resolve I1 13:00:00, (a triggered critical x1)
        09:00:01 trigger web/b class=d => grouped, (b triggered critical x1)
        09:00:02 resolve web/a => resolved, (a resolved critical x1)
        09:00:03 trigger web/a class=e => triggered, I2 r1 triggered high P1 open 1/1, +auto_resolve I2 13:00:03, (a triggered critical x1)
        09:00:04 close I1 => applied, I1 r2 resolved high P1 open 0/2, -auto_resolve I1, +answer_expiry 1+09:00:04, (b resolved critical x1)
        09:00:05 trigger web/a class=e => deduplicated
    ");
}

#[test]
fn maintenance_hides_and_a_repeat_after_it_is_promoted() {
    check("
        08:59:59 trigger quiet/before class=c => triggered, I1 r1 triggered high P1 open 1/1, (before triggered critical x1)
        09:00:00 trigger quiet/a class=c => suppressed maintenance, (a triggered critical x1 hidden:maintenance)
        09:30:00 trigger quiet/a class=c => deduplicated
        09:31:00 acknowledge quiet/a => already_acknowledged
        09:59:59 trigger quiet/b class=c => suppressed maintenance, (b triggered critical x1 hidden:maintenance)
        09:59:59 resolve quiet/b => resolved, (b resolved critical x1 hidden:maintenance)
        10:00:00 trigger quiet/a class=c => promoted, I2 r1 triggered high P1 open 1/1, (a triggered critical x3)
        10:00:01 trigger quiet/c class=c => grouped, (c triggered critical x1)
        10:00:02 resolve quiet/before => resolved, I1 r2 resolved high P1 open 0/1, (before resolved critical x1)
    ");
}

#[test]
fn a_disabled_service_stores_and_promotes_when_it_is_enabled() {
    check(
        "
        09:00:00 trigger off/a => suppressed disabled_service, (a triggered critical x1 hidden:disabled)
        09:00:01 directory
        09:00:02 trigger off/a => promoted, I1 r1 triggered high P1 open 1/1, (a triggered critical x2)
        09:00:03 resolve off/a => resolved, I1 r2 resolved high P1 open 0/1, (a resolved critical x2)
    ",
    );
}

#[test]
fn dedup_scope_is_the_integration() {
    check(
        "
        09:00:00 trigger left/a => triggered, I1 r1 triggered high P1 open 1/1, (a triggered critical x1)
        09:00:01 trigger rite/a => triggered, I2 r1 triggered high P1 open 1/1, (a triggered critical x1)
        09:00:02 resolve left/a => resolved, I1 r2 resolved high P1 open 0/1, (a resolved critical x1)
    ",
    );
}

#[test]
fn latest_severity_is_kept_and_announced_and_priority_stays() {
    check(
        "
        09:00:00 trigger plain/a sev=warning => triggered, I1 r1 triggered high P3 open 1/1, (a triggered warning x1)
        09:00:01 trigger plain/a sev=critical => deduplicated, (a triggered critical x2)
        09:00:02 trigger plain/a sev=critical => deduplicated
    ",
    );
}

#[test]
fn acknowledgement_runs_out_and_restarts() {
    check("
        09:00:00 trigger web/a class=d => triggered, I1 r1 triggered high P1 open 1/1, +auto_resolve I1 13:00:00, (a triggered critical x1)
        09:01:00 acknowledge web/a => acknowledged, I1 r2 acknowledged high P1 open 1/1, +acknowledgement_timeout I1 09:31:00
        09:11:00 ack I1 => unchanged, answer unchanged r2, +answer_expiry 1+09:11:00
        09:12:00 trigger web/a class=d => deduplicated
        09:31:00 [acknowledgement_timeout I1] => stale, +acknowledgement_timeout I1 09:41:00
        09:41:00 [acknowledgement_timeout I1] => fired, I1 r3 unacknowledged high P1 open 1/1, -acknowledgement_timeout I1
        09:45:00 ack I1 => applied, I1 r4 acknowledged high P1 open 1/1, +acknowledgement_timeout I1 10:15:00, +answer_expiry 1+09:45:00
        09:46:00 resolve web/a => resolved, I1 r5 resolved high P1 open 0/1, -auto_resolve I1, -acknowledgement_timeout I1, (a resolved critical x2)
    ");
}

/// Found by the oracle: the timer that was left behind outlived its incident (TR-7).
#[test]
fn a_repeated_acknowledgement_follows_a_time_out_that_was_taken_away() {
    check("
        09:00:00 trigger web/a class=d => triggered, I1 r1 triggered high P1 open 1/1, +auto_resolve I1 13:00:00, (a triggered critical x1)
        09:01:00 acknowledge web/a => acknowledged, I1 r2 acknowledged high P1 open 1/1, +acknowledgement_timeout I1 09:31:00
        09:02:00 directory
        09:03:00 acknowledge web/a => already_acknowledged, -acknowledgement_timeout I1
        09:04:00 resolve web/a => resolved, I1 r3 resolved high P1 open 0/1, -auto_resolve I1, (a resolved critical x1)
    ");
}

#[test]
fn auto_resolve_counts_from_creation_and_closes_all_alerts() {
    check("
        09:00:00 trigger web/a class=d => triggered, I1 r1 triggered high P1 open 1/1, +auto_resolve I1 13:00:00, (a triggered critical x1)
        12:59:59 trigger web/a class=d => deduplicated
        13:00:00 [auto_resolve I1] => fired, I1 r2 resolved high P1 open 0/1, -auto_resolve I1, (a resolved critical x2)
        13:00:00 trigger web/a class=d => triggered, I2 r1 triggered high P1 open 1/1, +auto_resolve I2 17:00:00, (a triggered critical x1)
    ");
}

#[test]
fn support_hours_decide_urgency_and_raise_it_at_their_start() {
    check("
        08:00:00 trigger hours/a => triggered, I1 r1 triggered low P1 open 1/1, +urgency_rise I1 09:00:00, (a triggered critical x1)
        09:00:00 [urgency_rise I1] => fired, I1 r2 urgency_updated high P1 open 1/1, -urgency_rise I1
        09:00:00 trigger hours/b => triggered, I2 r1 triggered high P1 open 1/1, (b triggered critical x1)
        17:00:00 trigger hours/c => triggered, I3 r1 triggered low P1 open 1/1, +urgency_rise I3 1+09:00:00, (c triggered critical x1)
        17:00:01 urgency I3 to=high => applied, I3 r2 urgency_updated high P1 open 1/1, -urgency_rise I3, +answer_expiry 1+17:00:01
    ");
}

#[test]
fn every_command_is_answered_and_a_repeated_id_gets_the_first_answer() {
    check("
        09:00:00 trigger plain/a => triggered, I1 r1 triggered high P1 open 1/1, (a triggered critical x1)
        09:00:01 priority I1 to=P3 id=x => applied, I1 r2 priority_updated high P3 open 1/1, +answer_expiry 1+09:00:01
        09:00:02 priority I1 to=P1 id=x => repeated, answer applied r2
        09:00:03 priority I1 to=P3 => unchanged, answer unchanged r2, +answer_expiry 1+09:00:03
        09:00:04 priority I1 to=P9 => refused unknown_priority, answer refused unknown_priority, +answer_expiry 1+09:00:04
        09:00:05 priority I1 => applied, I1 r3 priority_updated high none open 1/1, +answer_expiry 1+09:00:05
        09:00:06 title I1 => refused blank_title, answer refused blank_title, +answer_expiry 1+09:00:06
        09:00:07 title I1 to=Better => applied, I1 r4 title_updated high none open 1/1, +answer_expiry 1+09:00:07
        09:00:08 ack I1 seen=3 => refused stale_revision, answer refused stale_revision, +answer_expiry 1+09:00:08
        09:00:09 ack I9 => refused unknown_incident, answer refused unknown_incident, +answer_expiry 1+09:00:09
        09:00:10 resolve plain/a => resolved, I1 r5 resolved high none open 0/1, (a resolved critical x1)
        09:00:11 ack I1 => refused resolved, answer refused resolved, +answer_expiry 1+09:00:11
        09:00:12 close I1 => unchanged, answer unchanged r5, +answer_expiry 1+09:00:12
    ");
}

#[test]
fn a_forwarded_resolve_waits_for_the_triggers_it_overtook() {
    check("
        09:00:10 resolve plain/a hops=1 partition=3 => nothing_open, +tombstone_expiry 09:10:10
        09:00:11 trigger plain/a hops=1 partition=2 late=5 => overtaken, (a resolved critical x1)
        09:00:12 trigger plain/a hops=1 partition=2 => triggered, I1 r1 triggered high P1 open 1/1, (a triggered critical x1)
        09:00:13 resolve plain/a hops=1 partition=4 late=5 => overtaken
        09:10:10 [tombstone_expiry] => fired, -tombstone_expiry
        09:11:00 trigger plain/a => deduplicated
    ");
}

#[test]
fn unknown_keys_are_dead_letters() {
    check(
        "
        09:00:00 trigger nobody/a => dead_lettered unknown_key, dead unknown_key
    ",
    );
}

#[test]
fn the_1001st_alert_opens_a_new_incident() {
    use campanile_model::{Outcome, Severity, Source};
    use campanile_triage::Action;
    use harness::{Details, Sent, World, organisation};
    let mut world = World::new(organisation::directory());
    let mut outcomes = Vec::new();
    for nth in 0..1001u64 {
        let source = Source { partition: 0, offset: nth, at: organisation::MIDNIGHT, hops: 0 };
        let effects = world.send(&Sent {
            routing_key: organisation::key_of("open"),
            action: Action::Trigger,
            dedup_key: format!("k{nth}"),
            severity: Severity::Error,
            summary: "s".to_owned(),
            component: None,
            class: None,
            details: Details::default(),
            source,
        });
        outcomes.push(effects.outcome);
    }
    assert_eq!(outcomes[0], Outcome::Triggered);
    assert!(outcomes[1..1000].iter().all(|outcome| *outcome == Outcome::Grouped));
    assert_eq!(outcomes[1000], Outcome::Triggered, "the incident was full");
}
