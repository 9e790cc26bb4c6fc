//! TCP proxies between the nodes of one machine: the network's weather, under control.
//!
//! Every node finds every other one through a proxy of its own, so that each direction in which a
//! connection may be opened can be cut, slowed or disturbed alone. Proxies understand nothing of
//! what they carry. What they do to which piece of it follows from the seed.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// Bytes that are carried at once.
const PIECE: usize = 16 * 1024;
/// Pieces that may be in the air on one connection and direction.
const PIECES_MAX: usize = 64;

/// What happens to what is carried over a link.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Weather {
    /// Nothing passes; what was sent waits, as it does on a cut cable.
    pub cut: bool,
    /// Every piece arrives so many milliseconds later.
    pub delay_ms: u64,
    /// So many of 1,000 pieces are lost: the stream stalls as if they were sent again.
    pub loss_permille: u32,
    /// Most bytes per second and direction of a connection; 0 is no bound.
    pub bytes_per_second: u64,
}

/// How long a lost piece takes to be sent again, milliseconds.
const RESENT_MS: std::ops::Range<u64> = 200..1_000;
/// One of so many lost pieces takes its connection with it.
const RESET_ONE_IN: u32 = 20;

/// A proxy in front of a node, for the connections that one other node opens.
#[derive(Debug)]
struct Link {
    /// Where it listens.
    at: SocketAddr,
    weather: watch::Sender<Weather>,
}

/// The proxies between all pairs of nodes.
#[derive(Debug)]
pub struct Proxies {
    links: Vec<Vec<Link>>,
    // Ends all connections when it is dropped.
    _runtime: Runtime,
}

impl Proxies {
    /// Puts a proxy in front of each of `peers` for each other node.
    ///
    /// # Errors
    /// When the machine has no free ports.
    pub fn start(peers: &[SocketAddr], seed: u64) -> std::io::Result<Self> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build()?;
        let mut links = Vec::new();
        for from in 0..peers.len() {
            let mut row = Vec::new();
            for (to, target) in peers.iter().enumerate() {
                let name = (from * peers.len() + to) as u64;
                row.push(runtime.block_on(link(*target, source(from), seed ^ (name << 32)))?);
            }
            links.push(row);
        }
        Ok(Self {
            links,
            _runtime: runtime,
        })
    }

    /// Where a node finds each of the others.
    pub fn seen_by(&self, node: usize) -> Vec<SocketAddr> {
        self.links[node].iter().map(|link| link.at).collect()
    }

    /// Sets the weather between two nodes, whoever opened the connection.
    pub fn between(&self, a: usize, b: usize, weather: Weather) {
        for link in [&self.links[a][b], &self.links[b][a]] {
            link.weather.send_replace(weather);
        }
    }

    /// Fair weather everywhere.
    pub fn heal(&self) {
        for link in self.links.iter().flatten() {
            link.weather.send_replace(Weather::default());
        }
    }
}

/// Each node has an address of its own on loopback, so that limits per address hold for nodes.
fn source(node: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 1, u8::try_from(node + 1).unwrap_or(u8::MAX))
}

async fn link(target: SocketAddr, source: Ipv4Addr, seed: u64) -> std::io::Result<Link> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let at = listener.local_addr()?;
    let (weather, seen) = watch::channel(Weather::default());
    tokio::spawn(async move {
        let mut count = 0;
        while let Ok((accepted, _)) = listener.accept().await {
            count += 1;
            let dice = ChaCha20Rng::seed_from_u64(seed ^ count);
            tokio::spawn(carry(accepted, target, source, seen.clone(), dice));
        }
    });
    Ok(Link { at, weather })
}

async fn carry(
    accepted: TcpStream,
    target: SocketAddr,
    source: Ipv4Addr,
    mut weather: watch::Receiver<Weather>,
    mut dice: ChaCha20Rng,
) {
    // A cut cable carries no handshake either.
    if weather.wait_for(|weather| !weather.cut).await.is_err() {
        return;
    }
    let Ok(opened) = open(target, source).await else {
        return;
    };
    let _ = (accepted.set_nodelay(true), opened.set_nodelay(true));
    let (near, far) = (accepted.into_split(), opened.into_split());
    let back = ChaCha20Rng::seed_from_u64(dice.random());
    // The end of one direction ends the connection.
    tokio::select! {
        () = pump(near.0, far.1, weather.clone(), dice) => {}
        () = pump(far.0, near.1, weather.clone(), back) => {}
    }
}

