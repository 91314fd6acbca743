//! Requests that look at all keys: every bucket's index is asked at once.

use super::{Worker, backend, damaged, failed, head_of};
use crate::ids::{GuildId, Key};
use crate::store::redis::call::Call;
use crate::store::redis::layout::{self, BUCKETS};
use crate::store::redis::router::CallError;
use crate::store::redis::values::{array, text};
use crate::store::rules::KEYS_PAGE_MAX;
use crate::store::{StoreReply, StoreRequest};

impl Worker {
    pub(super) fn list(&mut self, request: &StoreRequest) -> StoreReply {
        match request {
            StoreRequest::PendingOutboxes { after } => match self.page("pending", *after) {
                Ok(keys) => StoreReply::Pending(keys),
                Err(what) => backend(&what),
            },
            StoreRequest::ListGuilds { after } => match self.page("guilds", *after) {
                Ok(keys) => self.guilds(keys),
                Err(what) => backend(&what),
            },
            StoreRequest::ReadOwner { .. }
            | StoreRequest::Claim { .. }
            | StoreRequest::Commit(_)
            | StoreRequest::Release { .. }
            | StoreRequest::PeekMail { .. }
            | StoreRequest::Relay { .. } => backend("this request is not a list"),
        }
    }

    /// The first keys of an index after `after`, over all buckets.
    fn page(&mut self, index: &str, after: Option<Key>) -> Result<Vec<Key>, String> {
        let from =
            after.map_or_else(|| String::from("-"), |key| ["(", &layout::member(key)].concat());
        let calls: Vec<_> = (0..BUCKETS)
            .map(|bucket| {
                let name = self.router.routes.names.of_bucket(bucket, index);
                let call = Call::reading("ZRANGEBYLEX", bucket).arg(name.as_bytes());
                let call = call.arg(from.as_bytes()).arg(b"+").arg(b"LIMIT");
                call.number(0).number(KEYS_PAGE_MAX as u64)
            })
            .collect();
        let mut keys = Vec::new();
        for outcome in self.router.run(&calls) {
            let (value, _) = outcome.map_err(|error| match error {
                CallError::Failed(what) | CallError::Damaged(what) => what,
            })?;
            for member in array(value)? {
                let member = text(member)?;
                let key = layout::key_of(&member);
                keys.push(key.ok_or_else(|| format!("{member:?} in {index} is not a key"))?);
            }
        }
        keys.sort_unstable();
        keys.truncate(KEYS_PAGE_MAX);
        Ok(keys)
    }

    fn guilds(&mut self, keys: Vec<Key>) -> StoreReply {
        let is_guild = |key: &Key| *key >= Key::Guild(GuildId(0)) && matches!(key, Key::Guild(_));
        let keys: Vec<_> = keys.into_iter().filter(is_guild).collect();
        let names = &self.router.routes.names;
        let read = |key: &Key| {
            Call::reading("HGETALL", layout::bucket(*key)).arg(names.head(*key).as_bytes())
        };
        let calls: Vec<_> = keys.iter().map(read).collect();
        let mut guilds = Vec::with_capacity(keys.len());
        for (key, outcome) in keys.into_iter().zip(self.router.run(&calls)) {
            match outcome.map(|(value, _)| head_of(key, value)) {
                Ok(Ok((_, parts))) => guilds.push((key, parts)),
                Ok(Err(what)) => return damaged(key, what),
                Err(error) => return failed(key, error),
            }
        }
        StoreReply::Guilds(guilds)
    }
}
