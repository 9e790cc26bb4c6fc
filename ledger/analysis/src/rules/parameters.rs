//! The numbers by which rules judge: dated data with a source, never code.
//!
//! A row holds from its first day until the day before the next row of the same name; a name whose
//! rows have not begun, or have ended, has no value then, and what depends on it does not fire.

use std::collections::BTreeMap;

use chipledger_schemas::jurisdiction::Jurisdiction;
use chipledger_schemas::time::Time;

mod lists;

pub use lists::{RESTRICTED, RULE_DATES, Restricted, RuleDate};

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// A number by which rules judge; the unit is the end of its name.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum Name { $($(#[$doc])* $name,)* }

        impl Name {
            /// Every name.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name as it is written.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

names! {
    /// Days past the expected arrival after which a shipment is overdue.
    OverdueGraceDays = "overdue_grace_days",
    /// Days after which what was missing at a dock is short.
    ShortGraceDays = "short_grace_days",
    /// Days after which a loss counts that was not recovered.
    LossGraceDays = "loss_grace_days",
    /// Losses in a year that a fleet of its holder explains, parts per million.
    LossRatePpm = "loss_rate_ppm",
    /// Losses in a year below which no rate is judged.
    LossesMin = "losses_min",
    /// Kilometres an hour that no transport exceeds.
    TransportKmPerHour = "transport_km_per_hour",
    /// Least gross mass of one accelerator that is declared, grams.
    MassMinGrams = "mass_min_g_per_chip",
    /// Most gross mass of one accelerator that is declared, grams.
    MassMaxGrams = "mass_max_g_per_chip",
    /// Days before and after an inspection within which a chip with a key reports.
    AttestedWithinDays = "attested_within_days",
    /// Days after admission during which a buyer is new.
    NewBuyerDays = "new_buyer_days",
    /// H100e of a new buyer's order that is large.
    NewBuyerH100e = "new_buyer_h100e",
    /// Days within which what came in goes out again at a hub.
    HubDays = "hub_days",
    /// Share of what came in that goes out again at a hub, percent.
    HubSharePercent = "hub_share_percent",
    /// Chips through a hub below which nobody looks.
    HubChipsMin = "hub_chips_min",
    /// Percent by which booked chips may exceed a site's power.
    PowerMarginPercent = "power_margin_percent",
    /// Days after which chips in boxes are idle.
    IdleDays = "idle_days",
    /// Idle chips below which nobody looks.
    IdleChipsMin = "idle_chips_min",
    /// Times the usual that are a surge.
    SurgeFactor = "surge_factor",
    /// Days before a rule date in which a surge counts.
    SurgeDays = "surge_days",
    /// H100e of a surge below which nobody looks.
    SurgeH100eMin = "surge_h100e_min",
    /// Orders before a surge without which nothing is usual.
    SurgeOrdersMin = "surge_orders_min",
    /// Repair swaps in a year that a fleet explains, parts per million.
    RepairRatePpm = "repair_rate_ppm",
    /// Repair swaps in a year below which no rate is judged.
    RepairsMin = "repairs_min",
    /// Chips at a site below which its meter says nothing of them.
    EnergyChipsMin = "energy_chips_min",
    /// Percent of the chips' power below which they are not there.
    EnergyLowPercent = "energy_low_percent",
    /// Percent of the chips' power, less the site's cooling, above which there are others.
    EnergyHighPercent = "energy_high_percent",
    /// Chips by which two customs' books of a month may differ.
    MirrorGapChips = "mirror_gap_chips",
    /// Days after a month after which its customs' books are compared.
    MirrorGraceDays = "mirror_grace_days",
    /// Days after which a production period is compared with what was registered.
    ProductionGraceDays = "production_grace_days",
    /// Percent of good dies that may be unaccounted for.
    ProductionGapPercent = "production_gap_percent",
    /// Good dies of a period below which it is not judged.
    ProductionDiesMin = "production_dies_min",
    /// Days after which a report is late.
    LatenessDays = "lateness_days",
    /// Days within which late reports are a burst.
    BurstDays = "burst_days",
    /// Late reports of one member that are a burst.
    BurstRecords = "burst_records",
    /// Kilometres within which sites are one pool.
    SplitKm = "split_km",
    /// Sites that make a split pool.
    SplitSitesMin = "split_sites_min",
    /// H100e from which a pool is covered.
    SplitH100e = "split_h100e",
    /// TPP a year and consignee from which a licence is needed.
    StructuredTpp = "structured_tpp",
}

/// A number, from when on, and where it comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Row {
    /// What.
    pub name: Name,
    /// Its value.
    pub value: u64,
    /// First day on which it holds.
    pub valid_from: &'static str,
    /// First day on which it no longer holds.
    pub valid_until: Option<&'static str>,
    /// Where it comes from.
    pub source: &'static str,
}

