//! Schedules and who is on call, as tables. New York goes from -05 to -04 on 2026-03-08 at 02:00 and back on 2026-11-01.

mod notation;

use campanile_model::{Span, Timestamp};
use campanile_oncall::{Roster, Source, Window};
use notation::{at, check, roster, window, zone};

fn new_york(text: &str) -> Roster {
    roster("America/New_York", text)
}

fn percent(roster: &Roster, since: &str, until: &str) -> f64 {
    roster.coverage(window(roster.zone(), since, until)).percent()
}

/// As printed: the layer starts at midnight, its rotation at nine, and only nine hours a day have somebody.
fn seed() -> Roster {
    new_york(
        "layer 2024-01-01T00:00 phase 2024-01-01T09:00 every 168h: PUSER01 PUSER02 PUSER03 PUSER04
           daily 09:00 for 9h",
    )
}

#[test]
fn the_seeds_schedule_hands_off_on_mondays_at_nine() {
    check(
        &seed(),
        "2024-01-05T00:00",
        "2024-01-09T00:00",
        "Fri 01-05 00:00 -05  nobody     9h
         Fri 01-05 09:00 -05  PUSER01     9h
         Fri 01-05 18:00 -05  nobody    15h
         Sat 01-06 09:00 -05  PUSER01     9h
         Sat 01-06 18:00 -05  nobody    15h
         Sun 01-07 09:00 -05  PUSER01     9h
         Sun 01-07 18:00 -05  nobody    15h
         Mon 01-08 09:00 -05  PUSER02     9h
         Mon 01-08 18:00 -05  nobody     6h",
    );
}

#[test]
fn the_seeds_schedule_covers_three_eighths() {
    let seed = seed();
    for (since, until, expected) in [
        ("2024-01-01T00:00", "2024-01-15T00:00", 37.5),
        ("2026-11-24T00:00", "2026-12-08T00:00", 37.5),
        // 63 of 167 hours, and of 169: the week in which the clocks change.
        ("2026-03-02T00:00", "2026-03-09T00:00", 37.72),
        ("2026-10-26T00:00", "2026-11-02T00:00", 37.27),
    ] {
        assert_eq!(percent(&seed, since, until), expected, "{since}");
        assert_eq!(seed.layer_coverage(0, window(seed.zone(), since, until)).percent(), expected, "{since}");
    }
    let fortnight = window(seed.zone(), "2026-11-24T00:00", "2026-12-08T00:00");
    let gaps = seed.gaps(fortnight);
    assert_eq!(gaps.len(), 15);
    assert_eq!(gaps.iter().map(|gap| gap.length().whole_seconds()).sum::<i64>(), 14 * 15 * 3600);
}

#[test]
fn the_seeds_schedule_tells_who_is_next_and_when() {
    let seed = seed();
    let zone = seed.zone().clone();
    // Sunday 20:00 in the third week: nobody until Monday, then the fourth user for the first time.
    let evening = window(&zone, "2024-01-21T20:00", "2024-03-01T00:00");
    let handoff = seed.next_handoff(evening).expect("in the window");
    assert_eq!((handoff.at, handoff.from), (at(&zone, "2024-01-22T09:00"), None));
    assert_eq!(handoff.to.map(|user| user.as_str()), Some("PUSER04"));
    // Monday at noon: the next hand-off is to nobody, the next person comes a week later.
    let noon = window(&zone, "2024-01-22T12:00", "2024-03-01T00:00");
    let handoff = seed.next_handoff(noon).expect("in the window");
    assert_eq!((handoff.at, handoff.to), (at(&zone, "2024-01-22T18:00"), None));
    let next = seed.next_on_call(noon).expect("in the window");
    assert_eq!((next.start, next.user.as_str()), (at(&zone, "2024-01-29T09:00"), "PUSER01"));
    assert_eq!(next.end, at(&zone, "2024-01-29T18:00"));
}

#[test]
fn a_week_keeps_its_hour_over_both_changes() {
    let weekly = new_york("layer 2026-01-05T09:00 every 168h: A B C");
    check(
        &weekly,
        "2026-03-02T09:00",
        "2026-03-23T09:00",
        "Mon 03-02 09:00 -05  C        167h
         Mon 03-09 09:00 -04  A        168h
         Mon 03-16 09:00 -04  B        168h",
    );
    check(
        &weekly,
        "2026-10-26T09:00",
        "2026-11-09T09:00",
        "Mon 10-26 09:00 -04  A        169h
         Mon 11-02 09:00 -05  B        168h",
    );
}

