//! A server over a ledger of its own, and the program that talks to it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use chipledger_ledger::solo::Solo;
use chipledger_ledger::store::Store;
use chipledger_node::api::solo::SoloDesk;
use chipledger_node::api::{ApiContext, Limits, Server, serve};
use chipledger_schemas::keys::SecretKey;

/// What a run left.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Run {
    pub(super) code: i32,
    pub(super) out: String,
    pub(super) err: String,
}

/// A folder with a ledger `L`, and the keys of its member ACME.
pub(super) struct Folder {
    folder: tempfile::TempDir,
}

impl Folder {
    /// A new ledger under the replay clock.
    pub(super) fn new() -> Self {
        let made = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let words = "init --solo --member ACME --jurisdiction US --clock replay --time 2026-01-01";
        let run = made.run(&format!("{words} --ledger L"), &[]);
        assert_eq!(run.code, 0, "{}", run.err);
        made
    }

    /// A folder with a copy of the ledger and the keys: nothing else differs.
    pub(super) fn copy(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["L", "L.keys"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
            for entry in std::fs::read_dir(self.path(name)).unwrap() {
                let from = entry.unwrap().path();
                let to = folder.path().join(name).join(from.file_name().unwrap());
                std::fs::copy(from, to).unwrap();
            }
        }
        Self { folder }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs words apart by spaces, with variables of the environment.
    pub(super) fn run(&self, words: &str, environment: &[(&str, &str)]) -> Run {
        let args: Vec<_> = words.split(' ').filter(|word| !word.is_empty()).collect();
        self.run_args(&args, environment)
    }

    pub(super) fn run_args(&self, args: &[&str], environment: &[(&str, &str)]) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_command_line"));
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        for name in ["LEDGER", "NODE", "KEY", "KEYS", "VALIDATOR_KEY", "GENESIS"] {
            command.env_remove(format!("CHIPLEDGER_{name}"));
        }
        command.envs(environment.iter().copied());
        let output = command.args(args).output().unwrap();
        Run {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// A running server.
pub(super) struct Running {
    runtime: tokio::runtime::Runtime,
    server: Option<Server>,
    pub(super) address: SocketAddr,
}

impl Running {
    /// Serves the ledger `L` of a folder.
    pub(super) fn over(folder: &Folder) -> Self {
        Self::with(folder, Limits::default())
    }

    pub(super) fn with(folder: &Folder, limits: Limits) -> Self {
        let store = Store::open(&folder.path("L")).unwrap();
        let key = validator_key(&folder.path("L.keys/validator.json"));
        let solo = Solo::start(store.clone(), key).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let context = ApiContext {
            store,
            desk: Arc::new(SoloDesk::new(solo)),
            limits,
        };
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = runtime.block_on(serve(anywhere, context)).unwrap();
        Self {
            address: server.address(),
            server: Some(server),
            runtime,
        }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops it as a node that is told to.
    pub(super) fn stop(mut self) {
        if let Some(server) = self.server.take() {
            self.runtime.block_on(server.shutdown());
        }
    }

    /// A connection on which reading fails after ten seconds.
    pub(super) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        stream
    }

    /// Sends a request as it is, and reads the whole answer: status, head and body.
    pub(super) fn raw(&self, request: &[u8]) -> (u16, String) {
        let mut stream = self.connect();
        // A server that refuses a body may close before all of it is sent.
        let _ = stream.write_all(request);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer.split(' ').nth(1).and_then(|word| word.parse().ok());
        (status.unwrap_or(0), answer)
    }

    pub(super) fn get(&self, path: &str) -> (u16, String) {
        let head = format!("GET {path} HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n");
        self.raw(head.as_bytes())
    }

    pub(super) fn post(&self, path: &str, media_type: &str, body: &[u8]) -> (u16, String) {
        let mut request = format!(
            "POST {path} HTTP/1.1\r\nHost: node\r\nConnection: close\r\nContent-Type: {media_type}\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        self.raw(&request)
    }
}

fn validator_key(path: &Path) -> SecretKey {
    let file: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    SecretKey::from_hex(file["secret_key"].as_str().unwrap()).unwrap()
}