const fn row(name: Name, value: u64, source: &'static str) -> Row {
    Row {
        name,
        value,
        valid_from: "1970-01-01",
        valid_until: None,
        source,
    }
}

/// What the project knows; whoever judges by other numbers overrides them.
pub const TABLE: &[Row] = &[
    row(
        Name::OverdueGraceDays,
        14,
        "timeliness of evidence in transit, after IAEA practice: 14 days",
    ),
    row(
        Name::ShortGraceDays,
        21,
        "this project: goods that were left behind come with the next transport",
    ),
    row(
        Name::LossGraceDays,
        60,
        "this project: what is mislaid is found within two stock-takings",
    ),
    row(
        Name::LossRatePpm,
        10_000,
        "this project: one chip in a hundred a year, far above what operators report",
    ),
    row(Name::LossesMin, 4, "this project: less is no rate"),
    row(
        Name::TransportKmPerHour,
        1_200,
        "airliners fly 900 km/h; customs and docks take hours more",
    ),
    row(
        Name::MassMinGrams,
        200,
        "this project: a bare module weighs more",
    ),
    row(
        Name::MassMaxGrams,
        60_000,
        "this project: its share of a server, its pallet and packing weighs less",
    ),
    row(
        Name::AttestedWithinDays,
        30,
        "timeliness of evidence in operation, after IAEA practice: 30 days",
    ),
    row(
        Name::NewBuyerDays,
        90,
        "red flags of BIS, 13 May 2025: customers without a history; the span is this project's",
    ),
    row(Name::NewBuyerH100e, 48, "this project: six servers"),
    row(
        Name::HubDays,
        60,
        "this project: less than it takes to install",
    ),
    row(
        Name::HubSharePercent,
        80,
        "this project: most of what came in",
    ),
    row(Name::HubChipsMin, 32, "this project: four servers"),
    row(
        Name::PowerMarginPercent,
        10,
        "this project: ratings are rounded",
    ),
    row(
        Name::IdleDays,
        90,
        "timeliness of evidence in storage, after IAEA practice: 90 days",
    ),
    row(
        Name::IdleChipsMin,
        16,
        "draft treaty threshold of a covered cluster, 16 H100e",
    ),
    row(Name::SurgeFactor, 5, "this project: far above a season"),
    row(
        Name::SurgeDays,
        42,
        "a published case: six weeks before a rule date",
    ),
    row(Name::SurgeH100eMin, 64, "this project: eight servers"),
    row(Name::SurgeOrdersMin, 3, "this project: fewer are chance"),
    row(
        Name::RepairRatePpm,
        100_000,
        "published failure rates of large clusters are near nine in a hundred a year",
    ),
    row(Name::RepairsMin, 6, "this project: less is no rate"),
    row(
        Name::EnergyChipsMin,
        48,
        "this project: below, the rest of the building outweighs them",
    ),
    row(
        Name::EnergyLowPercent,
        10,
        "an idle accelerator draws a tenth of its rating or more",
    ),
    row(
        Name::EnergyHighPercent,
        300,
        "this project: hosts, network and storage at most double it; the rest is margin",
    ),
    row(Name::MirrorGapChips, 48, "this project: six servers"),
    row(
        Name::MirrorGraceDays,
        45,
        "this project: monthly reports come within thirty days after the month",
    ),
    row(
        Name::ProductionGraceDays,
        60,
        "this project: a fab registers within weeks",
    ),
    row(
        Name::ProductionGapPercent,
        2,
        "item accountancy should leave nothing; the margin is for dies in test",
    ),
    row(
        Name::ProductionDiesMin,
        100,
        "this project: below, one lot decides",
    ),
    row(
        Name::LatenessDays,
        30,
        "monthly accounting reports, after IAEA practice",
    ),
    row(Name::BurstDays, 14, "this project: two weeks' paper"),
    row(Name::BurstRecords, 8, "this project: a batch is usual"),
    row(
        Name::SplitKm,
        3,
        "this project: one network fabric spans a campus",
    ),
    row(Name::SplitSitesMin, 3, "this project: two halls are common"),
    row(
        Name::SplitH100e,
        16,
        "draft treaty threshold of a covered cluster, 16 H100e",
    ),
    Row {
        name: Name::StructuredTpp,
        value: 26_900_000,
        valid_from: "2025-01-13",
        valid_until: Some("2025-05-13"),
        source: "low volume exception of the diffusion rule, per consignee and year; rescinded",
    },
];

