//! The laws, as functions that scenario tables and property tests call after every input. Too dear for each event of a
//! running server: there, the oracle in tests/oracle stands for them.

use campanile_model::Timestamp;

use crate::effects::{Effects, Publish};
use crate::state::{AlertRow, State};

/// A law that does not hold, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach(pub String);

/// TR-3: an open alert is hidden, or in exactly one incident, and that incident is open.
pub fn tr3_alert_has_one_place(state: &State) -> Result<(), Breach> {
    for (key, row) in state.alerts.iter() {
        let AlertRow::Open(alert) = row else { continue };
        match (alert.hidden, alert.incident) {
            (Some(_), None) => {}
            (None, Some(id)) => {
                if let Some(incident) = state.incidents.iter().find(|(i, _)| **i == id).map(|(_, incident)| incident)
                    && !incident.status.is_open()
                {
                    return Err(Breach(format!("TR-3: open alert {} of {key:?} is in closed incident {id}", alert.id)));
                }
            }
            (hidden, incident) => {
                return Err(Breach(format!("TR-3: alert {} is hidden {hidden:?} and in {incident:?}", alert.id)));
            }
        }
    }
    Ok(())
}

/// TR-5: revisions of an incident follow each other without a gap. `seen` keeps the newest of each.
pub fn tr5_revisions_are_consecutive(
    seen: &mut ahash::AHashMap<campanile_model::IncidentId, u64>,
    effects: &Effects,
) -> Result<(), Breach> {
    for publish in &effects.publish {
        let Publish::Revision(revision) = publish else { continue };
        let newest = seen.entry(revision.incident.id).or_insert(0);
        if revision.incident.revision != *newest + 1 {
            let (id, found) = (revision.incident.id, revision.incident.revision);
            return Err(Breach(format!("TR-5: incident {id} went from revision {newest} to {found}")));
        }
        *newest += 1;
    }
    Ok(())
}

/// TR-4 and TR-7 on a closed incident: nothing open in it, no deadline left.
pub fn tr7_closed_incident_is_still(state: &State) -> Result<(), Breach> {
    for (id, incident) in state.incidents.iter() {
        if incident.status.is_open() {
            continue;
        }
        let deadlines = [
            incident.auto_resolve_at,
            incident.acknowledgement_ends_at,
            incident.urgency_rises_at,
            incident.snoozed_until,
        ];
        if incident.open != 0 || deadlines.iter().any(Option::is_some) {
            return Err(Breach(format!(
                "TR-7: closed incident {id} has {} open alerts, timers {deadlines:?}",
                incident.open
            )));
        }
    }
    Ok(())
}

/// An open incident counts its open alerts rightly. Holds where all rows are known.
pub fn open_count_is_true(state: &State) -> Result<(), Breach> {
    for (id, incident) in state.incidents.iter() {
        let open = state.alerts.iter().filter(|(_, row)| row.open().and_then(|a| a.incident) == Some(*id)).count();
        if open != incident.open as usize {
            return Err(Breach(format!("incident {id} says {} open alerts and has {open}", incident.open)));
        }
    }
    Ok(())
}

/// Log time never runs backwards within a shard.
pub fn time_does_not_run_back(before: Timestamp, now: Timestamp) -> Result<(), Breach> {
    if now < before { Err(Breach(format!("log time ran back from {before} to {now}"))) } else { Ok(()) }
}

/// All laws that a state alone can show.
pub fn all(state: &State) -> Result<(), Breach> {
    tr3_alert_has_one_place(state)?;
    tr7_closed_incident_is_still(state)?;
    open_count_is_true(state)
}
