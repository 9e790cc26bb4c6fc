//! No account is negative at any event time, whatever is told late, re-posted or undone.

use std::collections::BTreeMap;

use chipledger_proof::state::{Account, LastMovement, ModelNumber};
use chipledger_schemas::ids::{ItemId, RecordId};
use chipledger_schemas::records::{Record, SetSite, SucceedMember};
use chipledger_schemas::time::{HOUR_MS, Time};
use proptest::prelude::*;
use serde_json::json;

use crate::execute::cases::{decree, site};
use crate::execute::tests::{register, say};
use crate::fixture::{World, id};

type Changes = BTreeMap<(Account, ModelNumber), Vec<(Time, i128)>>;

/// Chips that travel, each on its own.
const CHIPS: u64 = 4;
const SITES: [(&str, &str); 4] = [
    ("FAB", "TW-FAB"),
    ("OP", "US-DC"),
    ("OP-2", "DE-DC"),
    ("DIST", "SG-HUB"),
];
const COUNTRIES: [&str; 3] = ["US", "DE", "SG"];

/// What may be tried; most of it is rejected.
#[derive(Clone, Copy, Debug)]
enum Act {
    Ship { chip: u64, to: usize },
    Receive { chip: u64 },
    Redirect { chip: u64, to: usize },
    Void { chip: u64 },
    Correct { chip: u64 },
    Move { site: usize, to: usize },
    Succeed { from: usize, to: usize },
}

fn acts() -> impl Strategy<Value = Vec<(Act, u64)>> {
    let chip = || 0..CHIPS;
    let act = prop_oneof![
        6 => (chip(), 0..4_usize).prop_map(|(chip, to)| Act::Ship { chip, to }),
        6 => chip().prop_map(|chip| Act::Receive { chip }),
        2 => (chip(), 0..4_usize).prop_map(|(chip, to)| Act::Redirect { chip, to }),
        1 => chip().prop_map(|chip| Act::Void { chip }),
        4 => chip().prop_map(|chip| Act::Correct { chip }),
        3 => (0..4_usize, 0..3_usize).prop_map(|(site, to)| Act::Move { site, to }),
        1 => (0..4_usize, 0..4_usize).prop_map(|(from, to)| Act::Succeed { from, to }),
    ];
    prop::collection::vec((act, 0..30_u64), 10..60)
}

struct Teller {
    world: World,
    shipments: u64,
    /// The shipment that a chip was last sent in.
    under: BTreeMap<u64, String>,
    /// Where it was to go at first.
    bound_for: BTreeMap<u64, usize>,
    changes: Changes,
}

fn chip(number: u64) -> String {
    format!("FAB:{number}")
}

impl Teller {
    fn new() -> Self {
        let mut world = World::new();
        let record = register(&world, &format!("FAB:0..{}", CHIPS - 1));
        world.submit("FAB", vec![record]).unwrap();
        let mut teller = Self {
            world,
            shipments: 0,
            under: BTreeMap::new(),
            bound_for: BTreeMap::new(),
            changes: Changes::new(),
        };
        teller.note();
        teller
    }

    /// Tries something that is said to have happened some hours ago; whether it was accepted.
    fn tell(&mut self, act: Act, hours_ago: u64) -> bool {
        let at = self.world.now().minus_ms(hours_ago * HOUR_MS);
        let accepted = match act {
            Act::Move { site, to } => self.move_site(site, to, at),
            Act::Succeed { from, to } => {
                let succession = SucceedMember {
                    from: id(SITES[from].0),
                    to: id(SITES[to].0),
                    basis: "merger".to_owned(),
                    occurred_at: at,
                };
                decree(&mut self.world, Record::SucceedMember(succession)).is_ok()
            }
            _ => self.custody(act, at),
        };
        if accepted {
            self.note();
        }
        accepted
    }

    fn move_site(&mut self, number: usize, to: usize, valid_from: Time) -> bool {
        let name = SITES[number].1;
        let record = SetSite {
            valid_from,
            jurisdiction: id(COUNTRIES[to]),
            ..site(&self.world, name)
        };
        decree(&mut self.world, Record::SetSite(record)).is_ok()
    }

