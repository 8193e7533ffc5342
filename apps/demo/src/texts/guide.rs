//! The tour.

use towline_pages::Row;

pub(super) const ROWS: &[Row] = &[
    ["guide_title", "The tour", "Rundturen"],
    ["guide_step", "Step {number} of {of}", "Trin {number} af {of}"],
    ["guide_whole", "Show all 17 steps", "Vis alle 17 trin"],
    ["guide_short", "Only the short way", "Kun den korte vej"],
    [
        "guide_end",
        "That is a passkey’s life. Try the rest: all 17 steps, or make things go wrong below.",
        "Det er en adgangsnøgles liv. Prøv resten: alle 17 trin, eller få noget til at gå galt nedenfor.",
    ],
    [
        "guide_not_remembered",
        "Saved, but phone A is not remembered. Sign in with it by a code, and tick “Let this computer remember phone A”.",
        "Gemt, men telefon A bliver ikke husket. Log ind med den med en kode, og sæt flueben ved “Lad denne computer huske telefon A”.",
    ],
    ["guide_next", "Next step", "Næste trin"],
    ["guide_finish", "Finished", "Færdig"],
    ["guide_back", "Step back", "Et trin tilbage"],
    ["guide_go", "Open this step’s page", "Åbn trinets side"],
    ["guide_done", "Done", "Gjort"],
    ["guide_todo", "Not done yet", "Ikke gjort endnu"],
    ["guide_all", "All steps", "Alle trin"],
    ["guide_now", "Now you", "Nu dig"],
    ["step_1_title", "Give the passkey a name", "Giv adgangsnøglen et navn"],
    [
        "step_1_text",
        "Anna is signed in with her password, as ever. She wants a passkey instead. The site first asks for a name, so that she can tell her keys apart later.",
        "Anna er logget ind med sin adgangskode, som hun plejer. Hun vil have en adgangsnøgle i stedet. Siden beder først om et navn, så hun senere kan kende sine nøgler fra hinanden.",
    ],
    [
        "step_1_do",
        "In the window, type a name, such as “My computer”, and go on. Choose “This device”.",
        "Skriv et navn i vinduet, f.eks. “Min computer”, og gå videre. Vælg “Denne enhed”.",
    ],
    ["step_2_title", "Choose where it lives", "Vælg, hvor den bor"],
    [
        "step_2_text",
        "A passkey lives on a device: this computer, a phone, a security key. The site says what works here before anything is tried.",
        "En adgangsnøgle bor på en enhed: denne computer, en telefon, en sikkerhedsnøgle. Siden siger, hvad der virker her, før noget bliver prøvet.",
    ],
    [
        "step_2_do",
        "Name a key and look at the ways. Switch Bluetooth off below, open the page again, and see what the site says of phones.",
        "Giv en nøgle et navn, og se på mulighederne. Slå Bluetooth fra nedenfor, åbn siden igen, og se, hvad den siger om telefoner.",
    ],
    ["step_3_title", "On this computer", "På denne computer"],
    [
        "step_3_text",
        "The computer makes a pair of keys. The private one never leaves it; the site gets the public one. Only the person’s finger, face or PIN can use it, and that never leaves the computer either.",
        "Computeren laver et nøglepar. Den private nøgle forlader den aldrig; siden får den offentlige. Kun personens finger, ansigt eller pinkode kan bruge den, og det forlader heller ikke computeren.",
    ],
    [
        "step_3_do",
        "Add a key, choose “This device”, and unlock with the finger. Try the wrong finger first, if you like.",
        "Tilføj en nøgle, vælg “Denne enhed”, og lås op med fingeren. Prøv gerne den forkerte finger først.",
    ],
    ["step_4_title", "On a phone, by a code", "På en telefon, med en kode"],
    [
        "step_4_text",
        "A passkey replaces a password: a secret key that stays on your phone and that your finger unlocks; the site keeps only its public half. The code tells the phone which computer to talk to, with a secret for this one time. Bluetooth proves the phone is next to that computer, so a code sent to you by a stranger is no use to them.",
        "En adgangsnøgle erstatter en adgangskode: en hemmelig nøgle, der bliver på din telefon, og som din finger låser op; siden gemmer kun dens offentlige halvdel. Koden siger telefonen, hvilken computer den skal tale med, med en hemmelighed til denne ene gang. Bluetooth beviser, at telefonen er ved computeren, så en kode, en fremmed sender dig, nytter ham intet.",
    ],
    [
        "step_4_do",
        "In the window, type a name, such as “Phone B”, and press “Submit”, then “Phone or tablet”. Press “Scan the code” on phone B, and answer it.",
        "Skriv et navn i vinduet, f.eks. “Telefon B”, og tryk “Indsend” og så “Telefon eller tablet”. Tryk “Scan koden” på telefon B, og svar den.",
    ],
    ["step_5_title", "Let this computer remember phone A", "Lad denne computer huske telefon A"],
    [
        "step_5_text",
        "Next time no code is needed. Android phones offer that; iPhones, and phone B, don’t.",
        "Næste gang behøves ingen kode. Det tilbyder Android-telefoner; iPhones og telefon B gør ikke.",
    ],
    [
        "step_5_do",
        "Add a key with phone A in the same way. Leave “Let this computer remember phone A” ticked.",
        "Tilføj en nøgle med telefon A på samme måde. Behold fluebenet ved “Lad denne computer huske telefon A”.",
    ],
    ["step_6_title", "How much does the site learn?", "Hvor meget får siden at vide?"],
    [
        "step_6_text",
        "A site may ask which model of device holds the key: attestation. Anna is asked, and may keep it to herself. The key works all the same.",
        "En side kan spørge, hvilken model enheden med nøglen er: attestering. Anna bliver spurgt og må gerne beholde det for sig selv. Nøglen virker alligevel.",
    ],
    [
        "step_6_do",
        "This is Anna’s other account. Add a key on “This device” with the extended information ticked, and answer the computer’s question as you like.",
        "Det her er Annas anden konto. Tilføj en nøgle på “Denne enhed” med flueben ved de udvidede oplysninger, og svar på computerens spørgsmål, som du vil.",
    ],
    ["step_7_title", "Saved", "Gemt"],
    [
        "step_7_text",
        "The site lists the key by its name, with the day it was added. All it keeps is a public key: if it is stolen from the site, nobody can sign in with it.",
        "Siden viser nøglen ved dens navn med den dag, den blev tilføjet. Det eneste, den gemmer, er en offentlig nøgle: bliver den stjålet fra siden, kan ingen logge ind med den.",
    ],
    [
        "step_7_do",
        "Look at “My keys” in the window, rename one if you like, and look at the device that has the passkey.",
        "Se på “Mine nøgler” i vinduet, omdøb gerne en, og se på enheden med adgangsnøglen.",
    ],
    ["step_8_title", "Not twice", "Ikke to gange"],
    [
        "step_8_text",
        "A device that has a key for this account already says so. Nothing is overwritten, and nobody else learns it: the person is asked first.",
        "En enhed, der allerede har en nøgle til kontoen, siger det. Intet bliver overskrevet, og ingen andre får det at vide: personen bliver spurgt først.",
    ],
    [
        "step_8_do",
        "Press “This device” again and confirm. The site tells you what happened.",
        "Tryk på “Denne enhed” igen, og bekræft. Siden fortæller, hvad der skete.",
    ],
    ["step_9_title", "Sign in on the same device", "Log ind på samme enhed"],
    [
        "step_9_text",
        "The site sends a random number. The computer signs it with the private key, once the finger has unlocked it. There is no password that could be guessed, typed on a wrong page, or stolen.",
        "Siden sender et tilfældigt tal. Computeren underskriver det med den private nøgle, når fingeren har låst op. Der er ingen adgangskode, der kan gættes, skrives på en forkert side eller stjæles.",
    ],
    [
        "step_9_do",
        "Press the button for a passkey alone, choose “This computer”, and use the finger.",
        "Tryk på knappen for adgangsnøgle alene, vælg “Denne computer”, og brug fingeren.",
    ],
    ["step_10_title", "Sign in with a phone, by a code", "Log ind med en telefon, med en kode"],
    [
        "step_10_text",
        "Phone B is not remembered: a fresh code each time. The library keeps no passwords or keys; it believes Harbour Login.",
        "Telefon B bliver ikke husket: en ny kode hver gang. Biblioteket har ingen adgangskoder eller nøgler; det tror Harbour Login.",
    ],
    [
        "step_10_do",
        "Press “Library” above the window, then “Sign in through Harbour Login”, “Sign in with a passkey, without the e-mail address”, “Another phone or tablet, by a code”. Scan with phone B.",
        "Tryk “Biblioteket” over vinduet, så “Log ind gennem Harbour Login”, “Log ind med en adgangsnøgle uden e-mailadressen”, “En anden telefon eller tablet, med en kode”. Scan med telefon B.",
    ],
    ["step_11_title", "Sign in without a code", "Log ind uden kode"],
    [
        "step_11_text",
        "The computer rings phone A through the relay. Bluetooth still shows that it is near. The records office wants a fresh proof each time.",
        "Computeren ringer til telefon A gennem relæet. Bluetooth viser stadig, at den er tæt på. Arkivet vil have et nyt bevis hver gang.",
    ],
    [
        "step_11_do",
        "Press “Records office”, then “Sign in through Harbour Login”, “Sign in with a passkey, without the e-mail address”, “Phone A, without a code”. Use your finger on phone A.",
        "Tryk “Arkivet”, så “Log ind gennem Harbour Login”, “Log ind med en adgangsnøgle uden e-mailadressen”, “Telefon A, uden kode”. Brug fingeren på telefon A.",
    ],
    ["step_12_title", "A phone that was wiped", "En telefon, der er slettet"],
    [
        "step_12_text",
        "A phone that was wiped, sold or lost is another phone from then on. The relay tells the computer that the link is gone; the computer drops it, says so, and shows a code.",
        "En telefon, der er slettet, solgt eller tabt, er derefter en anden telefon. Relæet siger til computeren, at forbindelsen er væk; computeren glemmer den, siger det og viser en kode.",
    ],
    [
        "step_12_do",
        "Wipe phone A (at the bottom of its screen). Then sign in and choose phone A by its name.",
        "Slet telefon A (nederst på dens skærm). Log så ind, og vælg telefon A ved navn.",
    ],
    ["step_13_title", "Several accounts on one phone", "Flere konti på én telefon"],
    [
        "step_13_text",
        "Anna has a second account here, for work. A phone that has passkeys for both lets her pick, and the site learns nothing of the other.",
        "Anna har en anden konto her, til arbejdet. En telefon med adgangsnøgler til begge lader hende vælge, og siden får intet at vide om den anden.",
    ],
    [
        "step_13_do",
        "Add a key of the work account on phone B. Then sign out, sign in with a passkey alone by phone B’s code, and pick an account.",
        "Tilføj en nøgle til arbejdskontoen på telefon B. Log så ud, log ind med adgangsnøgle alene med telefon B’s kode, og vælg en konto.",
    ],
    ["step_14_title", "Remove a key", "Fjern en nøgle"],
    [
        "step_14_text",
        "The site forgets the key at once. The phone still lists its passkey, but it opens nothing now. This computer, though, deletes its own.",
        "Siden glemmer nøglen med det samme. Telefonen viser stadig sin adgangsnøgle, men den åbner intet nu. Denne computer sletter dog sin egen.",
    ],
    [
        "step_14_do",
        "Below “My keys” in the window, press “Remove” at a phone’s key, then “Remove the key”.",
        "Tryk “Fjern” ved en telefons nøgle under “Mine nøgler” i vinduet og så “Fjern nøglen”.",
    ],
    [
        "step_15_title",
        "The same passkey on another device",
        "Den samme adgangsnøgle på en anden enhed",
    ],
    [
        "step_15_text",
        "What phone B makes is on tablet B, too: their maker carries it from one to the other. Lose one, and the other still lets you in. The site sees it by two flags: may be backed up, is backed up.",
        "Det, telefon B laver, er også på tablet B: deres producent bringer det fra den ene til den anden. Mister du den ene, lukker den anden dig stadig ind. Siden ser det på to flag: må sikkerhedskopieres, er sikkerhedskopieret.",
    ],
    [
        "step_15_do",
        "Sign in with a passkey alone by a code, and scan it with tablet B, which never made a passkey here.",
        "Log ind med adgangsnøgle alene med en kode, og scan den med tablet B, som aldrig har lavet en adgangsnøgle her.",
    ],
    ["step_16_title", "Moving to another maker", "Flytning til en anden producent"],
    [
        "step_16_text",
        "Passkeys move from one maker’s phone to another’s in a standard form, the FIDO Credential Exchange Format. Those that are bound to a device stay where they are, and nothing is overwritten.",
        "Adgangsnøgler flytter fra én producents telefon til en andens i en standardform, FIDO Credential Exchange Format. De, der er bundet til en enhed, bliver, hvor de er, og intet bliver overskrevet.",
    ],
    [
        "step_16_do",
        "Press “Export passkeys” on phone B, then “Import” on phone A. Now sign in with phone A. What phone A made itself can’t be exported: try it.",
        "Tryk “Eksportér adgangsnøgler” på telefon B og så “Importér” på telefon A. Log nu ind med telefon A. Det, telefon A selv har lavet, kan ikke eksporteres: prøv det.",
    ],
    ["step_17_title", "Wiping a device", "Sletning af en enhed"],
    [
        "step_17_text",
        "Before a device is wiped it says what that means: passkeys that are nowhere else are gone for good. That is why two keys are better than one.",
        "Før en enhed bliver slettet, siger den, hvad det betyder: adgangsnøgler, der ikke er andre steder, er væk for altid. Derfor er to nøgler bedre end én.",
    ],
    [
        "step_17_do",
        "Press “Wipe this phone” on phone A, and read what it says. Its passkeys go; those of phone B stay.",
        "Tryk på “Slet telefonen” på telefon A, og læs, hvad den siger. Dens adgangsnøgler forsvinder; telefon B’s bliver.",
    ],
];
