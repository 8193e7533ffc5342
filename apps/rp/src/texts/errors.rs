//! What went wrong, and what to do about it.

use super::texts;

texts! {
    /// Errors, each with the next step.
    Errors {
        title: "That did not work", "Det lykkedes ikke";
        back_home: "To the first page", "Til forsiden";
        back_account: "To my account", "Til min konto";
        try_again: "Sign in again", "Log ind igen";
        bad_request: "Your browser sent something that this page does not take. Go back, load the page again, and repeat the step.", "Din browser sendte noget, som siden ikke tager imod. Gå tilbage, indlæs siden igen, og gentag trinnet.";
        bad_name: "The name has to have 1 to 64 characters, and not only spaces. Choose another one.", "Navnet skal have 1 til 64 tegn og ikke kun mellemrum. Vælg et andet.";
        bad_email: "That is not an e-mail address. It looks like name@example.org; correct it and go on.", "Det er ikke en e-mailadresse. Den ser ud som navn@example.org; ret den, og fortsæt.";
        bad_password: "The password has to have 10 to 128 characters. Choose a longer one; a sentence is good.", "Adgangskoden skal have 10 til 128 tegn. Vælg en længere; en sætning er god.";
        not_found: "There is no such page. Check the address, or begin at the first page.", "Den side findes ikke. Kontrollér adressen, eller begynd på forsiden.";
        method: "That address is not meant to be opened like this. Begin at the first page.", "Den adresse er ikke beregnet til at blive åbnet sådan. Begynd på forsiden.";
        too_large: "That was more than this page takes. Shorten it, and try again.", "Det var mere, end siden tager imod. Gør det kortere, og prøv igen.";
        too_slow: "Your browser took too long. Check the connection, and try again.", "Din browser var for længe om det. Kontrollér forbindelsen, og prøv igen.";
        forbidden: "This request came from another site, or was meant for one. Open this site's address yourself and repeat the step there.", "Anmodningen kom fra eller var beregnet til et andet websted. Åbn selv dette websteds adresse, og gentag trinnet dér.";
        unknown_key: "This site does not know that key; it may have been removed. Sign in another way, then add the key again.", "Webstedet kender ikke den nøgle; den er måske fjernet. Log ind på en anden måde, og tilføj nøglen igen.";
        over: "This step is over: it took too long, was finished already, or was begun for another account. Begin it again; nothing is lost.", "Trinnet er slut: det tog for lang tid, er allerede afsluttet eller blev begyndt for en anden konto. Begynd det igen; intet er tabt.";
        registered: "That device has a key for this site already. Use it to sign in, or choose another device.", "Den enhed har allerede en nøgle til dette websted. Brug den til at logge ind, eller vælg en anden enhed.";
        full: "No more accounts or keys fit. Remove a key that you don't use, then try again.", "Der er ikke plads til flere konti eller nøgler. Fjern en nøgle, du ikke bruger, og prøv igen.";
        taken: "This address can't be used for a new account. If it is yours, sign in; otherwise use another one.", "Adressen kan ikke bruges til en ny konto. Hvis den er din, så log ind; ellers brug en anden.";
        wrong_password: "The e-mail address or the password is wrong. Check both, or sign in with a key.", "E-mailadressen eller adgangskoden er forkert. Kontrollér begge, eller log ind med en nøgle.";
        too_many: "There were too many wrong attempts. Wait a quarter of an hour, or sign in with a key, for which you need not wait.", "Der har været for mange forkerte forsøg. Vent et kvarter, eller log ind med en nøgle, så behøver du ikke vente.";
        signed_out: "You are not signed in, or not any more. Sign in, then go on.", "Du er ikke logget ind eller ikke længere. Log ind, og fortsæt derefter.";
        not_verified: "What the key answered does not fit, so nothing was changed and nobody was let in. Try again; if it fails again, use another key.", "Nøglens svar passer ikke, så intet blev ændret, og ingen blev lukket ind. Prøv igen; hvis det mislykkes igen, så brug en anden nøgle.";
        not_vouched_for: "What the device says about its maker is wrong, or nobody vouches for it whom this site trusts, so the key was not added. Add it without the extended information, or use another device.", "Det, enheden oplyser om sin producent, er forkert, eller ingen, webstedet stoler på, står inde for det, så nøglen blev ikke tilføjet. Tilføj den uden de udvidede oplysninger, eller brug en anden enhed.";
        storage_full: "Nothing was saved, since the site's disk is full. What was saved before is safe. Try again later.", "Intet blev gemt, fordi webstedets disk er fuld. Det, der blev gemt før, er i behold. Prøv igen senere.";
        storage_busy: "Nothing was saved, since another program is using the site's data. Try again in a moment.", "Intet blev gemt, fordi et andet program bruger webstedets data. Prøv igen om et øjeblik.";
        storage_read_only: "Nothing was saved, since the site may not write its data. What was saved before is safe; whoever runs the site has to mend it.", "Intet blev gemt, fordi webstedet ikke må skrive sine data. Det, der blev gemt før, er i behold; den, der driver webstedet, må rette det.";
        last_key: "This is your last key, and you have no password: without it you could not sign in. Set a password or add another key first.", "Dette er din sidste nøgle, og du har ingen adgangskode: uden den kunne du ikke logge ind. Vælg først en adgangskode, eller tilføj en anden nøgle.";
        internal: "The site failed, and nothing was changed. Try again; if it fails again, tell whoever runs it.", "Webstedet fejlede, og intet blev ændret. Prøv igen; hvis det fejler igen, så sig det til den, der driver det.";
        log_wrong_password: "wrong password", "forkert adgangskode";
        log_not_verified: "the key's answer did not fit", "nøglens svar passede ikke";
        log_unknown_key: "an unknown or removed key", "en ukendt eller fjernet nøgle";
        log_other: "it was not finished", "det blev ikke afsluttet";
    }
}
