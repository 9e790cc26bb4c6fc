//! A ledger of headers alone, whose validators change.

use chipledger_schemas::block::{HEADER_VERSION, PROTOCOL_VERSION};
use chipledger_schemas::certificate::{CommitSignature, ValidatorSeat, vote_preimage};
use chipledger_schemas::examples;
use chipledger_schemas::keys::SecretKey;
use chipledger_schemas::time::Time;

use super::*;

fn key(seat: u8) -> SecretKey {
    SecretKey::from_seed(&[seat; 32])
}

fn set(seats: &[u8]) -> ValidatorSet {
    let seat = |seat: &u8| ValidatorSeat {
        member: format!("V{seat}").parse().unwrap(),
        key: key(*seat).public(),
        power: 1,
    };
    ValidatorSet(seats.iter().map(seat).collect())
}

/// Height, who certifies it, who certifies the next one, and who signs.
type Block<'a> = (u64, &'a [u8], &'a [u8], &'a [u8]);

fn certified((height, validators, next, signers): Block<'_>) -> (Header, Certificate) {
    let genesis = genesis().hash();
    let header = Header {
        version: HEADER_VERSION,
        genesis,
        height: Height(height),
        round: 0,
        time: Time(height),
        parent: BlockHash::default(),
        proposer: "V1".parse().unwrap(),
        transactions_root: Hash::ZERO,
        state_root: Hash::ZERO,
        history_root: Hash::ZERO,
        validators: set(validators).digest(),
        next_validators: set(next).digest(),
        protocol: PROTOCOL_VERSION,
    };
    let block = header.hash();
    let preimage = vote_preimage(&genesis, header.height, 0, &block);
    let vote = |seat: &u8| CommitSignature {
        member: format!("V{seat}").parse().unwrap(),
        signature: key(*seat).sign(&preimage),
    };
    let signatures = signers.iter().map(vote).collect();
    let certificate = Certificate {
        height: header.height,
        round: 0,
        block,
        signatures,
    };
    (header, certificate)
}

fn genesis() -> Genesis {
    Genesis {
        validators: set(&[1, 2, 3, 4]),
        ..examples::genesis()
    }
}

fn change(block: Block<'_>, shipped: &[u8]) -> Change {
    let (header, certificate) = certified(block);
    Change {
        header,
        certificate,
        next: set(shipped),
    }
}

fn trust(changes: Vec<Change>, last: Block<'_>) -> Trust {
    let (header, certificate) = certified(last);
    Trust {
        start: Start::Genesis(Box::new(genesis())),
        changes,
        header,
        certificate,
    }
}

fn verify(trust: &Trust) -> Result<Trusted, TrustError> {
    trust.verify(&Pin::Genesis(genesis().hash()))
}

const FIRST: &[u8] = &[1, 2, 3, 4];
const SECOND: &[u8] = &[3, 4, 5, 6];
const THIRD: &[u8] = &[7, 8, 9];

#[test]
fn trust_passes_from_set_to_set() {
    let changes = vec![
        change((5, FIRST, SECOND, &[1, 2, 3]), SECOND),
        change((9, SECOND, THIRD, &[3, 5, 6]), THIRD),
    ];
    let trusted = verify(&trust(changes, (12, THIRD, THIRD, THIRD))).unwrap();
    assert_eq!((trusted.seats, trusted.signers), (3, 3));
    assert!(verify(&trust(vec![], (12, FIRST, SECOND, &[1, 2, 3]))).is_ok());
}

#[test]
fn a_set_that_no_trusted_header_names_certifies_nothing() {
    let to_second = || change((5, FIRST, SECOND, &[1, 2, 3]), SECOND);
    let refused = [
        trust(vec![], (12, SECOND, SECOND, SECOND)),
        // A set that is not the one named.
        trust(
            vec![change((5, FIRST, SECOND, &[1, 2, 3]), THIRD)],
            (12, THIRD, THIRD, THIRD),
        ),
        // The old set goes on after its successor was named.
        trust(vec![to_second()], (12, FIRST, FIRST, FIRST)),
        // Two of four are no quorum for a change.
        trust(
            vec![change((5, FIRST, SECOND, &[1, 2]), SECOND)],
            (12, SECOND, SECOND, SECOND),
        ),
        // The members that stay sign under the header of the old set.
        trust(vec![to_second()], (12, SECOND, SECOND, &[1, 2, 3])),
        // Heights go back.
        trust(vec![to_second()], (5, SECOND, SECOND, SECOND)),
        trust(vec![to_second()], (4, SECOND, SECOND, SECOND)),
        // A change that changes nothing.
        trust(
            vec![change((5, FIRST, FIRST, FIRST), FIRST)],
            (12, FIRST, FIRST, FIRST),
        ),
        // Genesis is certified by nobody.
        trust(vec![], (0, FIRST, FIRST, FIRST)),
    ];
    for (case, trust) in refused.iter().enumerate() {
        assert!(verify(trust).is_err(), "case {case}");
    }
}

#[test]
fn another_genesis_document_is_another_ledger() {
    let mut other = trust(vec![], (12, FIRST, FIRST, FIRST));
    other.start = Start::Genesis(Box::new(Genesis {
        validators: set(THIRD),
        ..genesis()
    }));
    for pin in [Pin::Nothing, Pin::Genesis(genesis().hash())] {
        assert!(matches!(
            other.verify(&pin),
            Err(TrustError::OtherLedger { .. })
        ));
    }
}

#[test]
fn a_checkpoint_counts_only_when_it_is_pinned() {
    let (header, _) = certified((7, FIRST, SECOND, &[]));
    let pinned = header.hash();
    let mut from = trust(vec![], (12, SECOND, SECOND, SECOND));
    from.start = Start::Checkpoint {
        header: Box::new(header),
        next: set(SECOND),
    };
    assert!(from.verify(&Pin::Checkpoint(pinned)).is_ok());
    for pin in [
        Pin::Nothing,
        Pin::Genesis(genesis().hash()),
        Pin::Checkpoint(BlockHash::default()),
    ] {
        assert!(from.verify(&pin).is_err(), "{pin:?}");
    }
    let Start::Checkpoint { next, .. } = &mut from.start else {
        unreachable!()
    };
    *next = set(THIRD);
    assert!(matches!(
        from.verify(&Pin::Checkpoint(pinned)),
        Err(TrustError::OtherValidators { .. })
    ));
}