async fn open(target: SocketAddr, source: Ipv4Addr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((source, 0)))?;
    socket.connect(target).await
}

/// Carries one direction until either end closes or the weather resets it.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut weather: watch::Receiver<Weather>,
    mut dice: ChaCha20Rng,
) {
    let (air, mut landing) = mpsc::channel::<(Instant, Vec<u8>)>(PIECES_MAX);
    let mut arrivals = weather.clone();
    let sending = async move {
        let mut piece = vec![0; PIECE];
        loop {
            let Ok(count @ 1..) = from.read(&mut piece).await else {
                return;
            };
            if weather.wait_for(|weather| !weather.cut).await.is_err() {
                return;
            }
            let now = *weather.borrow();
            let Some(wait) = disturb(&now, count as u64, &mut dice).await else {
                return;
            };
            let due = Instant::now() + wait;
            if air.send((due, piece[..count].to_vec())).await.is_err() {
                return;
            }
        }
    };
    let arriving = async move {
        while let Some((due, piece)) = landing.recv().await {
            tokio::time::sleep_until(due).await;
            // What was in the air when the cable was cut waits, too.
            let connected = arrivals.wait_for(|weather| !weather.cut).await.is_ok();
            if !connected || to.write_all(&piece).await.is_err() {
                return;
            }
        }
    };
    // What is in the air still lands after the sender closed.
    tokio::join!(sending, arriving);
}

/// Holds a piece up as the weather says; returns its delay, or nothing if the connection is reset.
async fn disturb(weather: &Weather, bytes: u64, dice: &mut ChaCha20Rng) -> Option<Duration> {
    let micros = bytes
        .saturating_mul(1_000_000)
        .checked_div(weather.bytes_per_second);
    if let Some(micros) = micros {
        tokio::time::sleep(Duration::from_micros(micros)).await;
    }
    if weather.loss_permille > 0 && dice.random_range(0..1_000) < weather.loss_permille {
        if dice.random_range(0..RESET_ONE_IN) == 0 {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(dice.random_range(RESENT_MS))).await;
    }
    Some(Duration::from_millis(weather.delay_ms))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    /// A server that sends back what it gets, and a proxy in front of it.
    fn echo() -> (Proxies, std::net::TcpStream) {
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let at = server.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in server.incoming().flatten() {
                let mut back = stream.try_clone().unwrap();
                std::thread::spawn(move || std::io::copy(&mut &stream, &mut back));
            }
        });
        let proxies = Proxies::start(&[at, at], 1).unwrap();
        let stream = std::net::TcpStream::connect(proxies.seen_by(0)[1]).unwrap();
        (proxies, stream)
    }

    fn ask(stream: &mut std::net::TcpStream, patience: Duration) -> std::io::Result<Vec<u8>> {
        stream.set_read_timeout(Some(patience))?;
        let mut back = vec![0; 5];
        stream.read_exact(&mut back).map(|()| back)
    }

    #[test]
    fn fair_weather_carries_everything() {
        let (_proxies, mut stream) = echo();
        stream.write_all(b"hello").unwrap();
        assert_eq!(ask(&mut stream, Duration::from_secs(10)).unwrap(), b"hello");
    }

    #[test]
    fn what_was_sent_into_a_cut_cable_arrives_after_it_is_mended() {
        let (proxies, mut stream) = echo();
        stream.write_all(b"hello").unwrap();
        ask(&mut stream, Duration::from_secs(10)).unwrap();
        let cut = Weather {
            cut: true,
            ..Weather::default()
        };
        proxies.between(1, 0, cut);
        stream.write_all(b"where").unwrap();
        assert!(ask(&mut stream, Duration::from_millis(300)).is_err());
        proxies.heal();
        assert_eq!(ask(&mut stream, Duration::from_secs(10)).unwrap(), b"where");
    }

    #[test]
    fn a_delay_holds_for_both_directions() {
        let (proxies, mut stream) = echo();
        let slow = Weather {
            delay_ms: 100,
            ..Weather::default()
        };
        proxies.between(0, 1, slow);
        let start = std::time::Instant::now();
        stream.write_all(b"hello").unwrap();
        ask(&mut stream, Duration::from_secs(10)).unwrap();
        assert!(start.elapsed() >= Duration::from_millis(200));
    }
}
