//! Around every page, and the first one.

use super::texts;

texts! {
    /// The frame of all pages, and the page at `/`.
    Frame {
        skip: "Skip to the content", "Gå til indholdet";
        demo: "A demonstration of signing in with passkeys", "En demonstration af log ind med adgangsnøgler";
        account: "My account", "Min konto";
        sign_in: "Sign in", "Log ind";
        sign_out: "Sign out", "Log ud";
        language: "Language", "Sprog";
        main_navigation: "Main", "Hovedmenu";
        privacy: "What this site learns and keeps", "Hvad dette websted får at vide og gemmer";
        overview: "For whoever runs it: everything this site knows", "For den, der driver det: alt, hvad webstedet ved";
        signed_in_as: "Signed in as {name}", "Logget ind som {name}";
        home_title: "Sign in without a password", "Log ind uden adgangskode";
        home_lead: "Your phone, your computer or a small USB key can prove that it is you. You unlock it as you always do, with a finger, your face or a PIN, and this site never sees how.", "Din telefon, din computer eller en lille USB-nøgle kan bevise, at det er dig. Du låser den op, som du plejer, med en finger, dit ansigt eller en pinkode, og webstedet ser aldrig hvordan.";
        home_new: "New here", "Ny her";
        home_new_text: "Make an account with an e-mail address and a password. Then add your first key; after that, you can do without the password.", "Opret en konto med en e-mailadresse og en adgangskode. Tilføj derefter din første nøgle; så kan du undvære adgangskoden.";
        home_known: "You have an account", "Du har en konto";
        home_known_text: "Sign in with a key, or with your password.", "Log ind med en nøgle eller med din adgangskode.";
        join: "Make an account", "Opret en konto";
        home_ways: "What works on this device", "Hvad der virker på denne enhed";
        sites_title: "Two sites that let you in through this one", "To websteder, der lukker dig ind gennem dette";
        sites_text: "They never see your key or your password. This site tells them who you are, after it has asked you.", "De ser aldrig din nøgle eller din adgangskode. Dette websted fortæller dem, hvem du er, når det har spurgt dig.";
        no_script: "Scripts are blocked in this browser. You can make an account, sign in with your password, and rename or remove keys. Adding a key or signing in with one needs a script, since browsers offer it to scripts only: allow them for this site, then load the page again.", "Scripts er blokeret i denne browser. Du kan oprette en konto, logge ind med din adgangskode og omdøbe eller fjerne nøgler. At tilføje en nøgle eller logge ind med den kræver et script, fordi browsere kun tilbyder det til scripts: tillad dem for dette websted, og indlæs siden igen.";
        forgets: "Everything here is kept in memory, and is gone when the site stops.", "Alt her er kun i hukommelsen og forsvinder, når webstedet stopper.";
        overview_title: "Everything this site knows", "Alt, hvad dette websted ved";
        overview_accounts: "Accounts", "Konti";
        overview_none: "There are no accounts yet.", "Der er ingen konti endnu.";
    }
}
