//! A person's pages: rules, caps, bundles, retries, and what comes back.

mod harness;

use campanile_directory::{Channel, HandoffNotice, Turn};
use campanile_escalation::{Input, Page, Place, Reason, Reply, Report, What};
use campanile_model::{IncidentId, Named, ScheduleId, ServiceId, Span, Urgency, UserId};
use harness::organisation::MIDNIGHT;
use harness::table::{Show, check};
use harness::{House, Seen};

#[test]
fn rules_page_one_after_the_other_and_an_acknowledgement_ends_them() {
    check(
        Show::Pages,
        "
        10:00:00 trigger slow/a
        10:00:00 > I1 cycle 1 loop 0 level 1: page ANN
        10:00:00 > O1 push_notification to ANN: I1
        10:00:01 accepted O1
        10:00:01 > O1 accepted: I1
        10:00:02 arrived O1
        10:00:02 > O1 arrived: I1
        10:05:00 > O2 sms to ANN: I1
        10:05:01 accepted O2
        10:05:01 > O2 accepted: I1
        10:10:00 > O3 phone to ANN: I1
        10:11:00 trigger slow/b
        10:11:00 > I2 cycle 1 loop 0 level 1: page ANN
        10:11:00 > O4 push_notification to ANN: I2
        10:12:00 ack I1
        10:12:00 > withdrawn from ANN: I1
        10:16:00 > O5 sms to ANN: I2
        10:21:00 > O6 phone to ANN: I2
        10:25:00 close I2
        10:25:00 > withdrawn from ANN: I2
    ",
    );
}

#[test]
fn a_rule_later_than_the_level_never_pages() {
    check(
        Show::Pages,
        "
        10:00:00 trigger short/a
        10:00:00 > I1 cycle 1 loop 0 level 1: page ANN
        10:00:00 > O1 push_notification to ANN: I1
        10:05:00 > I1 cycle 1 loop 0 level 2: page BEN
        10:05:00 > withdrawn from ANN: I1
        10:05:00 > O2 email to BEN: I1
        10:10:00 > I1 exhausted
        10:12:00 wait
        10:13:00 close I1
        10:13:00 > withdrawn from BEN: I1
    ",
    );
}

#[test]
fn what_a_cap_holds_leaves_in_one_message() {
    check(
        Show::Pages,
        "
        10:00:00 trigger short/a
        10:00:00 > I1 cycle 1 loop 0 level 1: page ANN
        10:00:00 > O1 push_notification to ANN: I1
        10:00:01 trigger short/b
        10:00:01 > I2 cycle 1 loop 0 level 1: page ANN
        10:00:02 trigger short/c
        10:00:02 > I3 cycle 1 loop 0 level 1: page ANN
        10:00:03 resolve short/b
        10:00:03 > withdrawn from ANN: I2
        10:00:04 trigger short/d
        10:00:04 > I4 cycle 1 loop 0 level 1: page ANN
        10:00:10 > O2 push_notification to ANN: I3
        10:00:10 > O2 push_notification to ANN: I4
        10:00:10 wait
        10:00:11 accepted O2
        10:00:11 > O2 accepted: I3
        10:00:11 > O2 accepted: I4
        10:00:20 answer O2 4 by=ANN
        10:00:20 > I3 ANN says acknowledge
        10:00:20 > I4 ANN says acknowledge
        10:00:20 > withdrawn from ANN: I3
        10:00:20 > withdrawn from ANN: I4
    ",
    );
}

#[test]
fn what_was_not_taken_is_tried_again_and_given_up() {
    check(
        Show::Pages,
        "
        10:00:00 trigger low/a
        10:00:00 > I1 cycle 1 loop 0 level 1: page ANN
        10:20:00 > O1 email to ANN: I1
        10:20:00 wait
        10:20:01 refused O1
        10:20:01 > O1 refused, again at 10:20:03: I1
        10:20:10 refused O1
        10:20:10 > O1 refused, again at 10:20:14: I1
        10:20:20 refused O1 permanent=yes
        10:20:20 > O1 refused, given up: I1
        10:20:21 accepted O1
    ",
    );
}

