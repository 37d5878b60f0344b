//! Ways to break the contract, each as small as it can be.

pub mod following;
pub mod groups;
pub mod handed;
pub mod leasing;
pub mod ordering;
pub mod parking;
pub mod publishing;
pub mod redelivery;
pub mod retention;
pub mod seeking;
pub mod settling;
pub mod verbs;
