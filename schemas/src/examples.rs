//! Examples of every record kind and of a genesis document, for the docs and for tests of other
//! crates.
//!
//! They stand as JSON in `examples/<kind>.json`, the way a person would submit them. Every field
//! and every word of a field's type occurs somewhere; the golden vectors in `vectors/` are made
//! from them.

use crate::genesis::Genesis;
use crate::keys::SecretKey;
use crate::records::{Kind, Record};

/// The examples of a kind, at least one.
pub fn of(kind: Kind) -> Vec<Record> {
    serde_json::from_str(kind.example_text()).expect("the examples are read by a test")
}

/// A genesis document with four validators.
pub fn genesis() -> Genesis {
    serde_json::from_str(include_str!("examples/genesis.json"))
        .expect("the genesis document is read by a test")
}

/// The signing key whose seed is 32 times `seed`. Anyone can make it: never let it sign for a real
/// ledger.
pub fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::verify_strict;

    /// X25519 secret of the example member SG-CUSTOMS, to whom the example prices are sealed.
    const SG_CUSTOMS_SECRET: &str =
        "7090330b18d76c45446b7d9d1b15e87d7da80ab3b6f8cdcc0871764f1d767c5c";

    #[test]
    fn every_kind_has_examples_of_itself_within_all_bounds() {
        for kind in Kind::ALL {
            let examples = of(*kind);
            assert!(!examples.is_empty(), "{kind}");
            for record in examples {
                assert_eq!(record.kind(), *kind);
                record.check().unwrap();
            }
        }
        genesis().check().unwrap();
    }

    #[test]
    fn the_examples_price_opens_to_its_recipient() {
        let [Record::Order(order), _] = &of(Kind::Order)[..] else {
            panic!("two orders");
        };
        let mut secret = [0; 32];
        hex::decode_to_slice(SG_CUSTOMS_SECRET, &mut secret).unwrap();
        let member = "SG-CUSTOMS".parse().unwrap();
        let price = order.price.as_ref().unwrap().open(&member, &secret);
        assert_eq!(price.unwrap(), "USD 29,500.00 per chip, DAP");
    }

    #[test]
    fn the_examples_equivocations_are_signed_by_validators_of_the_genesis() {
        let genesis = genesis();
        for record in of(Kind::ReportEquivocation) {
            let Record::ReportEquivocation(report) = record else {
                panic!("of another kind");
            };
            let mut seats = genesis.validators.0.iter();
            assert!(seats.any(|seat| (&seat.member, seat.key) == (&report.member, report.key)));
            assert!(report.contradicts());
            assert!(report.is_signed(&genesis.hash()));
        }
    }

    #[test]
    fn the_examples_device_report_is_signed_by_the_chips_key() {
        let [Record::DeviceReport(report)] = &of(Kind::DeviceReport)[..] else {
            panic!("one report");
        };
        let preimage = report.preimage(&genesis().hash());
        let expected = key(20).sign(preimage.as_bytes());
        assert_eq!(
            report.signature, expected,
            "sign the example again: {expected}"
        );
        assert!(verify_strict(
            &report.key,
            preimage.as_bytes(),
            &report.signature
        ));
    }
}
