//! Content modes.

use crate::json;

/// How an HTTP message carries events (section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// One event: attributes in headers, payload in the body.
    Binary,
    /// One event in the body, in the JSON format.
    Structured,
    /// Events in the body, in the JSON batch format.
    Batch,
    /// Events in the body, in a format that is not JSON and not known here.
    Unsupported,
}

impl Mode {
    /// The mode of a message with this `Content-Type`.
    ///
    /// # Example
    /// ```
    /// use tidings_event::http::Mode;
    ///
    /// assert_eq!(Mode::of(Some("application/cloudevents+json; charset=UTF-8")), Mode::Structured);
    /// assert_eq!(Mode::of(Some("application/json")), Mode::Binary);
    /// ```
    pub fn of(content_type: Option<&str>) -> Self {
        const PREFIX: &str = "application/cloudevents";
        let essence = content_type
            .unwrap_or_default()
            .split(';')
            .next()
            .unwrap_or_default();
        let essence = essence.trim().to_ascii_lowercase();
        match essence.as_str() {
            json::MEDIA_TYPE => Self::Structured,
            json::BATCH_MEDIA_TYPE => Self::Batch,
            other if other.starts_with(PREFIX) => Self::Unsupported,
            _ => Self::Binary,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Mode;

    #[test]
    fn the_content_type_decides() {
        assert_eq!(Mode::of(None), Mode::Binary);
        assert_eq!(
            Mode::of(Some("Application/CloudEvents-Batch+JSON")),
            Mode::Batch
        );
        assert_eq!(
            Mode::of(Some("application/cloudevents+avro")),
            Mode::Unsupported
        );
    }
}
