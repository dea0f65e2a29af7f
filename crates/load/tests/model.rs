//! The model's semantics by hand-counted scenes, and its laws by chance.

use std::collections::BTreeMap;

use campanile_load::model::{ALERTS_MAX, Model, Step};
use campanile_load::workload::Action::{self, Acknowledge, Resolve, Trigger};
use campanile_model::{Hidden, Outcome, Span, Timestamp};
use proptest::prelude::*;

const START: Timestamp = Timestamp(1_790_000_000_000);

fn step(seconds: i64, action: Action, alert: u64, class: u32) -> Step {
    Step { shard: 0, service: 1, alert, class, hidden: false, action, at: START + Span::seconds(seconds) }
}

fn hidden(seconds: i64, action: Action, alert: u64) -> Step {
    Step { service: 2, hidden: true, ..step(seconds, action, alert, 0) }
}

fn outcomes(steps: &[Step]) -> (Vec<&'static str>, Model) {
    let mut model = Model::new();
    let labels = steps.iter().map(|step| model.apply(step).labels().0).collect();
    (labels, model)
}

fn check(steps: &[Step], expected: &[&str]) -> Model {
    let (labels, model) = outcomes(steps);
    assert_eq!(labels, expected);
    model
}

#[test]
fn a_repeat_is_counted_and_makes_nothing() {
    let model = check(
        &[step(0, Trigger, 1, 0), step(1, Trigger, 1, 0), step(2, Trigger, 1, 0)],
        &["triggered", "deduplicated", "deduplicated"],
    );
    let totals = model.totals();
    assert_eq!((totals.incidents_opened, totals.alerts_open, totals.events_in_open), (1, 1, 3));
}

#[test]
fn alerts_of_one_class_share_an_incident_and_those_of_another_do_not() {
    check(
        &[step(0, Trigger, 1, 7), step(1, Trigger, 2, 7), step(2, Trigger, 3, 8)],
        &["triggered", "grouped", "triggered"],
    );
}

#[test]
fn services_and_keys_of_the_same_name_are_strangers() {
    let other = Step { service: 9, ..step(1, Trigger, 1, 7) };
    check(&[step(0, Trigger, 1, 7), other], &["triggered", "triggered"]);
}

#[test]
fn window_rolls_from_the_latest_join_and_excludes_its_last_instant() {
    check(
        &[step(0, Trigger, 1, 0), step(299, Trigger, 2, 0), step(598, Trigger, 3, 0), step(898, Trigger, 4, 0)],
        &["triggered", "grouped", "grouped", "triggered"],
    );
}

#[test]
fn a_repeat_does_not_extend_the_window() {
    check(
        &[step(0, Trigger, 1, 0), step(200, Trigger, 1, 0), step(301, Trigger, 2, 0)],
        &["triggered", "deduplicated", "triggered"],
    );
}

#[test]
fn a_group_takes_nothing_a_day_after_its_incident_began() {
    let mut steps: Vec<Step> = (0..433).map(|i| step(i * 200, Trigger, i as u64, 0)).collect();
    let (labels, _) = outcomes(&steps);
    // 431 · 200 s is 86 200 s, still inside; 432 · 200 s is 24 h exactly.
    assert_eq!((labels[0], labels[431], labels[432]), ("triggered", "grouped", "triggered"));
    steps.truncate(432);
    assert_eq!(outcomes(&steps).1.totals().incidents_opened, 1);
}

#[test]
fn the_thousandth_alert_joins_and_the_next_opens_an_incident_that_takes_over() {
    let steps: Vec<Step> = (0..u64::from(ALERTS_MAX) + 2).map(|alert| step(0, Trigger, alert, 0)).collect();
    let (labels, model) = outcomes(&steps);
    assert_eq!((labels[999], labels[1000], labels[1001]), ("grouped", "triggered", "grouped"));
    assert_eq!(model.totals().incidents_opened, 2);
}

#[test]
fn a_full_group_stays_full_after_some_of_its_alerts_resolved() {
    let mut steps: Vec<Step> = (0..u64::from(ALERTS_MAX)).map(|alert| step(0, Trigger, alert, 0)).collect();
    steps.push(step(1, Resolve, 5, 0));
    steps.push(step(1, Trigger, 5000, 0));
    assert_eq!(outcomes(&steps).0.last(), Some(&"triggered"));
}

#[test]
fn last_resolve_closes_the_incident_and_its_group() {
    let model = check(
        &[
            step(0, Trigger, 1, 0),
            step(1, Trigger, 2, 0),
            step(2, Resolve, 1, 0),
            step(3, Resolve, 2, 0),
            step(4, Trigger, 3, 0),
        ],
        &["triggered", "grouped", "resolved", "resolved", "triggered"],
    );
    let totals = model.totals();
    assert_eq!((totals.incidents_opened, totals.incidents_resolved, totals.incidents_open), (2, 1, 1));
    assert_eq!(totals.incident_records(), 3);
}

