//! What became, or ceased to be, personal data.

use super::Comparison;
use super::change::{Change, ChangeKind, Severity};
use super::differ::Differ;
use crate::{FieldPath, Location, Personal};

impl Differ<'_> {
    /// Names personal data that came, and fields that were tagged or are no longer. None of it breaks
    /// a consumer; all of it concerns those who answer for the data.
    pub(super) fn personal(&mut self, comparison: &Comparison) {
        let (old, new) = (self.old, self.new);
        let (old_fields, new_fields) = (old.fields(), new.fields());
        let had = |path: &FieldPath| old_fields.iter().any(|field| field.path == *path);
        let has = |path: &FieldPath| new_fields.iter().any(|field| field.path == *path);
        for (at, tag) in new.personal.iter().enumerate() {
            let place = || new.locate(&["pii", &at.to_string(), "field"]);
            let Personal { field, kind, .. } = tag;
            match old.personal.iter().find(|other| other.field == *field) {
                Some(before) if before.kind != *kind => {
                    let before = &before.kind;
                    let message = format!(
                        "`{field}` is personal data of the kind `{kind}`, and was `{before}`"
                    );
                    self.tell_personal(Severity::Compatible, field, message, place());
                }
                Some(_) => {}
                None if old.personal_data(field).is_some() => {}
                None => {
                    let message = match had(field) {
                        true => format!("`{field}` is tagged as personal data now ({kind})"),
                        false => format!("`{field}` is new and holds personal data ({kind})"),
                    };
                    self.tell_personal(Severity::Notice, field, message, place());
                }
            }
        }
        // What comes into an object that is tagged as a whole.
        for path in &comparison.added {
            let tag = new.personal_data(path).filter(|tag| tag.field != *path);
            if let Some(tag) = tag {
                let message = format!("`{path}` is new and holds personal data ({})", tag.kind);
                self.tell_personal(Severity::Notice, path, message, new.locate_field(path));
            }
        }
        for Personal { field, kind, .. } in &old.personal {
            if has(field) && new.personal_data(field).is_none() {
                let message = format!("`{field}` is no longer tagged as personal data ({kind})");
                self.tell_personal(Severity::Notice, field, message, new.locate_field(field));
            }
        }
    }

    fn tell_personal(
        &mut self,
        severity: Severity,
        field: &FieldPath,
        message: String,
        location: Location,
    ) {
        let change: &mut Change = self.add(ChangeKind::Personal, severity, message, None);
        change.path = Some(field.clone());
        change.location = location;
    }
}
