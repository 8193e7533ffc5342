//! Serves virtual authenticators on a free port of this machine, prints the address, and ends with
//! its input: `cargo run -p towline-virtual-server --example virtual_service`.

use std::io::Write as _;

use tokio::{io::AsyncReadExt as _, net::TcpListener};
use towline_virtual_server::{
    Service,
    http::{Settings, router, serve},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let service = Service::default();
    let token = service.new_token()?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}/{}", listener.local_addr()?, token.reveal());
    std::io::stdout().flush()?;
    let input_ends = async {
        // Whatever is typed means nothing.
        let mut input = tokio::io::stdin();
        while input.read(&mut [0; 64]).await.is_ok_and(|read| read > 0) {}
    };
    // Connections of others do not keep it alive.
    tokio::select! {
        served = serve(listener, router(service, Settings::new(token)), std::future::pending()) => {
            Ok(served?)
        }
        () = input_ends => Ok(()),
    }
}
