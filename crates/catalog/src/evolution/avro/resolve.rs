//! Where a reader's schema does not resolve a writer's.

use crate::payload::{AvroModel, AvroNamed, AvroType};

/// One step into a payload.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    Member(String),
    Item,
    Value,
    /// The branch of a union, by its index.
    Branch(usize),
    /// A symbol of an enum.
    Symbol(String),
}

/// A place that the reader does not resolve.
#[derive(Debug)]
pub(super) struct Difference {
    pub(super) path: Vec<Step>,
    /// The field of the record there that the reader needs and nobody writes.
    pub(super) missing: Option<String>,
    pub(super) reason: String,
}

/// Every place that the reader does not resolve.
pub(super) fn differences(reader: &AvroModel, writer: &AvroModel) -> Vec<Difference> {
    let mut resolution = Resolution {
        reader,
        writer,
        path: Vec::new(),
        open: Vec::new(),
        found: Vec::new(),
    };
    resolution.resolve(&writer.root, &reader.root);
    resolution.found
}

struct Resolution<'m> {
    reader: &'m AvroModel,
    writer: &'m AvroModel,
    path: Vec<Step>,
    /// The pairs of named types that are being resolved: a recursive one resolves by itself.
    open: Vec<(String, String)>,
    found: Vec<Difference>,
}

impl<'m> Resolution<'m> {
    fn fail(&mut self, reason: impl Into<String>) {
        self.found.push(Difference {
            path: self.path.clone(),
            missing: None,
            reason: reason.into(),
        });
    }

    fn within(&mut self, step: Step, resolve: impl FnOnce(&mut Self)) {
        self.path.push(step);
        resolve(self);
        self.path.pop();
    }

    fn resolve(&mut self, w: &'m AvroType, r: &'m AvroType) {
        if let AvroType::Union(branches) = w {
            // What is written is one branch, and each may be.
            for (index, branch) in branches.iter().enumerate() {
                self.within(Step::Branch(index), |this| this.resolve(branch, r));
            }
            return;
        }
        if let AvroType::Union(branches) = r {
            return self.among(w, branches);
        }
        match (w, r) {
            (AvroType::Primitive(w), AvroType::Primitive(r)) if promotes(w, r) => {}
            (AvroType::Array(w), AvroType::Array(r)) => {
                self.within(Step::Item, |this| this.resolve(w, r));
            }
            (AvroType::Map(w), AvroType::Map(r)) => {
                self.within(Step::Value, |this| this.resolve(w, r));
            }
            (AvroType::Named(w), AvroType::Named(r)) => self.named(w, r),
            _ => {
                let (w, r) = (self.word(self.writer, w), self.word(self.reader, r));
                self.fail(format!("is written as {w}, which does not resolve to {r}"));
            }
        }
    }

    /// The first branch that matches resolves it; the match is by type and name, not by what is
    /// inside.
    fn among(&mut self, w: &'m AvroType, branches: &'m [AvroType]) {
        let exact = branches
            .iter()
            .find(|branch| self.matches(w, branch, false));
        let matching =
            exact.or_else(|| branches.iter().find(|branch| self.matches(w, branch, true)));
        match matching {
            Some(branch) => self.resolve(w, branch),
            None => {
                let w = self.word(self.writer, w);
                self.fail(format!(
                    "is written as {w}, and no branch of the reader's union takes it"
                ));
            }
        }
    }

    fn matches(&self, w: &AvroType, r: &AvroType, promoted: bool) -> bool {
        match (w, r) {
            (AvroType::Primitive(w), AvroType::Primitive(r)) => {
                w == r || promoted && promotes(w, r)
            }
            (AvroType::Array(_), AvroType::Array(_)) | (AvroType::Map(_), AvroType::Map(_)) => true,
            (AvroType::Named(w), AvroType::Named(r)) => {
                let (written, read) = (self.writer.named.get(w), self.reader.named.get(r));
                let same_kind = match (written, read) {
                    (Some(AvroNamed::Record { .. }), Some(AvroNamed::Record { .. }))
                    | (Some(AvroNamed::Enum { .. }), Some(AvroNamed::Enum { .. })) => true,
                    (
                        Some(AvroNamed::Fixed { size: w, .. }),
                        Some(AvroNamed::Fixed { size: r, .. }),
                    ) => w == r,
                    _ => false,
                };
                same_kind && self.names_match(w, r)
            }
            _ => false,
        }
    }

    /// By the unqualified name, or by an alias of the reader's.
    fn names_match(&self, w: &str, r: &str) -> bool {
        let aliases = self.reader.named.get(r).map_or(&[][..], AvroNamed::aliases);
        unqualified(w) == unqualified(r) || aliases.iter().any(|alias| alias == w)
    }

    fn named(&mut self, w: &'m str, r: &'m str) {
        let pair = (w.to_owned(), r.to_owned());
        if self.open.contains(&pair) {
            return;
        }
        if !self.names_match(w, r) {
            let (w, r) = (unqualified(w), unqualified(r));
            return self.fail(format!("is written as `{w}`, which the reader calls `{r}`"));
        }
        let (Some(written), Some(read)) = (self.writer.named.get(w), self.reader.named.get(r))
        else {
            return;
        };
        self.open.push(pair);
        match (written, read) {
            (
                AvroNamed::Record {
                    fields: written, ..
                },
                AvroNamed::Record { fields: read, .. },
            ) => {
                for field in read {
                    let by_name = written.iter().find(|w| w.name == field.name);
                    let source = by_name
                        .or_else(|| written.iter().find(|w| field.aliases.contains(&w.name)));
                    match source {
                        Some(source) => self.within(Step::Member(source.name.clone()), |this| {
                            this.resolve(&source.ty, &field.ty);
                        }),
                        None if field.default.is_some() => {}
                        None => self.found.push(Difference {
                            path: self.path.clone(),
                            missing: Some(field.name.clone()),
                            reason: "is not written, and the reader has no default".into(),
                        }),
                    }
                }
            }
            (
                AvroNamed::Enum {
                    symbols: written, ..
                },
                AvroNamed::Enum {
                    symbols: read,
                    default,
                    ..
                },
            ) => {
                for symbol in written.iter().filter(|symbol| !read.contains(symbol)) {
                    if default.is_none() {
                        self.within(Step::Symbol(symbol.clone()), |this| {
                            this.fail(format!(
                                "may be `{symbol}`, which the reader's enum does not have"
                            ));
                        });
                    }
                }
            }
            (AvroNamed::Fixed { size: w, .. }, AvroNamed::Fixed { size: r, .. }) if w == r => {}
            (AvroNamed::Fixed { size: w, .. }, AvroNamed::Fixed { size: r, .. }) => {
                self.fail(format!("is written in {w} bytes and read in {r}"));
            }
            _ => self.fail("is written as another kind of type than it is read"),
        }
        self.open.pop();
    }

    fn word(&self, model: &AvroModel, ty: &AvroType) -> String {
        match ty {
            AvroType::Primitive(name) => name.clone(),
            ty => model.kind(ty),
        }
    }
}

/// Whether a primitive type is read as another. Every integer of four bytes is one of eight, and
/// so on; text and bytes are each other's.
fn promotes(w: &str, r: &str) -> bool {
    w == r
        || match w {
            "int" => matches!(r, "long" | "float" | "double"),
            "long" => matches!(r, "float" | "double"),
            "float" => r == "double",
            "string" => r == "bytes",
            "bytes" => r == "string",
            _ => false,
        }
}

fn unqualified(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}
