//! `run`: the daemon.

use std::process::ExitCode;

use super::ConfigArgs;
use crate::config::{Config, LogConfig};
use crate::follow::{Follower, is_narrow};
use crate::node::Node;

/// Exit code of a node that stopped by itself: do not restart it without looking.
const STOPPED: u8 = 3;

/// Runs the node until it is told to stop (SIGTERM, SIGINT) or something fatal happens.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
}

impl Args {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.config.load()?;
        log_to_stderr(&config.log);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        if is_narrow(&config)? {
            return runtime.block_on(Box::pin(follow(config)));
        }
        runtime.block_on(Box::pin(async {
            let mut node = Node::start(config).await?;
            let (member, height) = (&node.handle.member, node.handle.progress.borrow().height);
            tracing::info!(%member, %height, api = %node.api.address(), "the node runs");
            tokio::select! {
                error = node.failed() => {
                    tracing::error!("stopped: {error}");
                    eprintln!("Error: {error}");
                    node.shutdown().await;
                    Ok(ExitCode::from(STOPPED))
                }
                () = stop_signal() => {
                    tracing::info!("stopping");
                    node.shutdown().await;
                    Ok(ExitCode::SUCCESS)
                }
            }
        }))
    }
}

/// Runs the node of a member that sees only what is its own.
async fn follow(config: Config) -> anyhow::Result<ExitCode> {
    let mut node = Follower::start(config).await?;
    let (member, height) = (&node.handle.member, node.handle.headers.height());
    tracing::info!(%member, %height, api = %node.api.address(), "the node follows its member's own items");
    tokio::select! {
        error = node.failed() => {
            tracing::error!("stopped: {error}");
            eprintln!("Error: {error}");
            node.shutdown().await;
            Ok(ExitCode::from(STOPPED))
        }
        () = stop_signal() => {
            tracing::info!("stopping");
            node.shutdown().await;
            Ok(ExitCode::SUCCESS)
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
    let quiet = "arc_malachitebft_network=error,arc_malachitebft_discovery=off,libp2p=warn";
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
        .with_target(false);
    // A second subscriber in one process, in tests, changes nothing.
    let _ = if config.json {
        builder.json().try_init()
    } else {
        builder.compact().try_init()
    };
}
