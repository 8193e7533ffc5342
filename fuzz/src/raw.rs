//! Any bytes, as requests of one command.

use std::time::Duration;

use towline_ctap::Status;

use crate::watch::{Mood, Watch};

/// Runs a script of raw requests, each of one of the commands. The first byte says which
/// authenticator they are for, and with its highest bit that nothing was done with it before. Then
/// follow the requests, as [`record`] writes them.
pub fn raw(commands: &[u8], script: &[u8]) -> Vec<Status> {
    let mut statuses = Vec::new();
    let Some((&kind, mut script)) = script.split_first() else { return statuses };
    let fresh = kind & 0x80 != 0;
    let mut watch = if fresh { Watch::new(kind & 0x7f) } else { Watch::prepared(kind) };
    while let Some((&[high, low, control], rest)) = script.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes([high & 0x0f, low])).min(rest.len());
        let (parameters, rest) = rest.split_at(length);
        script = rest;
        let command = commands[usize::from(high >> 4) % commands.len()];
        if control & 0x80 != 0 {
            watch.pass(Duration::from_secs(12));
        }
        let message = [&[command], parameters].concat();
        let channel = control >> 6 & 1;
        statuses.push(watch.request(channel, &message, Mood::from(control & 0x3f)));
    }
    watch.finish();
    statuses
}

/// One request in a script: four bits for which command, twelve for the length of the parameters, a
/// byte for what the person does, whether it comes from elsewhere and whether time goes by before;
/// then the parameters.
pub fn record(command: u8, control: u8, parameters: &[u8]) -> Vec<u8> {
    let length = u16::try_from(parameters.len()).unwrap_or(u16::MAX).min(0x0fff);
    let [high, low] = (length | u16::from(command) << 12).to_be_bytes();
    [&[high, low, control], &parameters[..usize::from(length)]].concat()
}