#[test]
fn closing_an_old_incident_leaves_the_group_to_its_successor() {
    check(
        &[step(0, Trigger, 1, 0), step(400, Trigger, 2, 0), step(401, Resolve, 1, 0), step(402, Trigger, 3, 0)],
        &["triggered", "triggered", "resolved", "grouped"],
    );
}

#[test]
fn a_trigger_after_its_resolve_is_a_new_alert() {
    let model = check(
        &[step(0, Trigger, 1, 0), step(1, Trigger, 2, 0), step(2, Resolve, 1, 0), step(3, Trigger, 1, 0)],
        &["triggered", "grouped", "resolved", "grouped"],
    );
    assert_eq!(model.totals().alerts_made(), 3);
}

#[test]
fn acknowledging_one_alert_acknowledges_its_incident_once() {
    let model = check(
        &[
            step(0, Trigger, 1, 0),
            step(1, Trigger, 2, 0),
            step(2, Acknowledge, 1, 0),
            step(3, Acknowledge, 2, 0),
            step(4, Acknowledge, 9, 0),
        ],
        &["triggered", "grouped", "acknowledged", "already_acknowledged", "nothing_open"],
    );
    assert_eq!(model.totals().incidents_open_acknowledged, 1);
}

#[test]
fn a_repeat_leaves_an_acknowledged_incident_acknowledged() {
    check(
        &[step(0, Trigger, 1, 0), step(1, Acknowledge, 1, 0), step(2, Trigger, 1, 0), step(3, Acknowledge, 1, 0)],
        &["triggered", "acknowledged", "deduplicated", "already_acknowledged"],
    );
}

#[test]
fn maintenance_stores_an_alert_that_repeats_acknowledges_and_resolves_without_an_incident() {
    let model = check(
        &[
            hidden(0, Trigger, 1),
            hidden(1, Trigger, 1),
            hidden(2, Acknowledge, 1),
            hidden(3, Trigger, 2),
            hidden(4, Resolve, 1),
        ],
        &["suppressed", "deduplicated", "already_acknowledged", "suppressed", "resolved"],
    );
    let totals = model.totals();
    assert_eq!((totals.incidents_opened, totals.alerts_hidden, totals.alerts_made()), (0, 1, 2));
    assert_eq!((totals.events_in_resolved, totals.events_in_open), (2, 1));
}

#[test]
fn a_repeat_after_maintenance_promotes_the_hidden_alert() {
    let after = Step { hidden: false, ..hidden(9, Trigger, 1) };
    let (labels, model) = outcomes(&[hidden(0, Trigger, 1), after]);
    assert_eq!(labels, ["suppressed", "promoted"]);
    assert_eq!(model.totals().incidents_opened, 1);
    assert_eq!(Outcome::Suppressed(Hidden::Maintenance).labels(), ("suppressed", "maintenance"));
}

#[test]
fn log_time_never_runs_backwards_within_a_shard() {
    // The second alert claims an earlier time and is judged at 400 s; the third comes 300 s after that.
    check(
        &[
            step(400, Trigger, 1, 0),
            step(0, Trigger, 2, 1),
            step(299, Trigger, 3, 1),
            step(699, Trigger, 4, 1),
            step(700, Trigger, 5, 0),
        ],
        &["triggered", "triggered", "grouped", "grouped", "triggered"],
    );
}

#[test]
fn a_resolve_of_nothing_counts_and_changes_nothing() {
    let model = check(&[step(0, Resolve, 1, 0), step(1, Trigger, 1, 0)], &["nothing_open", "triggered"]);
    assert_eq!(model.totals().nothing_open, 1);
}

fn any_step() -> impl Strategy<Value = Step> {
    let action = prop_oneof![4 => Just(Trigger), 1 => Just(Acknowledge), 3 => Just(Resolve)];
    (0_i64..2000, action, 0_u64..12, 0_u32..3, 0_u32..3).prop_map(|(seconds, action, alert, service, class)| Step {
        shard: 0,
        service,
        alert,
        class,
        hidden: service == 2,
        action,
        at: START + Span::seconds(seconds),
    })
}

proptest! {
    #[test]
    fn every_event_ends_in_one_outcome_and_the_counts_add_up(steps in prop::collection::vec(any_step(), 0..300)) {
        let (labels, model) = outcomes(&steps);
        let totals = model.totals();
        prop_assert_eq!(totals.events(), steps.len() as u64);
        let triggers = steps.iter().filter(|step| step.action == Trigger).count() as u64;
        prop_assert_eq!(totals.events_in_open + totals.events_in_resolved, triggers);
        prop_assert_eq!(totals.alerts_made(), totals.alerts_open + totals.alerts_hidden + totals.resolved);
        prop_assert_eq!(totals.incidents_opened, totals.incidents_open + totals.incidents_resolved);
        prop_assert_eq!(totals.incidents_opened, totals.triggered);
        let mut counted = BTreeMap::new();
        labels.into_iter().for_each(|label| *counted.entry(label).or_insert(0_u64) += 1);
        prop_assert_eq!(counted.get("grouped").copied().unwrap_or_default(), totals.grouped);
    }
}
