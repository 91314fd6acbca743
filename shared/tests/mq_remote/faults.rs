//! What happens to servers.

use std::process::Command;

use crate::server::Server;

/// Kills it as a crash would.
pub(crate) fn kill(server: &mut Server) {
    server.process = None;
}

/// Starts it again on the same port. What it held is gone.
pub(crate) fn start_again(server: &mut Server) {
    server.launch();
}

/// Stops the process where it is.
pub(crate) fn freeze(server: &Server) {
    signal(server, "-STOP");
}

/// Lets it go on.
pub(crate) fn thaw(server: &Server) {
    signal(server, "-CONT");
}

fn signal(server: &Server, name: &str) {
    let id = server.process.as_ref().expect("it runs").child.id().to_string();
    let status = Command::new("kill").args([name, &id]).status().expect("kill runs");
    assert!(status.success());
}
