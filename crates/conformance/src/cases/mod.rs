//! The cases, by chapter. Which guarantee each belongs to stands in the table.

pub(crate) mod publish;
