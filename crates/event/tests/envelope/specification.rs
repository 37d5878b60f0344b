//! The examples of the specifications: CloudEvents 1.0.2, its JSON format (section 3.2 and 4.3)
//! and HTTP binding, and OEP-41.

use tidings_event::{Data, Event, Limits, Value, http, json, profile};

const HEAD: &str = r#"
    "specversion" : "1.0",
    "type" : "com.example.someevent",
    "source" : "/mycontext",
    "subject": null,
    "time" : "2018-04-05T17:31:00Z",
    "comexampleextension1" : "value",
    "comexampleothervalue" : 5,
    "unsetextension": null,"#;

fn example(members: &str) -> Event {
    let event = Event::from_json(format!("{{{HEAD}{members}}}").as_bytes()).unwrap();
    assert_eq!(event.event_type(), "com.example.someevent");
    assert_eq!(event.source(), "/mycontext");
    assert_eq!(event.subject(), None);
    assert_eq!(event.time().unwrap().as_str(), "2018-04-05T17:31:00Z");
    assert_eq!(
        event.extension("comexampleextension1"),
        Some(&Value::String("value".into()))
    );
    assert_eq!(
        event.extension("comexampleothervalue"),
        Some(&Value::Integer(5))
    );
    assert_eq!(event.extensions().count(), 2);
    event
}

/// The headers and body that the specification shows beside each example.
fn assert_http(event: &Event, id: &str, content_type: &str, body: &[u8]) {
    let message = http::encode(event).unwrap();
    let mut headers: Vec<(&str, &str)> = message
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    headers.sort_unstable();
    assert_eq!(
        headers,
        [
            ("ce-comexampleextension1", "value"),
            ("ce-comexampleothervalue", "5"),
            ("ce-id", id),
            ("ce-source", "/mycontext"),
            ("ce-specversion", "1.0"),
            ("ce-time", "2018-04-05T17:31:00Z"),
            ("ce-type", "com.example.someevent"),
            ("content-type", content_type),
        ]
    );
    assert_eq!(message.body, body);
    let received = http::decode(message.headers, message.body, &Limits::default()).unwrap();
    assert_eq!(received.data(), event.data());
}

#[test]
fn binary_data() {
    let event = example(
        r#""id" : "A234-1234-1234",
           "datacontenttype" : "application/vnd.apache.thrift.binary",
           "data_base64" : "gAEAAQ=="}"#
            .trim_end_matches('}'),
    );
    assert_eq!(
        event.data(),
        Some(&Data::Binary(vec![0x80, 1, 0, 1].into()))
    );
    let content_type = "application/vnd.apache.thrift.binary";
    assert_http(&event, "A234-1234-1234", content_type, &[0x80, 1, 0, 1]);
}

#[test]
fn xml_data() {
    let event = example(
        r#""id" : "B234-1234-1234", "datacontenttype" : "application/xml",
           "data" : "<much wow=\"xml\"/>""#,
    );
    assert_eq!(
        event.data(),
        Some(&Data::Text(r#"<much wow="xml"/>"#.into()))
    );
    assert_http(
        &event,
        "B234-1234-1234",
        "application/xml",
        br#"<much wow="xml"/>"#,
    );
}

#[test]
fn json_data() {
    let payload = r#"{
        "appinfoA" : "abc",
        "appinfoB" : 123,
        "appinfoC" : true
    }"#;
    let event = example(&format!(
        r#""id" : "C234-1234-1234", "datacontenttype" : "application/json", "data" : {payload}"#
    ));
    assert_eq!(event.data().unwrap().as_json(), Some(payload));
    assert_http(
        &event,
        "C234-1234-1234",
        "application/json",
        payload.as_bytes(),
    );
}

#[test]
fn a_json_string_without_datacontenttype() {
    let event = example(r#""id" : "D234-1234-1234", "data" : "I'm just a string""#);
    assert_eq!(event.datacontenttype(), None);
    assert_http(
        &event,
        "D234-1234-1234",
        "application/json",
        br#""I'm just a string""#,
    );
}

#[test]
fn an_explicit_null_is_a_payload() {
    let event = example(r#""id" : "1", "data" : null"#);
    assert_eq!(event.data().unwrap().as_json(), Some("null"));
    assert!(event.to_json().ends_with(br#","data":null}"#));
    assert_eq!(example(r#""id" : "1""#).data(), None);
}

#[test]
fn a_json_string_is_not_json_once_more() {
    let event = example(r#""id" : "1", "data" : "{\"a\": 1}""#);
    assert_eq!(event.data().unwrap().as_json(), Some(r#""{\"a\": 1}""#));
}

#[test]
fn a_batch() {
    let batch = format!(
        r#"[ {{{HEAD} "id" : "B234-1234-1234", "datacontenttype" : "application/octet-stream",
             "data_base64" : "AAEC"}},
             {{{HEAD} "id" : "C234-1234-1234", "data" : {{"appinfoA" : "abc"}}}} ]"#
    );
    let events = json::decode_batch(batch.as_bytes(), &Limits::default()).unwrap();
    let ids: Vec<&str> = events.iter().map(Event::id).collect();
    assert_eq!(ids, ["B234-1234-1234", "C234-1234-1234"]);
    assert_eq!(json::decode_batch(b"[]", &Limits::default()).unwrap(), []);
    assert_eq!(json::encode_batch([]), b"[]");
}

#[test]
fn the_example_of_the_core_specification() {
    let document = br#"{
        "specversion" : "1.0",
        "type" : "com.github.pull_request.opened",
        "source" : "https://github.com/cloudevents/spec/pull",
        "subject" : "123",
        "id" : "A234-1234-1234",
        "time" : "2018-04-05T17:31:00Z",
        "comexampleextension1" : "value",
        "comexampleothervalue" : 5,
        "datacontenttype" : "text/xml",
        "data" : "<much wow=\"xml\"/>"
    }"#;
    let event = Event::from_json(document).unwrap();
    assert_eq!(event.subject(), Some("123"));
    assert_eq!(
        String::from_utf8(event.to_json()).unwrap(),
        r#"{"specversion":"1.0","id":"A234-1234-1234","source":"https://github.com/cloudevents/spec/pull","type":"com.github.pull_request.opened","subject":"123","time":"2018-04-05T17:31:00Z","datacontenttype":"text/xml","comexampleextension1":"value","comexampleothervalue":5,"data":"<much wow=\"xml\"/>"}"#
    );
}

#[test]
fn the_example_of_oep_41_follows_oep_41() {
    let document = br#"{
        "id": "b3b3981e-7544-11ea-b663-acde48001122",
        "type": "org.openedx.catalog.course.created.v1",
        "specversion": "1.0",
        "time": "2020-02-23T09:00:00Z",
        "source": "/openedx/discovery/web",
        "sourcehost": "edx.devstack.lms",
        "minorversion": 2,
        "data": {"title": "message specific payload"}
    }"#;
    let event = Event::from_json(document).unwrap();
    assert_eq!(event.minorversion(), Some(2));
    assert_eq!(event.sourcehost(), Some("edx.devstack.lms"));
    assert_eq!(profile::check(&event, document.len()), []);
}
