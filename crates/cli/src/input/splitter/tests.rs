use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop, prop_oneof, proptest};
use serde_json::value::RawValue;

use super::{Item, MAX_DOCUMENT, Splitter, Unreadable};

fn split(input: &[u8], chunk: usize) -> Vec<Item> {
    let mut splitter = Splitter::new("f".into());
    let mut found = Vec::new();
    for chunk in input.chunks(chunk.max(1)) {
        splitter.push(chunk, &mut found);
    }
    splitter.finish(&mut found);
    found
}

fn documents(items: &[Item]) -> Vec<&str> {
    let text = |item: &'_ Item| item.document.as_ref().ok().map(|d| d.as_ref().to_owned());
    assert!(items.iter().all(|item| text(item).is_some()), "{items:?}");
    items
        .iter()
        .map(|i| std::str::from_utf8(i.document.as_ref().unwrap()).unwrap())
        .collect()
}

fn places(items: &[Item]) -> Vec<String> {
    items.iter().map(|item| item.place.to_string()).collect()
}

#[test]
fn lines_are_documents_and_blank_lines_are_counted() {
    let items = split(b"{\"a\":1}\r\n\n  {\"b\":2}  \nx", 3);
    assert_eq!(documents(&items), ["{\"a\":1}", "{\"b\":2}", "x"]);
    assert_eq!(places(&items), ["f:1", "f:3", "f:4"]);
}

#[test]
fn leading_blank_lines_and_a_byte_order_mark_are_skipped() {
    let items = split(b"\xEF\xBB\xBF\n\n{}\n", 1);
    assert_eq!(documents(&items), ["{}"]);
    assert_eq!(places(&items), ["f:3"]);
    assert!(split(b" \n\t\n", 2).is_empty());
}

#[test]
fn elements_keep_their_bytes_and_say_where_they_begin() {
    let items = split(
        b"[\n {\"a\": \"]},\\\"\"},\n {\n  \"b\": [1, {}]\n }\n]\n",
        2,
    );
    assert_eq!(
        documents(&items),
        ["{\"a\": \"]},\\\"\"}", "{\n  \"b\": [1, {}]\n }"]
    );
    assert_eq!(places(&items), ["f:2 (element 1)", "f:3 (element 2)"]);
    assert!(split(b"[ ]", 1).is_empty());
}

#[test]
fn a_broken_array_is_said_once_and_keeps_what_came_before() {
    for (input, good, why) in [
        (&b"[{}, {}"[..], 1, "it ends before its closing bracket"),
        (b"[{},]", 1, "an element is missing before or after a comma"),
        (b"[,{}]", 0, "an element is missing before or after a comma"),
        (b"[{}] {}", 1, "there is text after its closing bracket"),
        (b"[", 0, "it ends before its closing bracket"),
    ] {
        let items = split(input, 1);
        let (last, before) = items.split_last().unwrap();
        assert_eq!(last.document, Err(Unreadable::Array(why)));
        assert_eq!(documents(before).len(), good);
    }
}

#[test]
fn what_is_too_long_is_skipped_and_the_next_goes_on() {
    let long = "x".repeat(MAX_DOCUMENT + 1);
    for input in [
        format!("{{}}\n\"{long}\"\n[]\n"),
        format!("[{{}},\"{long}\", []]"),
    ] {
        let items = split(input.as_bytes(), 4096);
        assert_eq!(items.len(), 3);
        assert_eq!(items[1].document, Err(Unreadable::TooLong));
        assert_eq!(items[2].document.as_deref(), Ok(&b"[]"[..]));
    }
    let just = "x".repeat(MAX_DOCUMENT);
    assert_eq!(
        split(just.as_bytes(), 1000)[0].document.as_deref(),
        Ok(just.as_bytes())
    );
}

fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<i32>().prop_map(|n| n.to_string()),
        any::<String>().prop_map(|s| serde_json::to_string(&s).unwrap()),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|v| format!("[ {} ]", v.join(" ,\n"))),
            prop::collection::vec((any::<String>(), inner), 0..4).prop_map(|pairs| {
                let pair = |(k, v): &(String, String)| {
                    format!("{}\n: {v}", serde_json::to_string(k).unwrap())
                };
                format!(
                    "{{{}}}",
                    pairs.iter().map(pair).collect::<Vec<_>>().join(", ")
                )
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_array_splits_as_serde_json_splits_it(
        elements in prop::collection::vec(json(), 0..8),
        chunk in 1_usize..64,
    ) {
        let text = format!("[{}]", elements.join("\n,\t"));
        let expected: Vec<&RawValue> = serde_json::from_str(&text).unwrap();
        let items = split(text.as_bytes(), chunk);
        assert_eq!(documents(&items), expected.iter().map(|raw| raw.get()).collect::<Vec<_>>());
    }

    #[test]
    fn where_chunks_are_cut_makes_no_difference(
        input in prop::collection::vec(
            prop_oneof![Just(b'['), Just(b']'), Just(b'{'), Just(b'}'), Just(b','), Just(b'"'),
                        Just(b'\\'), Just(b'\n'), Just(b' '), any::<u8>()],
            0..200,
        ),
        chunk in 1_usize..40,
    ) {
        assert_eq!(split(&input, chunk), split(&input, input.len()));
    }
}
