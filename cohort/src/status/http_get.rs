//! One HTTP/1.1 GET within a deadline: all that `cohort status` and `cohort doctor` need.

use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How long the whole exchange may take.
pub const DEADLINE: Duration = Duration::from_secs(2);
/// Bytes of an answer. A longer one is refused.
const ANSWER_BYTES_MAX: u64 = 4 << 20;

/// What came back.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status code.
    pub code: u16,
    /// The body.
    pub body: String,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum GetError {
    /// Only `http://host[:port]` can be asked.
    #[error("`{0}` is no address of the form http://host:port")]
    Url(String),
    /// Nobody answered in time.
    #[error("nothing came back in time")]
    Late,
    /// The network says no.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// This is not HTTP.
    #[error("the answer is not HTTP")]
    NotHttp,
}

/// Asks `http://host[:port]` for `path`.
///
/// # Errors
/// [`GetError`]
pub async fn get(url: &str, path: &str) -> Result<Answer, GetError> {
    let authority = authority(url).ok_or_else(|| GetError::Url(url.to_owned()))?;
    tokio::time::timeout(DEADLINE, exchange(authority, path)).await.map_err(|_| GetError::Late)?
}

fn authority(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("http://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let fits = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
    (!authority.is_empty() && authority.chars().all(fits)).then_some(authority)
}

async fn exchange(authority: &str, path: &str) -> Result<Answer, GetError> {
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let port = if has_port { "" } else { ":80" };
    let mut stream = TcpStream::connect(format!("{authority}{port}")).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut bytes).await?;
    parse(&String::from_utf8_lossy(&bytes)).ok_or(GetError::NotHttp)
}

/// Our server always says how long its answers are, so there are no chunks to put together.
fn parse(answer: &str) -> Option<Answer> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let code = lines.next()?.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    let chunked = lines.any(|line| line.to_ascii_lowercase().starts_with("transfer-encoding:"));
    (!chunked).then(|| Answer { code, body: body.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_apart() {
        let answer = parse("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi");
        assert_eq!(answer, Some(Answer { code: 200, body: "hi".into() }));
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for answer in ["", "SSH-2.0-x\r\n\r\n", "HTTP/1.1\r\n\r\n", "HTTP/1.1 x OK\r\n\r\n"] {
            assert_eq!(parse(answer), None, "{answer:?}");
        }
        assert_eq!(parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0"), None);
    }

    #[test]
    fn only_plain_addresses_are_asked() {
        assert_eq!(authority("http://[::1]:7777/x"), Some("[::1]:7777"));
        assert_eq!(authority("http://localhost"), Some("localhost"));
        for url in ["", "localhost:1", "https://x", "http://", "http://a b", "http://a\r\nb"] {
            assert_eq!(authority(url), None, "{url:?}");
        }
    }
}
