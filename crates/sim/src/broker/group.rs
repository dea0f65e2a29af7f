//! The group: static members, generations, and a cooperative rebalance in two rounds: a shard is given to another only
//! after its owner was asked to let go of it and came back without it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use campanile_model::{Span, Timestamp};

use super::{Broker, SESSION_MS};
use crate::schedule::{Life, Shared};

pub(crate) struct Member {
    pub(crate) life: Arc<Life>,
    pub(crate) id: u64,
    /// What it said it owned when it last joined.
    owned: BTreeSet<u16>,
    assigned: BTreeSet<u16>,
    has_joined: bool,
    silent_since: Option<Timestamp>,
}

/// What a member learns when it looks.
pub(crate) enum Standing {
    /// Unknown to the group: everything it had is somebody else's.
    Unknown,
    /// Another has its name.
    Fenced,
    /// A rebalance is under way; it has joined it.
    Joining,
    Assigned {
        generation: i32,
        shards: BTreeSet<u16>,
    },
}

pub(crate) struct Group {
    pub(crate) generation: i32,
    is_preparing: bool,
    members: BTreeMap<String, Member>,
    partitions: u16,
    ids: u64,
    /// Grants that were not followed by a commit yet: their claims may make producers.
    claiming: BTreeSet<(u64, u16)>,
    /// Answers to a probe that no producer has used yet.
    proofs: BTreeSet<(u64, u16)>,
}

impl Group {
    pub(crate) fn new(partitions: u16) -> Self {
        let (members, claiming, proofs) = Default::default();
        Self { generation: 0, is_preparing: false, members, partitions, ids: 0, claiming, proofs }
    }

    pub(crate) fn widen(&mut self, partitions: u16) {
        self.partitions = partitions;
        self.prepare();
    }

    fn prepare(&mut self) {
        self.is_preparing = true;
        for member in self.members.values_mut() {
            member.has_joined = false;
        }
    }

    /// Joins under an instance name. A name that is known keeps its shards, and fences who had it.
    pub(crate) fn join(&mut self, instance: &str, life: &Arc<Life>) -> u64 {
        self.ids += 1;
        let id = self.ids;
        match self.members.get_mut(instance) {
            Some(known) => {
                (known.id, known.life, known.silent_since) = (id, Arc::clone(life), None);
                known.has_joined = false;
                // It comes back without what it had, so a shard that was withheld for its sake is free: another round.
                if self.assigned() < usize::from(self.partitions) {
                    self.prepare();
                }
            }
            None => {
                let (owned, assigned) = Default::default();
                let life = Arc::clone(life);
                let member = Member { life, id, owned, assigned, has_joined: false, silent_since: None };
                self.members.insert(instance.to_owned(), member);
                self.prepare();
            }
        }
        id
    }

    /// A member's look: it joins what is being prepared, with what it owns, and hears what it is given.
    pub(crate) fn look(&mut self, instance: &str, id: u64, owned: &BTreeSet<u16>, shared: &Shared) -> Standing {
        let Some(member) = self.members.get_mut(instance) else { return Standing::Unknown };
        if member.id != id {
            return Standing::Fenced;
        }
        if self.is_preparing {
            member.has_joined = true;
            member.owned.clone_from(owned);
            self.complete(shared);
        }
        match self.members.get(instance) {
            Some(_) if self.is_preparing => Standing::Joining,
            Some(member) => Standing::Assigned { generation: self.generation, shards: member.assigned.clone() },
            None => Standing::Unknown,
        }
    }

    /// It let go of shards, which asks for the second round.
    pub(crate) fn let_go(&mut self, instance: &str, id: u64) {
        if self.members.get(instance).is_some_and(|member| member.id == id) {
            self.prepare();
        }
    }