#[test]
fn an_order_that_has_not_left_is_taken_back() {
    check(
        Show::Pages,
        "
        10:00:00 trigger short/a
        10:00:00 > I1 cycle 1 loop 0 level 1: page ANN
        10:00:00 > O1 push_notification to ANN: I1
        10:00:05 ack I1
        10:00:05 > withdrawn from ANN: I1
        10:00:06 accepted O1
        10:00:06 > O1 accepted: I1
    ",
    );
}

#[test]
fn an_answer_that_comes_twice_does_one_thing() {
    check(
        Show::Pages,
        "
        10:00:00 trigger short/a
        10:00:00 > I1 cycle 1 loop 0 level 1: page ANN
        10:00:00 > O1 push_notification to ANN: I1
        10:00:01 accepted O1
        10:00:01 > O1 accepted: I1
        10:00:05 answer O1 4 by=ANN id=sms-7
        10:00:05 > I1 ANN says acknowledge
        10:00:05 > withdrawn from ANN: I1
        10:00:06 answer O1 4 by=ANN id=sms-7
        10:00:06 > I1 ANN says acknowledge
        10:00:07 answer I1 6 by=ANN
        10:00:07 > I1 ANN says resolve
    ",
    );
}

#[test]
fn a_hand_off_is_told_once_however_often_it_is_found() {
    let mut house = House::new();
    house.now = MIDNIGHT + Span::hours(9);
    let notice = HandoffNotice {
        user: UserId::new("ANN"),
        schedule: Named { id: ScheduleId::new("PSCHED"), name: "Primary".into() },
        turn: Turn::Begins,
        at: MIDNIGHT + Span::hours(10),
        due: MIDNIGHT + Span::hours(9),
        contact: "APP".into(),
        channel: Channel::Push,
    };
    let report = Report::Handoff(Box::new(notice.clone()));
    house.report(&report);
    house.report(&report);
    let orders: Vec<_> = house.notifier.orders.iter().map(|(id, order)| (*id, order.clone())).collect();
    let [(id, order)] = orders.as_slice() else { panic!("one order: {orders:?}") };
    assert_eq!(order.handoff.as_ref().map(|it| (it.turn, it.at)), Some((Turn::Begins, notice.at)));
    house.report(&Report::Order {
        order: *id,
        reply: Reply::Accepted { provider: "test".into(), reference: "".into() },
    });
    house.now = house.now + Span::hours(1);
    house.report(&report);
    assert_eq!(house.notifier.orders.iter().count(), 1, "told long ago");
    let ends = HandoffNotice { turn: Turn::Ends, ..notice };
    house.report(&Report::Handoff(Box::new(ends)));
    assert_eq!(house.notifier.orders.iter().count(), 2, "its end is another notice");
}

/// One offer at its end, not one for each minute of it; and what is older than an hour is given up.
#[test]
fn an_order_that_waited_through_an_outage_is_offered_once_or_given_up() {
    check(
        Show::Pages,
        "
        10:00:00 trigger short/a
        10:00:00 > I1 cycle 1 loop 0 level 1: page ANN
        10:00:00 > O1 push_notification to ANN: I1
        10:00:01 reassign I1 to=ANN
        10:00:01 > I1 cycle 2 by hand: page ANN
        10:00:10 > O2 push_notification to ANN: I1
        10:00:11 away
        12:00:00 back
        12:00:00 > O1 refused, given up: I1
        12:00:00 > O2 refused, given up: I1
        12:00:00 > O3 sms to ANN: I1
        12:00:00 > O4 phone to ANN: I1
        12:00:01 wait
    ",
    );
}