#[test]
fn a_hand_off_in_the_gap_happens_at_its_end() {
    check(
        &new_york("layer 2026-03-01T02:30 every 24h: A B"),
        "2026-03-06T02:30",
        "2026-03-10T02:30",
        "Fri 03-06 02:30 -05  B         24h
         Sat 03-07 02:30 -05  A       23h30
         Sun 03-08 03:00 -04  B       23h30
         Mon 03-09 02:30 -04  A         24h",
    );
}

#[test]
fn a_hand_off_at_a_repeated_time_happens_the_first_time() {
    check(
        &new_york("layer 2026-10-01T01:30 every 24h: A B"),
        "2026-10-30T01:30",
        "2026-11-03T01:30",
        "Fri 10-30 01:30 -04  B         24h
         Sat 10-31 01:30 -04  A         24h
         Sun 11-01 01:30 -04  B         25h
         Mon 11-02 01:30 -05  A         24h",
    );
}

#[test]
fn eight_hours_count_anew_every_day() {
    let shifts = new_york("layer 2026-01-01T06:00 every 8h: A B C");
    check(
        &shifts,
        "2026-03-07T06:00",
        "2026-03-08T22:00",
        "Sat 03-07 06:00 -05  A          8h
         Sat 03-07 14:00 -05  B          8h
         Sat 03-07 22:00 -05  C          7h
         Sun 03-08 06:00 -04  A          8h
         Sun 03-08 14:00 -04  B          8h",
    );
    check(
        &shifts,
        "2026-10-31T06:00",
        "2026-11-01T22:00",
        "Sat 10-31 06:00 -04  A          8h
         Sat 10-31 14:00 -04  B          8h
         Sat 10-31 22:00 -04  C          9h
         Sun 11-01 06:00 -05  A          8h
         Sun 11-01 14:00 -05  B          8h",
    );
}

#[test]
fn turns_that_a_short_day_has_no_room_for_are_skipped() {
    // The day that begins in the gap begins at its end: the day before keeps its 24 turns, and this one has 23.
    let hourly = new_york("layer 2026-03-06T02:00 every 1h: A B C D");
    check(
        &hourly,
        "2026-03-07T23:00",
        "2026-03-08T05:00",
        "Sat 03-07 23:00 -05  B          1h
         Sun 03-08 00:00 -05  C          1h
         Sun 03-08 01:00 -05  D          1h
         Sun 03-08 03:00 -04  A          1h
         Sun 03-08 04:00 -04  B          1h",
    );
    // From noon to noon it is the one before noon on Sunday: A follows C, and D waits for tomorrow.
    check(
        &new_york("layer 2026-03-06T12:00 every 1h: A B C D"),
        "2026-03-08T10:00",
        "2026-03-08T14:00",
        "Sun 03-08 10:00 -04  B          1h
         Sun 03-08 11:00 -04  C          1h
         Sun 03-08 12:00 -04  A          1h
         Sun 03-08 13:00 -04  B          1h",
    );
    // In autumn the last turn has two hours.
    check(
        &new_york("layer 2026-10-30T12:00 every 1h: A B C D"),
        "2026-11-01T10:00",
        "2026-11-01T14:00",
        "Sun 11-01 10:00 -05  D          2h
         Sun 11-01 12:00 -05  A          1h
         Sun 11-01 13:00 -05  B          1h",
    );
}

#[test]
fn a_night_ends_at_its_hour_whatever_the_clocks_do() {
    let night = new_york(
        "layer 2026-01-01T00:00 every 24h: A
           daily 22:00 for 8h",
    );
    check(
        &night,
        "2026-03-07T22:00",
        "2026-03-09T06:00",
        "Sat 03-07 22:00 -05  A          7h
         Sun 03-08 06:00 -04  nobody    16h
         Sun 03-08 22:00 -04  A          8h",
    );
    check(
        &night,
        "2026-10-31T22:00",
        "2026-11-02T06:00",
        "Sat 10-31 22:00 -04  A          9h
         Sun 11-01 06:00 -05  nobody    16h
         Sun 11-01 22:00 -05  A          8h",
    );
}

#[test]
fn layers_that_share_the_day_leave_no_hole_when_the_clocks_change() {
    let shared = new_york(
        "layer 2026-01-01T00:00 every 168h: DAY
           daily 09:00 for 9h
         layer 2026-01-01T00:00 every 168h: NIGHT
           daily 18:00 for 15h",
    );
    assert_eq!(percent(&shared, "2026-01-01T00:00", "2027-01-01T00:00"), 100.0);
    check(
        &shared,
        "2026-10-31T18:00",
        "2026-11-02T09:00",
        "Sat 10-31 18:00 -04  NIGHT     16h
         Sun 11-01 09:00 -05  DAY        9h
         Sun 11-01 18:00 -05  NIGHT     15h",
    );
}

