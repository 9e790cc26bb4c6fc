//! Small closed sets of words that records and state share.

use std::fmt;
use std::str::FromStr;

use compact_str::CompactString;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::NotAnId;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $kind:literal {
        $($(#[$vdoc:meta])* $variant:ident = $text:literal,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[derive(Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Every word, in canonical order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word in JSON, the CLI and the docs.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let lower = text.trim().to_ascii_lowercase();
                let found = Self::ALL.iter().copied().find(|word| word.as_str() == lower);
                found.ok_or_else(|| NotAnId {
                    kind: $kind,
                    got: text.chars().take(80).collect(),
                    form: concat!("one of:" $(, " ", $text)*),
                })
            }
        }
    };
}

words!(
    /// What a member may do.
    Role, "role" {
        /// Makes chips and registers them.
        Fab = "fab",
        /// Buys and sells.
        Distributor = "distributor",
        /// Runs datacenters.
        Operator = "operator",
        /// Carries.
        Carrier = "carrier",
        /// Clears, seizes, countersigns sites of its jurisdiction.
        Customs = "customs",
        /// Votes on governance, grants licences, sets limits.
        Regulator = "regulator",
        /// Inspects.
        Inspector = "inspector",
        /// Reads aggregates.
        Analyst = "analyst",
    }
);

words!(
    /// What a key may sign.
    KeyClass, "key class" {
        /// Custody and evidence.
        Clerk = "clerk",
        /// Everything: governance and keys too.
        Admin = "admin",
        /// Nothing on the ledger: it is the identity of one of the member's peers.
        Peer = "peer",
    }
);

words!(
    /// A step of consensus at which a validator signs.
    Step, "step of consensus" {
        /// A block is put to the vote.
        Proposal = "proposal",
        /// The first vote.
        Prevote = "prevote",
        /// The second vote; a quorum of these certifies a block.
        Precommit = "precommit",
    }
);

words!(
    /// What state of life an item is in.
    Status, "status" {
        /// Held, not in operation.
        Stock = "stock",
        /// Between two sites.
        InTransit = "in_transit",
        /// In operation.
        Installed = "installed",
        /// Out of operation for good, still there.
        Decommissioned = "decommissioned",
        /// Arrived in a way that the book cannot square; the reason stands beside it.
        Irregular = "irregular",
        /// Held by an authority.
        Seized = "seized",
        /// Reported lost.
        Lost = "lost",
        /// Reported stolen.
        Stolen = "stolen",
        /// Ended: destroyed before a witness.
        Destroyed = "destroyed",
        /// Ended: registered in error.
        Void = "void",
    }
);

impl Status {
    /// Whether the item no longer exists in the book's totals.
    pub const fn is_ended(self) -> bool {
        matches!(self, Self::Destroyed | Self::Void)
    }
}

words!(
    /// What an item is: one accelerator, or a container. Later kinds may contain earlier ones.
    UnitKind, "unit kind" {
        /// Package or mezzanine module.
        Module = "module",
        /// Board or baseboard.
        Board = "board",
        /// Server or tray.
        Server = "server",
        /// Rack.
        Rack = "rack",
        /// Case or crate.
        Case = "case",
        /// Pallet or container.
        Pallet = "pallet",
    }
);

words!(
    /// Stage of a customs decision.
    CustomsStage, "customs stage" {
        /// Leaving a jurisdiction.
        Exit = "exit",
        /// Entering one.
        Entry = "entry",
        /// Passing through one.
        Transit = "transit",
    }
);

words!(
    /// A customs decision.
    CustomsDecision, "customs decision" {
        /// May go on.
        Allow = "allow",
        /// Waits.
        Hold = "hold",
        /// May not go on.
        Refuse = "refuse",
    }
);

words!(
    /// Why an arrival is irregular. Facts are accepted; the reason makes them findable.
    Irregularity, "irregularity" {
        /// Nobody announced it.
        NoShipment = "no_shipment",
        /// Not among what was shipped.
        NotShipped = "not_shipped",
        /// Arrived at a member other than the named receiver.
        WrongReceiver = "wrong_receiver",
        /// Arrived at a site other than the named one.
        WrongSite = "wrong_site",
        /// Entered a jurisdiction whose policy demands an entry clearance, without one.
        NoEntryClearance = "no_entry_clearance",
        /// The licence it was shipped under ended on the way.
        LicenceEnded = "licence_ended",
    }
);

/// A Legal Entity Identifier (ISO 17442): 20 characters with an ISO 7064 MOD 97-10 check.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(transparent)]
pub struct Lei(CompactString);

impl FromStr for Lei {
    type Err = NotAnId;
    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let lei = text.trim().to_ascii_uppercase();
        let alphanumeric = lei.len() == 20 && lei.bytes().all(|b| b.is_ascii_alphanumeric());
        if alphanumeric && mod_97(&lei) == 1 {
            return Ok(Self(lei.into()));
        }
        Err(NotAnId {
            kind: "LEI",
            got: text.chars().take(80).collect(),
            form: "20 letters and digits whose check digits are right (ISO 17442)",
        })
    }
}

/// ISO 7064 MOD 97-10 over digits and letters (A = 10 to Z = 35).
fn mod_97(text: &str) -> u32 {
    text.chars()
        .filter_map(|c| c.to_digit(36))
        .fold(0, |sum, digit| {
            let shift = if digit < 10 { 10 } else { 100 };
            (sum * shift + digit) % 97
        })
}

/// A Harmonised System code: 6 to 10 digits, HS 2022 edition.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(transparent)]
pub struct HsCode(CompactString);

impl FromStr for HsCode {
    type Err = NotAnId;
    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let digits: CompactString = text.trim().chars().filter(|c| *c != '.').collect();
        if (6..=10).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(Self(digits));
        }
        Err(NotAnId {
            kind: "HS code",
            got: text.chars().take(80).collect(),
            form: "6 to 10 digits",
        })
    }
}

macro_rules! text_word {
    ($name:ident, $description:literal) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                CompactString::deserialize(d)?.parse().map_err(serde::de::Error::custom)
            }
        }
        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string", "description": $description})
            }
        }
    };
}
text_word!(Lei, "Legal Entity Identifier (ISO 17442), 20 characters");
text_word!(HsCode, "Harmonised System code, 6 to 10 digits");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_lei_needs_its_check_digits() {
        assert!("5493001KJTIIGC8Y1R12".parse::<Lei>().is_ok());
        assert!("5493001KJTIIGC8Y1R13".parse::<Lei>().is_err());
    }

    #[test]
    fn an_hs_code_may_be_written_with_dots() {
        assert_eq!("8471.80".parse::<HsCode>().unwrap().to_string(), "847180");
        assert!("84".parse::<HsCode>().is_err());
    }
}
