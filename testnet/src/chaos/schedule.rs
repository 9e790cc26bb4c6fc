//! The schedule of a run: what goes wrong, when, for how long. One seed is one schedule.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;

use crate::proxy::Weather;

/// What goes wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Nodes are killed as by a power cut, and started again.
    Kill(BTreeSet<usize>),
    /// Nodes are told to stop, and started again.
    Restart(BTreeSet<usize>),
    /// Nodes stand still, and go on.
    Pause(BTreeSet<usize>),
    /// A node is killed, loses its consensus log and its undecided blocks, and is started again.
    WipeWal(usize),
    /// A node is killed, loses its data directory but keeps its keys and guard, and is started
    /// again.
    WipeData(usize),
    /// Nodes are cut off from the others, but not from each other.
    Partition(BTreeSet<usize>),
    /// Every link is disturbed.
    Weather(Weather),
    /// The traitor forgets everything, its guard included, and is started again.
    Amnesia(usize),
}

impl Fault {
    /// Its kind, for the summary.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Kill(_) => "kill",
            Self::Restart(_) => "restart",
            Self::Pause(_) => "pause",
            Self::WipeWal(_) => "wiped log",
            Self::WipeData(_) => "wiped data",
            Self::Partition(_) => "partition",
            Self::Weather(weather) if weather.loss_permille > 0 => "loss",
            Self::Weather(weather) if weather.bytes_per_second > 0 => "throttle",
            Self::Weather(_) => "delay",
            Self::Amnesia(_) => "amnesia",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind();
        match self {
            Self::Kill(nodes)
            | Self::Restart(nodes)
            | Self::Pause(nodes)
            | Self::Partition(nodes) => {
                let names: Vec<_> = nodes.iter().map(|node| format!("node{node}")).collect();
                write!(f, "{kind} of {}", names.join(", "))
            }
            Self::WipeWal(node) | Self::WipeData(node) | Self::Amnesia(node) => {
                write!(f, "{kind} of node{node}")
            }
            Self::Weather(weather) => write!(
                f,
                "{kind} ({} ms, {} of 1000 lost, {} bytes/s)",
                weather.delay_ms, weather.loss_permille, weather.bytes_per_second
            ),
        }
    }
}

/// A fault and how long it lasts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Window {
    /// What goes wrong.
    pub fault: Fault,
    /// Until it is healed.
    pub lasts: Duration,
    /// Fair weather afterwards, before the next one.
    pub calm: Duration,
}

/// Who takes part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Parties {
    /// Validators; nodes 0 to this minus 1.
    pub validators: usize,
    /// Nodes with the observer.
    pub nodes: usize,
    /// The validator that lies.
    pub traitor: Option<usize>,
}

impl Parties {
    /// Most validators that may be at fault in more than having stopped.
    pub fn faulty_max(&self) -> usize {
        self.validators.saturating_sub(1) / 3
    }

    /// Whether one more than the traitor may forget what it signed.
    fn may_forget(&self) -> bool {
        self.faulty_max() > usize::from(self.traitor.is_some())
    }

    fn honest(&self) -> Vec<usize> {
        (0..self.nodes)
            .filter(|node| Some(*node) != self.traitor)
            .collect()
    }
}

/// Shortest and longest fault, milliseconds.
const LASTS_MS: std::ops::Range<u64> = 1_500..8_000;
/// Shortest and longest calm, milliseconds.
const CALM_MS: std::ops::Range<u64> = 500..2_500;

/// An endless schedule; equal seeds and parties give equal ones.
#[derive(Debug)]
pub struct Schedule {
    dice: ChaCha20Rng,
    parties: Parties,
    /// Kinds that are still to come before any comes again: every kind has its turn in a short run.
    left: Vec<u8>,
}

/// Kinds of faults that everybody may suffer; those that wipe something come after.
const KINDS: std::ops::Range<u8> = 0..8;
const WIPES: std::ops::Range<u8> = 8..10;
const AMNESIA: u8 = 10;

impl Schedule {
    /// The schedule of a seed.
    pub fn new(seed: u64, parties: Parties) -> Self {
        Self {
            dice: ChaCha20Rng::seed_from_u64(seed),
            parties,
            left: Vec::new(),
        }
    }