/// The numbers in force, with overrides.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Parameters {
    overrides: BTreeMap<Name, u64>,
}

impl Parameters {
    /// With another number in place of the table's, for all times.
    #[must_use]
    pub fn with(mut self, name: Name, value: u64) -> Self {
        self.overrides.insert(name, value);
        self
    }

    /// The number in force at a time.
    pub fn get(&self, name: Name, time: Time) -> Option<u64> {
        if let Some(value) = self.overrides.get(&name) {
            return Some(*value);
        }
        let mut rows = TABLE.iter().filter(|row| row.name == name);
        let in_force = |row: &&Row| {
            let until = row.valid_until.map(day);
            day(row.valid_from) <= time && until.is_none_or(|until| time < until)
        };
        rows.rfind(in_force).map(|row| row.value)
    }

    /// The number in force at a time; `u64::MAX`, which nothing reaches, where none is.
    pub(crate) fn at(&self, name: Name, time: Time) -> u64 {
        self.get(name, time).unwrap_or(u64::MAX)
    }

    /// Days in force at a time, in milliseconds.
    pub(crate) fn days_ms(&self, name: Name, time: Time) -> u64 {
        self.at(name, time)
            .saturating_mul(chipledger_schemas::time::DAY_MS)
    }

    /// Whether members seated in a jurisdiction are restricted at a time.
    pub fn is_restricted(&self, jurisdiction: Jurisdiction, time: Time) -> bool {
        RESTRICTED
            .iter()
            .filter(|row| row.jurisdiction == jurisdiction.as_str())
            .any(|row| day(row.valid_from) <= time)
    }
}

/// A day of the tables.
///
/// # Panics
/// Never: a test reads every row.
pub(crate) fn day(text: &str) -> Time {
    text.parse().expect("a test reads every day of the tables")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_row_and_every_row_reads() {
        for name in Name::ALL {
            assert!(TABLE.iter().any(|row| row.name == *name), "{name:?}");
        }
        for row in TABLE {
            assert!(
                row.valid_until
                    .is_none_or(|until| day(until) > day(row.valid_from))
            );
            assert!(row.source.len() > 12, "{:?} has no source", row.name);
        }
    }

    #[test]
    fn an_override_counts_at_all_times() {
        let parameters = Parameters::default().with(Name::OverdueGraceDays, 3);
        assert_eq!(parameters.get(Name::OverdueGraceDays, Time(0)), Some(3));
        assert_eq!(
            Parameters::default().get(Name::OverdueGraceDays, Time::END),
            Some(14)
        );
    }
}
