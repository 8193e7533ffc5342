//! Messages between nodes.

use std::sync::Arc;

use async_nats::connection::State;
use async_nats::{Client, SubscribeError};
use futures_util::StreamExt;
use tokio::sync::{mpsc, watch};
use towline_rendezvous::bus::{BusAddress, NodeInstance};
use towline_tunnel::{BusEvent, BusLink, BusSender};

use crate::contacts;

/// Messages that wait to be sent, or to be taken; more are lost.
const WAITING: usize = 4096;

/// Where all nodes hear.
const ALL: &str = "tl.1.all";

struct Sender(mpsc::Sender<(BusAddress, Vec<u8>)>);

impl BusSender for Sender {
    fn publish(&self, to: BusAddress, message: Vec<u8>) {
        let _full = self.0.try_send((to, message));
    }
}

fn subject(to: BusAddress) -> String {
    match to {
        BusAddress::All => ALL.to_owned(),
        BusAddress::Node(instance) => format!("tl.1.node.{instance}"),
    }
}

/// Hears, and says what is to be said, for as long as somebody holds the link.
pub(crate) async fn join(
    client: Client,
    instance: NodeInstance,
    state: watch::Receiver<bool>,
) -> Result<BusLink, SubscribeError> {
    let all = client.subscribe(ALL).await?;
    let own = client.subscribe(subject(BusAddress::Node(instance))).await?;
    let (say, to_say) = mpsc::channel(WAITING);
    let (told, events) = mpsc::channel(WAITING);
    tokio::spawn(speak(client.clone(), to_say));
    tokio::spawn(hear(client, all, own, state, told));
    Ok(BusLink { instance, sender: Arc::new(Sender(say)), events })
}

async fn speak(client: Client, mut to_say: mpsc::Receiver<(BusAddress, Vec<u8>)>) {
    while let Some((to, message)) = to_say.recv().await {
        // A client without a connection would keep it and send it later, when nobody wants it.
        if client.connection_state() == State::Connected {
            let _lost = client.publish(subject(to), message.into()).await;
        }
    }
}

async fn hear(
    client: Client,
    mut all: async_nats::Subscriber,
    mut own: async_nats::Subscriber,
    mut state: watch::Receiver<bool>,
    told: mpsc::Sender<BusEvent>,
) {
    state.mark_changed();
    loop {
        let event = tokio::select! {
            changed = state.changed() => {
                if changed.is_err() {
                    return;
                }
                let up = *state.borrow_and_update();
                if up {
                    tokio::spawn(contacts::make_stream(client.clone(), state.clone()));
                }
                // Once the server has answered it knows what this node wants to hear.
                BusEvent::State(up && client.flush().await.is_ok())
            }
            Some(message) = all.next() => BusEvent::Message(message.payload.to_vec()),
            Some(message) = own.next() => BusEvent::Message(message.payload.to_vec()),
            () = told.closed() => return,
            else => return,
        };
        let kept = match event {
            // A state must not be lost.
            BusEvent::State(_) => told.send(event).await.is_ok(),
            BusEvent::Message(_) => {
                !matches!(told.try_send(event), Err(mpsc::error::TrySendError::Closed(_)))
            }
        };
        if !kept {
            return;
        }
    }
}
