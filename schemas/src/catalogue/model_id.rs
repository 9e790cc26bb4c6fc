//! The key of a model in the catalogue.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use compact_str::CompactString;
use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

/// `vendor/model` in ASCII letters, digits, `.`, `-` and one `/`: 3 to 48 bytes, such as
/// `NVIDIA/H100-SXM5-80GB`. A string in JSON and in canonical encoding; compared byte by byte.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ModelId(CompactString);

impl ModelId {
    /// The longest id. The longest key of the first edition has 44 bytes.
    pub const BYTES_MAX: usize = 48;

    /// The whole id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the slash.
    pub fn vendor(&self) -> &str {
        self.0.split_once('/').map_or("", |(vendor, _)| vendor)
    }
}

/// The text is no model id. Write `vendor/model` as the catalogue has it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{got:?} is not a model id: vendor/model, at most 48 of A-Z a-z 0-9 . - and one /")]
pub struct NotAModelId {
    /// What was given, cut to a line.
    pub got: String,
}

impl FromStr for ModelId {
    type Err = NotAModelId;
    fn from_str(text: &str) -> Result<Self, NotAModelId> {
        let part = |part: &str| {
            let letters = part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
            letters && !part.is_empty()
        };
        let parts = text.split_once('/');
        if text.len() <= Self::BYTES_MAX && parts.is_some_and(|(v, m)| part(v) && part(m)) {
            return Ok(Self(CompactString::new(text)));
        }
        Err(NotAModelId {
            got: text.chars().take(80).collect(),
        })
    }
}

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ModelId {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(d)?
            .parse()
            .map_err(D::Error::custom)
    }
}

impl JsonSchema for ModelId {
    fn schema_name() -> Cow<'static, str> {
        "ModelId".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "maxLength": 48,
            "pattern": "^[A-Za-z0-9.-]+/[A-Za-z0-9.-]+$",
            "description": "Catalogue key of a model, vendor/model"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_the_catalogue_uses_and_nothing_that_breaks_a_csv_row() {
        let longest = format!("V/{}", "m".repeat(46));
        for good in ["NVIDIA/H100-SXM5-80GB", "A/b", "x.y/1.0", &longest] {
            assert_eq!(good.parse::<ModelId>().expect(good).to_string(), good);
        }
        let too_long = format!("V/{}", "m".repeat(47));
        for bad in [
            "", "H100", "/H100", "NVIDIA/", "A/b/c", "A/b,c", "A/b c", "A/ü", &too_long,
        ] {
            assert!(bad.parse::<ModelId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn is_checked_when_it_is_read() {
        assert!(serde_json::from_str::<ModelId>("\"NVIDIA/H 100\"").is_err());
        let id: ModelId = serde_json::from_str("\"NVIDIA/T4\"").expect("a model id");
        assert_eq!(
            serde_json::to_string(&id).expect("a string"),
            "\"NVIDIA/T4\""
        );
        assert_eq!(id.vendor(), "NVIDIA");
    }
}
