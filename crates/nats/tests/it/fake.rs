//! A bus of a few lines, which says what a test wants.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

const PATIENCE: Duration = Duration::from_secs(15);

pub(crate) struct Bus(TcpListener);

impl Bus {
    pub(crate) async fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    /// Without the scheme.
    pub(crate) fn host(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    /// The next client, which is told of these servers and not to use TLS.
    pub(crate) async fn client(&self, others: &[String]) -> Client {
        let accepted = tokio::time::timeout(PATIENCE, self.0.accept()).await;
        let (stream, _) = accepted.expect("a client in time").unwrap();
        let mut client = Client { stream: BufReader::new(stream), heard: BTreeMap::new() };
        let info = serde_json::json!({
            "server_id": "fake", "server_name": "fake", "version": "2.9.10", "go": "go1",
            "host": "127.0.0.1", "port": 4222, "proto": 1, "headers": true,
            "max_payload": 4096, "tls_required": false, "connect_urls": others,
        });
        client.say(&format!("INFO {info}\r\n")).await;
        client
    }

    /// Whether nobody has come.
    pub(crate) async fn is_left_alone(&self) -> bool {
        tokio::time::timeout(Duration::from_millis(200), self.0.accept()).await.is_err()
    }
}

pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    /// What it wants to hear, by its own numbers.
    pub(crate) heard: BTreeMap<String, String>,
}

impl Client {
    /// The first byte that it says.
    pub(crate) async fn first_byte(&mut self) -> u8 {
        let read = tokio::time::timeout(PATIENCE, self.stream.read_u8()).await;
        read.expect("a byte in time").unwrap()
    }

    async fn say(&mut self, words: &str) {
        self.stream.get_mut().write_all(words.as_bytes()).await.unwrap();
    }

    /// The next request that is no business of the connection itself: its subject, where the
    /// answer goes, and what it says.
    pub(crate) async fn request(&mut self) -> (String, String, String) {
        tokio::time::timeout(PATIENCE, async {
            loop {
                if let Some(request) = self.line().await {
                    return request;
                }
            }
        })
        .await
        .expect("a request in time")
    }

    /// One more line, and the request if it is one.
    pub(crate) async fn line(&mut self) -> Option<(String, String, String)> {
        let mut line = String::new();
        assert_ne!(self.stream.read_line(&mut line).await.unwrap(), 0, "the client has left");
        let words: Vec<&str> = line.split_whitespace().collect();
        match *words.as_slice() {
            ["PING"] => self.say("PONG\r\n").await,
            ["SUB", subject, number] => {
                self.heard.insert(number.to_owned(), subject.to_owned());
            }
            ["UNSUB", number, ..] => {
                self.heard.remove(number);
            }
            ["PUB", subject, ref reply @ .., length] => {
                let mut payload = vec![0; length.parse::<usize>().unwrap() + 2];
                self.stream.read_exact(&mut payload).await.unwrap();
                let payload = String::from_utf8_lossy(&payload).trim_end().to_owned();
                if let [reply] = *reply {
                    return Some((subject.to_owned(), reply.to_owned(), payload));
                }
            }
            _ => assert!(line.starts_with("CONNECT "), "{line}"),
        }
        None
    }

    pub(crate) async fn answer(&mut self, reply: &str, payload: &str) {
        let wants = |subject: &String| match subject.strip_suffix('*') {
            Some(start) => reply.starts_with(start),
            None => subject == reply,
        };
        let number = self.heard.iter().find(|(_, subject)| wants(subject)).unwrap().0.clone();
        self.say(&format!("MSG {reply} {number} {}\r\n{payload}\r\n", payload.len())).await;
    }
}
