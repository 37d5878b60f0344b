//! What can be wrong with an event or with a document that should be one.

use std::borrow::Cow;

/// A part of an event that breaks a rule: which part, which rule, what to do.
///
/// The text never holds values or payloads, and names taken from input are bounded and escaped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {rule}; {remedy}")]
pub struct Invalid {
    field: Cow<'static, str>,
    rule: Cow<'static, str>,
    remedy: Cow<'static, str>,
}

impl Invalid {
    pub(crate) fn new(
        field: &str,
        rule: impl Into<Cow<'static, str>>,
        remedy: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            field: match field {
                "" => UNNAMED.into(),
                name => bounded(name, MAX_NAME_SHOWN).into(),
            },
            rule: rule.into(),
            remedy: remedy.into(),
        }
    }

    /// The attribute, or `data`, or `document`.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// The rule that is broken.
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// What to do about it.
    pub fn remedy(&self) -> &str {
        &self.remedy
    }
}

/// A header `ce_`, or a member `""`.
const UNNAMED: &str = "an attribute without a name";

/// Longest piece of an attribute name that an error repeats, in characters.
const MAX_NAME_SHOWN: usize = 40;

/// The beginning of a text with control characters escaped, so that hostile input can neither
/// flood nor forge a log.
pub(crate) fn bounded(text: &str, limit: usize) -> String {
    let mut shown: String = text
        .chars()
        .take(limit)
        .flat_map(|c| {
            let escape = c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
            let escaped = escape.then(|| c.escape_unicode()).into_iter().flatten();
            let plain = (!escape).then_some(c);
            escaped.chain(plain)
        })
        .collect();
    if text.chars().nth(limit).is_some() {
        shown.push('…');
    }
    shown
}

/// A document or message that is not a CloudEvents 1.0 event. Trying again will not mend it.
///
/// # Example
/// ```
/// use tidings_event::Event;
///
/// let error = Event::from_json(br#"{"specversion": "1.0", "id": "1", "type": "t"}"#).unwrap_err();
/// assert_eq!(error.field(), "source");
/// assert_eq!(error.to_string(), "source: is required and missing; add the attribute `source`");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Larger than the reader's limit.
    #[error("document: has {found} bytes, more than the reader's limit of {limit}; {}", self.remedy())]
    TooLarge {
        /// Bytes there are.
        found: usize,
        /// Bytes there may be.
        limit: usize,
    },
    /// Nested deeper than the reader's limit.
    #[error("data: is nested deeper than the reader's limit of {limit} levels; {}", self.remedy())]
    TooDeep {
        /// Levels there may be.
        limit: usize,
    },
    /// Not UTF-8.
    #[error("document: is not UTF-8 at byte {offset}; {}", self.remedy())]
    NotUtf8 {
        /// The first byte that is wrong, counted from 0.
        offset: usize,
    },
    /// Not JSON.
    #[error("document: is not JSON ({problem}, line {line} column {column}); {}", self.remedy())]
    Syntax {
        /// What the parser stumbled over.
        problem: String,
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// JSON, or a message, but not an event.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// One event of a batch.
    #[error("event {index} of the batch: {source}")]
    InBatch {
        /// Which, counted from 0.
        index: usize,
        /// What is wrong with it.
        source: Box<DecodeError>,
    },
}

impl DecodeError {
    /// The part at fault: an attribute's name, `data`, or `document`.
    pub fn field(&self) -> &str {
        match self {
            Self::TooLarge { .. } | Self::NotUtf8 { .. } | Self::Syntax { .. } => "document",
            Self::TooDeep { .. } => "data",
            Self::Invalid(invalid) => invalid.field(),
            Self::InBatch { source, .. } => source.field(),
        }
    }

    /// The rule that is broken.
    pub fn rule(&self) -> Cow<'_, str> {
        match self {
            Self::TooLarge { limit, .. } => format!("must have at most {limit} bytes").into(),
            Self::TooDeep { limit } => format!("must be nested at most {limit} deep").into(),
            Self::NotUtf8 { .. } => "must be UTF-8".into(),
            Self::Syntax { .. } => "must be JSON".into(),
            Self::Invalid(invalid) => invalid.rule().into(),
            Self::InBatch { source, .. } => source.rule(),
        }
    }

    /// What to do about it.
    pub fn remedy(&self) -> &str {
        match self {
            Self::TooLarge { .. } => "send less, or read with a larger limit",
            Self::TooDeep { .. } => "flatten the payload, or read with a larger limit",
            Self::NotUtf8 { .. } => "encode the document as UTF-8",
            Self::Syntax { .. } => "send one CloudEvents JSON object",
            Self::Invalid(invalid) => invalid.remedy(),
            Self::InBatch { source, .. } => source.remedy(),
        }
    }

    /// Takes place and problem from the JSON parser and nothing else: the text of its *data*
    /// errors repeats values.
    pub(crate) fn from_json(error: &serde_json::Error) -> Self {
        let problem = match error.classify() {
            serde_json::error::Category::Eof => "it ends too early".to_owned(),
            serde_json::error::Category::Syntax => {
                let text = error.to_string();
                text.split(" at line ")
                    .next()
                    .unwrap_or_default()
                    .to_owned()
            }
            _ => "a value of another kind".to_owned(),
        };
        Self::Syntax {
            problem,
            line: error.line(),
            column: error.column(),
        }
    }
}
