//! The table of cases: chapter, guarantee, name, needs.

use crate::case::{Case, Need};

/// Calls `$callback! { { $($with)* } chapter { guarantee case [needs]; … } … }`, so that the table
/// of cases and the tests that a transport gets are made from the same lines.
#[doc(hidden)]
#[macro_export]
macro_rules! __for_each_case {
    ($callback:path { $($with:tt)* }) => {
        $callback! { { $($with)* }
            publish {
                1 results_stand_in_the_order_given [];
                1 bodies_and_keys_come_back_byte_for_byte [];
                1 fields_come_back_field_for_field [has Fields];
                1 fields_are_refused_where_they_are_not_declared [lacks Fields];
                1 a_record_fails_alone [suffers TopicRefusal];
                1 ok_survives_the_loss_of_the_publisher [has Durable];
            }
        }
    };
}

macro_rules! need {
    (has $c:ident) => {
        Need::Has(tidings_transport::Capability::$c)
    };
    (lacks $c:ident) => {
        Need::Lacks(tidings_transport::Capability::$c)
    };
    (suffers $f:ident) => {
        Need::Suffers(crate::Fault::$f)
    };
}

macro_rules! table {
    ({} $($chapter:ident { $($guarantee:literal $name:ident [$($kind:ident $what:ident),*];)* })*) => {
        pub(crate) static CASES: &[Case] = &[$($(Case {
            name: concat!(stringify!($chapter), "::", stringify!($name)),
            guarantee: $guarantee,
            needs: &[$(need!($kind $what)),*],
            body: |scene| Box::pin(crate::cases::$chapter::$name(scene)),
        },)*)*];
    };
}

__for_each_case!(table {});

/// Makes one `#[test]` of each case of the suite, for the harness that `$start` starts: the name
/// of an `async fn() -> impl Harness` beside the call.
///
/// `conformance_tests!(start)` runs them on real time; `conformance_tests!(start, Paused)` on
/// tokio's paused clock, for logs in this process only.
#[macro_export]
macro_rules! conformance_tests {
    ($start:ident) => {
        $crate::conformance_tests!($start, Real);
    };
    ($start:ident, $clock:ident) => {
        $crate::__for_each_case!($crate::__conformance_test { $start, $clock });
    };
}

/// One `#[test]` of each case, in a module for each chapter.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_test {
    ({ $start:ident, $clock:ident }
     $($chapter:ident { $($guarantee:literal $name:ident [$($needs:tt)*];)* })*) => {$(
        mod $chapter {$(
            #[test]
            fn $name() {
                let case = concat!(stringify!($chapter), "::", stringify!($name));
                // What is not applicable has been reported by name.
                let _ = $crate::run_test(case, $crate::Clock::$clock, super::$start);
            }
        )*}
    )*};
}
