//! The account page.

use super::texts;

texts! {
    /// The account page and what can be changed there.
    AccountPage {
        title: "Manage my Trusted Platforms and Security Keys", "Administrer mine betroede platforme og sikkerhedsnøgler";
        keys: "My keys", "Mine nøgler";
        keys_none: "You have no keys yet. Add one, and you can sign in without a password.", "Du har ingen nøgler endnu. Tilføj en, så kan du logge ind uden adgangskode.";
        keys_one: "You have one key. Add a second one, in case it is lost.", "Du har én nøgle. Tilføj en mere, hvis den skulle blive væk.";
        add: "Add a passkey", "Tilføj en adgangsnøgle";
        provider_test: "{provider}, for tests: it keeps nothing safe", "{provider}, til test: den holder intet sikkert";
        provider_demo: "Simulated, for this demonstration", "Simuleret til denne demonstration";
        provider_unknown: "Maker not told", "Producenten er ikke oplyst";
        provider_untold_model: "Unknown model", "Ukendt model";
        added: "Added", "Tilføjet";
        last_used: "Last used", "Sidst brugt";
        never: "never", "aldrig";
        from: "from {place}", "fra {place}";
        this_computer: "this computer", "denne computer";
        with: "with {browser}", "med {browser}";
        synced: "Copies", "Kopier";
        synced_yes: "Synced to your other devices", "Synkroniseret til dine andre enheder";
        synced_not_yet: "Can be synced, but is on one device so far", "Kan synkroniseres, men er indtil videre på én enhed";
        synced_never: "Stays on one device", "Bliver på én enhed";
        rename: "Rename", "Omdøb";
        remove: "Remove", "Fjern";
        rename_which: "Rename {name}", "Omdøb {name}";
        remove_which: "Remove {name}", "Fjern {name}";
        log: "Sign-ins", "Log ind-historik";
        log_lead: "If one of these was not you, remove the key that was used, and change your password.", "Hvis en af dem ikke var dig, så fjern den nøgle, der blev brugt, og skift din adgangskode.";
        log_none: "Nobody has signed in yet.", "Ingen har logget ind endnu.";
        log_when: "When", "Hvornår";
        log_what: "What happened", "Hvad der skete";
        log_where: "From where", "Hvorfra";
        log_key: "Signed in with the key {key}", "Logget ind med nøglen {key}";
        log_password: "Signed in with the password", "Logget ind med adgangskoden";
        log_both: "Signed in with the password and the key {key}", "Logget ind med adgangskoden og nøglen {key}";
        log_refused: "Refused: {reason}", "Afvist: {reason}";
        log_by_tour: "by the tour", "af rundturen";
        log_some_key: "a key", "en nøgle";
        password: "Password", "Adgangskode";
        password_set: "You have a password.", "Du har en adgangskode.";
        password_not: "You have no password: only your keys let you in.", "Du har ingen adgangskode: kun dine nøgler lukker dig ind.";
        password_current: "Present password", "Nuværende adgangskode";
        password_new: "New password", "Ny adgangskode";
        password_change: "Change the password", "Skift adgangskoden";
        password_make: "Set a password", "Vælg en adgangskode";
        password_drop: "Do without a password", "Undvær adgangskoden";
        password_drop_text: "Without a password, only your keys let you in. You can set one again at any time.", "Uden adgangskode er det kun dine nøgler, der lukker dig ind. Du kan altid vælge en igen.";
        second: "After the password", "Efter adgangskoden";
        second_off: "The password alone lets you in.", "Adgangskoden alene lukker dig ind.";
        second_on: "The password and a key are needed together.", "Adgangskoden og en nøgle skal bruges sammen.";
        second_turn_on: "Ask for a key after the password", "Bed om en nøgle efter adgangskoden";
        second_turn_off: "Let the password suffice", "Lad adgangskoden være nok";
        second_needs_key: "Add a key first.", "Tilføj først en nøgle.";
        called: "Your name", "Dit navn";
        called_text: "It is shown on your devices when you choose an account. They are told when you change it here, where your browser can do that.", "Det vises på dine enheder, når du vælger en konto. De får besked, når du ændrer det her, hvis din browser kan det.";
        called_save: "Save the name", "Gem navnet";
        settings: "Settings", "Indstillinger";
        saved: "Saved.", "Gemt.";
        key_renamed: "The key is called {name} now.", "Nøglen hedder nu {name}.";
        key_removed: "The key {name} was removed. It does not sign in any more.", "Nøglen {name} er fjernet. Den kan ikke længere logge ind.";
        second_ended: "As it was your last key, the password alone lets you in again.", "Da det var din sidste nøgle, er adgangskoden alene nok igen.";
        session: "You are signed out after half an hour in which you do nothing here.", "Du bliver logget ud efter en halv time, hvor du ikke gør noget her.";
    }
}
