//! Events of blocks, and fates that are waited for.

use std::io::{BufRead, BufReader, Write};

use super::server::{Folder, Running};

/// Reads the ids of so many block events.
fn ids(server: &Running, head: &str, count: usize) -> Vec<u64> {
    let mut stream = server.connect();
    let request = format!("GET /v1/events{head} HTTP/1.1\r\nHost: node\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    stream.write_all(b"\r\n").unwrap();
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    lines
        .filter_map(|line| {
            line.strip_prefix("id: ")
                .or(line.strip_prefix("id:"))?
                .trim()
                .parse()
                .ok()
        })
        .take(count)
        .collect()
}

fn register(folder: &Folder, server: &Running, serial: &str) {
    let url = server.url();
    let words = format!(
        "register --as ACME --keys L.keys --serials {serial} --occurred-at 2026-02-01 \
         --model NVIDIA/H100-SXM5-80GB --site ACME-1 --node {url}"
    );
    let run = folder.run(&words, &[]);
    assert_eq!(run.code, 0, "{}", run.err);
}

#[test]
fn events_resume_behind_the_last_one_seen_and_miss_none() {
    let folder = Folder::new();
    let server = Running::over(&folder);
    for serial in ["ACME:1", "ACME:2", "ACME:3"] {
        register(&folder, &server, serial);
    }
    assert_eq!(ids(&server, "?after=0", 3), [1, 2, 3]);
    let resumed = " HTTP/1.1\r\nLast-Event-ID: 1\r\nX-Rest: ";
    assert_eq!(ids(&server, resumed, 2), [2, 3]);
    // A block that is committed while somebody listens arrives as it comes.
    std::thread::scope(|scope| {
        let listening = scope.spawn(|| ids(&server, "?after=2", 2));
        register(&folder, &server, "ACME:4");
        assert_eq!(listening.join().unwrap(), [3, 4]);
    });
    assert_eq!(server.get("/v1/events?after=99").0, 404);
    server.stop();
}

#[test]
fn a_transaction_is_final_once_and_known_ever_after() {
    let folder = Folder::new();
    let server = Running::over(&folder);
    let words = "register --as ACME --serials ACME:1 --occurred-at 2026-02-01 \
        --model NVIDIA/H100-SXM5-80GB --site ACME-1 --sign-only signed.jsonl --ledger L";
    let run = folder.run(words, &[]);
    assert_eq!(run.code, 0, "{}", run.err);
    let signed = std::fs::read(folder.path("signed.jsonl")).unwrap();
    let send = || server.post("/v1/transactions?wait=10", "application/json", &signed);
    let (status, first) = send();
    assert_eq!(status, 200, "{first}");
    assert!(first.contains("\"fate\":\"final\"") && first.contains("\"known_before\":false"));
    let (status, again) = send();
    assert_eq!(status, 200, "{again}");
    assert!(again.contains("\"known_before\":true"), "{again}");
    assert_eq!(server.get("/v1/status").0, 200);
    let unknown = "0".repeat(64);
    let (status, told) = server.get(&format!("/v1/transactions/{unknown}"));
    assert_eq!(status, 200);
    assert!(told.contains("\"fate\":\"unknown\""), "{told}");
    server.stop();
}
