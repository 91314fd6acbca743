//! The Rust client of a Cohort cluster: logs in, asks, gets events and snapshots, sends inputs.
//!
//! It never decides anything about the game and keeps nothing on disk: the caller stores the
//! account's secret and draws what the snapshots say.
//!
//! ```no_run
//! use client::{Client, ConnectOptions, Credentials, Received, Trust};
//! use shared::msg::client::{PlayerRequest, Request};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let pem = std::fs::read("data/cert.pem")?;
//! let options = ConnectOptions {
//!     server: "127.0.0.1:4433".parse()?,
//!     server_name: String::from("localhost"),
//!     trust: Trust::Certificate(pem),
//!     login: Credentials { account: String::from("anna"), secret: [7; 32] },
//! };
//! let (client, mut events) = Client::connect(options).await?;
//! println!("logged in as {}", client.player());
//!
//! let bag = client.request(Request::Player(PlayerRequest::ReadBag)).await?;
//! println!("{bag:?}");
//!
//! loop {
//!     match events.next().await {
//!         Received::Event(event) => println!("{event:?}"),
//!         Received::Snapshot(seen) => println!("tick {}: {:?}", seen.tick, seen.rows),
//!         Received::Closed(reason) => break println!("{reason}"),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Programs with many clients (bots) make one [`ClientEndpoint`] and connect all of them through
//! its one UDP socket.

mod connection;
mod endpoint;
mod error;
mod events;
mod pending;
mod request_ids;

pub use connection::{Client, REQUEST_LIMIT};
pub use endpoint::{ClientEndpoint, ConnectOptions, ConnectTo, Credentials, Trust};
pub use error::{CloseReason, ConnectError, RequestError, SendError};
pub use events::{EVENTS_WAITING_MAX, Events, Received, SNAPSHOTS_WAITING_MAX};
