//! TCP with Noise and yamux, and QUIC: both prove the peer's key before anything else is said.

use std::time::Duration;

use futures::future::Either;
use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::Boxed;
use libp2p::core::upgrade::Version;
use libp2p::identity::Keypair;
use libp2p::{PeerId, Transport as _, dns, noise, quic, tcp, yamux};

use super::config::Limits;
use super::meter::{MeteredConnection, Meters};

/// What the swarm runs on.
pub(super) type Transport = Boxed<(PeerId, StreamMuxerBox)>;

/// Builds the transport. Names (`/dns4/...`) are resolved if the system says by whom; without it
/// only addresses can be dialled.
///
/// # Errors
/// The key cannot be used for Noise; it never happens for Ed25519.
pub(super) fn build(
    keypair: &Keypair,
    limits: &Limits,
    meters: Meters,
) -> Result<Transport, noise::Error> {
    let with_names = match dns::tokio::Transport::system(plain(keypair, limits)?) {
        Ok(with_names) => with_names.boxed(),
        Err(error) => {
            tracing::debug!(%error, "names of peers cannot be resolved, only addresses");
            plain(keypair, limits)?
        }
    };
    let streams = limits.streams_per_connection;
    let metered = with_names.map(move |(peer, muxer), _| {
        let meter = meters.of(&peer);
        (
            peer,
            StreamMuxerBox::new(MeteredConnection::new(muxer, meter, streams)),
        )
    });
    Ok(metered.boxed())
}

fn plain(keypair: &Keypair, limits: &Limits) -> Result<Transport, noise::Error> {
    let timeout = Duration::from_millis(limits.handshake_timeout_ms);
    let tcp = tcp::tokio::Transport::new(tcp::Config::default().nodelay(true))
        .upgrade(Version::V1)
        .authenticate(noise::Config::new(keypair)?)
        .multiplex(yamux::Config::default())
        .timeout(timeout);
    let quic = quic::tokio::Transport::new(quic_config(keypair, limits, timeout));
    let both = tcp.or_transport(quic).map(|output, _| match output {
        Either::Left((peer, muxer)) => (peer, StreamMuxerBox::new(muxer)),
        Either::Right((peer, muxer)) => (peer, StreamMuxerBox::new(muxer)),
    });
    Ok(both.boxed())
}

fn quic_config(keypair: &Keypair, limits: &Limits, timeout: Duration) -> quic::Config {
    let mut config = quic::Config::new(keypair);
    config.handshake_timeout = timeout;
    // A killed process says no farewell over UDP: only silence shows it.
    config.max_idle_timeout = u32::try_from(limits.ping_interval_ms * 2).unwrap_or(u32::MAX);
    config.keep_alive_interval = Duration::from_millis(limits.ping_interval_ms / 2);
    let streams = u32::try_from(limits.streams_per_connection).unwrap_or(u32::MAX);
    config.max_concurrent_stream_limit = streams;
    config
}
