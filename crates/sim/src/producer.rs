//! A transactional producer on the model broker. Records are queued, as in librdkafka, and sent when they are waited for.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use campanile_ledger_kafka::wire::{self, Delivered, Fault, Outgoing, Producer, Session};
use campanile_model::{Span, Timestamp};

use crate::broker::{Body, Call, Hiccup, Place, at};
use crate::wire::{Network, Voice};

/// `message.timeout.ms` of the producers.
const MESSAGE_TIMEOUT: Span = Span::seconds(6);

pub(crate) struct ModelProducer {
    network: Network,
    shard: u16,
    epoch: i64,
    queue: VecDeque<(Place, Body, bool)>,
    began: Timestamp,
    is_delivered: bool,
    is_disturbed: bool,
}

impl ModelProducer {
    pub(crate) fn new(network: Network, shard: u16, epoch: i64) -> Self {
        let began = network.shared.now();
        Self { network, shard, epoch, queue: VecDeque::new(), began, is_delivered: false, is_disturbed: false }
    }

    fn who(&self) -> (u16, i64, u64) {
        (self.shard, self.epoch, self.network.life.number)
    }

    fn end(&self, call: Call, is_commit: bool) -> Result<(), Fault> {
        let (shard, epoch) = (self.shard, self.epoch);
        self.network.call(call, |broker| broker.end(shard, epoch, is_commit).map(Some))
    }
}

impl Producer for ModelProducer {
    fn begin(&mut self) -> Result<(), Fault> {
        self.queue.clear();
        (self.is_delivered, self.is_disturbed) = (false, false);
        self.began = self.network.shared.now();
        Ok(())
    }

    fn produce(&mut self, place: wire::Place, record: Outgoing<'_>, marks: bool) -> Result<(), Fault> {
        let place = match place {
            wire::Place::Topic(topic, partition) => Place::of(topic, partition),
            wire::Place::Changelog => Place::Changelog(self.shard),
        };
        let body = match record {
            Outgoing::Record(record) => Body::Record(record.clone()),
            Outgoing::Row { key, value } => {
                Body::Row { key: Bytes::copy_from_slice(key), value: value.map(Bytes::copy_from_slice) }
            }
        };
        self.queue.push_back((place, body, marks));
        Ok(())
    }

    fn drain(&mut self) -> Result<Delivered, Fault> {
        let who = self.who();
        let mut delivered = None;
        while let Some((place, body, marks)) = self.queue.pop_front() {
            if self.network.shared.now() > self.began + MESSAGE_TIMEOUT {
                return Err(Fault::Again("a record timed out in the client".to_owned()));
            }
            let send = |broker: &mut crate::broker::Broker| broker.produce(who, place, body.clone());
            // A request carries several records, so not each has a way of its own.
            let at_once = if self.network.shared.percent(25) || self.network.is_cut() {
                None
            } else {
                at(&self.network.cluster).produce(who, place, body.clone())?
            };
            let appended = match at_once {
                Some(appended) => appended,
                None => self.network.call(Call::Produce, send)?,
            };
            if marks {
                delivered = Some(Delivered { offset: appended.0, at: appended.1 });
            }
        }
        self.is_delivered = true;
        delivered.ok_or_else(|| Fault::Dead("the commit record was not acknowledged".to_owned()))
    }

    fn send_offsets(&mut self, main: u64, metadata: &str, session: &Session) -> Result<(), Fault> {
        let Some(voice) = session.native.downcast_ref::<Voice>() else {
            return Err(Fault::Dead("the session is of another wire".to_owned()));
        };
        let (who, generation) = (self.who(), session.generation);
        self.network.call(Call::SendOffsets, |broker| {
            // Without a generation the broker asks nothing, for the sake of old clients.
            if generation >= 0 {
                match broker.group.member(&voice.instance, voice.id) {
                    Ok(newest) if newest == generation => {}
                    Ok(newest) => {
                        broker.note(|| {
                            format!("shard {}: offsets of generation {generation} refused, it is {newest}", who.0)
                        });
                        return Err(Fault::Again("illegal generation".to_owned()));
                    }
                    Err(reason) => {
                        broker.note(|| format!("shard {}: offsets of life {} refused: {reason}", who.0, who.2));
                        return Err(Fault::Again(reason.to_owned()));
                    }
                }
            }
            broker.pend_offset(who, (main, metadata))
        })
    }

    fn commit(&mut self) -> Result<(), Fault> {
        // What is still queued goes first, as a flush would see to it.
        if !self.queue.is_empty() {
            self.drain().map(drop).or_else(|fault| match fault {
                Fault::Dead(text) if text.starts_with("the commit record") => Ok(()),
                other => Err(other),
            })?;
        }
        let late = {
            let mut broker = at(&self.network.cluster);
            let nth = broker.hiccups.iter().position(|it| *it == (Call::Commit, Hiccup::Late));
            nth.map(|nth| broker.hiccups.remove(nth)).is_some()
        };
        if late {
            // The connection broke under the first request; it is still on its way when the second is answered.
            let wait = 1 + self.network.shared.below(400) as i64;
            at(&self.network.cluster).end_later(self.shard, self.epoch, wait);
            self.is_disturbed = true;
            self.network.nap(Duration::from_millis(5));
        }
        self.end(Call::Commit, true)
    }

    fn abort(&mut self) -> Result<(), Fault> {
        self.queue.clear();
        if self.is_delivered {
            return self.end(Call::Abort, false);
        }
        let (shard, epoch, life) = self.who();
        self.epoch = self.network.call(Call::Abort, |broker| broker.bump(shard, epoch, life))?;
        Ok(())
    }

    fn abort_may_fence(&self) -> bool {
        !self.is_delivered
    }

    fn is_disturbed(&self) -> bool {
        self.is_disturbed
    }
}
