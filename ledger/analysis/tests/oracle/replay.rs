//! The oracle: a list of what was told of each chip, replayed chip by chip for every question.
//! Slow, and obviously right; it shares no code with the book.

#![allow(unreachable_pub, reason = "a module of one test binary")]

use std::collections::BTreeMap;

use chipledger_schemas::ids::Height;
use chipledger_schemas::time::Time;

/// What is true of a chip.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Facts {
    pub place: Place,
    pub holder: &'static str,
    pub owner: &'static str,
    /// Somebody else than the owner.
    pub user: Option<&'static str>,
    pub status: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    At(&'static str),
    Between(&'static str, &'static str),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum What {
    /// It moved: these are its facts.
    Moved(Facts),
    /// Its latest movement that stands never was.
    Undone,
    /// Somebody disputes it, or nobody does any more.
    Disputed(bool),
}

/// One statement about a chip.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Told {
    pub height: Height,
    pub occurred_at: Time,
    pub what: What,
}

/// A chip with all that was told of it, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chip {
    pub model: &'static str,
    pub told: Vec<Told>,
}

/// Sites of the fixture and their jurisdictions.
pub fn jurisdiction(site: &str) -> &'static str {
    match site {
        "TW-FAB" => "TW",
        "SG-HUB" => "SG",
        "US-DC" | "US-BOND" => "US",
        "DE-DC" => "DE",
        _ => panic!("{site} is no site of the fixture"),
    }
}

/// Headquarters of the fixture's members.
pub fn seat(member: &str) -> &'static str {
    match member {
        "FAB" => "TW",
        "DIST" => "SG",
        "OP" => "US",
        "OP-2" => "DE",
        "GROUP" => "FR",
        _ => panic!("{member} is no member of the fixture that has chips"),
    }
}

fn parent(member: &str) -> &str {
    if member == "OP-2" { "GROUP" } else { member }
}

/// The key of a chip in a dimension.
pub fn key(by: &str, chip: &Chip, facts: &Facts) -> String {
    let site = match facts.place {
        Place::At(site) => site.to_owned(),
        Place::Between(from, to) => format!("{from}->{to}"),
    };
    let jurisdiction = match facts.place {
        Place::At(site) => jurisdiction(site),
        Place::Between(..) => "in transit",
    };
    match by {
        "jurisdiction" => jurisdiction.to_owned(),
        "site" => site,
        "holder" => facts.holder.to_owned(),
        "owner" => facts.owner.to_owned(),
        "parent" => parent(facts.owner).to_owned(),
        "headquarters" => seat(facts.owner).to_owned(),
        "parent_country" => seat(parent(facts.owner)).to_owned(),
        "user" => facts.user.unwrap_or(facts.owner).to_owned(),
        "status" => facts.status.to_owned(),
        "model" => chip.model.to_owned(),
        _ => panic!("{by} is no dimension"),
    }
}

impl Chip {
    /// What holds of it at a moment; nothing before it was registered, and nothing of what ended.
    pub fn at(&self, at: Option<Time>, known: Height) -> Option<&Facts> {
        let mut stands: Vec<&Told> = Vec::new();
        for told in self.told.iter().filter(|told| told.height <= known) {
            match told.what {
                What::Moved(_) => stands.push(told),
                What::Undone => {
                    stands.pop();
                }
                What::Disputed(_) => {}
            }
        }
        let had = |told: &&&Told| at.is_none_or(|at| told.occurred_at <= at);
        match &stands.iter().rfind(had)?.what {
            What::Moved(facts) if facts.status != "destroyed" => Some(facts),
            _ => None,
        }
    }

    /// Whether it is disputed at a moment.
    pub fn is_disputed(&self, at: Option<Time>, known: Height) -> bool {
        let mut disputed = false;
        for told in self.told.iter().filter(|told| told.height <= known) {
            if let What::Disputed(is) = told.what
                && at.is_none_or(|at| told.occurred_at <= at)
            {
                disputed = is;
            }
        }
        disputed
    }

    /// Every move between rows that happened in a period, as it was known: (from, to), nothing
    /// where it came from nowhere or ended.
    pub fn moves(
        &self,
        by: &str,
        since: Time,
        until: Option<Time>,
        known: Height,
    ) -> Vec<(Option<String>, Option<String>)> {
        let mut stands: Vec<&Told> = Vec::new();
        let mut moves = Vec::new();
        let row = |told: Option<&&Told>| match told.map(|told| &told.what) {
            Some(What::Moved(facts)) if facts.status != "destroyed" => Some(key(by, self, facts)),
            _ => None,
        };
        for told in self.told.iter().filter(|told| told.height <= known) {
            let before = row(stands.last());
            let occurred_at = match told.what {
                What::Moved(_) => {
                    stands.push(told);
                    told.occurred_at
                }
                What::Undone => stands.pop().expect("something to undo").occurred_at,
                What::Disputed(_) => continue,
            };
            let after = row(stands.last());
            let within = occurred_at > since && until.is_none_or(|until| occurred_at <= until);
            if within && before != after {
                moves.push((before, after));
            }
        }
        moves
    }
}

/// Chips and disputed chips by row and part.
pub type Table = BTreeMap<(String, String), (u64, u64)>;

/// The table of a question: every chip looked at, one by one.
pub fn table(
    chips: &[Chip],
    by: &str,
    cross: &str,
    filter: Option<(&str, &str)>,
    at: Option<Time>,
    known: Height,
) -> Table {
    let mut table = Table::new();
    for chip in chips {
        let Some(facts) = chip.at(at, known) else {
            continue;
        };
        if filter.is_some_and(|(by, value)| key(by, chip, facts) != value) {
            continue;
        }
        let place = (key(by, chip, facts), key(cross, chip, facts));
        let sums = table.entry(place).or_default();
        sums.0 += 1;
        sums.1 += u64::from(chip.is_disputed(at, known));
    }
    table
}
