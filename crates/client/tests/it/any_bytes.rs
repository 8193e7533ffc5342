//! Whatever a site or an authenticator sends, it ends in a result or a typed error.

use std::time::Instant;

use proptest::prelude::*;
use towline_client::{CeremonyOutput, Create, Get, Origin};
use towline_ctap::Transport;

use crate::scripted::*;

fn over(output: Option<CeremonyOutput>) {
    assert!(
        matches!(output, Some(CeremonyOutput::Finished(_) | CeremonyOutput::Request(_))),
        "{output:?}"
    );
}

proptest! {
    #[test]
    fn any_options(text in any::<String>()) {
        let _ = Create::new(&client(), &caller(), &text, Instant::now());
        let _ = Get::new(&client(), &caller(), &text, Instant::now());
    }

    #[test]
    fn any_member_of_the_options(text in "\\PC{0,20}", member in 0_usize..6) {
        let members = ["rp", "user", "challenge", "timeout", "excludeCredentials", "extensions"];
        let value = serde_json::from_str(&text).unwrap_or_else(|_| text.clone().into());
        let _ = start_create(&with(creation(), members[member], value));
    }

    #[test]
    fn any_origin_and_rp_id(origin in any::<String>(), host in "[a-z.-]{1,20}", rp_id in "[a-z.-]{0,20}") {
        let _ = Origin::parse(&origin);
        if let Ok(origin) = Origin::parse(&format!("https://{host}"))
            && let Ok(accepted) = origin.rp_id(Some(&rp_id), &towline_client::CompiledPublicSuffixes)
        {
                let (domain, parent) = (origin.domain(), format!(".{accepted}"));
                prop_assert!(domain == accepted.as_str() || domain.ends_with(&parent));
        }
    }

    #[test]
    fn any_info_and_response(
        info in proptest::collection::vec(any::<u8>(), 0..60),
        response in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut create = start_create(&creation()).unwrap();
        create.handle_info(&info, &Transport::Usb);
        over(create.poll_output());
        for mut response in [response.clone(), [&[0], &response[..]].concat()] {
            let (_, result) = register(&creation(), &phone(), &response);
            prop_assert!(result.is_err());
            let (_, result) = sign_in(&request(), &phone(), &response);
            prop_assert!(result.is_err());
            response.clear();
        }
    }

    #[test]
    fn any_wrong_byte_in_a_good_response(place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut response = created(&new_credential());
        let place_in = place.index(response.len());
        response[place_in] = byte;
        let _ = register(&creation(), &phone(), &response);

        let mut response = asserted(&[5; 16], Some(user(7, Some("n")))).encode();
        let place_in = place.index(response.len());
        response[place_in] = byte;
        let mut get = start_get(&request()).unwrap();
        get.handle_info(&phone().to_cbor(), &Transport::Usb);
        sent(get.poll_output());
        get.handle_response(&response);
        over(get.poll_output());
    }
}
