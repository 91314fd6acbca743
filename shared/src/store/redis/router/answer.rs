//! What an answer of a server means for the call.

use redis::{ServerError, Value};

use super::CallError;
use crate::store::redis::link::Server;
use crate::store::redis::topology::redirection;

/// What to do after an answer.
pub(super) enum Verdict {
    /// It was carried out.
    Done(Value),
    /// It failed for good.
    Failed(CallError),
    /// Whose store this is cannot be told: it was emptied.
    Emptied,
    /// It was not carried out; try again.
    Again(Again),
}

/// How to try again.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// After loading the scripts.
    LoadScripts,
    /// At the server that owns the bucket now.
    Moved(Server),
    /// At this server, this once.
    Ask(Server),
    /// In a while.
    Wait,
    /// In a while, and over a new connection: the server is no primary any more.
    Elsewhere,
}

/// Reads an answer that came from `server`.
pub(super) fn judge(value: Value, server: &Server) -> Verdict {
    let Value::ServerError(error) = value else {
        return Verdict::Done(value);
    };
    let details = error.details().unwrap_or_default();
    match error.code() {
        "NOSCRIPT" => Verdict::Again(Again::LoadScripts),
        "MOVED" | "ASK" => match (redirection(details, server), error.code()) {
            (Some(target), "MOVED") => Verdict::Again(Again::Moved(target)),
            (Some(target), _) => Verdict::Again(Again::Ask(target)),
            (None, _) => Verdict::Failed(CallError::Failed(described(&error))),
        },
        "TRYAGAIN" | "LOADING" | "BUSY" => Verdict::Again(Again::Wait),
        "CLUSTERDOWN" | "MASTERDOWN" | "READONLY" => Verdict::Again(Again::Elsewhere),
        "DAMAGED" => Verdict::Failed(CallError::Damaged(String::from(details))),
        "EMPTIED" => Verdict::Emptied,
        _ => Verdict::Failed(CallError::Failed(described(&error))),
    }
}

/// What an error of a server means, for those who run it.
pub(super) fn described(error: &ServerError) -> String {
    let details = error.details().unwrap_or_default();
    let meaning = match error.code() {
        "OOM" => "its memory is full and it refuses writes",
        "MISCONF" => "it cannot write to its disk and refuses writes",
        "NOREPLICAS" => "it has too few replicas and refuses writes",
        "NOAUTH" | "WRONGPASS" => "it does not accept our user or password",
        "NOPERM" => "our user may not do this",
        "LOADING" => "it is loading its data",
        "CLUSTERDOWN" => "the cluster does not serve this slot",
        "READONLY" => "it is a replica and takes no writes",
        _ => "it refuses",
    };
    format!("{meaning} ({} {details})", error.code())
}

#[cfg(test)]
mod tests {
    use redis::parse_redis_value;

    use super::*;

    fn verdict(line: &str) -> Verdict {
        let server = Server { host: String::from("h"), port: 1 };
        let value = parse_redis_value(format!("-{line}\r\n").as_bytes()).expect("an error line");
        judge(value, &server)
    }

    fn again(line: &str) -> Again {
        match verdict(line) {
            Verdict::Again(again) => again,
            Verdict::Done(_) | Verdict::Failed(_) | Verdict::Emptied => panic!("{line} is final"),
        }
    }

    #[test]
    fn only_what_was_certainly_not_carried_out_is_tried_again() {
        let there = Server { host: String::from("h"), port: 2 };
        assert_eq!(again("NOSCRIPT No matching script."), Again::LoadScripts);
        assert_eq!(again("MOVED 1 h:2"), Again::Moved(there.clone()));
        assert_eq!(again("ASK 1 :2"), Again::Ask(there));
        assert_eq!(again("TRYAGAIN Multiple keys request"), Again::Wait);
        assert_eq!(again("LOADING Redis is loading"), Again::Wait);
        assert_eq!(again("READONLY You can't write"), Again::Elsewhere);
        assert_eq!(again("CLUSTERDOWN The cluster is down"), Again::Elsewhere);
        for last in ["OOM command not allowed", "MISCONF errors", "ERR what", "MOVED nowhere"] {
            assert!(matches!(verdict(last), Verdict::Failed(CallError::Failed(_))), "{last}");
        }
        let damaged = Verdict::Failed(CallError::Damaged(String::from("a counter")));
        assert!(matches!((verdict("DAMAGED a counter"), damaged),
            (Verdict::Failed(found), Verdict::Failed(expected)) if found == expected));
        assert!(matches!(verdict("EMPTIED"), Verdict::Emptied));
    }
}
