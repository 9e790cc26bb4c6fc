//! Blocks' worth of transactions: as many as fit the genesis's bounds and one block's time.
//!
//! Under the replay clock a block's time is the highest `signed_at` in it, so transactions whose
//! window ends before that must go into an earlier block.

use chipledger_schemas::encode::encoded_len;
use chipledger_schemas::genesis::Bounds;
use chipledger_schemas::time::Time;
use chipledger_schemas::transaction::Transaction;

/// Groups transactions, in their order.
#[derive(Debug)]
pub struct Batches<I: Iterator<Item = Transaction>> {
    transactions: std::iter::Peekable<I>,
    item_events_max: u64,
    bytes_max: u64,
}

/// Room for a block's header and the lengths of its parts.
const HEADER_BYTES: u64 = 4 * 1024;

impl<I: Iterator<Item = Transaction>> Batches<I> {
    /// Groups `transactions`, whose `signed_at` never falls, by the bounds of a genesis.
    pub fn new(transactions: I, bounds: &Bounds) -> Self {
        Self {
            transactions: transactions.peekable(),
            item_events_max: bounds.block_item_events_max,
            bytes_max: bounds.block_bytes_max.saturating_sub(HEADER_BYTES),
        }
    }
}

impl<I: Iterator<Item = Transaction>> Iterator for Batches<I> {
    type Item = Vec<Transaction>;

    fn next(&mut self) -> Option<Vec<Transaction>> {
        let mut batch = Vec::new();
        let (mut item_events, mut bytes, mut window_end) = (0_u64, 0_u64, Time(u64::MAX));
        while let Some(next) = self.transactions.peek() {
            item_events = item_events.saturating_add(next.item_events());
            bytes = bytes.saturating_add(encoded_len(next) as u64);
            let fits = item_events <= self.item_events_max && bytes <= self.bytes_max;
            let in_time = next.body.signed_at < window_end;
            if !(batch.is_empty() || fits && in_time) {
                break;
            }
            window_end = window_end.min(next.body.valid_until);
            batch.extend(self.transactions.next());
        }
        (!batch.is_empty()).then_some(batch)
    }
}
