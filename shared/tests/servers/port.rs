//! Loopback ports for servers that tests start, and start again.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use socket2::{Domain, Socket, Type};

/// A port that nobody is given who asks for any free one, whether a server listens on it or is
/// down, as long as this or a clone lives. A server binds it none the less, as Linux lets it:
/// what holds it does not listen, and both allow addresses to be reused.
#[derive(Clone, Debug)]
pub(crate) struct Port {
    number: u16,
    _holder: Arc<Socket>,
}

impl Port {
    pub(crate) fn reserve() -> Self {
        let holder = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        holder.set_reuse_address(true).expect("may be reused");
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        holder.bind(&any.into()).expect("a free port");
        let address = holder.local_addr().expect("has an address");
        let number = address.as_socket().expect("of the internet").port();
        Self { number, _holder: Arc::new(holder) }
    }

    pub(crate) fn number(&self) -> u16 {
        self.number
    }
}
