//! Adding, renaming and removing a key.

use super::texts;

texts! {
    /// The pages about one key.
    Keys {
        step: "Step {number} of 2", "Trin {number} af 2";
        add_title: "Add a passkey", "Tilføj en adgangsnøgle";
        name: "A name for your device", "Et navn til din enhed";
        name_hint: "1 to 64 characters, for the list of your keys.", "1 til 64 tegn, til listen over dine nøgler.";
        submit: "Submit", "Indsend";
        where_title: "Where shall the key for “{name}” be?", "Hvor skal nøglen til »{name}« være?";
        other_name: "Choose another name", "Vælg et andet navn";
        device: "This device", "Denne enhed";
        device_text: "Unlock it with a finger, your face or its PIN. The key may sync to your other devices.", "Lås den op med en finger, dit ansigt eller dens pinkode. Nøglen kan synkronisere til dine andre enheder.";
        phone: "Phone or tablet", "Telefon eller tablet";
        phone_text: "Scan a code. Both need Bluetooth and the internet, near each other; no pairing. It needs Android 9 or iOS 16.", "Scan en kode. Begge skal have Bluetooth og internet, tæt på hinanden; ingen parring. Den skal have Android 9 eller iOS 16.";
        linked: "A phone that this browser remembers", "En telefon, som denne browser husker";
        linked_text: "Your browser lists it by name and asks it without a code. It gets on that list when you let it remember this computer.", "Din browser viser den med navn og spørger den uden en kode. Den kommer på listen, når du lader den huske denne computer.";
        platform: "Trusted platform", "Betroet platform";
        platform_text: "For computers without a phone: a chip in this one (TPM) keeps the key. A PIN, a finger or your face unlocks it.", "Til computere uden telefon: en chip i denne (TPM) holder nøglen. En pinkode, en finger eller dit ansigt låser den op.";
        usb: "Security key", "Sikkerhedsnøgle";
        usb_text: "Plug it in, or hold it to the reader, and touch it.", "Sæt den i, eller hold den mod læseren, og rør ved den.";
        checking: "Checking what is possible here …", "Undersøger, hvad der er muligt her …";
        extended: "Ask for extended information about the device", "Bed om udvidede oplysninger om enheden";
        extended_text: "The site then asks who made the device. You may still refuse; the key is added all the same.", "Så spørger webstedet, hvem der har lavet enheden. Du må stadig sige nej; nøglen bliver tilføjet alligevel.";
        added_title: "The key was added", "Nøglen er tilføjet";
        added_text: "“{name}” can sign you in from now on.", "»{name}« kan logge dig ind fra nu af.";
        got_title: "What this site got", "Hvad webstedet fik";
        got_public: "A public key: it shows that it is your device, and opens nothing.", "En offentlig nøgle: den viser, at det er din enhed, og åbner intet.";
        got_model: "The model: {provider}. The device says so; nobody vouches for it.", "Modellen: {provider}. Det siger enheden selv; ingen står inde for det.";
        got_model_vouched: "The model: {provider}. A maker that this site trusts vouches for it.", "Modellen: {provider}. En producent, som webstedet stoler på, står inde for det.";
        got_no_model: "It did not get the model of the device.", "Det fik ikke enhedens model.";
        got_extended: "The extended information that it asked for, of the kind “{format}”. It keeps the kind only.", "De udvidede oplysninger, som det bad om, af typen »{format}«. Det gemmer kun typen.";
        not_judged: "Not judged: this site knows no makers of devices, so it did not look who vouches for yours.", "Ikke bedømt: webstedet kender ingen producenter af enheder, så det så ikke efter, hvem der står inde for din.";
        vouched: "Judged: a maker that this site trusts vouches for your device.", "Bedømt: en producent, som webstedet stoler på, står inde for din enhed.";
        own_word: "Judged: the device vouches for itself only, so its maker is not known.", "Bedømt: enheden står kun inde for sig selv, så dens producent er ikke kendt.";
        not_extended: "It did not get the extended information that it asked for: you, or your browser, refused. The key works all the same.", "Det fik ikke de udvidede oplysninger, som det bad om: du eller din browser sagde nej. Nøglen virker alligevel.";
        not_asked: "It did not ask for extended information.", "Det bad ikke om udvidede oplysninger.";
        got_nothing_else: "Nothing of your finger, your face or your PIN: they stay on the device.", "Intet om din finger, dit ansigt eller din pinkode: de bliver på enheden.";
        to_account: "To my keys", "Til mine nøgler";
        add_another: "Add another one", "Tilføj endnu en";
        rename_title: "Rename “{name}”", "Omdøb »{name}«";
        rename_button: "Save the name", "Gem navnet";
        remove_title: "Remove “{name}”?", "Fjern »{name}«?";
        remove_text: "It won’t sign you in any more. Your browser tells the device if it can; otherwise delete the passkey there, too.", "Den kan ikke længere logge dig ind. Din browser siger det til enheden, hvis den kan; ellers slet også adgangsnøglen dér.";
        remove_last: "This is your last key, and you have no password: without it you could not sign in. Set a password or add another key first.", "Dette er din sidste nøgle, og du har ingen adgangskode: uden den kunne du ikke logge ind. Vælg først en adgangskode, eller tilføj en anden nøgle.";
        remove_button: "Remove the key", "Fjern nøglen";
        keep: "Keep it", "Behold den";
    }
}
