use chipledger_ledger::fixture::{genesis, id, key};
use chipledger_schemas::block::{HEADER_VERSION, PROTOCOL_VERSION};
use chipledger_schemas::certificate::{Certificate, CommitSignature, ValidatorSeat};
use chipledger_schemas::ids::BlockHash;
use chipledger_schemas::keys::SecretKey;
use chipledger_schemas::time::Time;

use super::*;

fn second_key() -> SecretKey {
    key("REG-2's validator")
}

fn second_set() -> ValidatorSet {
    ValidatorSet(vec![ValidatorSeat {
        member: id("REG-2"),
        key: second_key().public(),
        power: 1,
    }])
}

/// Signed by the one validator of a set.
fn sign(header: Header) -> CertifiedHeader {
    let first = header.validators == genesis().validators.digest();
    let (seat, key) = if first {
        (id("REG-1"), key("REG-1"))
    } else {
        (id("REG-2"), second_key())
    };
    let certificate = Certificate::solo(&header.genesis, header.height, header.hash(), &seat, &key);
    let next = (header.next_validators != header.validators).then(second_set);
    CertifiedHeader {
        header,
        certificate,
        next,
    }
}

fn header(height: u64, parent: BlockHash, sets: (&ValidatorSet, &ValidatorSet)) -> Header {
    Header {
        version: HEADER_VERSION,
        genesis: genesis().hash(),
        height: Height(height),
        round: 0,
        time: Time(height),
        parent,
        proposer: id("REG-1"),
        transactions_root: Hash::ZERO,
        state_root: Hash([u8::try_from(height).unwrap(); 32]),
        history_root: Hash::ZERO,
        validators: sets.0.digest(),
        next_validators: sets.1.digest(),
        protocol: PROTOCOL_VERSION,
    }
}

/// Six headers; the second set certifies from the fourth on.
fn chain() -> Vec<CertifiedHeader> {
    let (first, second) = (genesis().validators, second_set());
    let mut parent = BlockHash(Hash::ZERO);
    let mut chain = Vec::new();
    for height in 1..=6 {
        let sets = match height {
            1 | 2 => (&first, &first),
            3 => (&first, &second),
            _ => (&second, &second),
        };
        let certified = sign(header(height, parent, sets));
        parent = certified.header.hash();
        chain.push(certified);
    }
    chain
}

fn open(dir: &Path) -> Headers {
    Headers::open(dir, &genesis()).unwrap()
}

#[test]
fn headers_are_followed_through_a_change_of_validators_and_kept_across_restarts() {
    let dir = tempfile::tempdir().unwrap();
    let chain = chain();
    let headers = open(dir.path());
    assert!(matches!(headers.take(&chain[..4]), Ok((4, None))));
    assert!(matches!(headers.take(&chain[2..]), Ok((2, None))));
    drop(headers);
    let headers = open(dir.path());
    assert_eq!(headers.height(), Height(6));
    assert_eq!(headers.page(Height(1), 10).unwrap(), chain);
    assert_eq!(headers.header(Height(5)).unwrap().as_ref(), Some(&chain[4]));
    let set = headers.validators_of(&chain[5].header);
    assert_eq!(set, Some(second_set()));
}

#[test]
fn headers_that_a_pruned_peer_left_out_are_no_lie_as_long_as_each_change_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let chain = chain();
    let headers = open(dir.path());
    let held = [chain[2].clone(), chain[5].clone()];
    assert!(matches!(headers.take(&held), Ok((2, None))));
    let headers = open(&dir.path().join("other"));
    let (new, untrue) = headers.take(&[chain[0].clone(), chain[5].clone()]).unwrap();
    assert!(new == 1 && untrue.unwrap().is_lie());
}

#[test]
fn what_no_quorum_certified_or_does_not_follow_is_a_lie() {
    let chain = chain();
    let (first, second) = (genesis().validators, second_set());
    let lie = |certified: CertifiedHeader| {
        let dir = tempfile::tempdir().unwrap();
        let headers = open(dir.path());
        headers.take(&chain[..2]).unwrap();
        let (new, untrue) = headers.take(&[certified]).unwrap();
        assert_eq!((new, headers.height()), (0, Height(2)));
        let untrue = untrue.unwrap();
        assert!(untrue.is_lie());
        untrue
    };
    let mut forged = chain[2].clone();
    forged.header.state_root = Hash::ZERO;
    assert!(matches!(lie(forged), Untrue::Trust(_)));
    let mut unsigned = chain[2].clone();
    unsigned.certificate.signatures.clear();
    assert!(matches!(lie(unsigned), Untrue::Trust(_)));
    let orphan = sign(header(3, BlockHash(Hash::ZERO), (&first, &first)));
    assert!(matches!(lie(orphan), Untrue::OtherParent { .. }));
    let mut other_set = chain[2].clone();
    other_set.next = Some(first.clone());
    assert!(matches!(lie(other_set), Untrue::OtherValidators { .. }));
    let mut no_set = chain[2].clone();
    no_set.next = None;
    assert!(matches!(lie(no_set), Untrue::OtherValidators { .. }));
    let parent = chain[1].header.hash();
    let usurped = sign(header(3, parent, (&second, &second)));
    assert!(matches!(lie(usurped), Untrue::Trust(_)));
}

#[test]
fn two_certified_headers_of_one_height_are_a_fork_and_a_forged_old_one_is_a_lie() {
    let dir = tempfile::tempdir().unwrap();
    let chain = chain();
    let headers = open(dir.path());
    headers.take(&chain).unwrap();
    let first = genesis().validators;
    let mut twin = header(2, chain[0].header.hash(), (&first, &first));
    twin.state_root = Hash([99; 32]);
    let (new, untrue) = headers.take(&[sign(twin.clone())]).unwrap();
    let untrue = untrue.unwrap();
    assert!(new == 0 && !untrue.is_lie(), "{untrue}");
    let forged = CertifiedHeader {
        header: twin,
        ..chain[1].clone()
    };
    let (_, untrue) = headers.take(&[forged]).unwrap();
    assert!(untrue.unwrap().is_lie());
}

#[test]
fn a_frame_that_a_crash_cut_off_is_fetched_again() {
    let dir = tempfile::tempdir().unwrap();
    let chain = chain();
    let headers = open(dir.path());
    headers.take(&chain).unwrap();
    let (path, whole) = (dir.path().join("headers"), headers.bytes());
    drop(headers);
    for cut in [1, 20, 40, 200] {
        let file = File::options().write(true).open(&path).unwrap();
        file.set_len(whole - cut).unwrap();
        let headers = open(dir.path());
        assert!(headers.height() < Height(6), "{cut}");
        headers.take(&chain).unwrap();
        assert_eq!(headers.page(Height(1), 10).unwrap(), chain);
    }
}

/// `docs/operations.md` counts on it.
#[test]
fn a_header_of_four_validators_takes_at_most_650_bytes_of_the_file() {
    let sets = (&genesis().validators, &genesis().validators);
    let mut certified = sign(header(200, BlockHash(Hash::ZERO), sets));
    certified.header.height = Height(2_000_000);
    certified.header.time = "2027-01-01".parse().unwrap();
    let one = certified.certificate.signatures[0].clone();
    certified.certificate.height = Height(2_000_000);
    certified.certificate.signatures = ["CUSTOMS-DE", "CUSTOMS-NL", "CUSTOMS-TW", "CUSTOMS-US"]
        .map(|member| CommitSignature {
            member: id(member),
            ..one.clone()
        })
        .to_vec();
    let bytes = frame(&certified).len();
    assert!((550..=650).contains(&bytes), "{bytes}");
}
