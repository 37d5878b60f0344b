//! Why a connection failed, as far as only the texts of the client library tell.

/// What is behind a connection that could not be made. The library has one code for all of these; the texts
/// that tell them apart are looked at here, and nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Cause {
    /// Credentials, a certificate or a setting: it stays so until somebody mends it.
    #[default]
    Refused,
    /// The connection broke off before there was an answer.
    BrokenOff,
    /// Whoever makes tokens is away, or too busy.
    NoTokens,
}

/// What stands in the library's words for a fault of the endpoint that makes tokens which asking again does
/// not mend. Its code for all of them is the one for no answer.
const TO_BE_MENDED: [&str; 5] = [
    // curl 8 begins so, and so does `URL using bad/illegal format`. Of a bad URL older ones say nothing.
    "URL ",
    "rotocol",
    "certificate",
    "unknown ca",
    // It does not speak TLS.
    "wrong version number",
];

impl Cause {
    /// What the library logs of a connection (`FAIL`): the cause, or `None` where it tells of no login or was
    /// told before, and the reason for people.
    pub(crate) fn of_connection(line: &str) -> (Option<Self>, &str) {
        let reason = line.split_once("]: ").map_or(line, |(_, reason)| reason);
        let cause = match reason {
            _ if !reason.contains("SASL") => None,
            _ if reason.contains("there is no token available") => None,
            // One that is refused is so while it is being made; what was asked over one that is gone has no
            // answer, which the library takes for a bad one.
            _ if reason.contains("in state DOWN") => Some(Self::BrokenOff),
            _ => Some(Self::Refused),
        };
        (cause, reason)
    }

    /// What the library logs where no token could be had (`OIDC`): `… from "URL": WHY (CODE)`, where the code
    /// is of HTTP, or -1 without an answer.
    pub(crate) fn of_tokens(line: &str) -> Self {
        let parts = line.rsplit_once(" (").and_then(|(said, code)| {
            let code = code.trim_end().strip_suffix(')')?;
            Some((said, code.parse::<i32>().ok()?))
        });
        let Some((said, code)) = parts else {
            return Self::Refused;
        };
        let (before, why) = said.split_once("\": ").unwrap_or(("", said));
        let url = before.split_once('"').map_or("", |(_, url)| url);
        match code {
            -1 if is_to_be_mended(why, url) => Self::Refused,
            ..200 | 408 | 425 | 429 | 500.. => Self::NoTokens,
            _ => Self::Refused,
        }
    }
}

fn is_to_be_mended(why: &str, url: &str) -> bool {
    let authority = url.split_once("//").map_or(url, |(_, rest)| rest);
    let host = authority.split(['/', ':', '?']).next().unwrap_or_default();
    // A host may be called as one likes.
    let why = match host {
        "" => why.to_owned(),
        host => why.replace(host, ""),
    };
    why.is_empty() || TO_BE_MENDED.iter().any(|words| why.contains(words))
}

/// The broker of which a reason tells.
pub(crate) fn broker_of(reason: &str) -> &str {
    reason.split(": ").next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Cause, broker_of};

    /// As libcurl 7.88 and 8 have it.
    #[test]
    fn an_endpoint_of_tokens_is_away_or_to_be_mended() {
        use Cause::{NoTokens, Refused};
        let of = |url: &str, why: &str| {
            Cause::of_tokens(&format!(
                "[thrd:background]: Failed to retrieve OIDC token from \"{url}\": {why}"
            ))
        };
        let realm = "https://id.example:8443/realms/protocol/certificate/URL x";
        for (why, cause) in [
            (
                "Failed to connect to id.example port 8443 after 0 ms: Couldn't connect to server (-1)",
                NoTokens,
            ),
            ("Could not resolve host: id.example (-1)", NoTokens),
            ("Recv failure: Connection reset by peer (-1)", NoTokens),
            (
                "OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to id.example:8443  (-1)",
                NoTokens,
            ),
            ("SSL connection timeout (-1)", NoTokens),
            ("Empty reply from server (-1)", NoTokens),
            (
                "transfer closed with 198 bytes remaining to read (-1)",
                NoTokens,
            ),
            ("<html>(busy)</html> (503)", NoTokens),
            ("{\"error\":\"slow_down\"} (429)", NoTokens),
            (
                "SSL certificate problem: self-signed certificate (-1)",
                Refused,
            ),
            (
                "SSL: no alternative certificate subject name matches target host name 'id.example' (-1)",
                Refused,
            ),
            (
                "TLS connect error: error:0A000086:SSL routines::certificate verify failed (-1)",
                Refused,
            ),
            (
                "OpenSSL/3.0.19: error:0A00010B:SSL routines::wrong version number (-1)",
                Refused,
            ),
            (
                "Protocol \"htp\" not supported or disabled in libcurl (-1)",
                Refused,
            ),
            ("Unsupported protocol (-1)", Refused),
            ("URL rejected: Bad hostname (-1)", Refused),
            (" (-1)", Refused),
            ("{\"error\": \"invalid_client\"} (401)", Refused),
            ("Response is not JSON encoded: (n/a) (200)", Refused),
            ("something else", Refused),
        ] {
            assert_eq!(of(realm, why), cause, "{why}");
        }
        let named_so = "https://certificate.example/token";
        let away = "Could not resolve host: certificate.example (-1)";
        assert_eq!(of(named_so, away), NoTokens);
    }

    #[test]
    fn a_connection_is_refused_or_breaks_off() {
        let line = "[thrd:sasl_plaintext://b:9092/bootstrap]: sasl_plaintext://b:9092/bootstrap: \
                    SASL authentication error: Authentication failed during authentication due to \
                    invalid credentials with SASL mechanism SCRAM-SHA-256 (after 312ms in state AUTH_REQ)";
        let (cause, reason) = Cause::of_connection(line);
        assert_eq!(cause, Some(Cause::Refused));
        assert_eq!(broker_of(reason), "sasl_plaintext://b:9092/bootstrap");
        let line = "[thrd:sasl_plaintext://b:9092/bootstrap]: sasl_plaintext://b:9092/bootstrap: \
                    SASL SCRAM-SHA-256 mechanism handshake failed: Local: Broker transport failure: \
                    broker's supported mechanisms: (n/a) (after 0ms in state DOWN)";
        assert_eq!(Cause::of_connection(line).0, Some(Cause::BrokenOff));
        let line = "[thrd:sasl_plaintext://b:9092/bootstrap]: sasl_plaintext://b:9092/bootstrap: \
                    Failed to initialize SASL authentication: OAUTHBEARER cannot log in because there \
                    is no token available; last error: Empty reply from server (after 1ms in state AUTH_REQ)";
        assert_eq!(Cause::of_connection(line).0, None);
        let line = "[thrd:sasl_plaintext://b:9092/bootstrap]: sasl_plaintext://b:9092/bootstrap: \
                    Disconnected: connection closed by peer: receive 0 after POLLIN (after 0ms in state \
                    AUTH_HANDSHAKE)";
        assert_eq!(Cause::of_connection(line).0, None);
        assert_eq!(Cause::of_connection("said"), (None, "said"));
    }
}
