//! The genesis ceremony, from keys to a document that every founder has signed.

use std::path::Path;

use chipledger_schemas::keys::SecretKey;

use super::program;

/// An admin key file, in the form that `chipledger keygen` writes.
fn admin_key(path: &Path, member: &str) {
    let key = SecretKey::generate().unwrap();
    let file = serde_json::json!({
        "member": member,
        "class": "admin",
        "public_key": key.public(),
        "secret_key": key.to_hex().as_str(),
    });
    std::fs::write(path, file.to_string()).unwrap();
}

#[test]
fn founders_make_keys_and_parts_assemble_compare_sign_and_verify() {
    let dir = tempfile::tempdir().unwrap();
    let ran = |line: &str| {
        let words: Vec<_> = line.split(' ').collect();
        program(&words, dir.path())
    };
    let run = |line: &str| {
        let (code, said) = ran(line);
        assert_eq!(code, 0, "{line}: {said}");
        said
    };
    let countries = ["NL", "TW", "US", "JP"];
    let mut parts = String::new();
    for country in countries {
        let member = format!("{country}-CUSTOMS");
        run(&format!("init --dir {country} --member {member}"));
        admin_key(&dir.path().join(format!("{country}/admin.json")), &member);
        let part = run(&format!(
            "genesis part --node {country} --admin-key {country}/admin.json --name {member} \
             --jurisdiction {country} --role customs --out {country}.part.json"
        ));
        assert!(part.contains("votes with"), "{part}");
        let text = std::fs::read_to_string(dir.path().join(format!("{country}.part.json")));
        let secret = std::fs::read_to_string(dir.path().join(format!("{country}/admin.json")));
        let secret: serde_json::Value = serde_json::from_str(&secret.unwrap()).unwrap();
        assert!(
            !text
                .unwrap()
                .contains(secret["secret_key"].as_str().unwrap())
        );
        parts = format!("{parts} {country}.part.json");
    }
    let assemble = "genesis assemble --name Test --time 2026-03-01T00:00:00Z --out";
    let said = run(&format!("{assemble} genesis.json{parts}"));
    let hash = run("genesis hash genesis.json");
    assert!(said.contains(hash.trim()), "{said}");
    let backwards: Vec<_> = parts.split(' ').rev().collect();
    run(&format!(
        "{assemble} again.json {}",
        backwards.join(" ").trim()
    ));
    assert_eq!(run("genesis hash again.json"), hash);

    let mut signed = String::new();
    for country in &countries[..3] {
        run(&format!(
            "genesis sign genesis.json --key {country}/admin.json --part {country}.part.json \
             --out {country}.signed.json"
        ));
        signed = format!("{signed} {country}.signed.json");
    }
    let (code, said) = ran(&format!("genesis verify genesis.json{signed}"));
    assert!(
        code == 1 && said.contains("not signed by: JP-CUSTOMS"),
        "{said}"
    );
    // Somebody slips another part in: its owner does not sign.
    let changed = std::fs::read_to_string(dir.path().join("genesis.json")).unwrap();
    let changed = changed.replace("\"name\": \"JP-CUSTOMS\"", "\"name\": \"JP-OTHER\"");
    std::fs::write(dir.path().join("changed.json"), changed).unwrap();
    let (code, said) = ran(
        "genesis sign changed.json --key JP/admin.json --part JP.part.json --out JP.signed.json",
    );
    assert!(
        code == 1 && said.contains("does not hold the part of JP-CUSTOMS"),
        "{said}"
    );
    run("genesis sign genesis.json --key JP/admin.json --part JP.part.json --out JP.signed.json");
    let said = run(&format!(
        "genesis verify genesis.json{signed} JP.signed.json"
    ));
    assert!(said.contains("signed by all 4 founders"), "{said}");
    let (code, said) = ran(&format!(
        "genesis verify changed.json{signed} JP.signed.json"
    ));
    assert!(
        code == 1 && said.contains("signs another document"),
        "{said}"
    );

    std::fs::copy(
        dir.path().join("genesis.json"),
        dir.path().join("NL/genesis.json"),
    )
    .unwrap();
    let said = run("check-config --config NL/node.toml");
    assert!(said.contains("seat        in genesis"), "{said}");
}
