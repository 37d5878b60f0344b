//! Our Avro codec beside fastavro, and our catalog beside openedx-events.

use std::path::Path;
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use serde_json::{Map, Value, json};
use tidings_catalog::Catalog;
use tidings_event::Definition;
use tidings_event::avro::{decode_to_json, encode_from_json};

use crate::site;

#[tokio::test]
async fn fastavro_writes_the_same_bytes_and_names_schemas_the_same() {
    let Some(python) = site::python() else { return };
    let mut random = StdRng::seed_from_u64(20);
    let catalog = Catalog::openedx();
    let mut requests = Vec::new();
    for definition in with_avro(&catalog) {
        let schema: Value =
            serde_json::from_str(definition.schema.as_ref().unwrap().json()).unwrap();
        let mut names = Map::new();
        let values: Vec<Value> = (0..8)
            .map(|_| value_of(&schema, &mut names, &mut random))
            .collect();
        requests.push(json!({ "schema": schema, "values": values }));
    }
    let input: Vec<String> = requests.iter().map(Value::to_string).collect();
    let answers = site::lines(&python, "fastavro_peer.py", &[], input.join("\n")).await;
    assert_eq!(answers.len(), 73);
    for ((definition, request), answer) in with_avro(&catalog).zip(&requests).zip(&answers) {
        let schema = definition.schema.as_ref().unwrap();
        assert_eq!(answer["canonical"], schema.canonical_form());
        assert_eq!(answer["sha256"], schema.fingerprint());
        let values = request["values"].as_array().unwrap();
        for (index, value) in values.iter().enumerate() {
            let ours = encode_from_json(schema, value.to_string().as_bytes()).unwrap();
            let hex: String = ours.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(answer["encoded"][index], hex, "{}", definition.event_type);
            let decoded = decode_to_json(schema, &ours).unwrap();
            let decoded: Value = serde_json::from_slice(&decoded).unwrap();
            assert_eq!(
                answer["decoded"][index], decoded,
                "{}",
                definition.event_type
            );
        }
    }
}

/// The files are made from a newer openedx-events, which Python 3.12 is needed for: there
/// `python/tests/openedx/test_catalog.py` makes them again. What the older one here writes, they
/// say too.
#[tokio::test]
async fn the_catalog_is_what_the_installed_package_says() {
    let Some(python) = site::python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (made, kept) = (folder.path(), site::root().join("catalog/openedx"));
    let import = ["catalog", "import", "openedx"];
    let from = ["--python", python.to_str().unwrap()];
    let to = ["--out", made.to_str().unwrap()];
    let program = Path::new(env!("CARGO_BIN_EXE_tidings"));
    let output = site::run(program, &[&import[..], &from, &to].concat(), String::new()).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");

    let (here, ours) = (
        Catalog::from_folder(made).unwrap(),
        Catalog::from_folder(&kept).unwrap(),
    );
    let mut equal = 0;
    for event in here.events() {
        let event_type = &event.event_type;
        let file = Path::new(event.subdomain().unwrap()).join(format!("{event_type}.yaml"));
        let schema = format!("{event_type}.avsc");
        // A type that the older one cannot serialize has no Avro schema there.
        if made.join(&schema).exists() {
            for file in [&file, Path::new(&schema)] {
                let read = |folder: &Path| std::fs::read_to_string(folder.join(file)).unwrap();
                assert_eq!(read(made), read(&kept), "{}", file.display());
            }
            equal += 1;
        }
        assert!(ours.event(event_type).is_some(), "{event_type}");
    }
    assert_eq!((equal, here.events().len()), (64, 73));

    // And the comparison alone says what differs.
    let to = ["--check", "--out", kept.to_str().unwrap()];
    let output = site::run(program, &[&import[..], &from, &to].concat(), String::new()).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(65), "{said}");
    let different = said.lines().filter(|line| line.starts_with("differs: "));
    // Two new events, and seven that it can serialize by now: a definition and a schema each.
    assert_eq!(different.count(), 18, "{said}");
}

