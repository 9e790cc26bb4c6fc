//! Jurisdictions: whose law a site, a member or a movement falls under.
//!
//! A jurisdiction is an ISO 3166-1 alpha-2 code with the dates between which the code stood. Hong
//! Kong, Macau and Taiwan have codes of their own and are never folded into another one. A place
//! whose country nobody knows is [`Jurisdiction::UNKNOWN`] (`ZZ`), a row of its own in every total.
//! The table is `data/jurisdictions.csv`; a new edition only ever adds rows or closes their dates.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::catalogue::Edition;

/// Two upper-case ASCII letters of the table. A string in JSON, its two raw bytes in canonical
/// encoding.
///
/// Only codes of the embedded table exist as values; whether the code stood on a given day is a
/// separate question ([`Jurisdiction::valid_on`]), because history must stay readable after a
/// country has ended.
///
/// ```
/// use chipledger_schemas::jurisdiction::Jurisdiction;
/// let taiwan: Jurisdiction = "TW".parse()?;
/// assert_eq!(taiwan.name(), "Taiwan");
/// assert_eq!(Jurisdiction::UNKNOWN.to_string(), "ZZ");
/// # Ok::<(), chipledger_schemas::jurisdiction::NotAJurisdiction>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Jurisdiction([u8; 2]);

impl Jurisdiction {
    /// A real place whose country is not known.
    pub const UNKNOWN: Self = Self(*b"ZZ");

    /// The jurisdiction with these two letters.
    pub fn from_bytes(code: [u8; 2]) -> Result<Self, NotAJurisdiction> {
        if TABLE.contains_key(&code) {
            return Ok(Self(code));
        }
        Err(NotAJurisdiction {
            got: String::from_utf8_lossy(&code).into_owned(),
        })
    }

    /// The two letters, as they stand in canonical encoding.
    pub const fn as_bytes(&self) -> &[u8; 2] {
        &self.0
    }

    /// The two letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("only ASCII letters are constructed")
    }

    /// The country's usual English name.
    pub fn name(self) -> &'static str {
        &self.entry().name
    }

    /// Everything the table says about the code.
    pub fn entry(self) -> &'static Entry {
        TABLE
            .get(&self.0)
            .expect("only codes of the table are constructed")
    }

    /// Whether the code stood on that day: from its first day, until the day before its last.
    pub fn valid_on(self, day: Date) -> bool {
        let entry = self.entry();
        entry.valid_from.is_none_or(|from| from <= day)
            && entry.valid_until.is_none_or(|until| day < until)
    }

    /// Which issue of the table this build carries.
    pub fn edition() -> Edition {
        TEXT.parse()
            .expect("data/jurisdictions.csv: the first line is wrong")
    }

    /// Every code of the table, in alphabetical order.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.keys().map(|code| Self(*code))
    }
}

/// What the table says about one code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Usual English name.
    pub name: String,
    /// Continent.
    pub region: Region,
    /// How the code came to be.
    pub status: CodeStatus,
    /// First day on which the code stood; `None`: since before anything this ledger records.
    pub valid_from: Option<Date>,
    /// First day on which it no longer stood; `None`: it still stands.
    pub valid_until: Option<Date>,
    /// A point near the middle of the land, for maps only: nothing is decided by it.
    pub centre: Option<Centre>,
}

/// A point on a map, in micro-degrees (millionths of a degree).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Centre {
    /// Positive north.
    pub latitude_microdegree: i32,
    /// Positive east.
    pub longitude_microdegree: i32,
}

/// Continent after the United Nations' M49 list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Region {
    /// Africa.
    Africa,
    /// North, Central and South America and the Caribbean.
    Americas,
    /// Antarctica, which M49 leaves outside its regions.
    Antarctica,
    /// Asia, with the Middle East.
    Asia,
    /// Europe, with the whole of Russia.
    Europe,
    /// Australia and the Pacific.
    Oceania,
    /// Of `ZZ` only.
    Unknown,
}

/// How a code came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeStatus {
    /// Officially assigned by ISO 3166-1.
    Assigned,
    /// From the range that ISO 3166-1 leaves to its users (`XK`, `ZZ`).
    UserAssigned,
    /// Assigned once and since withdrawn (ISO 3166-3).
    Withdrawn,
}

/// The text is not a code of the table. Use ISO 3166-1 alpha-2 in capitals (`MY`, not `MYS` or
/// `Malaysia`), and `ZZ` where the country is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{got:?} is not an ISO 3166-1 alpha-2 code (two capitals; ZZ for an unknown country)")]
pub struct NotAJurisdiction {
    /// What was given.
    pub got: String,
}

impl FromStr for Jurisdiction {
    type Err = NotAJurisdiction;
    fn from_str(text: &str) -> Result<Self, NotAJurisdiction> {
        let code = text.as_bytes().try_into();
        let code = code.map_err(|_| NotAJurisdiction {
            got: text.to_owned(),
        })?;
        Self::from_bytes(code)
    }
}

impl fmt::Display for Jurisdiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Jurisdiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Jurisdiction {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if s.is_human_readable() {
            s.serialize_str(self.as_str())
        } else {
            self.0.serialize(s)
        }
    }
}

