//! Random values of random schemas, written tidily and in every other way that JSON allows.

use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::avro::{ErrorKind, Schema, decode_to_json, encode_from_json};

/// Chooses, by one number for all of a case.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // Xorshift; it only has to differ from call to call.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % sides
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.roll(of.len())]
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for index in (1..items.len()).rev() {
            items.swap(index, self.roll(index + 1));
        }
    }
}

/// One value as JSON in two ways that mean the same.
#[derive(Clone)]
struct Texts {
    /// As the decoder writes it.
    tidy: String,
    /// With white space, escapes, members in any order, and without some that are defaults.
    messy: String,
}

/// A schema with values, some of which are defaults in it.
struct Sample<'a> {
    dice: &'a mut Dice,
    named: usize,
}

impl Sample<'_> {
    /// A type, and `count` values of it.
    fn of(&mut self, depth: usize, count: usize) -> (Value, Vec<Texts>) {
        match self.dice.roll(if depth == 0 { 7 } else { 11 }) {
            0 => self.plain(json!("null"), count, |_| "null".to_owned()),
            1 => self.plain(json!("boolean"), count, |dice| {
                dice.pick(&["true", "false"]).to_string()
            }),
            2 => self.plain(json!("int"), count, |dice| {
                (dice.0 as i32 >> dice.roll(32)).to_string()
            }),
            3 => self.plain(json!("long"), count, |dice| {
                (dice.0 as i64 >> dice.roll(64)).to_string()
            }),
            4 => self.plain(json!("double"), count, |dice| {
                // Few digits: `serde_json` reads the defaults, and rounds what has many.
                Value::from(dice.roll(1 << 30) as f64 / 8.0).to_string()
            }),
            5 => {
                let name = self.name();
                let kind = json!({"type": "enum", "name": name, "symbols": ["on", "off"]});
                self.plain(kind, count, |dice| {
                    dice.pick(&["\"on\"", "\"off\""]).to_string()
                })
            }
            6 => self.strings(count),
            7 => self.union(depth, count),
            8 => {
                let (items, values) = self.of(depth - 1, count * 2);
                let kind = json!({"type": "array", "items": items});
                (kind, self.parted(count, values, ["[", "]"], |_, text| text))
            }
            9 => {
                let (of, values) = self.of(depth - 1, count * 2);
                let kind = json!({"type": "map", "values": of});
                let named = |index, Texts { tidy, messy }: Texts| Texts {
                    tidy: format!("\"k{index:03}\":{tidy}"),
                    messy: format!("\"\\u006b{index:03}\" : {messy}"),
                };
                (kind, self.parted(count, values, ["{", "}"], named))
            }
            _ => self.record(depth, count),
        }
    }

    fn name(&mut self) -> String {
        self.named += 1;
        format!("N{}", self.named)
    }

    fn plain(
        &mut self,
        kind: Value,
        count: usize,
        mut text: impl FnMut(&mut Dice) -> String,
    ) -> (Value, Vec<Texts>) {
        let both = |tidy: String| Texts {
            messy: format!("\t{tidy} "),
            tidy,
        };
        (kind, (0..count).map(|_| both(text(self.dice))).collect())
    }

    fn strings(&mut self, count: usize) -> (Value, Vec<Texts>) {
        let kind = *self.dice.pick(&["string", "bytes"]);
        let parts = [
            "a",
            "\"",
            "\\",
            "\u{1}",
            "\u{7f}",
            "\n",
            "é",
            "0123456789abcdef",
        ];
        let more = ["€", "😀"];
        let value = |dice: &mut Dice| {
            let (mut plain, mut messy) = (String::new(), String::new());
            for _ in 0..dice.roll(6) {
                let wide = kind == "string" && dice.roll(3) == 0;
                let part = *dice.pick(if wide { &more[..] } else { &parts[..] });
                plain += part;
                if dice.roll(2) == 0 {
                    let escape = |unit| format!("\\u{unit:04X}");
                    messy.extend(part.encode_utf16().map(escape));
                } else {
                    let quoted = Value::from(part).to_string();
                    messy += &quoted[1..quoted.len() - 1];
                }
            }
            Texts {
                tidy: Value::from(plain).to_string(),
                messy: format!("\"{messy}\""),
            }
        };
        (json!(kind), (0..count).map(|_| value(self.dice)).collect())
    }

    fn union(&mut self, depth: usize, count: usize) -> (Value, Vec<Texts>) {
        let (other, mut values) = match self.dice.roll(3) {
            0 => self.record(depth, count),
            1 => self.strings(count),
            _ => self.plain(json!("long"), count, |dice| dice.roll(1000).to_string()),
        };
        let (_, nulls) = self.plain(json!("null"), count, |_| "null".to_owned());
        for (value, null) in values.iter_mut().zip(nulls) {
            if self.dice.roll(3) == 0 {
                *value = null;
            }
        }
        // Some branches look like the others, and come last so that they are only tried.
        let name = self.name();
        let alike =
            json!({"type": "record", "name": name, "fields": [{"name": "zz", "type": "int"}]});
        let kind = match self.dice.roll(3) {
            0 => json!(["null", other]),
            1 => json!([alike, "null", other, "double"]),
            _ => json!([other, alike, "null", "boolean", {"type": "map", "values": "null"}]),
        };
        (kind, values)
    }

    fn record(&mut self, depth: usize, count: usize) -> (Value, Vec<Texts>) {
        let name = self.name();
        let mut fields = Vec::new();
        let mut members = vec![Vec::new(); count];
        for index in 0..self.dice.roll(6) {
            let name = format!("f{index}");
            let (kind, mut values) = self.of(depth.saturating_sub(1), count + 1);
            let default = values.pop().filter(|_| self.dice.roll(3) == 0);
            let mut field = json!({"name": name, "type": kind});
            if let Some(Texts { tidy, .. }) = &default {
                field["default"] = serde_json::from_str(tidy).unwrap();
            }
            fields.push(field);
            for (members, mut value) in members.iter_mut().zip(values) {
                let mut left_out = false;
                if let Some(default) = &default
                    && self.dice.roll(2) == 0
                {
                    value = default.clone();
                    left_out = self.dice.roll(4) > 0;
                }
                let Texts { tidy, messy } = value;
                let messy = (!left_out).then(|| format!("\r\n \"{name}\" :{messy}"));
                members.push((format!("\"{name}\":{tidy}"), messy));
            }
        }
        let text = |members: Vec<(String, Option<String>)>| {
            let (tidy, messy): (Vec<_>, Vec<_>) = members.into_iter().unzip();
            let mut messy: Vec<_> = messy.into_iter().flatten().collect();
            if self.dice.roll(3) > 0 {
                self.dice.shuffle(&mut messy);
            }
            Texts {
                tidy: format!("{{{}}}", tidy.join(",")),
                messy: format!("{{{} }}", messy.join(" ,")),
            }
        };
        let values = members.into_iter().map(text).collect();
        let kind = json!({"type": "record", "name": name, "fields": fields});
        (kind, values)
    }

    /// Deals `values` out to `count` lists.
    fn parted(
        &mut self,
        count: usize,
        values: Vec<Texts>,
        brackets: [&str; 2],
        each: impl Fn(usize, Texts) -> Texts,
    ) -> Vec<Texts> {
        let mut lists = vec![Vec::new(); count];
        for (index, value) in values.into_iter().enumerate() {
            let list = self.dice.roll(count);
            lists[list].push(each(index, value));
        }
        let [open, close] = brackets;
        let text = |list: Vec<Texts>| {
            let (tidy, messy): (Vec<_>, Vec<_>) = list
                .into_iter()
                .map(|texts| (texts.tidy, texts.messy))
                .unzip();
            Texts {
                tidy: format!("{open}{}{close}", tidy.join(",")),
                messy: format!("{open} {}\t{close}", messy.join("\n, ")),
            }
        };
        lists.into_iter().map(text).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn however_it_is_written_a_value_takes_the_same_bytes(seed in 1..u64::MAX) {
        let dice = &mut Dice(seed);
        let (kind, values) = Sample { dice, named: 0 }.of(4, 2);
        let schema = Schema::parse(&kind.to_string()).unwrap();
        for Texts { tidy, messy } in values {
            let bytes = encode_from_json(&schema, tidy.as_bytes()).unwrap();
            prop_assert_eq!(&encode_from_json(&schema, messy.as_bytes()).unwrap(), &bytes);
            let decoded = decode_to_json(&schema, &bytes).unwrap();
            prop_assert_eq!(String::from_utf8(decoded).unwrap(), tidy);
        }
    }

    #[test]
    fn text_that_is_not_json_is_that_before_anything_else(
        seed in 1..u64::MAX,
        at in any::<prop::sample::Index>(),
        remove in 0..3_usize,
        with in r#"["\\\\\[\]{}:,0-9a-fu.e+ \t\u{1}-]{0,2}"#,
    ) {
        let dice = &mut Dice(seed);
        let (kind, values) = Sample { dice, named: 0 }.of(3, 1);
        let schema = Schema::parse(&kind.to_string()).unwrap();
        let mut text: Vec<char> = values[0].messy.chars().collect();
        let start = at.index(text.len());
        text.splice(start..text.len().min(start + remove), with.chars());
        let text: String = text.into_iter().collect();
        let encoded = encode_from_json(&schema, text.as_bytes());
        if let Err(syntax) = serde_json::from_str::<&RawValue>(&text) {
            let error = encoded.unwrap_err();
            prop_assert_eq!((error.kind(), error.path()), (ErrorKind::Json, String::new()));
            let place = format!("line {}, column {}", syntax.line(), syntax.column());
            prop_assert!(error.message().ends_with(&place));
        } else if let Ok(bytes) = encoded {
            decode_to_json(&schema, &bytes).unwrap();
        }
    }
}
