//! The same site in Chromium, by a WebDriver client for Rust: chromedriver has to be there.
//!
//! ```sh
//! cargo test -p towline-examples --test webdriver -- --ignored
//! ```
#![allow(clippy::unwrap_used)]

mod site;

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use thirtyfour::{ChromiumLikeCapabilities as _, prelude::*};
use tokio::net::TcpListener;
use towline_virtual_server::{
    Service, VirtualAuthenticatorOptions, http,
    page::{self, Way},
};

/// Serves on a free port of this machine, which it gives.
async fn serve(router: axum::Router) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(http::serve(listener, router, std::future::pending()));
    port
}

async fn clicks(driver: &WebDriver, button: &str, says: &'static str) -> WebDriverResult<()> {
    driver.find(By::Id(button)).await?.click().await?;
    let output = driver.query(By::Tag("output")).with_text(says);
    output.first().await.map(|_| ())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium and chromedriver"]
async fn alice_registers_and_signs_in() {
    // For the client's HTTP, to which another crate of this workspace leaves the choice.
    let _first = rustls::crypto::ring::default_provider().install_default();
    let site = serve(site::router()).await;
    let service = Service::default();
    let session = service.default_session();
    session.add_authenticator(VirtualAuthenticatorOptions::default()).unwrap();
    let settings = http::Settings::new(service.new_token().unwrap());
    let port = serve(http::router(service.clone(), settings)).await;
    let key = session.page_key().unwrap();
    let script = page::script(&Way::Endpoint(format!("http://127.0.0.1:{port}/{key}/page")));

    let mut command = Command::new("chromedriver");
    let mut chromedriver = command.arg("--port=0").stdout(Stdio::piped()).spawn().unwrap();
    let mut said =
        BufReader::new(chromedriver.stdout.take().unwrap()).lines().map_while(Result::ok);
    let ready = said.find(|line| line.contains("successfully on port ")).unwrap();
    let port_of_driver = ready.trim_end_matches('.').rsplit(' ').next().unwrap();
    let address = format!("http://localhost:{port_of_driver}");
    let mut wanted = DesiredCapabilities::chrome();
    for argument in ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage"] {
        wanted.add_arg(argument).unwrap();
    }
    let driver = WebDriver::new(address, wanted).await.unwrap();
    let devtools = driver.cdp();
    let script = serde_json::json!({ "source": script });
    devtools.send_raw("Page.addScriptToEvaluateOnNewDocument", script).await.unwrap();
    driver.goto(format!("http://localhost:{site}/")).await.unwrap();
    clicks(&driver, "register", "register: true").await.unwrap();
    clicks(&driver, "sign-in", "sign-in: true").await.unwrap();
    driver.quit().await.unwrap();
    chromedriver.kill().unwrap();
    chromedriver.wait().unwrap();
}
