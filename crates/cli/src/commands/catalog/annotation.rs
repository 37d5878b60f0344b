//! Annotations of GitHub Actions.

use std::env;
use std::path::Path;

use tidings_catalog::Location;

/// One workflow command, which GitHub shows beside the line: `::error file=…,line=…::…`.
pub fn annotation(level: &str, title: &str, location: &Location, message: &str) -> String {
    let mut properties = vec![format!("file={}", property(&relative(location.path())))];
    if let Some((line, column)) = location.line_and_column() {
        properties.push(format!("line={line},col={column}"));
    }
    properties.push(format!("title={}", property(title)));
    format!("::{level} {}::{}", properties.join(","), data(message))
}

/// GitHub knows files by their paths from the root of the repository, where actions run.
fn relative(path: &Path) -> String {
    let here = env::current_dir().unwrap_or_default();
    path.strip_prefix(here)
        .unwrap_or(path)
        .display()
        .to_string()
}

fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::{data, property};

    #[test]
    fn what_ends_a_command_is_escaped() {
        assert_eq!(data("50% a\nb"), "50%25 a%0Ab");
        assert_eq!(property("a:b,c"), "a%3Ab%2Cc");
    }
}
