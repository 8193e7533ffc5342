//! Adding, renaming and removing a key.

use super::texts;

texts! {
    /// The pages about one key.
    Keys {
        step: "Step {number} of 2", "Trin {number} af 2";
        add_title: "Add a Security Key or Trusted Platform", "Tilføj en sikkerhedsnøgle eller betroet platform";
        name: "A name for your device", "Et navn til din enhed";
        name_hint: "1 to 64 characters, such as “My phone”. It is shown in the list of your keys.", "1 til 64 tegn, for eksempel “Min telefon”. Det vises på listen over dine nøgler.";
        submit: "Submit", "Indsend";
        where_title: "Where shall the key for “{name}” be?", "Hvor skal nøglen til “{name}” være?";
        other_name: "Choose another name", "Vælg et andet navn";
        device: "This device", "Denne enhed";
        device_text: "Unlock it with a finger, your face or its PIN. The key can be on your other devices, too, if you let them sync.", "Lås den op med en finger, dit ansigt eller dens pinkode. Nøglen kan også være på dine andre enheder, hvis du lader dem synkronisere.";
        phone: "Phone or tablet", "Telefon eller tablet";
        phone_text: "Scan a code with its camera. Both need Bluetooth and the internet, and have to be near each other; they need not be paired.", "Scan en kode med dens kamera. Begge skal have Bluetooth og internet og være tæt på hinanden; de behøver ikke at være parret.";
        linked: "A phone that this browser remembers", "En telefon, som denne browser husker";
        linked_text: "Your browser lists such phones by name in its own window, and asks the one that you choose, without a code. Bluetooth has to show that it is near. A phone gets on that list when you let it remember this computer.", "Din browser viser sådanne telefoner med navn i sit eget vindue og spørger den, du vælger, uden en kode. Bluetooth skal vise, at den er i nærheden. En telefon kommer på listen, når du lader den huske denne computer.";
        platform: "Trusted platform", "Betroet platform";
        platform_text: "For computers without a phone: a chip in this computer (TPM) keeps the key, which never leaves it. You unlock it with a PIN, a finger or your face.", "Til computere uden telefon: en chip i computeren (TPM) holder nøglen, som aldrig forlader den. Du låser den op med en pinkode, en finger eller dit ansigt.";
        usb: "Security key", "Sikkerhedsnøgle";
        usb_text: "Plug it in, or hold it to the reader, and touch it.", "Sæt den i, eller hold den mod læseren, og rør ved den.";
        checking: "Checking what is possible here …", "Undersøger, hvad der er muligt her …";
        extended: "Ask for extended information about the device", "Bed om udvidede oplysninger om enheden";
        extended_text: "This site then also asks who made the device. Your browser asks you whether that may be told; you may refuse, and the key is added all the same.", "Så spørger webstedet også, hvem der har lavet enheden. Din browser spørger dig, om det må oplyses; du må sige nej, og nøglen bliver tilføjet alligevel.";
        added_title: "The key was added", "Nøglen er tilføjet";
        added_text: "“{name}” can sign you in from now on.", "“{name}” kan logge dig ind fra nu af.";
        got_title: "What this site got", "Hvad webstedet fik";
        got_public: "A public key, with which it checks that it is your device, and which opens nothing.", "En offentlig nøgle, som det bruger til at kontrollere, at det er din enhed, og som ikke åbner noget.";
        got_model: "The model: {provider}. The device says so; nobody vouches for it.", "Modellen: {provider}. Det siger enheden selv; ingen står inde for det.";
        got_model_vouched: "The model: {provider}. A maker that this site trusts vouches for it.", "Modellen: {provider}. En producent, som webstedet stoler på, står inde for det.";
        got_no_model: "It did not get the model of the device.", "Det fik ikke enhedens model.";
        got_extended: "The extended information that it asked for, of the kind “{format}”. It keeps the kind only.", "De udvidede oplysninger, som det bad om, af typen “{format}”. Det gemmer kun typen.";
        not_judged: "Not judged: this site knows no makers of devices, so it did not look who vouches for yours.", "Ikke bedømt: webstedet kender ingen producenter af enheder, så det så ikke efter, hvem der står inde for din.";
        vouched: "Judged: a maker that this site trusts vouches for your device.", "Bedømt: en producent, som webstedet stoler på, står inde for din enhed.";
        own_word: "Judged: the device vouches for itself only, so its maker is not known.", "Bedømt: enheden står kun inde for sig selv, så dens producent er ikke kendt.";
        not_extended: "It did not get the extended information that it asked for: you, or your browser, refused. The key works all the same.", "Det fik ikke de udvidede oplysninger, som det bad om: du eller din browser sagde nej. Nøglen virker alligevel.";
        not_asked: "It did not ask for extended information.", "Det bad ikke om udvidede oplysninger.";
        got_nothing_else: "It got nothing of your finger, your face or your PIN. They stay on the device.", "Det fik intet om din finger, dit ansigt eller din pinkode. De bliver på enheden.";
        to_account: "To my keys", "Til mine nøgler";
        add_another: "Add another one", "Tilføj endnu en";
        rename_title: "Rename “{name}”", "Omdøb “{name}”";
        rename_button: "Save the name", "Gem navnet";
        remove_title: "Remove “{name}”?", "Fjern “{name}”?";
        remove_text: "It won't sign you in any more. Your browser tells the device so where it can; otherwise the passkey stays on the device, of no use, until you delete it there.", "Den kan ikke længere logge dig ind. Din browser giver enheden besked, hvis den kan; ellers bliver adgangsnøglen på enheden uden nytte, indtil du sletter den dér.";
        remove_last: "This is your last key, and you have no password: without it you could not sign in. Set a password or add another key first.", "Dette er din sidste nøgle, og du har ingen adgangskode: uden den kunne du ikke logge ind. Vælg først en adgangskode, eller tilføj en anden nøgle.";
        remove_button: "Remove the key", "Fjern nøglen";
        keep: "Keep it", "Behold den";
    }
}
