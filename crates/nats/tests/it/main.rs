//! Relays on a real `nats-server`. They need that program, and run in `.ci/run cluster`.

mod server;
mod service;
