//! `towline qr`: explains a QR code key by key.

use towline::hybrid::qr::{CircleHint, ExtraKey, Hint, QrPayload};

use crate::{
    args,
    event::Event,
    exit::{Exit, Failure},
    hex::hex,
    qr::{age, draw::Drawing, read},
    report::Report,
};

pub(crate) fn run(args: &args::Qr, report: &Report) -> Result<Exit, Failure> {
    let path = read::named(args.code.trim());
    let codes = if path.is_file() { read::file(&path)? } else { vec![args.code.trim().to_owned()] };
    let provider = towline::fastest::provider();
    let mut last_failure = None;
    for code in &codes {
        if args.draw || args.qr_image.is_some() {
            let drawing = Drawing::new(code)?;
            if args.draw {
                report.drawing(&drawing.to_ansi());
            }
            if let Some(path) = &args.qr_image {
                drawing.write_png(path)?.keep();
            }
        }
        match QrPayload::from_uri(&provider, code) {
            Ok(payload) => {
                for field in fields(&payload, age::now()) {
                    report.event(&field);
                }
            }
            Err(error) => {
                // The code itself stays unsaid: with one wrong digit it is a secret all the same.
                let message = format!("this is not a passkey QR code: {error}");
                last_failure = Some(Failure::usage("not_a_code", message));
            }
        }
    }
    last_failure.map_or(Ok(Exit::Ok), Err)
}

fn fields(payload: &QrPayload, now: u64) -> Vec<Event> {
    let field = |key: u64, name, value: Option<String>, meaning: String| Event::QrField {
        key: Some(key.to_string()),
        name,
        value: value.unwrap_or_else(|| "absent".into()),
        meaning,
    };
    let mut fields = vec![
        field(
            0,
            "public key",
            Some(hex(&payload.public_key.compressed())),
            "the computer's key for this code only, a point of P-256; it proves that the one who shows the code connects".into(),
        ),
        field(
            1,
            "secret",
            Some("16 bytes, not shown".into()),
            "whoever has it and is near can take the phone's part".into(),
        ),
        field(
            2,
            "tunnel domains",
            payload.known_domains.map(|n| n.to_string()),
            "how many assigned tunnel domains the computer knows; those from 256 on every computer can derive".into(),
        ),
        field(3, "made at", payload.timestamp.map(|t| format!("{t} (Unix time)")), made(payload.timestamp, now)),
        field(
            4,
            "linking",
            payload.linking.map(|l| l.to_string()),
            match payload.linking {
                Some(true) => "the computer can remember the phone",
                Some(false) => "the computer does not remember the phone: a code each time",
                None => "the computer speaks an older version of the protocol",
            }
            .into(),
        ),
        field(
            5,
            "hint",
            payload.hint.as_deref().map(|hint| format!("{hint:?}")),
            match (payload.circle_hint(), payload.request_hint()) {
                (Some(CircleHint::Join), _) => "a new device wants to join your circle",
                (Some(CircleHint::Invite), _) => "a device invites a new one to its circle",
                (_, Hint::MakeCredential) => "the computer wants to make a passkey",
                (_, Hint::CredentialPresentation) => {
                    "the computer wants to see a digital credential"
                }
                (_, Hint::CredentialIssuance) => {
                    "the computer wants to issue a digital credential"
                }
                (_, Hint::GetAssertion) => "the computer wants to sign in",
            }
            .into(),
        ),
        field(
            6,
            "data channels",
            payload.channels.as_ref().map(|channels| format!("{channels:?}")),
            "0: a WebSocket by way of the tunnel service, 1: Bluetooth L2CAP; absent means [0]".into(),
        ),
    ];
    fields.extend(payload.extras.iter().map(|extra| Event::QrField {
        key: Some(match &extra.key {
            ExtraKey::Int(number) => number.to_string(),
            ExtraKey::Text(text) => format!("{text:?}"),
            ExtraKey::Other(encoding) => hex(encoding),
        }),
        name: "unknown",
        value: hex(&extra.value),
        meaning: "not known; readers ignore it (the value is shown as CBOR)".into(),
    }));
    fields
}

fn made(made: Option<u64>, now: u64) -> String {
    let Some(made) = made else { return "the code does not say when it was made".into() };
    let age = age::seconds(made, now);
    let given_up = if age::is_given_up(age) { ": it has most likely been given up" } else { "" };
    format!("{}{given_up}", age::told(age))
}

#[cfg(test)]
mod tests {
    use towline::crypto::Secret;
    use towline::hybrid::qr::{Extra, QrSecret};

    use super::*;

    fn payload() -> QrPayload {
        let provider = towline::fastest::provider();
        let key = provider.ecdh.generate(&*provider.random).unwrap();
        QrPayload::new(
            *key.public_key(),
            QrSecret::new(Secret::new([0x5a; 16])),
            Hint::MakeCredential,
        )
    }

    fn text(payload: &QrPayload) -> String {
        fields(payload, 1_000_000).iter().map(|f| serde_json::to_string(f).unwrap()).collect()
    }

    #[test]
    fn the_secret_is_not_shown() {
        let text = text(&payload());
        assert!(text.contains("not shown") && !text.contains("5a5a"), "{text}");
    }

    #[test]
    fn every_key_is_explained_even_where_it_is_absent() {
        let mut payload = payload();
        payload.extras.push(Extra { key: ExtraKey::Int(0xFFFF), value: vec![0] });
        let fields = fields(&payload, 0);
        assert_eq!(fields.len(), 8);
        let text = text(&payload);
        assert!(
            text.contains("wants to make a passkey")
                && text.contains("65535")
                && text.contains("absent"),
            "{text}"
        );
    }

    #[test]
    fn the_age_of_a_code_is_told() {
        assert_eq!(made(Some(90), 100), "10 s ago");
        assert!(made(Some(100), 1_000).contains("given up"));
        assert_eq!(made(Some(110), 100), "10 s ahead of this clock");
        assert!(made(None, 100).contains("does not say"));
    }
}
