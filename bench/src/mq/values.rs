//! What raw clients of brokers carry: values of 64 KiB full of messages.

use std::hint;

use super::PAYLOAD_BYTES;
use crate::error::{BenchError, Result};

/// Bytes of a full value, as in a batch of the node MQ.
const VALUE_BYTES: usize = 64 << 10;
const MESSAGES_PER_VALUE: usize = VALUE_BYTES / PAYLOAD_BYTES;

/// Writes messages one by one into values and hands the full ones over.
pub(super) async fn for_each_value(
    messages: usize,
    mut hand_over: impl AsyncFnMut(Vec<u8>) -> Result<()>,
) -> Result<()> {
    let payload = hint::black_box([7; PAYLOAD_BYTES]);
    let mut value = Vec::with_capacity(VALUE_BYTES);
    for n in 1..=messages {
        value.extend_from_slice(&payload);
        if value.len() == MESSAGES_PER_VALUE * PAYLOAD_BYTES || n == messages {
            hand_over(std::mem::replace(&mut value, Vec::with_capacity(VALUE_BYTES))).await?;
        }
    }
    Ok(())
}

/// Looks at every message of a value and says how many there are.
pub(super) fn walk(value: &[u8]) -> usize {
    let messages = value.chunks_exact(PAYLOAD_BYTES);
    messages.filter(|message| hint::black_box(message)[0] == 7).count()
}

/// How many messages are still to come after `value`.
pub(super) fn left_after(value: &[u8], left: usize) -> Result<usize> {
    match walk(value) {
        0 => Err(BenchError::Silent { what: "a value with messages" }),
        messages => Ok(left.saturating_sub(messages)),
    }
}
