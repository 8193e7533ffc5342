//! Whole transactions with both roles in memory: a clock moved by hand, a lossy air, a lossy
//! tunnel, people who change their minds, and peers that break the protocol.

mod adverts;
mod arbitrary;
mod circles;
mod digital_credentials;
mod linking;
mod lossy;
mod pair;
mod peers;
mod people;
mod radio;
mod ringing;
