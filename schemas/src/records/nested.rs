//! A record inside a record: what a proposal would do, what a correction puts in place.
//!
//! In canonical bytes it is a length and the record's own bytes, and a kind that can itself hold a record
//! is refused before it is decoded: no input can nest deeper than one.

use std::ops::Deref;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::encode::{decode, decode_prefix, encode};
use crate::records::{Kind, Record};

/// A record inside another; never one that can hold a record itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Nested(Box<Record>);

impl Nested {
    /// Nests a record; `None` for a kind that cannot be nested (votes and corrections).
    pub fn new(record: Record) -> Option<Self> {
        may_nest(record.kind()).then(|| Self(Box::new(record)))
    }
}

const fn may_nest(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::Propose | Kind::Approve | Kind::Withdraw | Kind::Correct
    )
}

impl Deref for Nested {
    type Target = Record;
    fn deref(&self) -> &Record {
        &self.0
    }
}

impl Serialize for Nested {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if s.is_human_readable() {
            self.0.serialize(s)
        } else {
            encode(&*self.0).serialize(s)
        }
    }
}

impl<'de> Deserialize<'de> for Nested {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let refuse = || D::Error::custom("this kind of record cannot be inside another");
        if d.is_human_readable() {
            return Self::new(Record::deserialize(d)?).ok_or_else(refuse);
        }
        let bytes = Vec::<u8>::deserialize(d)?;
        let (kind, _) = decode_prefix::<Kind>(&bytes).map_err(D::Error::custom)?;
        if !may_nest(kind) {
            return Err(refuse());
        }
        decode(&bytes)
            .map(|record| Self(Box::new(record)))
            .map_err(D::Error::custom)
    }
}

impl JsonSchema for Nested {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Record".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Record::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::{Approve, Propose};

    #[test]
    fn a_record_that_nests_itself_a_million_times_is_refused_without_descending() {
        let approve = Record::Approve(Approve {
            proposal: "A:1".parse().unwrap(),
        });
        assert!(Nested::new(approve.clone()).is_none());
        let mut bytes = encode(&approve);
        for _ in 0..12 {
            // A proposal: its kind, its id, the nested record's length and bytes, its expiry.
            let mut outer = encode(&(Kind::Propose, "A", "1", &bytes));
            outer.push(0);
            bytes = outer;
        }
        assert!(decode::<Record>(&bytes).is_err());
        let _: Option<Propose> = None;
    }
}
