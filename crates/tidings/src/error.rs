//! Why a bus could not be opened.

use tidings_transport::Error as TransportError;

/// Why a bus could not be opened. Shows names of parameters, never a user, password or unknown
/// value of the URL.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The text has no scheme, or one that is not known.
    #[error("bus URL: {problem}; known are {known}{}", hint(.nearest))]
    Scheme {
        /// What is wrong.
        problem: String,
        /// The schemes that are known.
        known: String,
        /// The one that was perhaps meant.
        nearest: Option<String>,
    },
    /// A parameter that this log does not have.
    #[error("bus URL: parameter {name:?} is not known to {scheme}; known are {known}{}", hint(.nearest))]
    UnknownParameter {
        /// The parameter.
        name: String,
        /// The URL's scheme.
        scheme: &'static str,
        /// The parameters that are known.
        known: String,
        /// The one that was perhaps meant.
        nearest: Option<String>,
    },
    /// A part of the URL has a value that breaks a rule.
    #[error("bus URL: {part}: {rule}")]
    Invalid {
        /// The parameter, or `path`, `host`, `port`, ….
        part: String,
        /// The rule, and how to keep it.
        rule: String,
    },
    /// This program was built without what the scheme needs.
    #[error(
        "bus URL: this program was built without {scheme}://; build it with the feature \
         `{feature}`: cargo install --path crates/cli --features {feature}; in Cargo.toml \
         tidings = {{ …, features = [\"{feature}\"] }}; for Python pip wheel ./python --no-deps \
         --config-settings=build-args=\"--features {feature}\""
    )]
    Unbuilt {
        /// The URL's scheme.
        scheme: &'static str,
        /// The feature of the crates `tidings` and `tidings-cli`.
        feature: &'static str,
    },
    /// The log could not be opened.
    #[error("cannot open {address}: {source}")]
    Transport {
        /// The log, without credentials.
        address: String,
        /// What it said.
        source: TransportError,
    },
}

impl OpenError {
    /// Whether the same URL may work later.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Transport { source, .. } => source.is_temporary(),
            _ => false,
        }
    }

    pub(crate) fn invalid(part: impl Into<String>, rule: impl Into<String>) -> Self {
        Self::Invalid {
            part: part.into(),
            rule: rule.into(),
        }
    }
}

fn hint(nearest: &Option<String>) -> String {
    match nearest {
        Some(name) => format!(". Did you mean {name:?}?"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::OpenError;

    #[test]
    fn what_is_not_built_in_is_told_with_the_remedy() {
        let error = OpenError::Unbuilt {
            scheme: "kafka+ssl",
            feature: "kafka",
        };
        let text = error.to_string();
        assert!(text.contains("built without kafka+ssl://"), "{text}");
        assert!(
            text.contains("cargo install --path crates/cli --features kafka"),
            "{text}"
        );
        assert!(!error.is_temporary());
    }
}
