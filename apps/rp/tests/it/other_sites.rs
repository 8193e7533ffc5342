//! The two sites that sign in through this one, and the provider that they believe.

use std::net::{Ipv4Addr, SocketAddr};

use serde_json::json;
use towline_rp::RpConfig;

use crate::{
    Running,
    device::Device,
    person::{Answer, Person},
    start,
};

/// A person at the provider and at a site, with one browser.
struct Round {
    rp: Running,
    jo: Person,
    key: Device,
}

async fn round() -> Round {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let rp = start(RpConfig { sites: Some([any, any]), ..RpConfig::default() }).await;
    let mut jo = Person::new(&rp);
    jo.join("jo@example.org").await;
    let key = jo.add_key("phone").await;
    Round { rp, jo, key }
}

impl Round {
    fn visitor(&self, site: usize) -> Person {
        let url = self.rp.sites[site].clone();
        let port = url.rsplit(':').next().unwrap().parse().unwrap();
        Person::at(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), url)
    }

    /// Follows what the provider says until it leads away from it, or to a page.
    async fn follow(&mut self, mut address: String) -> Result<String, Answer> {
        loop {
            let path = address.strip_prefix(&self.jo.origin).unwrap_or(&address).to_owned();
            if !path.starts_with('/') {
                return Ok(path);
            }
            let answer = self.jo.open(&path).await;
            if answer.status != 303 {
                return Err(answer);
            }
            address = answer.leads_to().to_owned();
        }
    }
}

fn path(address: &str) -> &str {
    &address[address.rfind("/callback").unwrap()..]
}

#[tokio::test]
async fn the_library_trusts_that_somebody_is_signed_in() {
    let mut round = round().await;
    let mut visitor = round.visitor(0);
    assert!(visitor.open("/").await.body.contains("Sign in through towline demo"));
    let away = visitor.post("/sign-in", &[]).await.leads_to().to_owned();
    let back = round.follow(away).await.expect("no question is asked");
    assert_eq!(visitor.open(path(&back)).await.leads_to(), "/");
    let home = visitor.open("/").await.body;
    for said in ["Jo Hansen", "jo@example.org", "a password"] {
        assert!(home.contains(said), "{said}: {home}");
    }
    visitor.post("/sign-out", &[]).await;
    assert!(visitor.open("/").await.body.contains("Sign in through"));
}

#[tokio::test]
async fn the_records_office_wants_a_fresh_proof_each_time() {
    let mut round = round().await;
    let mut visitor = round.visitor(1);
    for _ in 0..2 {
        let away = visitor.post("/sign-in", &[]).await.leads_to().to_owned();
        let form = round.follow(away).await.expect_err("a question");
        assert!(form.body.contains("The Records Office asks that you show again who you are."));
        let next = form.body.split("data-next=\"").nth(1).unwrap().split('"').next().unwrap();
        let begun = round.jo.ask("/session/begin", &json!({})).await.json();
        let answer = json!({
            "ceremony": begun["ceremony"],
            "credential": round.key.get(&begun["public_key"]),
            "next": next,
        });
        let on = round.jo.ask("/session/finish", &answer).await.json();
        let back = round.follow(on["next"].as_str().unwrap().to_owned()).await.unwrap();
        assert_eq!(visitor.open(path(&back)).await.leads_to(), "/");
        assert!(visitor.open("/").await.body.contains("a key"));
    }
}

#[tokio::test]
async fn a_code_is_good_once_for_its_site_and_for_who_asked() {
    let mut round = round().await;
    let mut visitor = round.visitor(0);
    let away = visitor.post("/sign-in", &[]).await.leads_to().to_owned();
    let back = round.follow(away).await.unwrap();
    let code = back.split("code=").nth(1).unwrap().split('&').next().unwrap().to_owned();

    // Whoever has the code but not the verifier gets nothing, and it is used up.
    let callback = format!("{}/callback", visitor.origin);
    let stolen = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("client_id", "library"),
        ("redirect_uri", &callback),
        ("code_verifier", "guessed"),
    ];
    let refused = round.jo.post("/token", &stolen).await;
    assert_eq!((refused.status, &refused.json()["error"]), (400, &json!("invalid_grant")));
    let failed = visitor.open(path(&back)).await;
    assert!(failed.status == 502 && failed.body.contains("did not let you in"), "{failed:?}");
    // A state is good once.
    assert_eq!(visitor.open(path(&back)).await.status, 502);
    // And for the browser that left with it.
    let away = visitor.post("/sign-in", &[]).await.leads_to().to_owned();
    let back = round.follow(away).await.unwrap();
    let mut victim = round.visitor(0);
    assert_eq!(victim.open(path(&back)).await.status, 502);
    assert!(victim.open("/").await.body.contains("Sign in through"));
}

