//! Every row survives its encoding, keys are a bijection, and the bytes of version 1 never change.

use campanile_model::outcome::RefusedReason;
use campanile_model::{
    Actor, AlertId, AlertStatus, Hidden, IncidentId, IncidentStatus, PolicyId, PriorityId, ServiceId, Severity,
    Timestamp, Urgency, UserId,
};
use campanile_rows::{RowError, alert, answer, details, group, incident, keys, members};
use campanile_triage::{
    Acknowledgement, Alert, AlertKey, AlertRow, Answer, CommandKey, Details, GroupKey, Incident, Member, Named,
    PageKey, Verdict, Want,
};
use proptest::prelude::*;

fn open_alert() -> Alert {
    Alert {
        id: AlertId(0x0102_0304_0506_0708),
        status: AlertStatus::Triggered,
        severity: Severity::Error,
        hidden: None,
        incident: Some(IncidentId(9)),
        count: 300,
        first_seen: Timestamp(1_790_000_000_000),
        last_seen: Timestamp(1_790_000_000_001),
        last_trigger: (3, 77, Timestamp(1_790_000_000_001)),
        resolved_at: None,
    }
}

fn an_incident() -> Incident {
    Incident {
        id: IncidentId(5),
        status: IncidentStatus::Acknowledged,
        urgency: Urgency::Low,
        priority: Some(Named { id: PriorityId::new("P1ID"), name: "P1".into() }),
        title: "disk fühl".to_owned(),
        incident_key: "k".to_owned(),
        service: Named { id: ServiceId::new("PSVC"), name: "web".into() },
        policy: Named { id: PolicyId::new("PPOL"), name: "on-call".into() },
        created_at: Timestamp(1),
        status_changed_at: Timestamp(2),
        resolved_at: None,
        revision: 3,
        alerts: 4,
        open: 2,
        grouping: "content_based".into(),
        last_joined_at: Timestamp(2),
        acknowledgements: smallvec::smallvec![Acknowledgement {
            at: Timestamp(2),
            by: Actor { kind: "user_reference".into(), id: "PU".into() }
        }],
        auto_resolve_at: Some(Timestamp(9)),
        acknowledgement_ends_at: None,
        urgency_rises_at: Some(Timestamp(-1)),
        assignees: smallvec::smallvec![Named { id: UserId::new("PU"), name: "Ann".into() }],
        assigned_at: Some(Timestamp(3)),
        level: 2,
        snoozed_until: Some(Timestamp(8)),
        merged_into: Some(IncidentId(6)),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn bytes_of_version_1_stay_as_they_are() {
    let mut bytes = Vec::new();
    alert::encode(&AlertRow::Open(open_alert()), &mut bytes);
    assert_eq!(
        hex(&bytes),
        "010008070605040302010200010900000000000000ac02006c50c4a001000001\
         6c50c4a0010000034d016c50c4a0010000"
            .replace(char::is_whitespace, ""),
        "a changed fixture is a release note"
    );
    let mut bytes = Vec::new();
    answer::encode(&Answer::Refused(RefusedReason::StaleRevision), &mut bytes);
    assert_eq!(hex(&bytes), "010202");
    let mut bytes = Vec::new();
    group::encode(&IncidentId(7), &mut bytes);
    assert_eq!(hex(&bytes), "010700000000000000");
}

#[test]
fn rows_survive_their_encoding() {
    for row in [
        AlertRow::Open(open_alert()),
        AlertRow::Open(Alert { hidden: Some(Hidden::DisabledService), incident: None, ..open_alert() }),
        AlertRow::Tombstone { partition: 9, offset: u64::MAX, at: Timestamp(-5) },
    ] {
        let mut bytes = Vec::new();
        alert::encode(&row, &mut bytes);
        assert_eq!(alert::decode(&bytes), Ok(row));
    }
    let mut bytes = Vec::new();
    incident::encode(&an_incident(), &mut bytes);
    assert_eq!(incident::decode(&bytes), Ok(an_incident()));
    for verdict in [
        Verdict::Opened,
        Verdict::Grouped("intelligent"),
        Verdict::Hidden(Hidden::Maintenance, "PWIN".into()),
        Verdict::Overtaken,
    ] {
        let row = Details {
            service: Named { id: ServiceId::new("PSVC"), name: "web".into() },
            integration: "PINT".into(),
            dedup_key: "web/disk".to_owned(),
            summary: "full".to_owned(),
            verdict,
            body: b"{\"source\":\"x\"}".to_vec(),
        };
        let mut bytes = Vec::new();
        details::encode(&row, &mut bytes);
        assert_eq!(details::decode(&bytes), Ok(row));
    }
}

#[test]
fn damage_and_foreign_versions_are_told_apart() {
    let mut bytes = Vec::new();
    incident::encode(&an_incident(), &mut bytes);
    for cut in 1..bytes.len() {
        let shorter = incident::decode(&bytes[..cut]);
        assert_eq!(shorter, Err(RowError::Damaged { kind: "incident", len: cut }), "cut at {cut}");
    }
    bytes.push(0);
    assert!(incident::decode(&bytes).is_err(), "a byte too many");
    bytes[0] = 3;
    assert_eq!(incident::decode(&bytes), Err(RowError::Version { kind: "incident", found: 3, known: 2 }));
    bytes[0] = 0;
    assert_eq!(incident::decode(&bytes), Err(RowError::Version { kind: "incident", found: 0, known: 2 }));
}

/// The same incident as [`an_incident`], as version 1 wrote it.
const INCIDENT_V1: &str = "01050000000000000001010104503149440250310a6469736b2066c3bc686c016b0450535643037765620450504f4c07\
    6f6e2d63616c6c01000000000000000200000000000000000304020d636f6e74656e745f626173656402000000000000\
    000102000000000000000e757365725f7265666572656e63650250550109000000000000000001ffffffffffffffff";

#[test]
fn an_incident_of_version_1_is_nobody_s_yet() {
    let bytes: Vec<u8> = (0..INCIDENT_V1.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&INCIDENT_V1[at..at + 2], 16).expect("hex"))
        .collect();
    let before = Incident {
        assignees: smallvec::smallvec![],
        assigned_at: None,
        level: 0,
        snoozed_until: None,
        merged_into: None,
        ..an_incident()
    };
    assert_eq!(incident::decode(&bytes), Ok(before));
}

proptest! {
    #[test]
    fn keys_are_a_bijection(service: u32, hash: u128, page: u32, id: u64) {
        let alert = AlertKey::unpack(hash).with_service(service);
        let wants = [
            Want::Alert(alert),
            Want::Details(alert),
            Want::Incident(IncidentId(id)),
            Want::Group(GroupKey { scope: service, hash }),
            Want::Members(PageKey { page, incident: IncidentId(id) }),
            Want::Answer(CommandKey(hash)),
        ];
        for want in wants {
            prop_assert_eq!(keys::read(&keys::of(&want)), Some(want));
        }
    }

    #[test]
    fn pages_survive_their_encoding(list in proptest::collection::vec((any::<u128>(), any::<u64>(), 0..4usize), 0..64)) {
        let page: Vec<Member> = list
            .into_iter()
            .map(|(alert, id, groups)| Member {
                alert: AlertKey::unpack(alert),
                id: AlertId(id),
                groups: (0..groups).map(|n| GroupKey { scope: n as u32, hash: alert ^ n as u128 }).collect(),
            })
            .collect();
        let mut bytes = Vec::new();
        members::encode(&page, &mut bytes);
        prop_assert_eq!(members::decode(&bytes), Ok(page));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = (alert::decode(&bytes), answer::decode(&bytes), details::decode(&bytes));
        let _ = (group::decode(&bytes), incident::decode(&bytes), members::decode(&bytes));
    }
}
