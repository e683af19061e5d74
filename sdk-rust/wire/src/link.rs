//! Links: values of one exchange that the next request is made of.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The value at a JSON pointer, if it is there, is not `null` and fits. Numbers and texts that
/// spell them stand for each other: an answer may hold as the one what a parameter takes as the
/// other.
pub fn linked<T: DeserializeOwned>(from: &(impl Serialize + ?Sized), pointer: &str) -> Option<T> {
    let value = serde_json::to_value(from).ok()?;
    let found = value.pointer(pointer).filter(|found| !found.is_null())?;
    if let Ok(fitting) = T::deserialize(found) {
        return Some(fitting);
    }
    let other = match found {
        Value::String(text) => serde_json::from_str(text).ok()?,
        Value::Number(_) | Value::Bool(_) => Value::String(found.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    T::deserialize(other).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::linked;

    #[test]
    fn finds_what_fits() {
        let answer = json!({ "data": [{ "id": 7, "name": "Rex", "none": null }], "a/b": "12" });
        assert_eq!(linked(&answer, "/data/0/id"), Some(7_i64));
        assert_eq!(linked(&answer, "/data/0/id"), Some("7".to_owned()));
        assert_eq!(linked(&answer, "/a~1b"), Some(12_u8));
        assert_eq!(linked::<i64>(&answer, "/data/0/name"), None);
        assert_eq!(linked::<String>(&answer, "/data/0/none"), None);
        assert_eq!(linked::<String>(&answer, "/data/1"), None);
        assert_eq!(linked("text", ""), Some("text".to_owned()));
    }
}
