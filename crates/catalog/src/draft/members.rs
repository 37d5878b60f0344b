//! The fields of a draft as a tree.

use super::DraftField;
use super::yaml::scalar;

/// The members of an object, in the order in which they were named.
#[derive(Debug, Default)]
pub(super) struct Members(Vec<(String, Member)>);

#[derive(Debug)]
pub(super) enum Member {
    Field(DraftField),
    Object(Members),
}

impl Members {
    /// The object of a name, made if need be; a field of that name gives way to it.
    pub(super) fn object(&mut self, name: &str) -> &mut Self {
        let found = self.0.iter().position(|(known, _)| known == name);
        let index = found.unwrap_or_else(|| {
            self.0
                .push((name.to_owned(), Member::Object(Self::default())));
            self.0.len() - 1
        });
        let member = &mut self.0[index].1;
        if matches!(member, Member::Field(_)) {
            *member = Member::Object(Self::default());
        }
        match member {
            Member::Object(members) => members,
            Member::Field(_) => unreachable!("it was replaced"),
        }
    }

    /// Adds a member, unless there is one of that name.
    pub(super) fn add(&mut self, name: &str, member: Member) {
        if !self.0.iter().any(|(known, _)| known == name) {
            self.0.push((name.to_owned(), member));
        }
    }

    fn is_required(&self) -> bool {
        self.0.iter().any(|(_, member)| member.is_required())
    }

    pub(super) fn write_schema(&self, indent: usize, line: &mut impl FnMut(String)) {
        let pad = " ".repeat(indent);
        line(format!("{pad}type: object"));
        let required: Vec<String> = self
            .0
            .iter()
            .filter(|(_, member)| member.is_required())
            .map(|(name, _)| scalar(name))
            .collect();
        if !required.is_empty() {
            line(format!("{pad}required: [{}]", required.join(", ")));
        }
        if self.0.is_empty() {
            return;
        }
        line(format!("{pad}properties:"));
        for (name, member) in &self.0 {
            let name = scalar(name);
            match member {
                Member::Field(field) => {
                    let schema = match field.list {
                        true => format!("type: array, items: {{{}}}", field.kind.schema),
                        false => field.kind.schema.to_owned(),
                    };
                    line(format!("{pad}  {name}: {{{schema}}}"));
                }
                Member::Object(members) => {
                    line(format!("{pad}  {name}:"));
                    members.write_schema(indent + 4, line);
                }
            }
        }
    }

    pub(super) fn write_example(&self, indent: usize, line: &mut impl FnMut(String)) {
        let pad = " ".repeat(indent);
        if self.0.is_empty() {
            line(format!("{pad}{{}}"));
        }
        for (name, member) in &self.0 {
            match member {
                Member::Field(field) => {
                    let value = match field.kind.example {
                        "" => scalar(&format!("{name}-1")),
                        example => example.to_owned(),
                    };
                    let value = match field.list {
                        true => format!("[{value}]"),
                        false => value,
                    };
                    line(format!("{pad}{}: {value}", scalar(name)));
                }
                Member::Object(members) => {
                    line(format!("{pad}{}:", scalar(name)));
                    members.write_example(indent + 2, line);
                }
            }
        }
    }
}

impl Member {
    fn is_required(&self) -> bool {
        match self {
            Self::Field(field) => !field.optional,
            Self::Object(members) => members.is_required(),
        }
    }
}