impl<'de> Deserialize<'de> for Jurisdiction {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let parsed = if d.is_human_readable() {
            Cow::<str>::deserialize(d)?.parse()
        } else {
            Self::from_bytes(<[u8; 2]>::deserialize(d)?)
        };
        parsed.map_err(D::Error::custom)
    }
}

impl JsonSchema for Jurisdiction {
    fn schema_name() -> Cow<'static, str> {
        "Jurisdiction".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^[A-Z]{2}$",
            "description": "ISO 3166-1 alpha-2 code; ZZ for an unknown country"})
    }
}

/// One row of the file as it is written.
#[derive(Deserialize)]
struct Row {
    code: String,
    name: String,
    region: Region,
    status: CodeStatus,
    valid_from: Option<Date>,
    valid_until: Option<Date>,
    latitude_microdegree: Option<i32>,
    longitude_microdegree: Option<i32>,
}

/// The embedded file.
const TEXT: &str = include_str!("../data/jurisdictions.csv");

/// Its rows. They are checked by this file's tests, so a row that does not parse is a bug.
static TABLE: LazyLock<BTreeMap<[u8; 2], Entry>> = LazyLock::new(|| {
    let text = include_str!("../data/jurisdictions.csv");
    let mut reader = csv::ReaderBuilder::new()
        .comment(Some(b'#'))
        .from_reader(text.as_bytes());
    let rows = reader
        .deserialize()
        .map(|row| row.expect("data/jurisdictions.csv: a row is wrong"));
    rows.map(entry).collect()
});

/// The table's form of a row.
fn entry(row: Row) -> ([u8; 2], Entry) {
    let code = row
        .code
        .as_bytes()
        .try_into()
        .expect("data/jurisdictions.csv: a code is not 2 bytes");
    let centre = row.latitude_microdegree.zip(row.longitude_microdegree);
    let centre = centre.map(|(latitude_microdegree, longitude_microdegree)| Centre {
        latitude_microdegree,
        longitude_microdegree,
    });
    let Row {
        name,
        region,
        status,
        valid_from,
        valid_until,
        ..
    } = row;
    (
        code,
        Entry {
            name,
            region,
            status,
            valid_from,
            valid_until,
            centre,
        },
    )
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::encode;

    fn code(text: &str) -> Jurisdiction {
        text.parse().expect(text)
    }

    #[test]
    fn every_row_reads_and_lies_on_the_globe() {
        assert_eq!(Jurisdiction::edition().number, 1);
        // 249 assigned codes, two withdrawn ones, Kosovo and the unknown country.
        assert_eq!(Jurisdiction::all().count(), 253);
        for jurisdiction in Jurisdiction::all() {
            let entry = jurisdiction.entry();
            assert!(
                jurisdiction
                    .as_str()
                    .bytes()
                    .all(|b| b.is_ascii_uppercase()),
                "{jurisdiction}"
            );
            assert!(!entry.name.is_empty(), "{jurisdiction}");
            let ordered = entry
                .valid_from
                .zip(entry.valid_until)
                .is_none_or(|(a, b)| a < b);
            assert!(ordered, "{jurisdiction}");
            if let Some(centre) = entry.centre {
                assert!(
                    centre.latitude_microdegree.abs() <= 90_000_000,
                    "{jurisdiction}"
                );
                assert!(
                    centre.longitude_microdegree.abs() <= 180_000_000,
                    "{jurisdiction}"
                );
            }
        }
    }

    #[test]
    fn hong_kong_macau_and_taiwan_are_not_china() {
        let codes = ["CN", "HK", "MO", "TW"].map(code);
        assert_eq!(
            codes.map(Jurisdiction::name),
            ["China", "Hong Kong", "Macau", "Taiwan"]
        );
    }

    #[test]
    fn an_ended_country_reads_but_is_not_valid_any_more() {
        let antilles = code("AN");
        assert!(antilles.valid_on(date(2010, 12, 14)));
        assert!(!antilles.valid_on(date(2010, 12, 15)));
        assert!(code("CW").valid_on(date(2010, 12, 15)));
        assert!(!code("SS").valid_on(date(2011, 8, 8)));
        assert!(Jurisdiction::UNKNOWN.valid_on(date(1, 1, 1)));
    }

    #[test]
    fn refuses_what_is_no_code() {
        for bad in ["", "M", "my", "MYS", "QQ", "Malaysia", "\u{130}S"] {
            assert!(bad.parse::<Jurisdiction>().is_err(), "{bad}");
        }
        assert!(serde_json::from_str::<Jurisdiction>("\"XX\"").is_err());
        assert_eq!(
            serde_json::from_str::<Jurisdiction>("\"HK\"").ok(),
            Some(code("HK"))
        );
    }

    #[test]
    fn its_canonical_form_is_the_two_letters() {
        assert_eq!(encode::encode(&code("SG")), b"SG");
        assert_eq!(encode::decode(b"SG"), Ok(code("SG")));
        assert!(encode::decode::<Jurisdiction>(b"QQ").is_err());
    }
}
