//! Bus URLs without their secrets.

/// The URL with user information and secret parameters replaced, whether or not it is a valid
/// one: what stands before the last `@` of the authority is never shown, but for the user's name.
pub fn redacted(url: &str) -> String {
    let (address, query) = match url.split_once('?') {
        // A raw `?` inside a password: the real query begins after the last `@`.
        Some((head, tail)) if !head.contains('@') && tail.contains('@') => match url.rfind('@') {
            Some(at) => match url[at..].find('?') {
                Some(mark) => (&url[..at + mark], Some(&url[at + mark + 1..])),
                None => (url, None),
            },
            None => (head, Some(tail)),
        },
        Some((head, tail)) => (head, Some(tail)),
        None => (url, None),
    };
    let mut shown = match (address.find("://"), address.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => {
            let user = &address[scheme + 3..at];
            let name = user.split_once(':').map_or("", |(name, _)| name);
            format!("{}://{name}:***{}", &address[..scheme], &address[at..])
        }
        // Somebody forgot the scheme. The path of a file may hold the character.
        (None, Some(at)) if !address.starts_with("sqlite:") => format!("***{}", &address[at..]),
        _ => address.to_owned(),
    };
    if let Some(query) = query {
        let shown_query: Vec<String> = query.split('&').map(parameter).collect();
        shown.push('?');
        shown.push_str(&shown_query.join("&"));
    }
    shown
}

fn parameter(pair: &str) -> String {
    const SECRET: [&str; 5] = ["pass", "secret", "token", "key", "auth"];
    match pair.split_once('=') {
        Some((name, _)) if SECRET.iter().any(|s| name.to_ascii_lowercase().contains(s)) => {
            format!("{name}=***")
        }
        _ => pair.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::redacted;

    #[test]
    fn secrets_are_never_shown() {
        for (url, shown) in [
            ("memory:", "memory:"),
            (
                "sqlite:bus.db?durability=full",
                "sqlite:bus.db?durability=full",
            ),
            ("redis://localhost:6379/1", "redis://localhost:6379/1"),
            (
                "redis://app:hunter2@cache/0?prefix=a",
                "redis://app:***@cache/0?prefix=a",
            ),
            ("redis://:hunter2@cache", "redis://:***@cache"),
            ("redis://hunter2@cache", "redis://:***@cache"),
            ("redis://app:hun@ter/2@cache/0", "redis://app:***@cache/0"),
            (
                "redis://app:hunter?2@cache?prefix=a",
                "redis://app:***@cache?prefix=a",
            ),
            (
                "redis://cache?password=hunter2&prefix=a",
                "redis://cache?password=***&prefix=a",
            ),
            (
                "kafka://cache?sasl.Password=hunter2",
                "kafka://cache?sasl.Password=***",
            ),
        ] {
            assert_eq!(redacted(url), shown);
            assert!(!redacted(url).contains("hunter"), "{url}");
        }
    }

    #[test]
    fn a_url_without_its_scheme_hides_what_stands_before_the_host() {
        assert_eq!(redacted("user:secret@host"), "***@host");
        assert_eq!(redacted("sqlite:/data/a@b.db"), "sqlite:/data/a@b.db");
    }
}
