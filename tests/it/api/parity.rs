//! Whatever the command line does with a directory it does with a node: the same bytes on both
//! streams, the same exit codes.

use super::server::{Folder, Run, Running};

const MODEL: &str = "--model NVIDIA/H100-SXM5-80GB --site ACME-1";

/// Everything that changes a ledger, with some that is rejected.
fn verbs() -> Vec<String> {
    let at = "--as ACME --occurred-at";
    let hash = "ab".repeat(32);
    vec![
        format!("register {at} 2026-02-01 --serials ACME:0001..0064 {MODEL}"),
        format!("register {at} 2026-02-01 --serials ACME:0064 {MODEL}"),
        format!("pack {at} 2026-02-02 ACME:0001..0032 --into ACME:b1..b4 --kind board"),
        format!("seal {at} 2026-02-03 ACME:b1 --seal S-77"),
        format!("break-seal {at} 2026-02-03 ACME:b1 --seal S-77 --reason unpacking"),
        format!("install {at} 2026-02-04 ACME:b2 --position HALL-1"),
        format!("install {at} 2026-02-04 ACME:none --position HALL-1"),
        format!("set-loss {at} 2026-02-05 ACME:b3 --loss stolen"),
        format!("destroy {at} 2026-02-06 ACME:b4 --witness ACME --certificate {hash}"),
        format!("unpack {at} 2026-02-07 ACME:b1"),
        format!("import csv {at} 2026-02-08 rows.csv --kind install"),
        format!("install {at} 2026-02-08 ACME:0040 --check"),
        format!("install {at} 2026-02-08 ACME:none --check"),
        format!("install {at} 2026-02-09 ACME:0041 --sign-only signed.jsonl"),
        "submit signed.jsonl".to_owned(),
        "submit signed.jsonl".to_owned(),
    ]
}

/// Questions, with some that have no answer.
fn questions() -> Vec<String> {
    let mut asked: Vec<String> = [
        "where ACME:0001",
        "where ACME:0010 --at 2026-02-03",
        "where ACME:0010 --known-at 1",
        "where ACME:0010 --known-at 2020-01-01",
        "where ACME:0010 --known-at 9999",
        "where ACME:nothing",
        "trace ACME:0001",
        "trace ACME:0001 --at 2026-02-02",
        "trace ACME:nothing",
        "items",
        "items --kind unit --limit 2",
        "items --status stolen",
        "items --limit 0",
        "compute",
        "compute --by site --metric count --at 2026-02-02",
        "compute --by status --where status=installed --where holder=ACME",
        "compute --by model --known-at 2",
        "shipments",
        "shipments --overdue --now 2026-03-01",
        "shipments --at 2026-02-05",
        "shipments --known-at 3 --overdue",
        "export csv --what records",
        "export csv --what records --from-height 3",
        "export csv --what items --from-height 3",
        "export csv --what records --from-height 9999",
        "export csv --what items",
        "export json --what postings",
        "export json --what compute",
        "export csv --what postings",
        "prove item ACME:0001 --out item.proof",
        "prove item ACME:nothing --out none.proof",
        "prove absent ACME:nothing --out absent.proof",
        "prove absent ACME:0001 --out none.proof",
        "prove totals US --out totals.proof",
        "prove journey ACME:0001 --out journey.proof",
        "prove book --out book.proof --checkpoint 2",
        "prove book --out none.proof --checkpoint 9999",
    ]
    .map(str::to_owned)
    .to_vec();
    let as_json: Vec<_> = asked
        .iter()
        .filter(|words| !words.starts_with("export") && !words.starts_with("prove"))
        .map(|words| format!("{words} --output json"))
        .collect();
    asked.extend(as_json);
    asked
}

