//! Reads the answers of a server; nothing in them is believed.

use redis::Value;

/// The elements of an array.
pub(crate) fn array(value: Value) -> Result<Vec<Value>, String> {
    let Value::Array(values) = value else {
        return Err(unexpected("an array", &value));
    };
    Ok(values)
}

/// Bytes; nothing is no bytes.
pub(crate) fn bytes(value: Value) -> Result<Vec<u8>, String> {
    if value == Value::Nil {
        return Ok(Vec::new());
    }
    let Value::BulkString(bytes) = value else {
        return Err(unexpected("bytes", &value));
    };
    Ok(bytes)
}

/// Text, also of a whole number; nothing is empty.
pub(crate) fn text(value: Value) -> Result<String, String> {
    if let Value::Int(number) = value {
        return Ok(number.to_string());
    }
    String::from_utf8(bytes(value)?).map_err(|_| String::from("not a text"))
}

/// A number from zero on; nothing is zero.
pub(crate) fn number(value: Value) -> Result<u64, String> {
    if value == Value::Nil {
        return Ok(0);
    }
    let text = text(value)?;
    text.parse().map_err(|_| format!("{text:?} is not a number"))
}

/// An array of exactly `N` elements.
pub(crate) fn fields<const N: usize>(value: Value) -> Result<[Value; N], String> {
    let values = array(value)?;
    let len = values.len();
    values.try_into().map_err(|_| format!("{len} fields instead of {N}"))
}

fn unexpected(wanted: &str, found: &Value) -> String {
    let mut found = format!("{found:?}");
    if let Some((end, _)) = found.char_indices().nth(60) {
        found.truncate(end);
    }
    format!("the server answers {found} instead of {wanted}")
}
