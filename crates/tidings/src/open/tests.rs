//! Whatever is written for a password.

use proptest::prelude::*;

use super::{SCHEMES, rehearse};

const SECRET: &str = "hunter2";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// People forget to encode what is special in a URL. What they are told then repeats nothing of
    /// what stands between the user and the last `@`.
    #[test]
    fn no_error_repeats_a_password(
        scheme in proptest::sample::select(&SCHEMES[2..]),
        before in "[a-z:/?#@&=%\\[\\]., ]{0,6}",
        after in "[a-z:/?#@&=%\\[\\]., ]{0,6}",
        rest in prop_oneof![
            Just("@cache.example.org:6379/0"),
            Just("@one:1,two:2/main/0"),
            Just("@cache:port/x"),
            Just("@cache?prefx=stage"),
            Just("@cache?wire=x&prefix=stage"),
        ],
    ) {
        let url = format!("{scheme}://app:{before}{SECRET}{after}{rest}");
        let told = match rehearse(&url) {
            Ok(bus) => format!("{bus:?}"),
            Err(error) => format!("{error} {error:?}"),
        };
        prop_assert!(!told.contains(SECRET), "{}", told);
    }

    /// Any text is a bus or an error that says something.
    #[test]
    fn any_text_is_answered(
        scheme in proptest::sample::select(&SCHEMES[..]),
        rest in "(//)?[ -~é]{0,24}(\\?[ -~é]{0,24})?",
    ) {
        if let Err(error) = rehearse(&format!("{scheme}:{rest}")) {
            prop_assert!(error.to_string().len() > 10);
        }
    }
}