#[test]
fn a_node_and_a_directory_give_the_same_bytes() {
    let here = Folder::new();
    let there = here.copy();
    for folder in [&here, &there] {
        std::fs::write(
            folder.path("rows.csv"),
            "items,position\nACME:0042,R1\nACME:none,R2\nACME:0043,R3\n",
        )
        .unwrap();
    }
    let server = Running::over(&there);
    let url = server.url();
    let by_node = [
        ("CHIPLEDGER_NODE", url.as_str()),
        ("CHIPLEDGER_KEYS", "L.keys"),
    ];
    let by_directory = [("CHIPLEDGER_LEDGER", "L")];
    for words in verbs().into_iter().chain(questions()) {
        let local: Run = here.run(&words, &by_directory);
        let remote = there.run(&words, &by_node);
        assert_eq!(local, remote, "{words}");
    }
    for name in [
        "item.proof",
        "absent.proof",
        "totals.proof",
        "journey.proof",
        "book.proof",
    ] {
        let files = [&here, &there].map(|folder| std::fs::read(folder.path(name)).unwrap());
        assert_eq!(files[0], files[1], "{name}");
    }
    let status = |run: Run| -> Vec<String> {
        let own = ["disk", "memory"];
        let lines = run.out.lines().map(str::to_owned);
        lines
            .filter(|line| !own.iter().any(|word| line.contains(word)))
            .collect()
    };
    let local = status(here.run("status", &by_directory));
    let remote = status(there.run("status", &by_node));
    assert!(local.len() > 8, "{local:?}");
    for line in local {
        let words = |line: &str| {
            line.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let found = remote.iter().any(|other| words(other) == words(&line));
        assert!(found, "{line:?} is not in {remote:?}");
    }
    server.stop();
}

/// The record that last moved an item, as the last step of its journey that stands.
fn standing_record(folder: &Folder, item: &str, by: &[(&str, &str)]) -> String {
    let run = folder.run(&format!("trace {item} --output json"), by);
    assert_eq!(run.code, 0, "{run:?}");
    let told: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    let mut standing = Vec::new();
    for step in told["rows"].as_array().unwrap() {
        if step["undone"].is_null() {
            standing.push(step["record_id"].as_str().unwrap().to_owned());
        } else {
            standing.pop();
        }
    }
    standing.pop().unwrap()
}

/// Once a node was not asked for them, and such a correction needed the directory.
#[test]
fn a_node_tells_what_a_correction_of_a_corrected_item_must_carry() {
    let folder = Folder::new();
    let server = Running::over(&folder);
    let url = server.url();
    let by = [
        ("CHIPLEDGER_NODE", url.as_str()),
        ("CHIPLEDGER_KEYS", "L.keys"),
    ];
    let at = "--as ACME --occurred-at";
    for words in [
        format!("register {at} 2026-02-01 --serials ACME:1..3 {MODEL}"),
        format!("install {at} 2026-02-02 ACME:1..2 --position R1"),
        format!("remove {at} 2026-02-03 ACME:1..2"),
    ] {
        let run = folder.run(&words, &by);
        assert_eq!(run.code, 0, "{words}: {run:?}");
    }
    for _ in 0..2 {
        let record = standing_record(&folder, "ACME:1", &by);
        let words = format!("correct --as ACME ACME:1..2 --record {record} --reason mistake");
        let run = folder.run(&words, &by);
        assert_eq!(run.code, 0, "{words}: {run:?}");
    }
    let run = folder.run("where ACME:2 --output json", &by);
    assert!(run.out.contains("\"stock\""), "{run:?}");
    let told = |body: &str| server.post("/v1/carried", "application/json", body.as_bytes());
    let (code, body) = told("[\"ACME:1..2\"]");
    assert_eq!(
        (code, body.matches("previous_at").count()),
        (200, 2),
        "{body}"
    );
    let (code, body) = told("[\"ACME:3\"]");
    assert_eq!(
        (code, body.matches("previous_at").count()),
        (200, 0),
        "{body}"
    );
    let (code, body) = told("[\"ACME:000001..999999\"]");
    assert!(
        code == 400 && body.contains("more than 10000 items"),
        "{body}"
    );
    server.stop();
}

#[test]
fn a_node_that_is_not_there_is_a_failure_of_its_own() {
    let folder = Folder::new();
    let server = Running::over(&folder);
    let url = server.url();
    server.stop();
    let run = folder.run(&format!("status --node {url}"), &[]);
    assert_eq!(run.code, 8, "{run:?}");
    assert!(
        run.err.starts_with("Error: ") && run.err.contains("\nHint: "),
        "{}",
        run.err
    );
    let words = format!("where ACME:1 --node {url} --ledger L");
    assert_eq!(folder.run(&words, &[]).code, 2, "both are named");
    assert_eq!(folder.run("where ACME:1", &[]).code, 2, "none is named");
    let by_directory = [("CHIPLEDGER_NODE", url.as_str())];
    let run = folder.run("status --ledger L", &by_directory);
    assert_eq!(
        run.code, 0,
        "the command line goes before the environment: {}",
        run.err
    );
}

#[test]
fn commands_that_need_a_directory_say_so() {
    let folder = Folder::new();
    for words in [
        "audit L --node http://localhost:1",
        "backup B --ledger L --node http://localhost:1",
        "restore B C --node http://localhost:1",
        "init --solo --ledger N --node http://localhost:1",
    ] {
        let run = folder.run(words, &[]);
        assert_eq!(run.code, 2, "{words}: {}", run.err);
        assert!(
            run.err.contains("works on a directory"),
            "{words}: {}",
            run.err
        );
    }
}

#[test]
fn a_node_of_another_ledger_is_noticed_before_anything_is_signed() {
    let folder = Folder::new();
    let server = Running::over(&folder);
    let pin = "00".repeat(32);
    let words = format!(
        "register --as ACME --keys L.keys --serials ACME:1 {MODEL} --node {} --genesis {pin}",
        server.url()
    );
    let run = folder.run(&words, &[]);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.err.contains("is of the ledger"), "{}", run.err);
    server.stop();
}
