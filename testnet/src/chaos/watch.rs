//! A watcher that asks every node for its height, again and again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::checker::Seen;
use crate::client::Client;

/// Pause between two rounds.
const PAUSE: Duration = Duration::from_millis(300);

/// Notes heights.
#[derive(Debug)]
pub struct Watch<'a> {
    nodes: &'a [(usize, Client)],
    lives: Mutex<Vec<u32>>,
    seen: Mutex<Vec<Seen>>,
}

impl<'a> Watch<'a> {
    /// A watcher of nodes, of `all` nodes of the network.
    pub fn new(nodes: &'a [(usize, Client)], all: usize) -> Self {
        Self {
            nodes,
            lives: Mutex::new(vec![0; all]),
            seen: Mutex::new(Vec::new()),
        }
    }

    /// Tells how often each node's data was wiped: call it while a wiped node is down.
    pub fn lives(&self, lives: &[u32]) {
        lives.clone_into(&mut self.lives.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Watches until told to stop.
    pub fn run(&self, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            for (node, client) in self.nodes {
                let life =
                    |node: usize| self.lives.lock().unwrap_or_else(PoisonError::into_inner)[node];
                let before = life(*node);
                // A node that is down is seen again later. An answer across a wipe says nothing.
                if let Ok(health) = client.ready()
                    && before == life(*node)
                {
                    let (node, life, height) = (*node, before, health.height);
                    let seen = Seen { node, life, height };
                    self.seen
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(seen);
                }
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// What it saw, in order.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
