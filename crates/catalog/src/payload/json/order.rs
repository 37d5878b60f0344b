//! The order that members had where a schema was written.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::source::{Node, Shape};

/// The names of each `properties` as its author put them, found by the same names sorted: a JSON
/// value does not keep their order.
#[derive(Default)]
pub(super) struct MemberOrder(HashMap<Vec<String>, Vec<String>>);

impl MemberOrder {
    /// Remembers the order of everything below a node.
    pub(super) fn of(&mut self, node: &Node) {
        match &node.shape {
            Shape::Map(members) => {
                for (key, node) in members {
                    if let ("properties", Shape::Map(properties)) = (&*key.name, &node.shape) {
                        let names = properties.iter().map(|(key, _)| key.name.clone());
                        let names: Vec<String> = names.collect();
                        let mut sorted = names.clone();
                        sorted.sort();
                        self.0.insert(sorted, names);
                    }
                    self.of(node);
                }
            }
            Shape::List(items) => items.iter().for_each(|item| self.of(item)),
            _ => {}
        }
    }

    /// Members in their author's order, or sorted where that is not known.
    pub(super) fn names<'v>(
        &self,
        members: &'v Map<String, Value>,
    ) -> Vec<(&'v String, &'v Value)> {
        let mut sorted: Vec<String> = members.keys().cloned().collect();
        sorted.sort();
        match self.0.get(&sorted) {
            Some(names) => names
                .iter()
                .filter_map(|name| members.get_key_value(name))
                .collect(),
            None => members.iter().collect(),
        }
    }
}
