//! A bus URL, taken apart.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;
use percent_encoding::percent_decode_str;

use crate::OpenError;

/// A bus URL, taken apart as far as all logs have it in common.
pub(crate) struct Address {
    /// Before the colon.
    pub(crate) scheme: &'static str,
    /// Between the colon and the question mark, as written. May hold a password.
    pub(crate) body: String,
    parameters: BTreeMap<String, String>,
    /// What stands for parameters may be the rest of a password, and is shown to nobody.
    spilled: bool,
}

const SPILLED: &str = "are not understood; a ? inside of a password is written as %3F";

impl Address {
    /// Takes a URL apart, without looking at parameters yet.
    pub(crate) fn parse(url: &str, schemes: &[&'static str]) -> Result<Self, OpenError> {
        let refuse = |problem: String, nearest| OpenError::Scheme {
            problem,
            known: schemes.join(", "),
            nearest,
        };
        let Some((written, rest)) = url.trim().split_once(':') else {
            return Err(refuse("it has no scheme".into(), None));
        };
        let lower = written.to_ascii_lowercase();
        let Some(scheme) = schemes.iter().find(|known| **known == lower) else {
            // What stands before the colon may be anything, a user name for one.
            let is_scheme = lower.len() <= 20
                && lower
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
            let problem = match is_scheme {
                true => format!("scheme {lower:?} is not known"),
                false => "it begins with no known scheme".into(),
            };
            return Err(refuse(problem, nearest(&lower, schemes)));
        };
        let (body, query) = rest.split_once('?').unwrap_or((rest, ""));
        let spilled = query.contains('@');
        let mut parameters = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let name = name.into_owned();
            if parameters
                .insert(name.clone(), value.into_owned())
                .is_some()
            {
                return Err(match spilled {
                    true => OpenError::invalid("parameters", SPILLED),
                    false => OpenError::invalid(name, "is given twice"),
                });
            }
        }
        Ok(Self {
            scheme,
            body: body.to_owned(),
            parameters,
            spilled,
        })
    }

    /// Refuses parameters that are not among these; one that ends with a dot stands for all that
    /// begin with it.
    pub(crate) fn only(&self, known: &[&[&'static str]]) -> Result<(), OpenError> {
        let known = known.concat();
        let is_known = |name: &str| match name.split_once('.') {
            Some((_, rest)) => {
                !rest.is_empty() && known.contains(&&name[..name.len() - rest.len()])
            }
            None => known.contains(&name),
        };
        let unknown = self.parameters.keys().find(|name| !is_known(name));
        match unknown {
            None => Ok(()),
            Some(_) if self.spilled => Err(OpenError::invalid("parameters", SPILLED)),
            Some(name) => Err(OpenError::UnknownParameter {
                nearest: nearest(name, &known),
                name: name.chars().take(40).collect(),
                scheme: self.scheme,
                known: known.join(", "),
            }),
        }
    }

    /// The parameters that begin with a prefix, without it.
    #[cfg(feature = "kafka")]
    pub(crate) fn beginning_with(&self, prefix: &str) -> BTreeMap<String, String> {
        let with = self.parameters.iter().filter_map(|(name, value)| {
            let rest = name.strip_prefix(prefix)?;
            Some((rest.to_owned(), value.clone()))
        });
        with.collect()
    }

    /// A parameter as text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// A parameter that is parsed; the rule says what it must be.
    pub(crate) fn parsed<T: FromStr>(
        &self,
        name: &str,
        rule: &str,
    ) -> Result<Option<T>, OpenError> {
        let parse = |text: &str| text.parse().map_err(|_| OpenError::invalid(name, rule));
        self.text(name).map(parse).transpose()
    }

    /// A parameter that is a time, like `500ms` or `5s`.
    pub(crate) fn duration(&self, name: &str) -> Result<Option<Duration>, OpenError> {
        let rule = "must be a time above zero, like 500ms or 5s";
        let parsed: Option<SignedDuration> = self.parsed(name, rule)?;
        match parsed.map(Duration::try_from) {
            None => Ok(None),
            Some(Ok(duration)) if !duration.is_zero() => Ok(Some(duration)),
            Some(_) => Err(OpenError::invalid(name, rule)),
        }
    }
}

/// Undoes percent-encoding in a part of a URL.
pub(crate) fn decoded(part: &str, text: &str) -> Result<String, OpenError> {
    let decoded = percent_decode_str(text).decode_utf8();
    let decoded = decoded.map_err(|_| OpenError::invalid(part, "must be UTF-8 when decoded"));
    decoded.map(|text| text.into_owned())
}

/// The name that was perhaps meant.
fn nearest(name: &str, known: &[&'static str]) -> Option<String> {
    let similar = known
        .iter()
        .map(|k| (strsim::damerau_levenshtein(name, k), k));
    let (distance, found) = similar.min_by_key(|(distance, _)| *distance)?;
    (distance <= 3 && distance * 2 <= found.len()).then(|| (*found).to_owned())
}

#[cfg(test)]
mod tests {
    use super::Address;

    const SCHEMES: [&str; 3] = ["memory", "redis", "sqlite"];

    fn message(url: &str) -> String {
        let parsed = Address::parse(url, &SCHEMES);
        let checked = parsed.and_then(|a| a.only(&[&["prefix", "wire"], &["durability"]]));
        checked.expect_err(url).to_string()
    }

    #[test]
    fn what_is_unknown_is_named_with_what_is_near() {
        says(
            &message("sqlight:x"),
            "scheme \"sqlight\" is not known; known are memory, redis, sqlite. Did you mean \"sqlite\"?",
        );
        says(&message("bus.db"), "it has no scheme");
        says(
            &message("sqlite:x?durabilty=full"),
            "parameter \"durabilty\" is not known to sqlite; known are prefix, wire, durability. Did you mean \"durability\"?",
        );
        says(&message("sqlite:x?wire=a&wire=b"), "wire: is given twice");
        assert!(!message("sqlite:x?zzz=1").contains("mean"));
    }

    fn says(message: &str, expected: &str) {
        assert!(message.contains(expected), "{message}");
    }

    #[test]
    fn secrets_before_a_colon_are_not_repeated() {
        assert!(!message("user name:secret@host").contains("user"));
        assert!(
            !message("AbCdEfGhIjKlMnOpQrStUvWxYz:x")
                .to_lowercase()
                .contains("abcdef")
        );
    }

    #[test]
    fn the_rest_of_a_password_is_no_parameter() {
        for url in [
            "redis://:hun?ter2@host",
            "redis://:hun?ter2=x@host",
            "redis://:hun?ter2&ter2@host",
        ] {
            let message = message(url);
            assert!(!message.contains("ter2"), "{message}");
            says(&message, "written as %3F");
        }
        // Whether the password ends at the first @ or at the last cannot be told.
        says(&message("redis://u:p@host?ter2=a@b"), "written as %3F");
    }

    #[test]
    fn parameters_are_decoded_and_times_read() {
        let address = Address::parse("SQLite:a b?prefix=st%61ge&t=1500ms", &SCHEMES).unwrap();
        assert_eq!(address.scheme, "sqlite");
        assert_eq!(address.body, "a b");
        assert_eq!(address.text("prefix"), Some("stage"));
        assert_eq!(address.duration("t").unwrap().unwrap().as_millis(), 1500);
        for wrong in ["0s", "-1s", "5", "soon", ""] {
            let url = format!("memory:?t={wrong}");
            let address = Address::parse(&url, &SCHEMES).unwrap();
            assert!(address.duration("t").is_err(), "{wrong}");
        }
    }
}
