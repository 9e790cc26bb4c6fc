//! Listening: every configured address, or an error that names the one that failed.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::time::Duration;

use futures::StreamExt as _;
use libp2p::Multiaddr;
use libp2p::core::transport::TransportError;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::{Swarm, SwarmEvent};

use super::NetworkError;
use super::behaviour::Behaviour;

/// Listening that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(5);

/// Listens on all addresses; returns what they became (port 0 is a real port then, and an
/// unspecified address one per interface).
pub(super) async fn listen(
    swarm: &mut Swarm<Behaviour>,
    addresses: &[Multiaddr],
) -> Result<Vec<Multiaddr>, NetworkError> {
    let mut listening = Vec::new();
    for address in addresses {
        let bind = |source| NetworkError::Bind {
            address: address.clone(),
            source,
        };
        free(address).await.map_err(bind)?;
        let listener = swarm.listen_on(address.clone()).map_err(|error| {
            bind(match error {
                TransportError::Other(error) => error,
                TransportError::MultiaddrNotSupported(_) => {
                    io::Error::new(io::ErrorKind::Unsupported, "neither TCP nor QUIC")
                }
            })
        })?;
        let started = tokio::time::timeout(PATIENCE, async {
            loop {
                match swarm.select_next_some().await {
                    SwarmEvent::NewListenAddr {
                        listener_id,
                        address,
                        ..
                    } => {
                        listening.push(address);
                        if listener_id == listener {
                            return Ok(());
                        }
                    }
                    SwarmEvent::ListenerClosed {
                        listener_id,
                        reason,
                        ..
                    } if listener_id == listener => {
                        let closed = || io::Error::other("the listener closed");
                        return Err(reason.err().unwrap_or_else(closed));
                    }
                    _ => {}
                }
            }
        });
        let late = |_| io::Error::new(io::ErrorKind::TimedOut, "no answer by the system");
        started.await.map_err(late).flatten().map_err(bind)?;
    }
    Ok(listening)
}

/// Waits a moment for the address: the sockets of a network that has just been shut down in this
/// process close a little later than its tasks.
async fn free(address: &Multiaddr) -> io::Result<()> {
    let mut tries = 20;
    loop {
        match probe(address) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && tries > 0 => {
                tries -= 1;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            other => return other,
        }
    }
}

/// Fails if another program listens there. The transport shares its port with any program that
/// asks the same way, so a second node on the port would start and steal half the connections;
/// a plain socket does not share.
fn probe(address: &Multiaddr) -> io::Result<()> {
    let mut host = None;
    for part in address {
        match (part, host) {
            (Protocol::Ip4(address), _) => host = Some(IpAddr::V4(address)),
            (Protocol::Ip6(address), _) => host = Some(IpAddr::V6(address)),
            (Protocol::Tcp(port), Some(host)) if port != 0 => {
                return TcpListener::bind(SocketAddr::new(host, port)).map(drop);
            }
            (Protocol::Udp(port), Some(host)) if port != 0 => {
                return UdpSocket::bind(SocketAddr::new(host, port)).map(drop);
            }
            _ => {}
        }
    }
    Ok(())
}