    fn custody(&mut self, act: Act, at: Time) -> bool {
        let number = match act {
            Act::Ship { chip, .. }
            | Act::Receive { chip }
            | Act::Redirect { chip, .. }
            | Act::Void { chip }
            | Act::Correct { chip } => chip,
            Act::Move { .. } | Act::Succeed { .. } => unreachable!("not about a chip"),
        };
        let items = [chip(number)];
        let holder = self.world.effective(&items[0]).holder.to_string();
        let under = self.under.get(&number).cloned().unwrap_or_default();
        let (kind, fields, authors) = match act {
            Act::Ship { to, .. } => {
                self.shipments += 1;
                let shipment = format!("{holder}:S{}", self.shipments);
                let fields = json!({"shipment": shipment, "items": items, "to": SITES[to].0,
                    "to_site": SITES[to].1, "expected_at": "2027-01-01", "occurred_at": at});
                self.under.insert(number, shipment);
                self.bound_for.insert(number, to);
                ("ship", fields, vec![holder])
            }
            Act::Receive { .. } => {
                let (member, site) = SITES[self.bound_for.get(&number).copied().unwrap_or(0)];
                let fields = json!({"shipment": under, "site": site, "found": items,
                    "missing": [], "extra": [], "refused": [], "occurred_at": at});
                ("receive", fields, vec![member.to_owned()])
            }
            Act::Redirect { to, .. } => {
                let fields = json!({"shipment": under, "items": items, "to": SITES[to].0,
                    "to_site": SITES[to].1, "expected_at": "2027-01-01", "occurred_at": at});
                ("redirect", fields, members())
            }
            Act::Void { .. } => {
                let fields = json!({"shipment": under, "items": items, "reason": "x",
                    "occurred_at": at});
                ("void_shipment", fields, members())
            }
            _ => {
                let Some(record) = self.latest(&items[0]) else {
                    return false;
                };
                let fields = json!({"items": items, "record": record, "carried": [],
                    "reason": "x"});
                let record = say(&self.world, "correct", fields);
                return decree(&mut self.world, record).is_ok();
            }
        };
        if under.is_empty() && kind != "ship" {
            return false;
        }
        authors
            .iter()
            .any(|author| self.try_say(kind, fields.clone(), author))
    }

    fn try_say(&mut self, kind: &str, fields: serde_json::Value, author: &str) -> bool {
        let record = say(&self.world, kind, fields);
        self.world.submit(author, vec![record]).is_ok()
    }

    fn latest(&self, item: &str) -> Option<RecordId> {
        let _: ItemId = id(item);
        match self.world.item(item).movement {
            LastMovement::Known(movement) if movement.before.is_some() => Some(movement.record),
            _ => None,
        }
    }

    /// Adds the block's postings, and checks every account at every event time.
    fn note(&mut self) {
        for posting in &self.world.last.postings {
            let count = i128::from(posting.count);
            for (account, change) in [(&posting.from, -count), (&posting.to, count)] {
                if let Some(account) = account {
                    let key = (account.clone(), posting.model);
                    let changes = self.changes.entry(key).or_default();
                    changes.push((posting.occurred_at, change));
                }
            }
        }
        for ((account, _), changes) in &mut self.changes {
            changes.sort_unstable();
            let mut sum = 0;
            for at in changes.chunk_by(|a, b| a.0 == b.0) {
                sum += at.iter().map(|(_, change)| change).sum::<i128>();
                assert!(sum >= 0, "{account:?} holds {sum} at {}", at[0].0);
            }
        }
    }
}

fn members() -> Vec<String> {
    SITES
        .iter()
        .map(|(member, _)| (*member).to_owned())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_account_is_negative_at_any_event_time(acts in acts()) {
        let mut teller = Teller::new();
        for (act, hours_ago) in acts {
            teller.tell(act, hours_ago);
        }
    }
}

/// Goods that came after the time that a site is said to have changed its country, and a shipment
/// told late of goods that were there before.
#[test]
fn a_change_of_country_told_late_moves_goods_no_earlier_than_they_came() {
    let mut teller = Teller::new();
    assert!(teller.tell(Act::Ship { chip: 0, to: 1 }, 0));
    assert!(teller.tell(Act::Receive { chip: 0 }, 0));
    let came = teller.world.time;
    // One hour passes with every block: this is before the goods came.
    assert!(teller.tell(Act::Move { site: 1, to: 1 }, 2));
    let moved = teller.world.last.postings[0].occurred_at;
    assert_eq!(moved, came);
    assert!(teller.tell(Act::Ship { chip: 0, to: 3 }, 0));
    assert!(teller.tell(Act::Correct { chip: 0 }, 0));
}
