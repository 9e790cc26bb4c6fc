//! `signatures.json`: Ed25519 signatures at the edges, where implementations disagree, and what
//! `verify_strict` says of each.
//!
//! The cases are those of Chalkias, Garillot and Nikolaenko, "Taming the many EdDSAs" (2020), and
//! of RFC 8032 section 8.4, made here from the eight points of small order.

use chipledger_schemas::examples;
use chipledger_schemas::ids::{PublicKey, Signature};
use chipledger_schemas::keys::verify_strict;
use serde_json::{Value, json};

use crate::golden::bytes;

/// The order of the base point, little endian (RFC 8032 section 5.1).
const L: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
/// The neutral point, (0, 1).
const NEUTRAL: &str = "0100000000000000000000000000000000000000000000000000000000000000";
/// The neutral point with y = p + 1: not canonical.
const NEUTRAL_NOT_CANONICAL: &str =
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f";
/// The neutral point with the sign of x set, though x is 0: not canonical.
const NEUTRAL_NEGATIVE_ZERO: &str =
    "0100000000000000000000000000000000000000000000000000000000000080";
/// The point of order 2, (0, -1).
const ORDER_2: &str = "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f";
/// A point of order 4, (sqrt(-1), 0).
const ORDER_4: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// A point of order 8.
const ORDER_8: &str = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a";
/// y = 2 is on no point of the curve.
const NO_POINT: &str = "0200000000000000000000000000000000000000000000000000000000000000";

const MESSAGE: [u8; 32] = [1; 32];

fn case(name: &str, key: &str, r: &str, s: &str) -> Value {
    let signature: Signature = format!("{r}{s}").parse().expect("64 bytes");
    let key: PublicKey = key.parse().expect("32 bytes");
    json!({
        "name": name,
        "key": key,
        "message": hex::encode(MESSAGE),
        "signature": signature,
        "accepted": verify_strict(&key, &MESSAGE, &signature),
    })
}

/// `s + l`, as 32 bytes little endian.
fn plus_l(s: &str) -> String {
    let (s, l) = (
        hex::decode(s).expect("digits"),
        hex::decode(L).expect("digits"),
    );
    let mut carry = 0;
    let sum = s.iter().zip(l).map(|(s, l)| {
        let sum = u16::from(*s) + u16::from(l) + carry;
        carry = sum >> 8;
        sum.to_le_bytes()[0]
    });
    hex::encode(sum.collect::<Vec<u8>>())
}

/// The key of seed 7 plus the point of order 2.
const MIXED_KEY: &str = "03b5939c1d63adf5410aaf84ecd13a066ab889514141846dbde11596ebb92dd3";
/// Made by the owner of [`MIXED_KEY`]'s secret scalar so that the challenge is even, and the point
/// of order 2 falls out of the equation: R and S.
const EVEN_CHALLENGE: [&str; 2] = [
    "e6050df522ee2d93ab024997bee05d000a4c6dcf2f3acb8c6cc79499ed9422db",
    "5e3c7f00a7dc9a9dede557edb38777bf7d9bef14af7ba44f0b2997faea07c004",
];
/// The same with an odd challenge: only verification that multiplies by the cofactor accepts it.
const ODD_CHALLENGE: [&str; 2] = [
    "e7caaa83373a94afae43fec59b447c99ba282b19a7616c24c785ad8966a1e10e",
    "aab9d6ad7f3f823e3dd49797987c79f9ff4c442322fbf24139dc96463736a307",
];
/// Made with the key of seed 7 and an R that has the point of order 2 added: as above.
const MIXED_R: [&str; 2] = [
    "0635557cc8c56b5051bc013a64bb836645d7d4e6589e93db387a5276995e1ef1",
    "337894829f36c68431f77f1acf64390a7720dafd4844ddc86c4019f5c4b7d802",
];

pub(crate) fn make() -> Value {
    let secret = examples::key(7);
    let key = secret.public().to_string();
    let good = secret.sign(&MESSAGE).to_string();
    let (r, s) = good.split_at(64);
    let other = secret.sign(&[2; 32]).to_string();
    let zero = "00".repeat(32);
    Value::Array(vec![
        case("a signature of RFC 8032", &key, r, s),
        case("of another message", &key, &other[..64], &other[64..]),
        case("S is S + L", &key, r, &plus_l(s)),
        case("S is L", &key, NEUTRAL, L),
        case("S is zero and R the neutral point", &key, NEUTRAL, &zero),
        case("key is the neutral point", NEUTRAL, NEUTRAL, &zero),
        case("key is the neutral point, R is not", NEUTRAL, r, s),
        case(
            "key is the neutral point, not canonical",
            NEUTRAL_NOT_CANONICAL,
            NEUTRAL,
            &zero,
        ),
        case(
            "key is the neutral point with negative zero",
            NEUTRAL_NEGATIVE_ZERO,
            NEUTRAL,
            &zero,
        ),
        case("key has order 2", ORDER_2, NEUTRAL, &zero),
        case("key has order 2, R too", ORDER_2, ORDER_2, &zero),
        case("key has order 4", ORDER_4, NEUTRAL, &zero),
        case("key has order 8", ORDER_8, ORDER_8, &zero),
        case("key is no point", NO_POINT, r, s),
        case("R has order 2", &key, ORDER_2, s),
        case("R has order 8", &key, ORDER_8, s),
        case("R is not canonical", &key, NEUTRAL_NOT_CANONICAL, s),
        case("R is no point", &key, NO_POINT, s),
        case(
            "key of mixed order, even challenge",
            MIXED_KEY,
            EVEN_CHALLENGE[0],
            EVEN_CHALLENGE[1],
        ),
        case(
            "key of mixed order, odd challenge",
            MIXED_KEY,
            ODD_CHALLENGE[0],
            ODD_CHALLENGE[1],
        ),
        case("R of mixed order", &key, MIXED_R[0], MIXED_R[1]),
    ])
}

pub(crate) fn check(golden: &Value) {
    let cases = golden.as_array().expect("a list of cases");
    for case in cases {
        let text = |field: &str| case[field].as_str().expect("a string");
        let key: PublicKey = text("key").parse().expect("a key");
        let signature: Signature = text("signature").parse().expect("a signature");
        let message: [u8; 32] = bytes(&case["message"]).try_into().expect("32 bytes");
        let accepted = verify_strict(&key, &message, &signature);
        assert_eq!(json!(accepted), case["accepted"], "{}", text("name"));
    }
    let accepted = |case: &&Value| case["accepted"] == true;
    let names: Vec<_> = cases
        .iter()
        .filter(accepted)
        .map(|case| &case["name"])
        .collect();
    // The second is right: strict verification refuses keys of small order, not those of mixed
    // order, and decides by the equation without the cofactor. What matters is that every peer
    // decides alike.
    assert_eq!(
        names,
        [
            "a signature of RFC 8032",
            "key of mixed order, even challenge"
        ]
    );
}
