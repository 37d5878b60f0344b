//! The cases, by chapter. Which guarantee each belongs to stands in the table.

pub(crate) mod consumers;
pub(crate) mod describing;
pub(crate) mod following;
pub(crate) mod groups;
pub(crate) mod leases;
pub(crate) mod model;
pub(crate) mod names;
pub(crate) mod order;
pub(crate) mod outages;
pub(crate) mod parking;
pub(crate) mod publish;
pub(crate) mod reading;
pub(crate) mod redelivery;
pub(crate) mod retention;
pub(crate) mod seeking;
pub(crate) mod settling;
pub(crate) mod starts;
pub(crate) mod types;
pub(crate) mod unreadable;
pub(crate) mod whole;
