//! Making an account, and signing in.

use super::texts;

texts! {
    /// The steps of signing in.
    SignIn {
        title: "Sign in", "Log ind";
        email: "E-mail address", "E-mailadresse";
        email_hint: "Or choose a passkey that your browser offers in this field.", "Eller vælg en adgangsnøgle, som din browser tilbyder i dette felt.";
        next: "Next", "Næste";
        passkey_only: "Sign in with a passkey alone", "Log ind med adgangsnøgle alene";
        or: "or", "eller";
        no_account: "You have no account yet?", "Har du ingen konto endnu?";
        join: "Make an account", "Opret en konto";
        how_title: "How do you want to sign in?", "Hvordan vil du logge ind?";
        how_as: "You are signing in as {name}.", "Du logger ind som {name}.";
        not_you: "Not you? Begin again", "Ikke dig? Begynd forfra";
        key_title: "Trusted Platform or Security Key", "Betroet platform eller sikkerhedsnøgle";
        key_text: "This device, your phone or a USB key. Your browser asks which.", "Denne enhed, din telefon eller en USB-nøgle. Din browser spørger hvilken.";
        key_button: "Sign in with a key", "Log ind med en nøgle";
        places: "Say where the key is", "Sig, hvor nøglen er";
        password_title: "Password", "Adgangskode";
        password: "Password", "Adgangskode";
        password_button: "Sign in with the password", "Log ind med adgangskoden";
        second_title: "Now your key", "Nu din nøgle";
        second_text: "The password is right. This account asks for a Trusted Platform or Security Key after it.", "Adgangskoden er rigtig. Denne konto beder om en betroet platform eller sikkerhedsnøgle bagefter.";
        second_button: "Continue with a key", "Fortsæt med en nøgle";
        fresh: "{site} asks that you show again who you are.", "{site} beder om, at du igen viser, hvem du er.";
        for_site: "You are signing in to {site}.", "Du logger ind på {site}.";
        join_title: "Make an account", "Opret en konto";
        join_lead: "The password is for the first time only: as soon as you have a key, you can do without it.", "Adgangskoden er kun til den første gang: så snart du har en nøgle, kan du undvære den.";
        join_name: "What shall we call you? (you may leave this empty)", "Hvad skal vi kalde dig? (du må lade feltet stå tomt)";
        join_password: "Choose a password", "Vælg en adgangskode";
        join_password_hint: "At least 10 characters. A sentence is good.", "Mindst 10 tegn. En sætning er god.";
        join_button: "Make the account", "Opret kontoen";
        have_account: "You have an account?", "Har du en konto?";
        time: "This step waits for {minutes} minutes; after that, begin again.", "Dette trin venter i {minutes} minutter; begynd forfra, hvis det tager længere.";
    }
}
