//! A record inside a record: what a proposal would do, what a correction puts in place.
//!
//! In canonical bytes it is a length and the record's own bytes. In either form the kind is read
//! first, and a kind that can itself hold a record is refused before anything of it is decoded: no
//! input descends deeper than one.

use std::fmt;
use std::ops::Deref;

use schemars::JsonSchema;
use serde::de::value::{EnumAccessDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, EnumAccess, Error, IntoDeserializer, Visitor};
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

fn refusal<E: Error>(kind: Kind) -> E {
    E::custom(format_args!(
        "a record of kind {kind} cannot be inside another"
    ))
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
        if d.is_human_readable() {
            return d.deserialize_enum("Record", &[], KindFirst);
        }
        let bytes = Vec::<u8>::deserialize(d)?;
        let (kind, _) = decode_prefix::<Kind>(&bytes).map_err(D::Error::custom)?;
        if !may_nest(kind) {
            return Err(refusal(kind));
        }
        let record = decode(&bytes).map_err(D::Error::custom)?;
        Ok(Self(Box::new(record)))
    }
}

/// Reads the name of the kind, and the record only if that kind may be nested.
struct KindFirst;

impl<'de> Visitor<'de> for KindFirst {
    type Value = Nested;
    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a record, such as {\"install\": {...}}")
    }
    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Nested, A::Error> {
        let (kind, content) = access.variant::<Kind>()?;
        if !may_nest(kind) {
            return Err(refusal(kind));
        }
        let named = Named { kind, content };
        let record = Record::deserialize(EnumAccessDeserializer::new(named))?;
        Ok(Nested(Box::new(record)))
    }
}

/// A record whose kind is read already, and its content not yet.
struct Named<V> {
    kind: Kind,
    content: V,
}

impl<'de, V: serde::de::VariantAccess<'de>> EnumAccess<'de> for Named<V> {
    type Error = V::Error;
    type Variant = V;
    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, V), V::Error> {
        let name: StrDeserializer<'_, V::Error> = self.kind.name().into_deserializer();
        Ok((seed.deserialize(name)?, self.content))
    }
}

impl JsonSchema for Nested {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        Record::schema_name()
    }
    fn schema_id() -> std::borrow::Cow<'static, str> {
        Record::schema_id()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Record::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::{Approve, Propose, SuspendMember};

    fn approve() -> Record {
        Record::Approve(Approve {
            proposal: "A:1".parse().unwrap(),
        })
    }

    fn proposal() -> Record {
        let suspend = r#"{"member": "B", "action": "suspend", "reason": "court order"}"#;
        let suspend: SuspendMember = serde_json::from_str(suspend).unwrap();
        Record::Propose(Propose {
            proposal: "A:1".parse().unwrap(),
            record: Nested::new(Record::SuspendMember(suspend)).unwrap(),
            expires_at: "2026-03-01".parse().unwrap(),
        })
    }

    /// Canonical bytes of a proposal of whatever `nested` are the bytes of.
    fn propose_bytes(nested: &[u8]) -> Vec<u8> {
        let Record::Propose(propose) = proposal() else {
            unreachable!("made above");
        };
        encode(&(Kind::Propose, propose.proposal, nested, propose.expires_at))
    }

    #[test]
    fn a_governance_record_survives_in_a_proposal_in_bytes_and_json() {
        let whole = proposal();
        let Record::Propose(propose) = &whole else {
            unreachable!("made above");
        };
        // The forged bytes of the tests below are of the right shape: these decode.
        let bytes = propose_bytes(&encode(&*propose.record));
        assert_eq!(bytes, encode(&whole));
        assert_eq!(decode::<Record>(&bytes).unwrap(), whole);
        let json = serde_json::to_string(&whole).unwrap();
        assert_eq!(serde_json::from_str::<Record>(&json).unwrap(), whole);
    }

    #[test]
    fn kinds_that_hold_or_decide_records_cannot_be_nested() {
        for kind in Kind::ALL {
            let outer = matches!(kind.name(), "propose" | "approve" | "withdraw" | "correct");
            assert_eq!(may_nest(*kind), !outer, "{kind}");
        }
        assert!(Nested::new(approve()).is_none());
        assert!(Nested::new(proposal()).is_none());
        for inner in [approve(), proposal()] {
            let refused = decode::<Record>(&propose_bytes(&encode(&inner)));
            let reason = refused.unwrap_err().to_string();
            assert!(reason.contains("cannot be inside another"), "{reason}");
        }
    }

    #[test]
    fn bytes_that_nest_two_thousand_deep_are_refused_without_descending() {
        let mut bytes = encode(&proposal());
        for _ in 0..2_000 {
            bytes = propose_bytes(&bytes);
        }
        // Every length inside is right, so only the kind can stop the decoder; and on a stack this
        // small, one frame per level would abort the test.
        let small_stack = std::thread::Builder::new().stack_size(256 * 1024);
        let refused = small_stack.spawn(move || decode::<Record>(&bytes));
        let reason = refused.unwrap().join().unwrap().unwrap_err().to_string();
        assert!(reason.contains("cannot be inside another"), "{reason}");
    }

    #[test]
    fn json_that_nests_deep_is_refused_at_the_second_level() {
        let level = r#"{"propose": {"proposal": "A:1", "record": "#;
        for depth in [2, 100, 100_000] {
            let refused = serde_json::from_str::<Record>(&level.repeat(depth)).unwrap_err();
            // Not for the recursion limit and not for the missing end: at the word `propose` of the
            // second level.
            let reason = refused.to_string();
            assert!(
                reason.contains("propose cannot be inside another"),
                "{reason}"
            );
            assert!(refused.column() < 2 * level.len(), "{reason}");
        }
    }
}
