//! The roll call: who could not be paged by what is configured here. Said in the log at the start and after each apply,
//! for nobody should learn it from a page that did not come.

use std::collections::BTreeMap;

use campanile_directory::{Channel as Kind, Snapshot, User};
use campanile_escalation::Options;

/// Names shown of a longer list.
const SHOWN_MAX: usize = 5;

/// One sentence for each thing that is missing.
pub(crate) fn missing(directory: &Snapshot, carried: &[Kind], paging: &Options) -> Vec<String> {
    let mut without: BTreeMap<&'static str, Vec<&str>> = BTreeMap::new();
    for user in directory.users() {
        for kind in wanted(user).into_iter().filter(|kind| !carried.contains(kind)) {
            without.entry(kind.as_str()).or_default().push(&user.name);
        }
    }
    let mut missing: Vec<String> = Vec::new();
    for (kind, names) in without {
        let (count, shown) = (names.len(), names[..names.len().min(SHOWN_MAX)].join(", "));
        let more = if count > SHOWN_MAX { ", …" } else { "" };
        missing.push(format!("{count} users have rules for {kind}, which no channel here carries: {shown}{more}"));
    }
    for user in paging.last_resort.iter().filter(|user| directory.user(user.as_str()).is_none()) {
        missing.push(format!("the user {user} of the last resort is not in the directory"));
    }
    if let Some(key) = paging.gap_routing_key.as_ref().filter(|key| directory.route(key.as_str()).is_none()) {
        // The beginning is enough to find it, and too little to use it.
        let shown: String = key.as_str().chars().take(4).collect();
        missing.push(format!("the routing key {shown}… for gaps in coverage is of no integration"));
    }
    missing
}

/// The kinds that a person's rules lead to, each once; a person without rules gets mails.
fn wanted(user: &User) -> Vec<Kind> {
    let of_rule = |contact: &str| user.contact_methods.iter().find(|it| it.id == contact && it.enabled);
    let contacts = user.notification_rules.iter().filter_map(|rule| of_rule(&rule.contact));
    let mut kinds: Vec<_> = contacts.map(|contact| contact.channel).collect();
    if kinds.is_empty() {
        kinds.push(Kind::Email);
    }
    kinds.sort_unstable_by_key(|kind| *kind as u8);
    kinds.dedup();
    kinds
}
