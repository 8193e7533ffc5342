//! What the script says, which gets it with the page.

use towline_pages::Row;

/// Messages of the script, which reads them from the page.
#[rustfmt::skip]
pub(crate) const SCRIPT: &[Row] = &[
    ["working", "Now do what your browser asks.", "Gør nu, hvad din browser beder om."],
    ["signing_in", "You are signed in. One moment …", "Du er logget ind. Et øjeblik …"],
    ["adding", "The key was made. One moment …", "Nøglen er lavet. Et øjeblik …"],
    ["cancelled", "Nothing was done: it was cancelled, or took too long. Press the button to try again, or choose another way.", "Der skete intet: det blev afbrudt eller tog for lang tid. Tryk på knappen for at prøve igen, eller vælg en anden måde."],
    ["excluded", "That device has a key for your account already. Choose another device, or sign in with it.", "Den enhed har allerede en nøgle til din konto. Vælg en anden enhed, eller log ind med den."],
    ["insecure", "Browsers offer keys on secure addresses only. Open this site by the address {origin}.", "Browsere tilbyder kun nøgler på sikre adresser. Åbn webstedet på adressen {origin}."],
    ["unsupported", "This browser can't use keys. Update it, or use another one; your password works here.", "Denne browser kan ikke bruge nøgler. Opdatér den, eller brug en anden; din adgangskode virker her."],
    ["not_possible", "The device can't make such a key. Choose another way, or update the device.", "Enheden kan ikke lave sådan en nøgle. Vælg en anden måde, eller opdatér enheden."],
    ["offline", "The site can't be reached. Check the connection, then try again.", "Webstedet kan ikke nås. Kontrollér forbindelsen, og prøv igen."],
    ["minute_left", "One minute is left for this step.", "Der er et minut tilbage til dette trin."],
    ["ended", "The time for this step is over. Press the button to begin it again; nothing is lost.", "Tiden til dette trin er gået. Tryk på knappen for at begynde det igen; intet er tabt."],
    ["session_soon", "You will be signed out in two minutes. Load the page again to stay signed in.", "Du bliver logget ud om to minutter. Indlæs siden igen for at forblive logget ind."],
    ["session_over", "You have been signed out. Sign in again to go on.", "Du er blevet logget ud. Log ind igen for at fortsætte."],
    ["way_yes", "Possible here", "Muligt her"],
    ["way_maybe", "May be possible: your browser does not say", "Måske muligt: din browser siger det ikke"],
    ["way_no", "Not possible here", "Ikke muligt her"],
    ["device_yes", "It has a screen lock.", "Den har en skærmlås."],
    ["device_no", "This device has no screen lock or TPM that your browser can use. Set up a PIN, a fingerprint or Windows Hello, then load the page again; or use a phone.", "Denne enhed har ingen skærmlås eller TPM, som din browser kan bruge. Opret en pinkode, et fingeraftryk eller Windows Hello, og indlæs siden igen; eller brug en telefon."],
    ["phone_yes", "Your browser shows a code.", "Din browser viser en kode."],
    ["phone_no", "Your browser can't show a code for a phone: there is no Bluetooth adapter, Bluetooth is off, or the browser never does it, as Firefox on computers. Turn Bluetooth on, use another browser, or open this page on the phone itself.", "Din browser kan ikke vise en kode til en telefon: der er ingen Bluetooth-adapter, Bluetooth er slået fra, eller browseren gør det aldrig, som Firefox på computere. Slå Bluetooth til, brug en anden browser, eller åbn siden på selve telefonen."],
    ["phone_maybe", "Turn Bluetooth on. If your browser shows no code, open this page on the phone itself.", "Slå Bluetooth til. Hvis din browser ikke viser nogen kode, så åbn siden på selve telefonen."],
    ["phone_no_adapter", "Your browser finds no Bluetooth adapter that is on. Turn Bluetooth on, or plug in an adapter, then load the page again; or open this page on the phone itself.", "Din browser finder ingen Bluetooth-adapter, der er slået til. Slå Bluetooth til, eller sæt en adapter i, og indlæs siden igen; eller åbn siden på selve telefonen."],
    ["phone_offline", "A phone is reached over the internet as well, and this computer is offline. Connect it, then load the page again; or use this device or a security key.", "En telefon nås også over internettet, og denne computer er ikke på nettet. Opret forbindelse, og indlæs siden igen; eller brug denne enhed eller en sikkerhedsnøgle."],
    ["linked_maybe", "Choose it by its name in your browser's window. If it is not listed there, use a code.", "Vælg den ved navn i din browsers vindue. Hvis den ikke står der, så brug en kode."],
    ["platform_yes", "Your browser has the screen lock of this computer, and keeps keys in its TPM where there is one.", "Din browser har computerens skærmlås og gemmer nøgler i dens TPM, hvis der er en."],
    ["platform_no", "Your browser finds no TPM or screen lock that it can use. Turn the TPM on in the computer's firmware and set up a PIN for your account, then load the page again; or use a phone or a security key.", "Din browser finder ingen TPM eller skærmlås, den kan bruge. Slå TPM til i computerens firmware, og opret en pinkode til din konto, og indlæs siden igen; eller brug en telefon eller en sikkerhedsnøgle."],
    ["test_device", "TEST DEVICE: a virtual authenticator answers. Its keys are for tests only.", "TESTENHED: en virtuel autentifikator svarer. Dens nøgler er kun til test."],
    ["demo_device", "The devices are simulated, for this demonstration.", "Enhederne er simuleret til denne demonstration."],
    ["usb_yes", "Plug the key in when your browser asks for it.", "Sæt nøglen i, når din browser beder om det."],
];
