//! The dated rules, read from `data/rules_3a090.csv`.

use std::sync::LazyLock;

use jiff::civil::Date;
use serde::Deserialize;

use super::Class;
use super::clause::{Bounds, Clause};
use crate::catalogue::{Edition, Market, decimal};
use crate::jurisdiction::Jurisdiction;

/// The embedded file.
const TEXT: &str = include_str!("../../data/rules_3a090.csv");

/// One rule and the days on which it was in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Year and month of publication, such as `2023-10`.
    pub id: String,
    /// Where it is published.
    pub citation: String,
    /// First day in force.
    pub effective_from: Date,
    /// First day no longer in force; `None`: still in force.
    pub effective_until: Option<Date>,
    /// The classes it makes, in the order in which they are tried.
    pub classes: Vec<(Class, Clause)>,
    /// The licence review policies it makes, each with its destinations.
    pub reviews: Vec<(Vec<Jurisdiction>, Clause)>,
}

impl Rule {
    /// Whether it was in force on that day.
    pub fn in_force(&self, day: Date) -> bool {
        self.effective_from <= day && self.effective_until.is_none_or(|until| day < until)
    }
}

/// All rules of this edition, oldest first.
pub fn rules() -> &'static [Rule] {
    static RULES: LazyLock<Vec<Rule>> = LazyLock::new(read);
    &RULES
}

/// Which issue of the rule table this build carries.
pub fn rules_edition() -> Edition {
    TEXT.parse()
        .expect("data/rules_3a090.csv: the first line is wrong")
}

/// What a row adds to its rule.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Class,
    CaseByCase,
}

/// One row as it is written: one clause.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    rule: String,
    citation: String,
    effective_from: Date,
    effective_until: Option<Date>,
    kind: Kind,
    class: Option<Class>,
    market: String,
    destinations: String,
    tpp_min: String,
    tpp_below: String,
    density_min: String,
    density_below: String,
    transfer_rate_min_gb_per_s: String,
    memory_bandwidth_below_gb_per_s: String,
}

/// Reads the table. It is checked by the tests of this module, so a row that does not parse is a
/// bug.
fn read() -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    let mut reader = csv::ReaderBuilder::new()
        .comment(Some(b'#'))
        .from_reader(TEXT.as_bytes());
    for row in reader.deserialize() {
        let row: Row = row.expect("data/rules_3a090.csv: a row is wrong");
        if rules.last().is_none_or(|rule| rule.id != row.rule) {
            rules.push(Rule {
                id: row.rule.clone(),
                citation: row.citation.clone(),
                effective_from: row.effective_from,
                effective_until: row.effective_until,
                classes: Vec::new(),
                reviews: Vec::new(),
            });
        }
        let rule = rules.last_mut().expect("one was just pushed");
        match row.kind {
            Kind::Class => {
                let class = row
                    .class
                    .expect("data/rules_3a090.csv: a class row names its class");
                rule.classes.push((class, clause(&row)));
            }
            Kind::CaseByCase => {
                let codes = row.destinations.split_whitespace().map(str::parse);
                let codes = codes.collect::<Result<_, _>>();
                let codes = codes.expect("data/rules_3a090.csv: a destination is no jurisdiction");
                rule.reviews.push((codes, clause(&row)));
            }
        }
    }
    rules
}

/// The thresholds of a row. TPP, density and GB/s are all kept in thousandths.
fn clause(row: &Row) -> Clause {
    let fixed = |text: &str| (!text.is_empty()).then(|| decimal::parse(text, 3));
    let fixed = |text: &str| {
        fixed(text)
            .transpose()
            .expect("data/rules_3a090.csv: a bound is wrong")
    };
    let bounds = |min: &str, below: &str| Bounds {
        min: fixed(min),
        below: fixed(below),
    };
    Clause {
        market: match row.market.as_str() {
            "any" => None,
            "datacentre" => Some(Market::Datacentre),
            "other" => Some(Market::Other),
            market => panic!("data/rules_3a090.csv: no such market: {market}"),
        },
        tpp_milli: bounds(&row.tpp_min, &row.tpp_below),
        density_milli: bounds(&row.density_min, &row.density_below),
        transfer_rate_mb_per_s: bounds(&row.transfer_rate_min_gb_per_s, ""),
        memory_bandwidth_mb_per_s: bounds("", &row.memory_bandwidth_below_gb_per_s),
    }
}
