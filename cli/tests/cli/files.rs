//! Files of records: JSON, JSON lines, CSV, signed transactions, and exports.

use std::process::Stdio;

use crate::bench::Bench;

const ROWS: &str = "\
items,model,site,origin,occurred_at
ACME:1..3,NVIDIA/H100-SXM5-80GB,ACME-1,made,2026-01-02
ACME:4,NVIDIA/H100-SXM5-80GB,NOWHERE,made,2026-01-02
ACME:5 ACME:6,NVIDIA/H100-SXM5-80GB,ACME-1,made,2026-02-03
ACME:2,NVIDIA/H100-SXM5-80GB,ACME-1,made,2026-02-04
";

#[test]
fn a_check_names_every_row_that_the_rules_refuse_and_writes_nothing() {
    let bench = Bench::solo();
    bench.write("rows.csv", ROWS);
    let run = bench.run("submit rows.csv --kind register --as ACME --check --output csv");
    assert_eq!(run.code, 3, "{}", run.err);
    assert!(run.out.contains("line 3,site_unknown"), "{}", run.out);
    assert!(run.out.contains("line 5,serial_taken"), "{}", run.out);
    assert!(
        run.err.contains("2 of 4 records were rejected"),
        "{}",
        run.err
    );
    assert_eq!(bench.json("status")["height"], 0);
}

#[test]
fn wrong_rows_stay_out_and_the_others_are_final() {
    let bench = Bench::solo();
    bench.write("rows.csv", ROWS);
    let run = bench.run("import csv rows.csv --kind register --as ACME");
    assert_eq!(run.code, 3, "{}", run.err);
    assert_eq!(bench.json("compute")["total"]["chips"], 5);
    let run = bench.run("import csv rows.csv --kind register --as ACME --atomic");
    assert_eq!(run.code, 3, "{}", run.err);
    assert_eq!(bench.json("compute")["total"]["chips"], 5);
}

#[test]
fn records_are_signed_offline_and_submitted_later() {
    let bench = Bench::solo();
    let record = r#"{"register": {"items": ["ACME:1..9"], "model": "NVIDIA/H100-SXM5-80GB", "site": "ACME-1",
        "origin": "made", "lot": null, "device_keys": [], "occurred_at": "2026-01-02"}}"#;
    bench.write("records.json", &format!("[{record}]"));
    let genesis = bench.json("status")["genesis"]
        .as_str()
        .map(str::to_owned)
        .expect("a hash");
    let sign = format!(
        "sign records.json --key L.keys/ACME.json --genesis {genesis} --signed-at 2026-01-03"
    );
    bench.ok(&format!("{sign} --out signed.jsonl"));
    bench.fails(&format!("{sign} --out signed.jsonl"), 7, "signed.jsonl");
    bench.ok("submit signed.jsonl");
    assert_eq!(bench.json("compute")["total"]["chips"], 9);
    bench.fails("submit signed.jsonl", 3, "duplicate_transaction");
}

#[test]
fn serials_come_from_a_file_with_or_without_their_issuer() {
    let bench = Bench::solo();
    bench.write("serials.csv", "box,serial\n1,0001\n1,0002\n2,0003..0010\n");
    let model = "--model NVIDIA/H100-SXM5-80GB --site ACME-1 --as ACME";
    bench.ok(&format!(
        "register --serials serials.csv --issuer ACME {model}"
    ));
    assert_eq!(bench.json("compute")["total"]["chips"], 10);
}

#[test]
fn more_serials_than_a_record_may_name_become_several_records() {
    let bench = Bench::solo();
    let model = "--model NVIDIA/H100-SXM5-80GB --site ACME-1 --as ACME";
    bench.ok(&format!("register --serials ACME:00001..25000 {model}"));
    assert_eq!(bench.json("compute")["total"]["chips"], 25_000);
}

#[test]
fn records_items_postings_and_balances_are_exported_and_never_over_a_file() {
    let bench = Bench::solo();
    bench.write(
        "rows.csv",
        ROWS.lines().take(2).collect::<Vec<_>>().join("\n").as_str(),
    );
    bench.ok("submit rows.csv --kind register --as ACME");
    let lines = bench.ok("export json --what records");
    let exported: serde_json::Value = serde_json::from_str(lines.trim()).expect("one line");
    assert_eq!(exported["kind"], "register");
    for what in ["items", "postings", "compute"] {
        assert!(
            bench
                .ok(&format!("export csv --what {what}"))
                .lines()
                .count()
                > 1,
            "{what}"
        );
    }
    bench.ok("export csv --out items.csv");
    bench.fails("export csv --out items.csv", 7, "items.csv");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let bench = Bench::solo();
    let model = "--model NVIDIA/H100-SXM5-80GB --site ACME-1 --as ACME";
    bench.ok(&format!("register --serials ACME:0001..5000 {model}"));
    let mut child = bench
        .prepared("items --output csv")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
