//! Events of every kind that the specification allows.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use tidings_event::{Data, Event, Json, Time, Value};

/// Any valid event.
pub fn event() -> impl Strategy<Value = Event> {
    let attributes = (
        text(),
        source(),
        text(),
        option::of(text()),
        option::of(time()),
        option::of(uri()),
        vec((extension_name(), value()), 0..24),
    );
    (attributes, payload()).prop_map(|(attributes, (media_type, data))| {
        let (id, source, event_type, subject, time, schema, extensions) = attributes;
        let mut builder = Event::builder(event_type).id(id).source(source);
        if let Some(subject) = subject {
            builder = builder.subject(subject);
        }
        if let Some(time) = time {
            builder = builder.time(time);
        }
        if let Some(schema) = schema {
            builder = builder.dataschema(schema);
        }
        if let Some(media_type) = media_type {
            builder = builder.datacontenttype(media_type);
        }
        for (name, value) in extensions {
            builder = builder.extension(&name, value);
        }
        if let Some(data) = data {
            builder = builder.data(data);
        }
        builder.build().expect("the strategy makes valid events")
    })
}

/// A non-empty CloudEvents String.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[ -~]{1,30}",
        1 => "\\PC{1,10}".prop_map(|text| without_noncharacters(&text)),
    ]
}

fn without_noncharacters(text: &str) -> String {
    let kept = |c: &char| {
        let code = u32::from(*c);
        !c.is_control() && code & 0xfffe != 0xfffe && !(0xfdd0..=0xfdef).contains(&code)
    };
    let kept: String = text.chars().filter(kept).collect();
    if kept.is_empty() {
        "€".to_owned()
    } else {
        kept
    }
}

fn source() -> impl Strategy<Value = String> {
    prop_oneof![
        "/[a-z]{1,8}/[a-zA-Z0-9._~-]{1,8}/(web|worker)",
        "[a-z0-9/%-]{1,9}".prop_map(|text| text.replace('%', "%C3%BC")),
        uri(),
    ]
}

fn uri() -> impl Strategy<Value = String> {
    prop_oneof![
        "https://[a-z]{1,8}\\.example(:[0-9]{1,4})?/[a-z0-9/@:!$&'()*+,;=]{0,8}(\\?[a-z=&/?]{1,5})?(#[a-z/]{0,4})?",
        "urn:[a-z]{1,5}:[a-z0-9:]{1,9}",
    ]
}

/// RFC 3339 in all its shapes, leap seconds and more than nine digits included.
pub fn time() -> impl Strategy<Value = Time> {
    let fraction = prop_oneof![Just(String::new()), "\\.[0-9]{1,20}"];
    let offset = prop_oneof![
        Just("Z".to_owned()),
        "[+-](0[0-9]|1[0-9]|2[0-3]):[0-5][0-9]"
    ];
    let second = prop_oneof!["[0-5][0-9]", Just("60".to_owned())];
    (
        "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T(0[0-9]|1[0-9]|2[0-3]):[0-5][0-9]:",
        second,
        fraction,
        offset,
    )
        .prop_map(|(head, second, fraction, offset)| {
            format!("{head}{second}{fraction}{offset}")
                .parse()
                .expect("RFC 3339")
        })
}

fn extension_name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9]{1,20}".prop_map(|name| format!("x{name}")),
        Just("minorversion".to_owned()),
        Just("sourcehost".to_owned()),
        Just("partitionkey".to_owned()),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::Boolean),
        any::<i32>().prop_map(Value::Integer),
        text().prop_map(Value::String),
        Just(Value::String(String::new())),
        "-?[0-9]{1,12}".prop_map(Value::String),
        vec(any::<u8>(), 0..20).prop_map(|bytes| Value::Binary(bytes.into())),
        uri().prop_map(Value::Uri),
        source().prop_map(Value::UriReference),
        time().prop_map(Value::Timestamp),
    ]
}

fn payload() -> impl Strategy<Value = (Option<String>, Option<Data>)> {
    let json_type = prop_oneof![
        Just("application/json"),
        Just("application/json; charset=utf-8"),
        Just("application/vnd.example+json"),
    ];
    let text_type = prop_oneof![
        Just("text/xml"),
        Just("application/xml"),
        Just("text/plain")
    ];
    let media_type = "[a-z]{1,6}/[a-z.+-]{1,9}(; [a-z]{1,4}=[a-z0-9]{1,4})?";
    let owned = |text: &str| Some(text.to_owned());
    prop_oneof![
        option::of(media_type).prop_map(|media_type| (media_type, None)),
        (json_type, json()).prop_map(move |(t, json)| (owned(t), Some(Data::Json(json)))),
        (text_type, any::<String>())
            .prop_map(move |(t, text)| (owned(t), Some(Data::Text(text.into())))),
        (option::of(media_type), vec(any::<u8>(), 0..40))
            .prop_map(|(t, bytes)| (t, Some(Data::Binary(Bytes::from(bytes))))),
    ]
}

/// JSON with numbers that no machine type holds, and white space everywhere.
pub fn json() -> impl Strategy<Value = Json> {
    let scalar = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?",
        any::<String>().prop_map(|text| serde_json::to_string(&text).expect("a string")),
        Just(r#""\ud83d\ude00 \ud800 \/""#.to_owned()),
    ];
    let value = scalar.prop_recursive(4, 32, 5, |inner| {
        let space = "[ \n\t\r]{0,2}";
        let member = ("[a-z]{0,3}", inner.clone()).prop_map(|(n, v)| format!("\"{n}\": {v}"));
        prop_oneof![
            (vec(inner, 0..5), space)
                .prop_map(|(i, s)| format!("[{s}{}]", i.join(&format!(",{s}")))),
            (vec(member, 0..5), space)
                .prop_map(|(m, s)| format!("{{{s}{}}}", m.join(&format!("{s},")))),
        ]
    });
    value.prop_map(|text| Json::new(text).expect("JSON"))
}