#[test]
fn a_whole_day_is_whole_on_days_of_23_and_25_hours() {
    let always = new_york(
        "layer 2026-01-01T00:00 every 168h: A
           daily 00:00 for 24h",
    );
    assert_eq!(percent(&always, "2026-01-01T00:00", "2027-01-01T00:00"), 100.0);
    let weekly = new_york(
        "layer 2026-01-01T00:00 every 168h: A
           weekly Wed 13:00 for 168h",
    );
    assert_eq!(percent(&weekly, "2026-01-01T00:00", "2027-01-01T00:00"), 100.0);
}

#[test]
fn a_restriction_inside_the_gap_is_empty_and_one_inside_the_fold_is_long() {
    let early = new_york(
        "layer 2026-01-01T00:00 every 168h: A
           daily 02:15 for 30m",
    );
    check(&early, "2026-03-08T00:00", "2026-03-09T00:00", "Sun 03-08 00:00 -05  nobody    23h");
    let early = new_york(
        "layer 2026-01-01T00:00 every 168h: A
           daily 01:30 for 60m",
    );
    check(
        &early,
        "2026-03-08T00:00",
        "2026-03-08T04:00",
        "Sun 03-08 00:00 -05  nobody   1h30
         Sun 03-08 01:30 -05  A        0h30
         Sun 03-08 03:00 -04  nobody     1h",
    );
    check(
        &early,
        "2026-11-01T00:00",
        "2026-11-01T04:00",
        "Sun 11-01 00:00 -04  nobody   1h30
         Sun 11-01 01:30 -04  A          2h
         Sun 11-01 02:30 -05  nobody   1h30",
    );
}

#[test]
fn restrictions_of_a_week_reach_over_its_end_and_add_up() {
    check(
        &new_york(
            "layer 2026-01-01T00:00 every 168h: A
               weekly Fri 18:00 for 62h
               weekly Wed 20:00 for 2h
               weekly Sat 12:00 for 1h",
        ),
        "2026-11-24T00:00",
        "2026-12-01T00:00",
        "Tue 11-24 00:00 -05  nobody    44h
         Wed 11-25 20:00 -05  A          2h
         Wed 11-25 22:00 -05  nobody    44h
         Fri 11-27 18:00 -05  A         62h
         Mon 11-30 08:00 -05  nobody    16h",
    );
}

#[test]
fn later_layers_beat_earlier_ones_where_they_have_somebody() {
    let layered = new_york(
        "layer 2026-11-02T09:00 every 168h: A B
         layer 2026-11-02T00:00 to 2026-11-28T10:00 every 24h: C D
           daily 18:00 for 4h",
    );
    check(
        &layered,
        "2026-11-26T12:00",
        "2026-11-29T00:00",
        "Thu 11-26 12:00 -05  B          6h
         Thu 11-26 18:00 -05  C          4h
         Thu 11-26 22:00 -05  B         20h
         Fri 11-27 18:00 -05  D          4h
         Fri 11-27 22:00 -05  B         26h",
    );
    let evening = at(layered.zone(), "2026-11-26T18:00");
    assert_eq!(layered.at(evening).map(|(_, source)| source), Some(Source::Layer(1)));
    assert_eq!(layered.at(Timestamp(evening.0 - 1)).map(|(_, source)| source), Some(Source::Layer(0)));
}

#[test]
fn overrides_beat_layers_and_the_newest_beats_the_others() {
    let covered = new_york(
        "layer 2026-11-02T09:00 every 168h: A B
         override 2026-11-26T08:00 to 2026-11-26T20:00: X
         override 2026-11-26T12:00 to 2026-11-26T14:00: Y
         override 2026-11-26T10:00 to 2026-11-26T13:00: Z",
    );
    check(
        &covered,
        "2026-11-26T00:00",
        "2026-11-27T00:00",
        "Thu 11-26 00:00 -05  B          8h
         Thu 11-26 08:00 -05  X          2h
         Thu 11-26 10:00 -05  Z          3h
         Thu 11-26 13:00 -05  Y          1h
         Thu 11-26 14:00 -05  X          6h
         Thu 11-26 20:00 -05  B          4h",
    );
    assert_eq!(covered.at(at(covered.zone(), "2026-11-26T12:30")).map(|(_, source)| source), Some(Source::Override(2)));
}

#[test]
fn an_override_covers_a_gap_and_an_override_by_the_same_person_joins() {
    check(
        &new_york(
            "layer 2026-11-02T00:00 every 168h: A
               daily 09:00 for 9h
             override 2026-11-26T18:00 to 2026-11-26T20:00: A
             override 2026-11-27T02:00 to 2026-11-27T03:00: B",
        ),
        "2026-11-26T09:00",
        "2026-11-27T09:00",
        "Thu 11-26 09:00 -05  A         11h
         Thu 11-26 20:00 -05  nobody     6h
         Fri 11-27 02:00 -05  B          1h
         Fri 11-27 03:00 -05  nobody     6h",
    );
}

