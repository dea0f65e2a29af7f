//! Amounts per sliding minute: events per routing key, and bytes of oversized bodies.
//!
//! A window counts two calendar minutes and weighs the earlier one by how much of it the sliding minute still covers.
//! It takes the events of a minute as evenly spread, so a sender that crowds them at its end can get nearly twice the
//! limit into sixty seconds once. A list of times would be exact, and would need an entry per event.

use std::num::NonZeroU32;
use std::time::Duration;

use dashmap::DashMap;

const MINUTE_MS: u64 = 60_000;

/// Keys held before those that rest are forgotten. Only keys of the directory get here, so it is seldom reached.
const KEYS_MAX: usize = 100_000;

/// What was admitted in this calendar minute and the one before.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Window {
    minute: u64,
    earlier: u64,
    current: u64,
}

impl Window {
    /// Takes `amount` if the sliding minute that ends `now` then holds at most `limit`. `now` counts from any fixed
    /// moment and does not run backwards.
    ///
    /// # Errors
    /// How long until it might fit.
    pub(crate) fn take(&mut self, amount: u64, limit: u64, now: Duration) -> Result<(), Duration> {
        let now_ms = now.as_millis() as u64;
        let (minute, into_ms) = (now_ms / MINUTE_MS, now_ms % MINUTE_MS);
        match minute.saturating_sub(self.minute) {
            0 => {}
            1 => (self.earlier, self.current) = (self.current, 0),
            _ => (self.earlier, self.current) = (0, 0),
        }
        self.minute = self.minute.max(minute);
        let room = limit.saturating_sub(self.current);
        let left_ms = MINUTE_MS - into_ms;
        if amount <= room && u128::from(self.earlier) * u128::from(left_ms) <= u128::from(room - amount) * 60_000 {
            self.current += amount;
            return Ok(());
        }
        // Either the earlier minute has slid out far enough, or a new one must begin.
        let wait_ms = if amount <= room {
            let slid_ms = u128::from(room - amount) * u128::from(MINUTE_MS) / u128::from(self.earlier.max(1));
            left_ms.saturating_sub(slid_ms as u64)
        } else {
            left_ms
        };
        Err(Duration::from_millis(wait_ms.max(1)))
    }

    fn rests(&self, minute: u64) -> bool {
        self.minute + 1 < minute
    }
}

/// Events per routing key. Many connections write the map at once, each mostly its own key.
pub(crate) struct Limiter {
    events_per_minute_max: NonZeroU32,
    windows: DashMap<Box<str>, Window, ahash::RandomState>,
}

impl Limiter {
    pub(crate) fn new(events_per_minute_max: NonZeroU32) -> Self {
        Self { events_per_minute_max, windows: DashMap::with_hasher(ahash::RandomState::new()) }
    }

    /// Admits one event of this key.
    ///
    /// # Errors
    /// How long until one might be admitted.
    pub(crate) fn admit(&self, routing_key: &str, now: Duration) -> Result<(), Duration> {
        let limit = u64::from(self.events_per_minute_max.get());
        if let Some(mut window) = self.windows.get_mut(routing_key) {
            return window.take(1, limit, now);
        }
        if self.windows.len() >= KEYS_MAX {
            let minute = now.as_millis() as u64 / MINUTE_MS;
            self.windows.retain(|_, window| !window.rests(minute));
        }
        self.windows.entry(routing_key.into()).or_default().take(1, limit, now)
    }
}
