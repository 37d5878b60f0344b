//! The client against a real registry with Confluent's API, and against what only a broken one
//! says. `scripts/registry.sh` fetches it; without it the tests fail unless `TIDINGS_REGISTRY_TESTS`
//! is `absent`.

mod answers;
mod real;
mod tls;
