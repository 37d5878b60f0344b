//! What a registry answers instead of what it was asked for.

use std::error::Error as StdError;
use std::io;

use reqwest::StatusCode;
use serde::Deserialize;
use tidings_transport::{Error, ErrorKind};

/// The code in the body for a subject that it does not have.
const NO_SUBJECT: u32 = 40401;
/// The code in the body for a schema that it does not have.
const NO_SCHEMA: u32 = 40403;

/// The body of an error.
#[derive(Deserialize)]
struct Said {
    error_code: u32,
    #[serde(default)]
    message: String,
}

/// An answer that is none: the registry has no such schema, or something is wrong.
#[derive(Debug)]
pub(crate) enum Refusal {
    Unknown,
    Error(Error),
}

/// Judges an answer that is no success.
pub(crate) fn judge(
    operation: &'static str,
    address: &str,
    status: StatusCode,
    body: &[u8],
) -> Refusal {
    let said: Option<Said> = serde_json::from_slice(body).ok();
    let code = said.as_ref().map(|said| said.error_code);
    if matches!(code, Some(NO_SUBJECT | NO_SCHEMA)) && status == StatusCode::NOT_FOUND {
        return Refusal::Unknown;
    }
    let words = said.map_or_else(String::new, |said| format!(": {}", one_line(&said.message)));
    let (kind, what) = match status.as_u16() {
        408 | 429 | 500..=599 => (
            ErrorKind::Unavailable,
            "the schema registry cannot answer now",
        ),
        401 | 403 => (
            ErrorKind::Denied,
            "the schema registry refuses us; check registry_user and its password, or registry_token",
        ),
        409 => (
            ErrorKind::Invalid,
            "the schema registry refuses the schema as incompatible with those under its subject; \
             change the schema, or the compatibility of the subject",
        ),
        400 | 422 => (
            ErrorKind::Invalid,
            "the schema registry does not take the schema",
        ),
        _ => (
            ErrorKind::Unsupported,
            "there is no schema registry with Confluent's API; check the path of its address",
        ),
    };
    let message = format!("{what} ({status} from {address}){words}");
    Refusal::Error(Error::new(kind, operation, message))
}

/// No answer.
pub(crate) fn silent(operation: &'static str, address: &str, error: reqwest::Error) -> Error {
    if let Some(why) = distrust(&error) {
        let message = format!(
            "the schema registry {address} and this client do not trust each other ({why}); check \
             registry_ca_file, registry_cert_file and registry_key_file"
        );
        let error = error.without_url();
        return Error::new(ErrorKind::Denied, operation, message).with_source(error);
    }
    let what = match error.is_timeout() {
        true => "does not answer in time",
        false => "cannot be reached",
    };
    Error::new(
        ErrorKind::Unavailable,
        operation,
        format!("the schema registry {address} {what}"),
    )
    .with_source(error.without_url())
}

/// What one side has against the certificate of the other, if that is why there is no answer.
fn distrust(error: &reqwest::Error) -> Option<String> {
    use rustls::AlertDescription as Alert;
    let mut under: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = under {
        match error.downcast_ref::<rustls::Error>() {
            Some(rustls::Error::InvalidCertificate(why)) => return Some(format!("{why:?}")),
            Some(rustls::Error::AlertReceived(
                why @ (Alert::BadCertificate
                | Alert::UnsupportedCertificate
                | Alert::CertificateRevoked
                | Alert::CertificateExpired
                | Alert::CertificateUnknown
                | Alert::CertificateRequired
                | Alert::UnknownCA
                | Alert::AccessDenied),
            )) => return Some(format!("{why:?}")),
            _ => {}
        }
        // An I/O error does not name as its source what it is the coat of.
        let coat = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        under = match coat {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

/// An answer that this client does not understand.
pub(crate) fn strange(operation: &'static str, address: &str, what: &str) -> Error {
    let message = format!("{address} answers as no schema registry does: {what}");
    Error::new(ErrorKind::Unsupported, operation, message)
}

/// What a server said, fit for one line of a log.
fn one_line(text: &str) -> String {
    const MAX: usize = 300;
    let mut line: String = text
        .chars()
        .take(MAX)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(MAX).is_some() {
        line.push('…');
    }
    line
}
