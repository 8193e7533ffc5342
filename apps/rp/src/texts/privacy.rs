//! What the site learns and keeps, in words.

use super::texts;

texts! {
    /// The page on what is kept.
    Privacy {
        title: "What this site learns and keeps", "Hvad dette websted får at vide og gemmer";
        account: "Of your account", "Om din konto";
        account_email: "Your e-mail address, by which you sign in, and the name that you gave.", "Din e-mailadresse, som du logger ind med, og det navn, du gav.";
        account_password: "Your password, if you have one, in a form from which it can't be read back (Argon2id).", "Din adgangskode, hvis du har en, i en form, som den ikke kan læses ud af (Argon2id).";
        account_handle: "A random number for your account, which your devices keep with their passkeys. It says nothing about you.", "Et tilfældigt nummer for din konto, som dine enheder gemmer sammen med deres adgangsnøgler. Det siger intet om dig.";
        key: "Of each key", "Om hver nøgle";
        key_public: "Its number and its public key. With them it can be checked that your device signed; they open nothing.", "Dens nummer og dens offentlige nøgle. Med dem kan det kontrolleres, at din enhed har underskrevet; de åbner ikke noget.";
        key_name: "The name that you gave, when it was added and last used, with which browser and from which address.", "Det navn, du gav, hvornår den blev tilføjet og sidst brugt, med hvilken browser og fra hvilken adresse.";
        key_kind: "What the device says of itself: its model, whether the passkey is synced, how it can be reached.", "Hvad enheden siger om sig selv: dens model, om adgangsnøglen er synkroniseret, og hvordan den kan nås.";
        visit: "Of each visit", "Om hvert besøg";
        visit_cookie: "One cookie says that you are signed in. It ends after half an hour without use, or after twelve hours. A second one remembers your language.", "En cookie siger, at du er logget ind. Den udløber efter en halv time uden brug eller efter tolv timer. En anden husker dit sprog.";
        visit_log: "When you signed in or somebody was refused, by what, with which browser and from which address.", "Hvornår du loggede ind, eller nogen blev afvist, med hvad, med hvilken browser og fra hvilken adresse.";
        never: "Never", "Aldrig";
        never_body: "Your finger, your face, your PIN, or the secret key. They don't leave your device.", "Din finger, dit ansigt, din pinkode eller den hemmelige nøgle. De forlader ikke din enhed.";
        never_others: "Anything from other sites: a passkey for this site is of no use, and not visible, elsewhere.", "Noget fra andre websteder: en adgangsnøgle til dette websted er uden nytte og usynlig andre steder.";
        others: "What other sites get", "Hvad andre websteder får";
        others_text: "A site that you enter through this one gets a number for you, your e-mail address and your name, when you showed who you are, and whether by a key or a password.", "Et websted, som du går ind på gennem dette, får et nummer for dig, din e-mailadresse og dit navn, hvornår du viste, hvem du er, og om det var med en nøgle eller en adgangskode.";
        kept_memory: "It is all in memory, and is gone when the site stops.", "Det hele er i hukommelsen og forsvinder, når webstedet stopper.";
        kept_file: "It is all in one file of whoever runs the site, which only they can read.", "Det hele ligger i én fil hos den, der driver webstedet, og kun de kan læse den.";
    }
}