#[test]
fn the_new_person_is_on_call_at_the_instant_of_the_hand_off() {
    let daily = new_york("layer 2026-11-02T09:00 to 2026-11-10T09:00 every 24h: A B");
    let zone = daily.zone().clone();
    let on_call = |at: Timestamp| daily.on_call(at).map(|user| user.as_str());
    let handoff = at(&zone, "2026-11-03T09:00");
    assert_eq!(on_call(Timestamp(handoff.0 - 1)), Some("A"));
    assert_eq!(on_call(handoff), Some("B"));
    // A layer's life is half-open, too.
    assert_eq!(on_call(Timestamp(at(&zone, "2026-11-02T09:00").0 - 1)), None);
    assert_eq!(on_call(at(&zone, "2026-11-02T09:00")), Some("A"));
    assert_eq!(on_call(Timestamp(at(&zone, "2026-11-10T09:00").0 - 1)), Some("B"));
    assert_eq!(on_call(at(&zone, "2026-11-10T09:00")), None);
}

#[test]
fn turns_go_back_from_the_virtual_start_too() {
    // The rotation's phase is set in the middle of the layer's life: before it the ring is run backwards.
    check(
        &new_york("layer 2026-11-02T00:00 phase 2026-11-05T09:00 every 24h: A B C"),
        "2026-11-02T00:00",
        "2026-11-06T09:00",
        "Mon 11-02 00:00 -05  C          9h
         Mon 11-02 09:00 -05  A         24h
         Tue 11-03 09:00 -05  B         24h
         Wed 11-04 09:00 -05  C         24h
         Thu 11-05 09:00 -05  A         24h",
    );
}

#[test]
fn a_day_that_the_zone_left_out_takes_its_hand_off_with_it() {
    // Samoa crossed the date line: Thursday 2011-12-29 was followed by Saturday. Friday's turn begins when Friday is over.
    check(
        &roster("Pacific/Apia", "layer 2011-12-26T12:00 every 24h: A B C D E F G"),
        "2011-12-28T12:00",
        "2012-01-01T12:00",
        "Wed 12-28 12:00 -10  C         24h
         Thu 12-29 12:00 -10  D         12h
         Sat 12-31 00:00 +14  E         12h
         Sat 12-31 12:00 +14  F         24h",
    );
}

#[test]
fn a_clock_that_goes_back_over_midnight_does_not_confuse_the_days() {
    // At 00:01 on Sunday 2010-11-07 St John's went back to 23:01 on Saturday: Sunday begins, and begins again.
    let night = roster(
        "America/St_Johns",
        "layer 2010-11-01T00:00 every 24h: A B
           daily 00:00 for 1h",
    );
    let zone = zone("America/St_Johns");
    let first = at(&zone, "2010-11-07T02:30:00Z");
    assert_eq!(night.on_call(Timestamp(first.0 - 1)), None);
    for minutes in [0, 30, 59, 60, 119] {
        assert!(night.on_call(first + Span::minutes(minutes)).is_some(), "{minutes} minutes on");
    }
    assert_eq!(night.on_call(first + Span::hours(2)), None);
    let all = night.gaps(Window { start: first, end: first + Span::hours(3) });
    assert_eq!(all, [Window { start: first + Span::hours(2), end: first + Span::hours(3) }]);
}

#[test]
fn far_away_instants_are_answered_and_nonsense_does_no_harm() {
    let weekly = new_york("layer 0002-01-01T09:00 phase 2026-01-05T09:00 every 168h: A B C");
    for (instant, expected) in [("1500-06-01T12:00:00Z", true), ("9900-06-01T12:00:00Z", true)] {
        assert_eq!(weekly.on_call(at(weekly.zone(), instant)).is_some(), expected, "{instant}");
    }
    assert_eq!(weekly.on_call(Timestamp(i64::MIN)), None);
    assert!(weekly.on_call(Timestamp::MAX).is_some());
    let odd = new_york(
        "layer 2026-01-05T09:00 every 0h: A B
         layer 2026-01-05T09:00 every 24h: A B
           daily 09:00 for 0h
         override 2026-01-05T09:00 to 2026-01-04T09:00: Z",
    );
    assert_eq!(odd.on_call(at(odd.zone(), "2026-01-04T12:00")), None);
    let empty = Window { start: Timestamp(5), end: Timestamp(5) };
    assert_eq!((odd.final_schedule(empty), odd.gaps(empty)), (vec![], vec![]));
    assert_eq!((odd.coverage(empty).percent(), odd.next_handoff(empty)), (100.0, None));
}
