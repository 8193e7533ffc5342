//! The two sites that sign in through this one.

use super::texts;

texts! {
    /// The relying sites of OpenID Connect.
    Sites {
        library: "The Library", "Biblioteket";
        library_text: "It lets another site vouch for you.", "Det lader et andet websted stå inde for dig.";
        records: "The Records Office", "Arkivet";
        records_text: "It wants you to show each time who you are.", "Det vil have, at du hver gang viser, hvem du er.";
        welcome: "Welcome to {site}", "Velkommen til {site}";
        lead: "This site has no passwords and no keys of its own.", "Dette websted har ingen adgangskoder og ingen nøgler selv.";
        sign_in: "Sign in through {provider}", "Log ind gennem {provider}";
        signed_in: "You are signed in as {name}", "Du er logget ind som {name}";
        know: "What this site was told", "Hvad dette websted fik at vide";
        number: "Your number", "Dit nummer";
        email: "E-mail address", "E-mailadresse";
        when: "When you showed who you are", "Hvornår du viste, hvem du er";
        how: "By what", "Med hvad";
        how_key: "a key", "en nøgle";
        how_password: "a password", "en adgangskode";
        how_both: "a password and a key", "en adgangskode og en nøgle";
        sign_out: "Sign out here", "Log ud her";
        sign_out_everywhere: "Sign out everywhere", "Log ud overalt";
        to_provider: "To {provider}", "Til {provider}";
        failed: "{provider} did not let you in: {reason}. Press the button to try again.", "{provider} lukkede dig ikke ind: {reason}. Tryk på knappen for at prøve igen.";
        signed_out: "You are signed out.", "Du er logget ud.";
        bye_title: "Sign out of {provider}?", "Log ud af {provider}?";
        bye_text: "{site} asks for it. Other sites that you entered through {provider} keep you signed in until you sign out there.", "{site} beder om det. Andre websteder, du er gået ind på gennem {provider}, holder dig logget ind, indtil du logger ud dér.";
        stay: "Stay signed in", "Forbliv logget ind";
        unknown_site: "The site that sent you here is not known, so nobody was let in. Go back to it, and tell whoever runs it.", "Webstedet, der sendte dig hertil, er ukendt, så ingen blev lukket ind. Gå tilbage til det, og sig det til den, der driver det.";
    }
}