/// The withdrawal was too late for it, and what its person says counts all the same.
#[test]
fn an_answer_to_an_order_that_was_taken_back_is_asked_of_the_processor() {
    check(
        Show::Pages,
        "
        10:00:00 trigger short/a
        10:00:00 > I1 cycle 1 loop 0 level 1: page ANN
        10:00:00 > O1 push_notification to ANN: I1
        10:05:00 > I1 cycle 1 loop 0 level 2: page BEN
        10:05:00 > withdrawn from ANN: I1
        10:05:00 > O2 email to BEN: I1
        10:05:30 answer O1 4 by=ANN
        10:05:30 > I1 ANN says acknowledge
        10:05:30 > withdrawn from BEN: I1
    ",
    );
}

#[test]
fn a_receipt_of_failure_sends_an_accepted_order_again() {
    check(
        Show::Pages,
        "
        10:00:00 trigger low/a
        10:00:00 > I1 cycle 1 loop 0 level 1: page ANN
        10:20:00 > O1 email to ANN: I1
        10:20:00 wait
        10:20:01 accepted O1
        10:20:01 > O1 accepted: I1
        10:20:05 refused O1
        10:20:05 > O1 refused, again at 10:20:07: I1
        10:20:08 accepted O1
        10:20:08 > O1 accepted: I1
        10:20:09 arrived O1
        10:20:09 > O1 arrived: I1
        10:20:10 refused O1
    ",
    );
}

fn page(house: &House, nth: u64, urgency: Urgency) -> Page {
    Page {
        user: UserId::new("ANN"),
        incident: IncidentId(nth),
        revision: 1,
        place: Place { cycle: 1, lap: 0, level: 1, turn: 0 },
        urgency,
        reason: Reason::Step,
        unconfirmed: false,
        service: Named { id: ServiceId::new("PSHORT"), name: "short".into() },
        title: "ä".repeat(1024),
        at: house.now,
    }
}

/// Neither how many wait nor what they say makes a row that no ledger takes; and the last one that comes is heard of.
#[test]
fn a_crowd_of_low_pages_makes_room_for_a_high_one() {
    let mut house = House::new();
    house.now = MIDNIGHT + Span::hours(10);
    for nth in 1..=1500 {
        let low = page(&house, nth, Urgency::Low);
        house.notify(&Input::Page(&low));
    }
    let key = house.notifier.keys.person(&UserId::new("ANN"));
    let waiting = |house: &House| house.notifier.persons.get(&key).map(|it| it.waiting.clone()).unwrap_or_default();
    let crowd = waiting(&house);
    let bytes: usize = crowd.iter().map(|it| it.title.len()).sum();
    assert!(bytes < 520_000 && crowd.len() <= 1000 && crowd.len() > 500, "{} pages, {bytes} bytes", crowd.len());
    let high = page(&house, 9999, Urgency::High);
    house.notify(&Input::Page(&high));
    let orders: Vec<_> = house.notifier.orders.iter().flat_map(|(_, order)| order.items.clone()).collect();
    assert_eq!(orders.iter().map(|it| it.incident).collect::<Vec<_>>(), [IncidentId(9999)], "its first rule left");
    let later = waiting(&house).iter().filter(|it| it.incident == IncidentId(9999)).count();
    assert_eq!(later, 2, "a text and a call wait");
    assert!(waiting(&house).len() <= crowd.len());
}

#[test]
fn a_page_that_is_a_day_late_or_for_nobody_is_left_out_and_told() {
    let mut house = House::new();
    house.now = MIDNIGHT + Span::hours(10);
    let old = page(&house, 1, Urgency::High);
    let nobody = Page { user: UserId::new("PNOBODY"), ..page(&house, 2, Urgency::High) };
    house.notify(&Input::Page(&nobody));
    house.now = house.now + Span::hours(25);
    house.notify(&Input::Page(&old));
    let why: Vec<_> = house
        .seen
        .iter()
        .filter_map(|seen| match seen {
            Seen::Told(told) => match &told.what {
                What::Dropped { why, .. } => Some((told.incident.0, why.as_str())),
                _ => None,
            },
            _ => None,
        })
        .collect();
    assert_eq!(why, [(2, "unknown_user"), (1, "too_old")]);
    assert_eq!(house.notifier.orders.iter().count(), 0);
}
