//! A hostile stranger: it knows every address and has no key that anybody admitted.
//!
//! It opens connections and says nothing, says garbage, begins a handshake and stops, announces
//! lengths that nobody could hold, opens hundreds of connections at once, and does the same to the
//! API. Nothing of it may slow the network down for long or stop a node.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};

/// The stranger's own address on loopback: what it uses up is not the nodes'.
const SOURCE: Ipv4Addr = Ipv4Addr::new(127, 0, 66, 6);
/// Connections of one flood.
const FLOOD: usize = 100;
/// Longest that it holds what it opened.
const HOLD: Duration = Duration::from_secs(2);
/// The first message of the transport's negotiation.
const NEGOTIATION: &[u8] = b"\x13/multistream/1.0.0\n\x07/noise\n";

/// Harasses nodes until told to stop; returns how often it tried.
pub fn harass(peers: &[SocketAddr], apis: &[SocketAddr], seed: u64, stop: &AtomicBool) -> u64 {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    else {
        return 0;
    };
    let mut dice = ChaCha20Rng::seed_from_u64(seed);
    runtime.block_on(async {
        let mut tries = 0;
        while !stop.load(Ordering::Relaxed) {
            let target = peers[dice.random_range(0..peers.len())];
            let api = apis[dice.random_range(0..apis.len())];
            // What it is refused it tries again later.
            let _ = attack(&mut dice, target, api).await;
            tries += 1;
        }
        tries
    })
}

async fn attack(dice: &mut ChaCha20Rng, peer: SocketAddr, api: SocketAddr) -> std::io::Result<()> {
    match dice.random_range(0..7) {
        0 => hold(vec![open(peer).await?]).await,
        1 => say(peer, &garbage(dice, 8 * 1024)).await?,
        2 => say(peer, NEGOTIATION).await?,
        3 => {
            let mut noise = NEGOTIATION.to_vec();
            // A length of 64 KiB, and then little.
            noise.extend([0xff, 0xff]);
            noise.extend(garbage(dice, 512));
            say(peer, &noise).await?;
        }
        4 => {
            let mut held = Vec::new();
            for _ in 0..FLOOD {
                held.extend(open(peer).await);
            }
            hold(held).await;
        }
        5 => {
            let request = "POST /v1/transactions HTTP/1.1\r\nhost: x\r\ncontent-type: \
                application/octet-stream\r\ncontent-length: 99999999999\r\n\r\n";
            say(api, request.as_bytes()).await?;
        }
        _ => {
            let body = garbage(dice, 4 * 1024);
            let head = format!(
                "POST /v1/transactions HTTP/1.1\r\nhost: x\r\ncontent-type: \
                 application/octet-stream\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            say(api, &[head.as_bytes(), &body].concat()).await?;
        }
    }
    Ok(())
}

fn garbage(dice: &mut ChaCha20Rng, bytes_max: usize) -> Vec<u8> {
    let mut bytes = vec![0; dice.random_range(1..bytes_max)];
    dice.fill_bytes(&mut bytes);
    bytes
}

async fn open(target: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((SOURCE, 0)))?;
    let opened = tokio::time::timeout(HOLD, socket.connect(target)).await;
    opened.unwrap_or_else(|late| Err(late.into()))
}

/// Says something, then waits for the other side to lose patience.
async fn say(target: SocketAddr, bytes: &[u8]) -> std::io::Result<()> {
    let mut stream = open(target).await?;
    stream.write_all(bytes).await?;
    hold(vec![stream]).await;
    Ok(())
}

async fn hold(streams: Vec<TcpStream>) {
    let closed = async {
        for stream in &streams {
            let mut rest = [0; 64];
            while stream.readable().await.is_ok() && !matches!(stream.try_read(&mut rest), Ok(0)) {}
        }
    };
    // Either way it goes on to the next.
    let _ = tokio::time::timeout(HOLD, closed).await;
}
