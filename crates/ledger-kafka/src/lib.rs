//! Floor 50: the ledger on Apache Kafka.
