//! What a commit leaves to be done outside: known while the batch grows, carried out once it is durable.

use campanile_escalation::{Errand, ErrandKey, Order};
use campanile_model::OrderId;

#[derive(Debug, Default)]
pub(crate) struct Deeds {
    /// Errands as they stand now; `None` need not be sent any more.
    pub(crate) errands: Vec<(ErrandKey, Option<Errand>)>,
    /// Orders as they stand now; `None` were taken back or may be forgotten.
    pub(crate) orders: Vec<(OrderId, Option<Order>)>,
    /// Orders that may leave now.
    pub(crate) offers: Vec<OrderId>,
    /// Levels that were entered.
    pub(crate) levels: Vec<u32>,
}

impl Deeds {
    pub(crate) fn is_empty(&self) -> bool {
        self.errands.is_empty() && self.orders.is_empty() && self.offers.is_empty() && self.levels.is_empty()
    }
}
