//! Only X knows Y: which crates may name which packages, so that each outside thing has one home.

use super::Breach;
use super::tree::{Crate, Tree};

/// A family of packages and who may name it.
struct Secret {
    /// Names of packages; one that ends in `*` covers all that start so.
    packages: &'static [&'static str],
    is_known_to: fn(&Crate) -> bool,
    home: &'static str,
}

const SECRETS: &[Secret] = &[
    Secret {
        packages: &["rdkafka", "rdkafka-sys"],
        is_known_to: |user| user.directory == "ledger-kafka",
        home: "only ledger-kafka knows Kafka's client; go through the ports of `ledger`",
    },
    Secret {
        packages: &["rocksdb", "rust-rocksdb", "librocksdb-sys"],
        is_known_to: |user| ["ledger-rocks", "ledger-kafka"].contains(&user.directory.as_str()),
        home: "only the ledger adapters know RocksDB; go through the ports of `ledger`",
    },
    Secret {
        packages: &["simd-json"],
        is_known_to: |user| user.directory == "pagerduty",
        home: "only pagerduty decodes with simd-json; call its decoder",
    },
    Secret {
        packages: &["axum", "axum-*", "hyper", "hyper-util"],
        is_known_to: |user| user.floor == Some(70) || user.directory == "server",
        home: "only roles (floor 70) and server speak HTTP; move the door into a role",
    },
    Secret {
        packages: &["metrics"],
        is_known_to: |user| user.directory == "catalogue",
        home: "only catalogue calls the metrics macros; emit through it",
    },
    Secret {
        packages: &["metrics-*"],
        is_known_to: |user| ["catalogue", "server"].contains(&user.directory.as_str()),
        home: "only catalogue and server know the exporter; take its text from them",
    },
];

/// What `model` and the floors 10 to 30 may not depend on. Their tests may: a test reads fixtures.
const IMPURE: &[&str] =
    &["serde", "serde_*", "tokio", "tokio-*", "tracing", "tracing-*", "metrics", "log", "rand", "rand_*"];

/// Checks every dependency on an outside package.
pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for user in &tree.crates {
        for dependency in &user.dependencies {
            let package = dependency.package.as_str();
            for secret in SECRETS.iter().filter(|secret| is_named(secret.packages, package)) {
                if !(secret.is_known_to)(user) {
                    let text = format!("{} depends on {package}; {}", user.directory, secret.home);
                    breaches.push(Breach::new(&user.path, dependency.line, "only-x-knows-y", text));
                }
            }
            if user.is_pure() && !dependency.is_dev && is_named(IMPURE, package) {
                let text = format!(
                    "{} is pure and depends on {package}; return values, and let a crate above floor 30 do it",
                    user.directory
                );
                breaches.push(Breach::new(&user.path, dependency.line, "pure-dependencies", text));
            }
        }
    }
    breaches
}

fn is_named(patterns: &[&str], package: &str) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(start) => package.starts_with(start),
        None => package == *pattern,
    })
}
