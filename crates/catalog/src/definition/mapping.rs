//! From one major version's payload to the previous one's.

use serde_json::{Map, Value};

/// How to make the previous major version's payload of this one's: steps that are taken in
/// order.
///
/// A field is named by a dotted path of members, without lists.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Mapping {
    /// The steps.
    pub steps: Vec<Step>,
}

/// One step of a [`Mapping`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Step {
    /// Moves a field to another place. It must be there, unless it is optional in the schema.
    Rename {
        /// Where it stands.
        from: String,
        /// Where it goes.
        to: String,
    },
    /// Leaves a field away.
    Drop {
        /// The field.
        field: String,
    },
    /// Gives a field a value where it is not there, or is null.
    Default {
        /// The field.
        field: String,
        /// The value.
        value: Value,
    },
    /// Puts a field in a second place too.
    Copy {
        /// Where it stands.
        from: String,
        /// Where it is put as well.
        to: String,
    },
}

/// Why a payload cannot be mapped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}`: {problem}")]
pub struct MappingError {
    field: String,
    problem: &'static str,
}

impl MappingError {
    /// The field, as the mapping names it.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// What is wrong with it.
    pub fn problem(&self) -> &'static str {
        self.problem
    }
}

impl Mapping {
    /// Makes the previous version's payload. A field that is renamed or copied and is not there
    /// is passed over.
    ///
    /// # Errors
    /// When a path leads into something that is not an object.
    pub fn apply(&self, payload: &Value) -> Result<Value, MappingError> {
        let mut payload = payload.clone();
        for step in &self.steps {
            match step {
                Step::Rename { from, to } => {
                    if let Some(value) = take(&mut payload, from) {
                        put(&mut payload, to, value)?;
                    }
                }
                Step::Drop { field } => {
                    take(&mut payload, field);
                }
                Step::Default { field, value } => {
                    if find(&payload, field).is_none_or(Value::is_null) {
                        put(&mut payload, field, value.clone())?;
                    }
                }
                Step::Copy { from, to } => {
                    if let Some(value) = find(&payload, from).cloned() {
                        put(&mut payload, to, value)?;
                    }
                }
            }
        }
        Ok(payload)
    }
}

fn find<'v>(payload: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.')
        .try_fold(payload, |value, name| value.get(name))
}

fn take(payload: &mut Value, path: &str) -> Option<Value> {
    let (parents, last) = path
        .rsplit_once('.')
        .map_or((None, path), |(p, l)| (Some(p), l));
    let parents = parents.into_iter().flat_map(|p| p.split('.'));
    let mut holder = payload;
    for name in parents {
        holder = holder.get_mut(name)?;
    }
    // The order of the other members stays.
    holder.as_object_mut()?.remove(last)
}

fn put(payload: &mut Value, path: &str, value: Value) -> Result<(), MappingError> {
    let refuse = || MappingError {
        field: path.to_owned(),
        problem: "leads into something that is not an object",
    };
    let (parents, last) = path
        .rsplit_once('.')
        .map_or((None, path), |(p, l)| (Some(p), l));
    let mut holder = payload;
    for name in parents.into_iter().flat_map(|p| p.split('.')) {
        let members = holder.as_object_mut().ok_or_else(refuse)?;
        holder = members
            .entry(name)
            .or_insert_with(|| Value::Object(Map::new()));
    }
    holder
        .as_object_mut()
        .ok_or_else(refuse)?
        .insert(last.to_owned(), value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Mapping, Step};
    use serde_json::json;

    #[test]
    fn steps_are_taken_in_order() {
        let mapping = Mapping {
            steps: vec![
                Step::Rename {
                    from: "course.title".into(),
                    to: "name".into(),
                },
                Step::Copy {
                    from: "name".into(),
                    to: "meta.label".into(),
                },
                Step::Drop {
                    field: "course.tags".into(),
                },
                Step::Default {
                    field: "state".into(),
                    value: json!("open"),
                },
                Step::Rename {
                    from: "absent".into(),
                    to: "elsewhere".into(),
                },
            ],
        };
        let new = json!({"course": {"title": "A", "tags": [], "id": 1}, "state": null});
        assert_eq!(
            mapping.apply(&new).unwrap(),
            json!({"course": {"id": 1}, "state": "open", "name": "A", "meta": {"label": "A"}})
        );
        let refused = mapping.apply(&json!({"course": {"title": "A"}, "meta": 1}));
        assert_eq!(
            refused.unwrap_err().to_string(),
            "`meta.label`: leads into something that is not an object"
        );
    }
}