    /// Ends the round once all have joined.
    fn complete(&mut self, shared: &Shared) {
        if self.members.values().any(|member| !member.has_joined) {
            return;
        }
        self.is_preparing = false;
        self.generation += 1;
        let names: Vec<String> = self.members.keys().cloned().collect();
        let most = usize::from(self.partitions).div_ceil(names.len().max(1));
        let owner_now = |shard: u16| names.iter().find(|name| self.members[*name].owned.contains(&shard));
        let mut target: BTreeMap<&String, BTreeSet<u16>> = names.iter().map(|name| (name, BTreeSet::new())).collect();
        let mut homeless = Vec::new();
        for shard in 0..self.partitions {
            let kept = owner_now(shard).and_then(|owner| target.get_mut(owner)).filter(|has| has.len() < most);
            match kept {
                Some(has) => drop(has.insert(shard)),
                None => homeless.push(shard),
            }
        }
        let first = shared.below(names.len());
        for shard in homeless {
            let turn = names.iter().cycle().skip(first).take(names.len());
            let Some(name) = turn.min_by_key(|name| target[*name].len()) else { continue };
            // Withheld while another still owns it.
            if owner_now(shard).is_none_or(|owner| owner == name) {
                target.entry(name).or_default().insert(shard);
            }
        }
        let target: Vec<(String, BTreeSet<u16>)> = target.into_iter().map(|(name, has)| (name.clone(), has)).collect();
        for (name, shards) in target {
            if let Some(member) = self.members.get_mut(&name) {
                member.assigned = shards;
            }
        }
    }

    /// OffsetCommit and TxnOffsetCommit ask this of the sender.
    pub(crate) fn member(&self, instance: &str, id: u64) -> Result<i32, &'static str> {
        match self.members.get(instance) {
            None => Err("unknown member"),
            Some(member) if member.id != id => Err("fenced instance"),
            Some(_) => Ok(self.generation),
        }
    }

    /// The owner of a shard, if it is another than this life of a process.
    pub(crate) fn owner_beside(&self, life: u64, shard: u16) -> Option<String> {
        let owner = self.members.iter().find(|(_, member)| member.assigned.contains(&shard))?;
        (owner.1.life.number != life).then(|| owner.0.clone())
    }

    pub(crate) fn granted(&mut self, life: u64, shard: u16) {
        self.claiming.insert((life, shard));
    }

    pub(crate) fn has_claimed(&mut self, life: u64, shard: u16) {
        self.claiming.remove(&(life, shard));
    }

    pub(crate) fn proved(&mut self, life: u64, shard: u16) {
        self.proofs.insert((life, shard));
    }

    /// Whether the group was asked before this producer is made.
    pub(crate) fn may_init(&mut self, life: u64, shard: u16) -> bool {
        self.proofs.remove(&(life, shard)) || self.claiming.contains(&(life, shard))
    }

    /// Shards that somebody was given.
    pub(crate) fn assigned(&self) -> usize {
        self.members.values().map(|member| member.assigned.len()).sum()
    }

    pub(crate) fn next_expiry(&self) -> Option<Timestamp> {
        let silent = self.members.values().filter_map(|member| member.silent_since);
        silent.map(|since| since + Span(SESSION_MS)).min()
    }
}

impl Broker {
    /// Heartbeats are the client's own thread: only a process that is stopped, dead or cut off goes silent.
    pub(crate) fn watch_members(&mut self) {
        let now = self.shared.now();
        let away = self.away_until > now;
        let cut: Vec<usize> = self.cut_until.iter().filter(|(_, until)| **until > now).map(|(nth, _)| *nth).collect();
        for member in self.group.members.values_mut() {
            let life = &member.life;
            let is_silent = life.is_dead() || life.is_paused() || (cut.contains(&life.process) && !away);
            match (is_silent, member.silent_since) {
                (true, None) => member.silent_since = Some(now),
                (false, Some(since)) if since + Span(SESSION_MS) > now => member.silent_since = None,
                (true, Some(_)) | (false, None | Some(_)) => {}
            }
        }
    }

    pub(super) fn expire_a_member(&mut self) -> bool {
        let now = self.shared.now();
        let is_gone = |member: &Member| member.silent_since.is_some_and(|since| since + Span(SESSION_MS) <= now);
        let Some(name) = self.group.members.iter().find(|(_, it)| is_gone(it)).map(|(name, _)| name.clone()) else {
            return false;
        };
        self.note(|| format!("group: {name} was silent too long"));
        self.group.members.remove(&name);
        self.group.prepare();
        let shared = Arc::clone(&self.shared);
        if self.group.members.is_empty() {
            self.group.is_preparing = false;
        } else {
            self.group.complete(&shared);
        }
        true
    }
}