#[tokio::test]
async fn the_import_of_the_guide_works_to_the_letter() {
    let Some(python) = site::python() else { return };
    let guide = std::fs::read_to_string(site::root().join("docs/guides/catalog.md")).unwrap();
    let line = guide
        .lines()
        .find(|line| line.starts_with("tidings catalog import openedx"));
    let line = line.expect("the guide says how to import");
    let folder = tempfile::tempdir().unwrap();
    let environment = python.ancestors().nth(2).unwrap();
    std::os::unix::fs::symlink(environment, folder.path().join("venv")).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_tidings"));
    let path = std::env::var("PATH").unwrap_or_default();
    let output = std::process::Command::new("bash")
        .args(["-e", "-c", line])
        .current_dir(folder.path())
        .env(
            "PATH",
            format!("{}:{path}", program.parent().unwrap().display()),
        )
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let made = Catalog::from_folder(folder.path().join("events/openedx")).unwrap();
    assert_eq!(made.events().len(), 73);
}

/// The types that the package can serialize.
fn with_avro(catalog: &Catalog) -> impl Iterator<Item = &Arc<Definition>> {
    catalog
        .definitions()
        .filter(|definition| definition.schema.is_some())
}

/// A value of a schema of Open edX.
pub fn value_of(schema: &Value, names: &mut Map<String, Value>, random: &mut impl Rng) -> Value {
    match schema {
        Value::String(name) => match name.as_str() {
            "null" => Value::Null,
            "boolean" => random.random::<bool>().into(),
            "int" => (random.random::<i32>() >> random.random_range(0..32)).into(),
            "float" => f64::from(random.random::<f32>()).into(),
            "long" => {
                let shift = random.random_range(0..64);
                (random.random::<i64>() >> shift).into()
            }
            "double" => {
                let exponent = random.random_range(-300..300);
                (random.random::<f64>() * 10_f64.powi(exponent)).into()
            }
            "string" | "bytes" => text(random).into(),
            name => value_of(&names[name].clone(), names, random),
        },
        Value::Array(branches) => {
            let branch = random.random_range(0..branches.len());
            // A record defined in a branch not taken may be named later.
            branches.iter().for_each(|branch| remember(branch, names));
            value_of(&branches[branch], names, random)
        }
        _ if !schema["type"].is_string() => value_of(&schema["type"].clone(), names, random),
        _ => match schema["type"].as_str().unwrap() {
            "enum" => {
                let symbols = schema["symbols"].as_array().unwrap();
                symbols[random.random_range(0..symbols.len())].clone()
            }
            "fixed" => "0".repeat(schema["size"].as_u64().unwrap() as usize).into(),
            "array" => {
                let count = random.random_range(0..4);
                (0..count)
                    .map(|_| value_of(&schema["items"], names, random))
                    .collect()
            }
            "map" => {
                let count = random.random_range(0..4);
                let member = |_| (text(random), value_of(&schema["values"], names, random));
                Value::Object((0..count).map(member).collect())
            }
            "record" => {
                remember(schema, names);
                let fields = schema["fields"].as_array().unwrap();
                let member = |field: &Value| {
                    let name = field["name"].as_str().unwrap().to_owned();
                    (name, value_of(&field["type"], names, random))
                };
                Value::Object(fields.iter().map(member).collect())
            }
            primitive => value_of(&primitive.into(), names, random),
        },
    }
}

/// Keeps the records that a schema defines by their names.
fn remember(schema: &Value, names: &mut Map<String, Value>) {
    if schema["type"] == "record" {
        let name = schema["name"].as_str().unwrap();
        names.insert(name.to_owned(), schema.clone());
        for field in schema["fields"].as_array().unwrap() {
            remember(&field["type"], names);
        }
    } else if let Value::Array(branches) = schema {
        branches.iter().for_each(|branch| remember(branch, names));
    }
}

fn text(random: &mut impl Rng) -> String {
    let count = random.random_range(0..12);
    let any = [
        'a', '"', '\\', '\n', '\0', 'ß', '€', '😀', '\u{2028}', '\u{7f}',
    ];
    (0..count)
        .map(|_| any[random.random_range(0..any.len())])
        .collect()
}
