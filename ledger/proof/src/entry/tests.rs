use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::*;
use crate::names::bucket_root;

/// The obviously right names tree: everything rebuilt from a map.
struct Model {
    entries: u64,
    buckets: Vec<Vec<BucketEntry>>,
    roots: Vec<Hash>,
    root: Hash,
}

impl Model {
    fn new(map: &BTreeMap<Hash, Hash>) -> Self {
        let entries = map.len() as u64;
        let count = bucket_count(entries);
        let mut buckets = vec![Vec::new(); usize::try_from(count).expect("small")];
        for (&key, &value) in map {
            let index = usize::try_from(bucket_index(&key, count)).expect("small");
            buckets[index].push(BucketEntry { key, value });
        }
        let roots: Vec<Hash> = buckets.iter().map(|bucket| bucket_root(bucket)).collect();
        let root = names_root(entries, count, &BUCKETS.top(&roots));
        Self {
            entries,
            buckets,
            roots,
            root,
        }
    }

    fn bucket(&self, key: &Hash) -> (DensePath, &[BucketEntry]) {
        let index = bucket_index(key, self.buckets.len() as u64);
        let path = BUCKETS.path(&self.roots, index);
        (path, &self.buckets[usize::try_from(index).expect("small")])
    }

    fn presence(&self, key: &Hash) -> Option<EntryProof> {
        let (path, bucket) = self.bucket(key);
        EntryProof::new(self.entries, path, bucket, key)
    }

    fn absence(&self, key: &Hash) -> Option<AbsenceProof> {
        let (path, bucket) = self.bucket(key);
        AbsenceProof::new(self.entries, path, bucket, key)
    }
}

fn numbered(count: u64) -> BTreeMap<Hash, Hash> {
    (0..count).map(|i| (name(i), Hash([7; 32]))).collect()
}

fn name(i: u64) -> Hash {
    chipledger_schemas::hash::ENTRY_KEY.hash(&i.to_le_bytes())
}

fn hash() -> impl Strategy<Value = Hash> {
    any::<[u8; 32]>().prop_map(Hash)
}

proptest! {
    #[test]
    fn a_key_is_provable_exactly_when_it_is_there(
        map in proptest::collection::btree_map(hash(), hash(), 0..200),
        others in proptest::collection::vec(hash(), 20),
    ) {
        let model = Model::new(&map);
        for (&key, &value) in &map {
            let proof = model.presence(&key).expect("present");
            prop_assert_eq!(proof.verify(&model.root, &BucketEntry { key, value }), Ok(()));
            let other = BucketEntry { key, value: key };
            prop_assert_eq!(proof.verify(&model.root, &other), Err(PathError::OtherRoot));
            prop_assert!(model.absence(&key).is_none());
        }
        for key in others.iter().filter(|key| !map.contains_key(*key)) {
            prop_assert_eq!(model.absence(key).expect("absent").verify(&model.root, key), Ok(()));
            prop_assert!(model.presence(key).is_none());
        }
    }
}

#[test]
fn absence_cannot_be_shown_of_a_present_key() {
    let map = numbered(300);
    let model = Model::new(&map);
    // Every honest proof of another key, and every pair of neighbours a liar could pick.
    for present in (0..300).map(name) {
        let (path, bucket) = model.bucket(&present);
        for absent in (300..360).map(name) {
            let proof = model.absence(&absent).expect("absent");
            assert!(proof.verify(&model.root, &present).is_err());
        }
        let hashes = hashes(bucket);
        let around = |index: usize| {
            let list = list_path(&hashes, index as u64);
            Some(Neighbour {
                entry: bucket[index],
                list,
            })
        };
        let choices: Vec<_> = (0..bucket.len()).map(around).chain([None]).collect();
        for before in &choices {
            for after in &choices {
                let (before, after) = (before.clone(), after.clone());
                let bucket = path.clone();
                let lie = AbsenceProof {
                    entry_count: model.entries,
                    bucket,
                    before,
                    after,
                };
                assert!(lie.verify(&model.root, &present).is_err());
            }
        }
    }
}

