//! What the suite says of each way to break the contract.

use std::collections::BTreeSet;
use std::sync::Arc;

use tidings_conformance::cases;

use crate::runner::Broken;
use crate::wrapper::Fault;

fn make<F: Fault + Default>() -> Arc<dyn Fault> {
    Arc::new(F::default())
}

/// One test of each way: `guarantee name: fault => log { fails: […], also: […] because "…", }`.
macro_rules! sabotaged {
    ($($guarantee:literal $name:ident: $fault:path => $log:ident {
        fails: [$($fails:literal,)+],
        $(also: [$($also:literal,)+] because $because:literal,)?
    })+) => {
        pub static ALL: &[crate::runner::Broken] = &[$(crate::runner::Broken {
            name: stringify!($name),
            fault: super::make::<$fault>,
            log: crate::runner::Log::$log,
            guarantee: $guarantee,
            fails: &[$($fails),+],
            also: &[$($($also),+)?],
            because: concat!($($because)?),
        }),+];

        $(#[test]
        fn $name() {
            super::check(ALL, stringify!($name));
        })+
    };
}

mod beside_the_guarantees;
mod guarantees_1_to_3;
mod guarantees_4_and_5;
mod guarantees_6_and_7;
mod guarantees_8_to_10;

fn check(all: &[Broken], name: &str) {
    let broken = all.iter().find(|broken| broken.name == name);
    broken.expect("made from the same line").check();
}

fn all() -> impl Iterator<Item = &'static Broken> {
    [
        guarantees_1_to_3::ALL,
        guarantees_4_and_5::ALL,
        guarantees_6_and_7::ALL,
        guarantees_8_to_10::ALL,
        beside_the_guarantees::ALL,
    ]
    .into_iter()
    .flatten()
}

#[test]
fn every_guarantee_is_broken() {
    let broken: BTreeSet<_> = all().map(|broken| broken.guarantee).collect();
    assert_eq!(broken, (0..=10).collect());
}

/// A case that no sabotage fails would prove nothing.
#[test]
fn every_case_can_fail() {
    let failing = all().flat_map(|broken| broken.fails.iter().chain(broken.also));
    let failing: BTreeSet<_> = failing.copied().collect();
    let cases: BTreeSet<_> = cases().iter().map(|case| case.name).collect();
    assert_eq!(failing, cases);
}
