use super::*;
use crate::keys::Purpose;
use chipledger_schemas::hash::Hash;
use chipledger_schemas::keys::verify_strict;

const GENESIS: GenesisHash = GenesisHash(Hash([1; 32]));

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let member = "NL-CUSTOMS".parse().unwrap();
        MemberKey::generate(&dir.path().join("v.json"), member, Purpose::Validator).unwrap();
        Self { dir }
    }

    fn key(&self) -> MemberKey {
        MemberKey::load(&self.dir.path().join("v.json"), Purpose::Validator).unwrap()
    }

    fn path(&self) -> PathBuf {
        guard_path(&self.dir.path().join("v.json"))
    }

    fn guarded() -> Self {
        let place = Self::new();
        Guard::create(&place.key(), &place.path()).unwrap();
        place
    }

    fn open(&self) -> Guard {
        Guard::open(self.key(), &self.path()).unwrap()
    }
}

fn prevote(height: u64, round: u32, block: u8) -> Statement {
    Statement {
        height: Height(height),
        round,
        kind: Kind::Prevote,
        block: Some(BlockHash(Hash([block; 32]))),
        pol_round: None,
    }
}

#[test]
fn an_identical_request_gets_the_stored_signature_also_after_a_restart() {
    let place = Place::guarded();
    let first = place.open().sign(&GENESIS, &prevote(5, 0, 1)).unwrap();
    let mut again = place.open();
    assert_eq!(again.sign(&GENESIS, &prevote(5, 0, 1)).unwrap(), first);
    let preimage = prevote(5, 0, 1).preimage(&GENESIS, again.member());
    assert!(verify_strict(&again.public(), &preimage, &first));
}

#[test]
fn a_second_statement_at_the_same_height_round_and_kind_is_refused() {
    let place = Place::guarded();
    place.open().sign(&GENESIS, &prevote(5, 0, 1)).unwrap();
    let nil = Statement {
        block: None,
        ..prevote(5, 0, 1)
    };
    let pol = Statement {
        pol_round: Some(0),
        ..prevote(5, 0, 1)
    };
    for other in [prevote(5, 0, 2), nil, pol] {
        let refused = place.open().sign(&GENESIS, &other);
        assert!(
            matches!(refused, Err(Refusal::Conflict { .. })),
            "{other:?}"
        );
    }
}

#[test]
fn other_rounds_and_kinds_of_the_height_are_signed() {
    let place = Place::guarded();
    let mut guard = place.open();
    guard.sign(&GENESIS, &prevote(5, 0, 1)).unwrap();
    guard.sign(&GENESIS, &prevote(5, 1, 2)).unwrap();
    for kind in [Kind::Parts, Kind::Proposal, Kind::Precommit] {
        let other = Statement {
            kind,
            ..prevote(5, 0, 3)
        };
        guard.sign(&GENESIS, &other).unwrap();
    }
    let refused = guard.sign(&GENESIS, &prevote(5, 0, 2));
    assert!(matches!(refused, Err(Refusal::Conflict { .. })));
}

#[test]
fn a_lower_height_is_refused_as_after_an_old_backup() {
    let place = Place::guarded();
    place.open().sign(&GENESIS, &prevote(5, 0, 1)).unwrap();
    let refused = place.open().sign(&GENESIS, &prevote(4, 9, 1));
    assert!(matches!(refused, Err(Refusal::LowerHeight { .. })));
}

#[test]
fn a_key_without_its_guard_signs_only_from_a_safe_height_on() {
    let place = Place::guarded();
    place.open().sign(&GENESIS, &prevote(5, 0, 1)).unwrap();
    std::fs::remove_file(place.path()).unwrap();
    let mut guard = place.open();
    assert!(guard.needs_safe_height());
    let refused = guard.sign(&GENESIS, &prevote(9, 0, 1));
    assert!(matches!(refused, Err(Refusal::Unsafe)));
    // A restart does not make it forget that it forgot.
    let mut guard = place.open();
    assert!(guard.needs_safe_height());
    guard.resume_from(Height(10)).unwrap();
    let refused = guard.sign(&GENESIS, &prevote(9, 0, 1));
    assert!(matches!(
        refused,
        Err(Refusal::NotYetSafe { safe: Height(10) })
    ));
    let mut guard = place.open();
    guard.resume_from(Height(3)).unwrap();
    let refused = guard.sign(&GENESIS, &prevote(9, 0, 1));
    assert!(matches!(
        refused,
        Err(Refusal::NotYetSafe { safe: Height(10) })
    ));
    guard.sign(&GENESIS, &prevote(10, 0, 1)).unwrap();
}

#[test]
fn a_guard_serves_one_ledger() {
    let place = Place::guarded();
    place.open().sign(&GENESIS, &prevote(5, 0, 1)).unwrap();
    let other = GenesisHash(Hash([2; 32]));
    let refused = place.open().sign(&other, &prevote(6, 0, 1));
    assert!(matches!(refused, Err(Refusal::OtherLedger { .. })));
}

#[test]
fn a_damaged_guard_or_that_of_another_key_is_not_used() {
    let place = Place::guarded();
    let text = std::fs::read_to_string(place.path()).unwrap();
    for (damage, cut) in [(true, text.len() / 2), (true, 0)] {
        std::fs::write(place.path(), &text[..cut]).unwrap();
        let refused = Guard::open(place.key(), &place.path());
        assert_eq!(matches!(refused, Err(GuardError::Damaged { .. })), damage);
    }
    let stranger = Place::guarded();
    std::fs::copy(stranger.path(), place.path()).unwrap();
    let refused = Guard::open(place.key(), &place.path());
    assert!(matches!(refused, Err(GuardError::OtherKey { .. })));
}

#[test]
fn nothing_is_signed_when_the_file_cannot_be_written() {
    let place = Place::guarded();
    let mut guard = place.open();
    // A folder stands where the next file would be written.
    std::fs::create_dir(place.path().with_extension("guard.next")).unwrap();
    let refused = guard.sign(&GENESIS, &prevote(5, 0, 1));
    assert!(matches!(refused, Err(Refusal::Io { .. })));
    std::fs::remove_dir(place.path().with_extension("guard.next")).unwrap();
    guard.sign(&GENESIS, &prevote(5, 0, 2)).unwrap();
}