#[test]
fn a_proof_of_another_bucket_is_refused() {
    let model = Model::new(&numbered(300));
    let absent = name(1000);
    let honest = model.absence(&absent).expect("absent");
    for other in 0..model.buckets.len() as u64 {
        if other == honest.bucket.index {
            continue;
        }
        let bucket = BUCKETS.path(&model.roots, other);
        let entries = &model.buckets[usize::try_from(other).expect("small")];
        let lie = AbsenceProof::new(model.entries, bucket, entries, &absent).expect("not there");
        let expected = honest.bucket.index;
        assert_eq!(
            lie.verify(&model.root, &absent),
            Err(PathError::WrongBucket {
                expected,
                got: other
            })
        );
    }
}

#[test]
fn a_proof_with_another_count_is_refused() {
    let map = numbered(300);
    let model = Model::new(&map);
    let (&key, &value) = map.first_key_value().expect("300 entries");
    let entry = BucketEntry { key, value };
    let honest = model.presence(&key).expect("present");
    // 299 has the same 75 buckets, 301 one more.
    let lie = EntryProof {
        entry_count: 299,
        ..honest.clone()
    };
    assert_eq!(lie.verify(&model.root, &entry), Err(PathError::OtherRoot));
    let lie = EntryProof {
        entry_count: 301,
        ..honest
    };
    assert_eq!(
        lie.verify(&model.root, &entry),
        Err(PathError::WrongBucketCount {
            entries: 301,
            expected: 76,
            got: 75
        })
    );
}

#[test]
fn every_changed_byte_of_a_proof_is_refused() {
    let map = numbered(300);
    let model = Model::new(&map);
    for (&key, &value) in map.iter().take(8) {
        let entry = BucketEntry { key, value };
        let proof = model.presence(&key).expect("present");
        refuses_changes(&proof, |proof| proof.verify(&model.root, &entry));
    }
    for key in (300..330).map(name) {
        let proof = model.absence(&key).expect("absent");
        refuses_changes(&proof, |proof| proof.verify(&model.root, &key));
    }
}

fn refuses_changes<P: Serialize + DeserializeOwned>(
    proof: &P,
    verify: impl Fn(&P) -> Result<(), PathError>,
) {
    let bytes = serde_json::to_vec(proof).expect("a proof is JSON");
    verify(&serde_json::from_slice(&bytes).expect("read back")).expect("the proof holds");
    for index in 0..bytes.len() {
        for flip in [0x01, 0x02, 0x08, 0x10, 0x20, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[index] ^= flip;
            if let Ok(proof) = serde_json::from_slice::<P>(&changed) {
                assert!(verify(&proof).is_err(), "byte {index} ^ {flip:#x}");
            }
        }
    }
}

#[test]
fn a_crafted_full_bucket_is_proved_in_under_four_kibibytes() {
    // All keys share their first 20 bits, so they stay in one bucket however often it splits.
    let crafted = |i: u64| {
        let mut key = name(i);
        key.0[..3].copy_from_slice(&[0xab, 0xcd, 0xef]);
        key
    };
    let map: BTreeMap<Hash, Hash> = (0..10_000).map(|i| (crafted(i), Hash([7; 32]))).collect();
    let model = Model::new(&map);
    let absent = crafted(10_000);
    let proof = model.absence(&absent).expect("absent");
    assert_eq!(proof.verify(&model.root, &absent), Ok(()));
    let paths =
        [&proof.before, &proof.after].map(|n| n.as_ref().map_or(0, |n| n.list.siblings.len()));
    let hashes = proof.bucket.siblings.len() + paths.iter().sum::<usize>() + 4;
    assert!(hashes * 32 < 2048, "{hashes} hashes");
}
