//! Nodes of one service, phones and computers on a bus that fails in every way.

mod model;
mod simulation;
