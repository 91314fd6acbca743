//! A TCP proxy that cuts, freezes and redirects connections.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use super::node::LISTEN;

/// Decides after how many bytes, both ways together, the n-th connection is cut.
pub(crate) type CutAfter = Box<dyn Fn(u64) -> u64 + Send>;

/// The proxy. Dropping it cuts everything.
pub(crate) struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

struct State {
    target: Mutex<SocketAddr>,
    /// Connections that there have been.
    count: AtomicUsize,
    ended: AtomicBool,
    open: Mutex<Vec<Arc<Relay>>>,
}

/// One connection through the proxy.
struct Relay {
    left: AtomicU64,
    frozen: AtomicBool,
    client: TcpStream,
    server: TcpStream,
}

impl Proxy {
    /// A proxy that cuts each connection where `cut_after` says.
    pub(crate) fn cutting(target: SocketAddr, cut_after: CutAfter) -> Self {
        let listener = TcpListener::bind(LISTEN).expect("binds");
        let address = listener.local_addr().expect("is bound");
        let state = Arc::new(State {
            target: Mutex::new(target),
            count: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
            open: Mutex::default(),
        });
        let shared = Arc::clone(&state);
        let thread = thread::spawn(move || shared.accept(&listener, &cut_after));
        Self { address, state, thread: Some(thread) }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connections that there have been.
    pub(crate) fn connections(&self) -> usize {
        self.state.count.load(Ordering::Acquire)
    }

    /// Where new connections go from now on.
    pub(crate) fn redirect(&self, target: SocketAddr) {
        *self.state.target.lock().expect("nobody panics") = target;
    }

    /// Cuts all connections.
    pub(crate) fn cut(&self) {
        self.relays().iter().for_each(|relay| relay.cut());
    }

    /// The connections of now stay open, and nothing passes through them any more.
    pub(crate) fn freeze(&self) {
        self.relays().iter().for_each(|relay| relay.frozen.store(true, Ordering::Release));
    }

    fn relays(&self) -> Vec<Arc<Relay>> {
        self.state.open.lock().expect("nobody panics").clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::Release);
        let _wakes_accept = TcpStream::connect(self.address);
        self.cut();
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the proxy does not panic");
        }
        self.cut();
    }
}

impl State {
    fn accept(&self, listener: &TcpListener, cut_after: &CutAfter) {
        let mut pumps = Vec::new();
        while let Ok((client, _)) = listener.accept() {
            if self.ended.load(Ordering::Acquire) {
                break;
            }
            let number = self.count.fetch_add(1, Ordering::AcqRel);
            let target = *self.target.lock().expect("nobody panics");
            let Ok(server) = TcpStream::connect(target) else { continue };
            client.set_nodelay(true).expect("sets");
            server.set_nodelay(true).expect("sets");
            let left = AtomicU64::new(cut_after(number as u64));
            let relay = Arc::new(Relay { left, frozen: AtomicBool::new(false), client, server });
            self.open.lock().expect("nobody panics").push(Arc::clone(&relay));
            let back = Arc::clone(&relay);
            pumps.push(thread::spawn(move || relay.pump(&relay.client, &relay.server)));
            pumps.push(thread::spawn(move || back.pump(&back.server, &back.client)));
        }
        self.open.lock().expect("nobody panics").iter().for_each(|relay| relay.cut());
        pumps.into_iter().for_each(|pump| pump.join().expect("a pump does not panic"));
    }
}

impl Relay {
    fn pump(&self, mut from: &TcpStream, mut to: &TcpStream) {
        let mut buffer = [0; 4_096];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            if self.frozen.load(Ordering::Acquire) {
                continue;
            }
            let passes = self.take(count as u64);
            if to.write_all(&buffer[..passes]).is_err() || passes < count {
                break;
            }
        }
        if !self.frozen.load(Ordering::Acquire) {
            self.cut();
        }
    }

    /// How many of `count` bytes still pass.
    fn take(&self, count: u64) -> usize {
        let less = |left: u64| Some(left.saturating_sub(count));
        let left = self.left.fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
        usize::try_from(left.unwrap_or(0).min(count)).expect("a buffer is small")
    }

    fn cut(&self) {
        let _already_closed = self.client.shutdown(Shutdown::Both);
        let _already_closed = self.server.shutdown(Shutdown::Both);
    }
}
