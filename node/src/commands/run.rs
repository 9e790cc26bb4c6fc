//! `run`: the daemon.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use super::ConfigArgs;
use crate::config::{Config, LogConfig};
use crate::follow::{Follower, is_narrow};
use crate::node::{Hooks, Node, NodeError};

/// Exit code of a node that does not start, or stopped by itself: do not restart it without
/// looking.
const STOPPED: u8 = 3;
/// How long threads may take to end once everything else has.
const LEFT_OVERS: std::time::Duration = std::time::Duration::from_secs(1);

/// Runs the node until it is told to stop (SIGTERM, SIGINT) or something fatal happens.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
}

impl Args {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        run(self.config.load()?, Hooks::default())
    }
}

/// Runs a node, with hooks in a test, until it is told to stop or something fatal happens.
#[doc(hidden)]
pub fn run(config: Config, hooks: Hooks) -> anyhow::Result<ExitCode> {
    log_to_stderr(&config.log);
    let data = config.data.clone();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let ended = runtime.block_on(Box::pin(async {
        if is_narrow(&config)? {
            follow(config).await
        } else {
            serve(config, hooks).await
        }
    }));
    // A block that is being executed is not waited for: it is not decided, or comes again.
    runtime.shutdown_timeout(LEFT_OVERS);
    match ended {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) => {
            // To standard error whatever the log is, so that the reason is the last line.
            eprintln!("Error: {error}\nHint: {}", error.hint(&data));
            Ok(ExitCode::from(STOPPED))
        }
    }
}

/// Runs the node until it is told to stop.
async fn serve(config: Config, hooks: Hooks) -> Result<(), NodeError> {
    // Before anything starts: a signal during the start counts too.
    let stop = stop_signal();
    tokio::pin!(stop);
    let mut node = tokio::select! {
        started = Box::pin(Node::start_with(config, hooks)) => started?,
        () = &mut stop => return Ok(()),
    };
    let (member, height) = (&node.handle.member, node.handle.progress.borrow().height);
    tracing::info!(%member, %height, api = %node.api.address(), "the node runs");
    let failed = tokio::select! {
        error = node.failed() => Some(error),
        () = &mut stop => None,
    };
    match failed {
        Some(error) => {
            tracing::error!("stopped: {error}");
            node.shutdown().await;
            Err(error)
        }
        None => {
            tracing::info!("stopping");
            node.shutdown().await;
            tracing::info!("stopped");
            Ok(())
        }
    }
}

/// Runs the node of a member that sees only what is its own, until it is told to stop.
async fn follow(config: Config) -> Result<(), NodeError> {
    let stop = stop_signal();
    tokio::pin!(stop);
    let mut node = Follower::start(config).await?;
    let (member, height) = (&node.handle.member, node.handle.headers.height());
    tracing::info!(%member, %height, api = %node.api.address(), "the node follows its member's own items");
    let failed = tokio::select! {
        error = node.failed() => Some(error),
        () = &mut stop => None,
    };
    node.shutdown().await;
    match failed {
        Some(error) => {
            tracing::error!("stopped: {error}");
            Err(error)
        }
        None => {
            tracing::info!("stopped");
            Ok(())
        }
    }
}

async fn stop_signal() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupt => (),
                _ = terminate.recv() => (),
            }
            return;
        }
    }
    let _ = interrupt.await;
}

/// Logs to standard error. The engine's own words are for its makers: at `info` only its warnings
/// show, and its complaints about dials that fail, every second, do not.
fn log_to_stderr(config: &LogConfig) {
    // The channel to the engine complains when it gets no block to propose; why is said here.
    let quiet = "arc_malachitebft_network=error,arc_malachitebft_discovery=off,\
                 arc_malachitebft_app_channel=off,libp2p=warn";
    let filter = if config.level.contains('=') {
        config.level.clone()
    } else {
        format!(
            "warn,chipledger_node={},chipledger_ledger={},{quiet}",
            config.level, config.level
        )
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        // Colours are for a terminal; a file or the journal keeps them as noise.
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    // A second subscriber in one process, in tests, changes nothing.
    let _ = if config.json {
        builder.json().try_init()
    } else {
        builder.compact().try_init()
    };
}
