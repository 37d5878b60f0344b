//! The page of `tidings.toml`.

use clap_mangen::roff::{Inline, Roff, bold, roman};

use crate::settings::{FILE_NAME, KEYS, Key};

/// The manual page of `tidings.toml`.
pub fn page() -> String {
    let mut page = Roff::new();
    // The texts are Markdown for the guide.
    let words = |text: &str| -> Vec<Inline> { vec![roman(text.replace('`', ""))] };
    page.control("TH", [FILE_NAME, "5"]);
    page.control("SH", ["NAME"]);
    page.text(words("tidings.toml - settings of the command tidings"));
    page.control("SH", ["DESCRIPTION"]);
    page.text(words(
        "The file is looked for in the folder that the command runs in. Options of the command line, \
         and then variables of the environment, go before it. A key that is not known ends the command \
         with 78.",
    ));
    page.control("SH", ["KEYS"]);
    for Key {
        name,
        kind,
        example,
        before,
        about,
    } in &KEYS
    {
        page.control("TP", []);
        page.text([bold(*name), roman(format!(" = {example}"))]);
        let mut about = format!("{about} ({kind}");
        if !before.is_empty() {
            about.push_str(&format!("; after {before}"));
        }
        page.text(words(&format!("{about})")));
    }
    page.control("SH", ["SEE ALSO"]);
    page.text(words("tidings(1)"));
    page.render()
}