    fn kind(&mut self) -> u8 {
        if self.left.is_empty() {
            self.left = KINDS.collect();
            if self.parties.may_forget() {
                self.left.extend(WIPES);
            }
            if self.parties.traitor.is_some() {
                self.left.push(AMNESIA);
            }
        }
        let at = self.dice.random_range(0..self.left.len());
        self.left.swap_remove(at)
    }

    /// Between `min` and `max` of the honest nodes.
    fn some(&mut self, min: usize, max: usize) -> BTreeSet<usize> {
        let mut honest = self.parties.honest();
        let count = self.dice.random_range(min..=max.min(honest.len()));
        let mut chosen = BTreeSet::new();
        while chosen.len() < count {
            let at = self.dice.random_range(0..honest.len());
            chosen.insert(honest.swap_remove(at));
        }
        chosen
    }

    fn one(&mut self) -> usize {
        let honest = self.parties.honest();
        honest[self.dice.random_range(0..honest.len())]
    }

    fn weather(&mut self, kind: u8) -> Weather {
        let dice = &mut self.dice;
        let mut weather = Weather {
            delay_ms: dice.random_range(5..150),
            ..Weather::default()
        };
        match kind {
            6 => weather.loss_permille = dice.random_range(5..60),
            7 => weather.bytes_per_second = dice.random_range(40_000..400_000),
            _ => {}
        }
        weather
    }

    fn fault(&mut self) -> Fault {
        let few = self.parties.faulty_max().max(1);
        // Crashes may go beyond a third: then the network halts, and must return.
        let many = self.parties.validators / 2;
        match self.kind() {
            0 => Fault::Kill(self.some(1, few)),
            1 => Fault::Kill(self.some(few + 1, self.parties.nodes)),
            2 => Fault::Restart(self.some(1, many)),
            3 => Fault::Pause(self.some(1, many)),
            4 => Fault::Partition(self.some(1, many)),
            kind @ 5..=7 => Fault::Weather(self.weather(kind)),
            8 => Fault::WipeWal(self.one()),
            9 => Fault::WipeData(self.one()),
            _ => match self.parties.traitor {
                Some(traitor) => Fault::Amnesia(traitor),
                None => Fault::Kill(self.some(1, few)),
            },
        }
    }
}

impl Iterator for Schedule {
    type Item = Window;

    fn next(&mut self) -> Option<Window> {
        let fault = self.fault();
        Some(Window {
            fault,
            lasts: Duration::from_millis(self.dice.random_range(LASTS_MS)),
            calm: Duration::from_millis(self.dice.random_range(CALM_MS)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parties(validators: usize, traitor: Option<usize>) -> Parties {
        Parties {
            validators,
            nodes: validators + 1,
            traitor,
        }
    }

    #[test]
    fn one_seed_is_one_schedule() {
        let first = |seed| {
            Schedule::new(seed, parties(7, Some(2)))
                .take(50)
                .collect::<Vec<_>>()
        };
        assert_eq!(first(1), first(1));
        assert_ne!(first(1), first(2));
    }

    #[test]
    fn liars_and_forgetful_nodes_together_stay_below_a_third() {
        let forgets = |fault: &Fault| matches!(fault, Fault::WipeWal(_) | Fault::WipeData(_));
        for seed in 0..20 {
            let mut alone = Schedule::new(seed, parties(4, Some(0))).take(100);
            assert!(!alone.any(|window| forgets(&window.fault)));
            let mut seven = Schedule::new(seed, parties(7, Some(0))).take(100);
            assert!(seven.any(|window| forgets(&window.fault)));
            let mut honest = Schedule::new(seed, parties(4, None)).take(100);
            assert!(honest.any(|window| forgets(&window.fault)));
        }
    }

    #[test]
    fn the_traitor_is_never_spared_into_honesty_and_everybody_has_a_turn() {
        let windows: Vec<_> = Schedule::new(3, parties(7, Some(6))).take(400).collect();
        let mut hit = BTreeSet::new();
        for window in &windows {
            match &window.fault {
                Fault::Kill(nodes) | Fault::Restart(nodes) | Fault::Pause(nodes) => {
                    assert!(!nodes.contains(&6));
                    hit.extend(nodes);
                }
                _ => {}
            }
        }
        assert_eq!(hit, (0..8).filter(|node| *node != 6).collect());
    }
}
