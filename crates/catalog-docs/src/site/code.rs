//! Code to read and to copy.

use maud::{Markup, html};

/// Code with a button that copies it; `what` says to those who do not see it what it is.
pub(super) fn block(what: &str, code: &str) -> Markup {
    html! {
        div.code {
            button.copy type="button" hidden aria-label={ "Copy: " (what) } { "Copy" }
            // It scrolls where it is too wide, also by the keyboard.
            pre tabindex="0" aria-label=(what) role="group" { code { (code) } }
        }
    }
}
