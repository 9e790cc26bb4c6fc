//! What a malicious client sends: never a crash, never a 500, always an error with a hint.

use std::io::{Read, Write};
use std::time::Duration;

use chipledger_node::api::{Limits, document};

use super::server::{Folder, Running};

/// Texts that are no value of any parameter.
const NONSENSE: [&str; 12] = [
    "",
    "%00",
    "%ff%fe",
    "-1",
    "18446744073709551616",
    "..%2f..%2fetc%2fpasswd",
    "A:%F0%9F%92%A5",
    "'%20OR%201=1--",
    "%7B%22a%22:1%7D",
    "9999-12-31T23:59:59.999Z",
    "x=y=z",
    "%E2%80%AE",
];

fn is_told(path: &str, status: u16, answer: &str) {
    assert!(status >= 200 && status != 500, "{path}: {answer}");
    if status >= 400 {
        let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
        for field in ["\"code\"", "\"message\"", "\"hint\""] {
            assert!(body.contains(field), "{path}: {answer}");
        }
    }
}

#[test]
fn nonsense_in_every_place_of_every_route_is_told_and_never_a_500() {
    let folder = Folder::new();
    let server = Running::over(&folder);
    let document = document();
    for (path, operations) in document["paths"].as_object().unwrap() {
        if path == "/v1/events" {
            continue;
        }
        for nonsense in NONSENSE {
            let at = path.rfind('{').map_or(path.clone(), |start| {
                let end = path.rfind('}').map_or(path.len(), |end| end + 1);
                format!("{}{nonsense}{}", &path[..start], &path[end..])
            });
            let parameters = operations["get"]["parameters"].as_array();
            let names = parameters.into_iter().flatten();
            let names = names.filter_map(|parameter| parameter["name"].as_str());
            let mut asked = vec![at.clone(), format!("{at}?{nonsense}={nonsense}")];
            asked.extend(names.map(|name| format!("{at}?{name}={nonsense}")));
            for asked in asked {
                let (status, answer) = server.get(&asked);
                is_told(&asked, status, &answer);
            }
        }
        let (status, answer) = server.post(path, "application/json", b"{\"a\": [1,");
        is_told(path, status, &answer);
        let (status, answer) = server.get(&format!("{path}?unheard_of=1"));
        assert!(status == 400 || status == 405, "{path}: {answer}");
    }
    assert_eq!(server.get("/v1/health").0, 200);
    server.stop();
}

#[test]
fn a_body_that_cannot_be_read_is_refused_with_its_own_status() {
    let folder = Folder::new();
    let server = Running::over(&folder);
    let path = "/v1/transactions";
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let huge = vec![b' '; 4 * 1024 * 1024];
    for (media_type, body, status, code) in [
        ("application/json", &b"{"[..], 400, "bad_body"),
        ("application/json", b"", 400, "bad_body"),
        ("application/json", deep.as_bytes(), 400, "bad_body"),
        ("application/json", b"{\"body\": 7}", 400, "bad_body"),
        ("text/plain", b"hello", 415, "unsupported_media_type"),
        ("", b"hello", 415, "unsupported_media_type"),
        ("application/octet-stream", b"\x07", 422, "unknown_version"),
        ("application/octet-stream", b"\x01", 422, "malformed"),
        ("application/octet-stream", &huge, 413, "body_too_large"),
    ] {
        let (got, answer) = server.post(path, media_type, body);
        assert_eq!(got, status, "{media_type}: {answer}");
        assert!(answer.contains(code), "{answer}");
        is_told(path, got, &answer);
    }
    for (request, status) in [
        (
            "GET /nowhere HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n",
            404,
        ),
        (
            "DELETE /v1/items HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n",
            405,
        ),
        (
            "GET /v1/blocks/9 HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n",
            404,
        ),
        (
            "GET /v1/blocks?limit=0 HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n",
            400,
        ),
        (
            "GET /v1/blocks?limit=5&limit=6 HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n",
            400,
        ),
    ] {
        let (got, answer) = server.raw(request.as_bytes());
        assert_eq!(got, status, "{request}: {answer}");
        is_told(request, got, &answer);
    }
    server.stop();
}

#[test]
fn a_client_that_sends_or_reads_slowly_is_let_go() {
    let folder = Folder::new();
    let limits = Limits {
        connections: 2,
        idle_time: Duration::from_millis(300),
        body_time: Duration::from_millis(300),
        ..Limits::default()
    };
    let server = Running::with(&folder, limits);
    // Two clients hold both places with half a request; a third is served once they are let go.
    let mut slow = [server.connect(), server.connect()];
    for stream in &mut slow {
        stream.write_all(b"GET /v1/health HTTP/1.1\r\nHo").unwrap();
    }
    assert_eq!(server.get("/v1/health").0, 200);
    for mut stream in slow {
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert!(rest.is_empty() || !rest.starts_with(b"HTTP/1.1 200"));
    }
    let half = b"POST /v1/transactions HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\
        Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    let (status, answer) = server.raw(half);
    assert!(
        status == 408 || status == 400 || answer.is_empty(),
        "{answer}"
    );
    server.stop();
}

#[test]
fn the_document_of_the_api_is_the_one_checked_in() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    let text = serde_json::to_string_pretty(&document()).unwrap() + "\n";
    if std::env::var_os("CHIPLEDGER_WRITE_DOCS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stored == text,
        "docs/openapi.json is stale: run with CHIPLEDGER_WRITE_DOCS=1"
    );
}