#[tokio::test]
async fn nobody_is_sent_to_a_site_that_is_not_known() {
    let mut round = round().await;
    let callback = format!("{}/callback", round.rp.sites[0]);
    let good = [
        ("client_id", "library"),
        ("redirect_uri", callback.as_str()),
        ("response_type", "code"),
        ("scope", "openid"),
        ("state", "s"),
        ("code_challenge_method", "S256"),
        ("code_challenge", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
    ];
    let address = |changed: &str, value: &str| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, old) in good {
            query.append_pair(name, if name == changed { value } else { old });
        }
        format!("/authorize?{}", query.finish())
    };
    for (name, value) in [
        ("client_id", "other"),
        ("redirect_uri", "https://evil.example/callback"),
        ("redirect_uri", &format!("{callback}/x")),
        ("redirect_uri", ""),
    ] {
        let answer = round.jo.open(&address(name, value)).await;
        assert_eq!((answer.status, answer.header("location")), (400, None), "{name} {value}");
    }
    for (name, value, error) in [
        ("response_type", "token", "unsupported_response_type"),
        ("scope", "email", "invalid_scope"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("code_challenge", "short", "invalid_request"),
    ] {
        let answer = round.jo.open(&address(name, value)).await;
        let back = answer.leads_to();
        assert!(back.starts_with(&callback) && back.contains(&format!("error={error}")), "{back}");
        assert!(back.contains("state=s") && back.contains("iss=http"), "{back}");
    }
    let silent = format!("{}&prompt=none", address("", ""));
    assert!(round.jo.open(&silent).await.leads_to().starts_with("/authorize/continue"));
    let stranger = Person::new(&round.rp).open(&silent).await.leads_to().to_owned();
    assert!(stranger.contains("error=login_required"), "{stranger}");
}

#[tokio::test]
async fn signing_out_everywhere_is_asked_of_the_person() {
    let mut round = round().await;
    let visitor = &mut round.visitor(0);
    let bye = visitor.post("/sign-out?everywhere", &[]).await.leads_to().to_owned();
    let asked = round.follow(bye).await.expect_err("a question");
    assert!(asked.body.contains("Sign out of towline demo?"));
    assert!(round.jo.is_signed_in().await, "a link alone does nothing");
    let back = format!("{}/signed-out", visitor.origin);
    let fields = [("client_id", "library"), ("post_logout_redirect_uri", back.as_str())];
    assert_eq!(round.jo.post("/end-session", &fields).await.leads_to(), back);
    assert!(!round.jo.is_signed_in().await);
    let elsewhere =
        [("client_id", "library"), ("post_logout_redirect_uri", "https://evil.example")];
    assert_eq!(round.jo.post("/end-session", &elsewhere).await.status, 400);
    assert_eq!(round.jo.open("/userinfo").await.status, 401);
}

#[tokio::test]
async fn the_sites_are_guarded_as_the_provider_is() {
    let round = round().await;
    let mut visitor = round.visitor(0);
    for headers in [&[("Host", "evil.example")][..], &[("Origin", "https://evil.example")]] {
        assert_eq!(visitor.send("POST", "/sign-in", headers, "").await.status, 403);
    }
    assert_eq!(visitor.send("POST", "/sign-in", &[], "").await.status, 403, "no origin");
    let chosen = visitor.post("/language", &[("language", "da"), ("back", "/")]).await;
    assert_eq!(chosen.leads_to(), "/");
    assert!(visitor.open("/").await.body.contains("Velkommen til Biblioteket"));
    let policy = visitor.open("/").await;
    let policy = policy.header("content-security-policy").unwrap();
    assert!(policy.contains(&format!("form-action 'self' {}", round.rp.client.origin())));
}
