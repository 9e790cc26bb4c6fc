//! Bad input: one clear message with what to do, an exit code of its class, nothing lost.

use crate::bench::Bench;

#[test]
fn a_typo_in_a_verb_is_answered_with_the_verbs_that_come_close() {
    let run = Bench::empty().run("instal");
    assert_eq!(run.code, 2);
    assert!(run.err.contains("'install'"), "{}", run.err);
}

#[test]
fn a_missing_file_or_ledger_is_named() {
    let bench = Bench::empty();
    bench.fails("status", 5, "holds no ledger");
    bench.ok("init --solo --clock replay --time 2026-01-01");
    bench.fails("submit none.json --as SOLO", 4, "none.json");
    bench.fails("install SOLO:1 --as NOBODY", 4, "NOBODY.json");
    bench.fails("install SOLO:1", 2, "no key");
}

#[test]
fn a_broken_file_is_answered_with_the_line_and_the_column() {
    let bench = Bench::solo();
    let header = "items,model,site,origin";
    let row = "ACME:1,NVIDIA/H100-SXM5-80GB,ACME-1,made";
    for (text, says) in [
        (
            format!("{header}\n{row}\nACME:2,NVIDIA/H100"),
            "line 3: the row ends after 2 of 4 columns; site, origin is missing (column 3)",
        ),
        (
            format!("{header}\n{row},more\n"),
            "line 2: the row has 5 columns, the header 4",
        ),
        (
            format!("{header},colour\n{row},red\n"),
            "line 1, column 5: register has no field \"colour\"",
        ),
        (
            "items,model,origin\nA:1,M,made\n".to_owned(),
            "line 1: column site is missing",
        ),
        (
            format!("{header}\n{row}\nACME:2,NVIDIA/H100-SXM5-80GB,ACME 1!,made\n"),
            "line 3, column 3 (site)",
        ),
        (
            format!("{header}\nACME:2,NVIDIA/H100-SXM5-80GB,ACME-1,grown\n"),
            "line 2, column 4 (origin)",
        ),
        (format!("{header}\n"), "has no rows"),
    ] {
        bench.write("rows.csv", &text);
        bench.fails("submit rows.csv --kind register --as ACME", 2, says);
    }
    for (text, says) in [
        ("{\"install\": {\"items\": [", "is not JSON"),
        ("[{\"instal\": {}}]", "record 1: unknown variant `instal`"),
        ("{\"annotate\": 1}\n{\"annotate\":\n", "line 1"),
        ("", "is empty"),
    ] {
        bench.write("records.json", text);
        bench.fails("submit records.json --as ACME", 2, says);
    }
    assert_eq!(bench.json("status")["height"], 0);
}

#[test]
fn an_unknown_item_member_or_height_is_not_found() {
    let bench = Bench::solo();
    bench.fails("where ACME:1", 4, "ACME:1 is not registered");
    bench.fails("trace ACME:1", 4, "ACME:1 is not registered");
    bench.fails(
        "compute --known-at 7",
        4,
        "height 7 is above the last one, 0",
    );
    bench.fails(
        "compute --known-at 2020-01-01",
        4,
        "before the ledger began",
    );
    bench.fails("install ACME:1 --as ACME", 3, "item_unknown");
    let run = bench.run("record nonesuch --json {} --as ACME");
    assert_eq!(run.code, 2);
    assert!(run.err.contains("is no kind of record"), "{}", run.err);
}

#[test]
fn a_ledger_that_another_process_writes_to_can_still_be_asked() {
    let bench = Bench::solo();
    let store = chipledger_ledger::store::Store::open(&bench.path("L")).expect("it opens");
    bench.fails("install ACME:1 --as ACME", 5, "in use by another process");
    assert_eq!(bench.json("status")["height"], 0);
    drop(store);
}

#[test]
fn a_damaged_ledger_says_so_and_stays_as_it_is() {
    let bench = Bench::solo();
    let current = bench.path("L").join("CURRENT");
    std::fs::write(&current, "MANIFEST-999999\n").expect("damage");
    bench.fails("status", 5, "Error");
    bench.fails("install ACME:1 --as ACME", 5, "Error");
    assert_eq!(
        std::fs::read_to_string(&current).expect("it is there"),
        "MANIFEST-999999\n"
    );
}

#[test]
fn nothing_is_overwritten() {
    let bench = Bench::solo();
    bench.fails("init --solo --member ACME", 5, "is not empty");
    bench.fails(
        "keygen --member ACME --out L.keys/ACME.json",
        7,
        "ACME.json",
    );
    bench.write("genesis.json", "{\"version\": 9}");
    bench.fails("init genesis.json --ledger M", 2, "is no genesis document");
}

#[cfg(unix)]
#[test]
fn a_key_that_others_can_read_signs_nothing() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::solo();
    let key = bench.path("L.keys").join("ACME.json");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).expect("a mode");
    bench.fails(
        "install ACME:1 --as ACME",
        2,
        "can be read by others (mode 644)",
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_and_nothing_panics() {
    let bench = Bench::solo();
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .expect("/dev/full");
    let output = bench
        .prepared("status")
        .stdout(full)
        .output()
        .expect("it runs");
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(7), "{err}");
    assert!(err.contains("The disk is full"), "{err}");
}
