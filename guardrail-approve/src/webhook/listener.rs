//! A small listener for callbacks, for hosts that have no web server: one path, one method, and
//! nothing else.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::Webhook;
use super::callback::{CallbackError, LARGEST};
use crate::wait::{lock, now};

/// How many connections are served at once.
const HANDS: usize = 4;
/// How many wait for a hand; more are closed.
const WAITING: usize = 16;
/// How long a connection may take as a whole.
const LONGEST: Duration = Duration::from_secs(10);
/// The largest head of a request, in bytes.
const LARGEST_HEAD: usize = 16 * 1024;

/// Listens for the callbacks of a [`Webhook`], until it is dropped.
///
/// It speaks HTTP/1.1 without TLS, so it belongs behind a proxy that does, on an address of this
/// machine. It trusts nobody who can reach it: whatever comes in is believed for its signature alone.
/// Who floods it keeps answers out, which is silence and no yes.
#[derive(Debug)]
pub struct Listener {
    address: SocketAddr,
    ending: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// A listener that could not be started.
#[derive(Debug, thiserror::Error)]
#[error("callbacks cannot be listened for: {0}")]
pub struct ListenerError(#[from] io::Error);

impl Listener {
    /// Listens on an address for POSTs to a path, such as `/guardrail`. The port 0 is any that is
    /// free.
    ///
    /// # Errors
    ///
    /// [`ListenerError`] where the address cannot be listened on.
    pub fn start(
        webhook: Arc<Webhook>,
        on: impl ToSocketAddrs,
        path: impl Into<String>,
    ) -> Result<Self, ListenerError> {
        let listener = TcpListener::bind(on)?;
        let address = listener.local_addr()?;
        let ending = Arc::new(AtomicBool::new(false));
        let (hand_out, take) = sync_channel(WAITING);
        let (take, path) = (Arc::new(Mutex::new(take)), Arc::new(path.into()));
        let mut started = Self { address, ending: Arc::clone(&ending), threads: Vec::new() };
        for _ in 0..HANDS {
            let (webhook, take, path) = (Arc::clone(&webhook), Arc::clone(&take), Arc::clone(&path));
            let name = thread::Builder::new().name("guardrail-callback".to_owned());
            started.threads.push(name.spawn(move || serve_all(&webhook, &take, &path))?);
        }
        let name = thread::Builder::new().name("guardrail-listener".to_owned());
        started.threads.push(name.spawn(move || accept_all(&listener, &hand_out, &ending))?);
        Ok(started)
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Release);
        // Accepting ends with the next connection, so here is one.
        let mut door = self.address;
        if door.ip().is_unspecified() {
            door.set_ip(match door {
                SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
            });
        }
        let knocked = TcpStream::connect_timeout(&door, Duration::from_secs(1)).is_ok();
        for thread in self.threads.drain(..).filter(|_| knocked) {
            let _ = thread.join();
        }
    }
}

fn accept_all(listener: &TcpListener, hand_out: &SyncSender<TcpStream>, ending: &AtomicBool) {
    loop {
        let accepted = listener.accept();
        if ending.load(Ordering::Acquire) {
            return;
        }
        match accepted {
            Ok((stream, _)) => {
                if let Err(TrySendError::Disconnected(_)) = hand_out.try_send(stream) {
                    return;
                }
            }
            // Out of descriptors, most likely: others have to give some back first.
            Err(_) => thread::sleep(Duration::from_millis(50)),
        }
    }
}

fn serve_all(webhook: &Webhook, take: &Mutex<Receiver<TcpStream>>, path: &str) {
    loop {
        let taken = lock(take).recv();
        let Ok(mut stream) = taken else { return };
        let status = serve(webhook, &mut stream, path).unwrap_or(400);
        let _ = answer(&mut stream, status);
    }
}

fn answer(stream: &mut TcpStream, status: u16) -> io::Result<()> {
    let reason = if status == 200 { "OK" } else { "No" };
    write!(stream, "HTTP/1.1 {status} {reason}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
    stream.flush()
}

/// Reads more, within the time that is left.
fn more(stream: &mut TcpStream, deadline: Instant, bytes: &mut Vec<u8>) -> io::Result<()> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    stream.set_read_timeout(Some(left))?;
    let mut buffer = [0; 4096];
    let count = stream.read(&mut buffer)?;
    if count == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    bytes.extend_from_slice(buffer.get(..count).unwrap_or_default());
    Ok(())
}

/// What is read of the head of a request.
struct Head {
    length: usize,
    body_at: usize,
    timestamp: String,
    signature: String,
    expects: bool,
}

fn serve(webhook: &Webhook, stream: &mut TcpStream, path: &str) -> io::Result<u16> {
    let deadline = Instant::now() + LONGEST;
    stream.set_write_timeout(Some(LONGEST))?;
    let mut bytes = Vec::new();
    let head = loop {
        match head(&bytes, path, webhook.style().headers()) {
            Ok(Some(head)) => break head,
            Ok(None) if bytes.len() > LARGEST_HEAD => return Ok(431),
            Ok(None) => more(stream, deadline, &mut bytes)?,
            Err(status) => return Ok(status),
        }
    };
    if head.length > LARGEST {
        return Ok(CallbackError::TooLarge.status());
    }
    if head.expects {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let end = head.body_at.saturating_add(head.length);
    while bytes.len() < end {
        more(stream, deadline, &mut bytes)?;
    }
    let body = bytes.get(head.body_at..end).unwrap_or_default();
    Ok(match webhook.callback(&head.timestamp, &head.signature, body, now()) {
        Ok(()) => 200,
        Err(error) => error.status(),
    })
}

/// The head of a request, where all of it has come; or the status of what is wrong with it.
fn head(bytes: &[u8], path: &str, (timestamp, signature): (&str, &str)) -> Result<Option<Head>, u16> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    let body_at = match request.parse(bytes) {
        Ok(httparse::Status::Complete(body_at)) => body_at,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err(400),
    };
    if request.path != Some(path) {
        return Err(404);
    }
    if request.method != Some("POST") {
        return Err(405);
    }
    // A header that stands twice means one thing to one reader and another to the next.
    let one = |name: &str| {
        let mut found = request.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
        match (found.next(), found.next()) {
            (Some(header), None) => Ok(Some(std::str::from_utf8(header.value).map_err(|_| 400_u16)?.trim())),
            (None, _) => Ok(None),
            _ => Err(400_u16),
        }
    };
    if one("Transfer-Encoding")?.is_some() {
        return Err(411);
    }
    let length = one("Content-Length")?.ok_or(411_u16)?;
    if length.is_empty() || !length.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(400);
    }
    let expects = one("Expect")?.is_some_and(|value| value.eq_ignore_ascii_case("100-continue"));
    Ok(Some(Head {
        length: length.parse().map_err(|_| 413_u16)?,
        body_at,
        timestamp: one(timestamp)?.unwrap_or_default().to_owned(),
        signature: one(signature)?.unwrap_or_default().to_owned(),
        expects,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Option<usize>, u16> {
        head(text.as_bytes(), "/x", ("X-T", "X-S")).map(|head| head.map(|head| head.length))
    }

    #[test]
    fn heads() {
        assert_eq!(read("POST /x HTTP/1.1\r\ncontent-length: 5\r\n\r\n"), Ok(Some(5)));
        assert_eq!(read("POST /x HTTP/1.1\r\ncontent-length: 5\r\n"), Ok(None));
        for (text, status) in [
            ("GET /x HTTP/1.1\r\n\r\n", 405),
            ("POST /y HTTP/1.1\r\n\r\n", 404),
            ("POST /x HTTP/1.1\r\n\r\n", 411),
            ("POST /x HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", 400),
            ("POST /x HTTP/1.1\r\nContent-Length: +5\r\n\r\n", 400),
            ("POST /x HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", 413),
            ("POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
            ("POST /x HTTP/1.1\r\nX-T: 1\r\nX-T: 2\r\nContent-Length: 1\r\n\r\n", 400),
            ("\0", 400),
        ] {
            assert_eq!(read(text), Err(status), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in any::<Vec<u8>>()) {
            let _ = head(&bytes, "/x", ("X-T", "X-S"));
        }
    }
}
