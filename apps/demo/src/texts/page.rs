//! The page as a whole, and the computer.

use towline_pages::Row;

pub(super) const ROWS: &[Row] = &[
    ["title", "A passkey, seen from both ends", "En adgangsnøgle, set fra begge ender"],
    [
        "lead",
        "A site in a browser’s window, the devices that keep the keys, and below them every message that goes between. You are Anna, who holds them all.",
        "En side i en browsers vindue, enhederne, der gemmer nøglerne, og under dem hver besked imellem. Du er Anna, som har dem alle i hånden.",
    ],
    ["skip", "Go to the tour", "Gå til rundturen"],
    ["language", "Language", "Sprog"],
    [
        "gone",
        "The demo has ended. Start it again, and open the address that it prints.",
        "Demoen er slut. Start den igen, og åbn den adresse, den skriver.",
    ],
    [
        "no_script",
        "This page shows what happens as it happens, which needs scripts. Please allow them.",
        "Denne side viser, hvad der sker, mens det sker, og det kræver scripts. Tillad dem venligst.",
    ],
    ["computer", "The computer", "Computeren"],
    ["tabs", "Sites", "Sider"],
    ["site_library", "Library", "Biblioteket"],
    ["site_office", "Records office", "Arkivet"],
    ["site_login", "Account page", "Kontosiden"],
    ["as_home", "Sign in as Anna with the password", "Log ind som Anna med adgangskoden"],
    [
        "password",
        "Accounts for trying by hand: {home} and {work}, both with the password {password}",
        "Konti til at prøve selv: {home} og {work}, begge med adgangskoden {password}",
    ],
    [
        "own_browser",
        "Your own browser can’t ask a phone by a code here: Firefox never does, others need Bluetooth. You miss nothing: this page has test devices and a dialog of its own.",
        "Din egen browser kan ikke spørge en telefon med en kode her: Firefox gør det aldrig, andre skal bruge Bluetooth. Du går ikke glip af noget: siden har testenheder og sin egen dialog.",
    ],
    ["frame", "The site’s page", "Sidens side"],
    ["dialog", "The browser asks", "Browseren spørger"],
    ["dialog_create", "{site} wants to save a passkey", "{site} vil gemme en adgangsnøgle"],
    ["dialog_get", "{site} asks for a passkey", "{site} beder om en adgangsnøgle"],
    ["cancel", "Cancel", "Annuller"],
    ["way_title", "Where is your passkey?", "Hvor er din adgangsnøgle?"],
    ["way_title_create", "Where shall it be saved?", "Hvor skal den gemmes?"],
    [
        "way_phone",
        "Another phone or tablet, by a code",
        "En anden telefon eller tablet, med en kode",
    ],
    ["way_laptop", "This computer", "Denne computer"],
    ["way_key", "Security key", "Sikkerhedsnøgle"],
    ["way_linked", "{phone}, without a code", "{phone}, uden kode"],
    ["code_alt", "QR code for a phone: {text}", "QR-kode til en telefon: {text}"],
    [
        "code_do",
        "Scan this code with a phone: press “Scan the code” on one of those here.",
        "Scan koden med en telefon: tryk “Scan koden” på en af dem her.",
    ],
    ["code_text", "Can’t scan? The code as text", "Kan du ikke scanne? Koden som tekst"],
    [
        "progress_code",
        "Waiting for a phone that scans the code.",
        "Venter på en telefon, der scanner koden.",
    ],
    [
        "progress_scanned",
        "{device} has scanned it: answer there.",
        "{device} har scannet den: svar dér.",
    ],
    ["progress_link", "Asking the phone.", "Spørger telefonen."],
    ["progress_laptop", "Unlock this computer.", "Lås computeren op."],
    ["progress_key", "Touch the security key.", "Rør ved sikkerhedsnøglen."],
    [
        "progress_ringing",
        "Ringing the phone through the relay.",
        "Ringer til telefonen gennem relæet.",
    ],
    ["progress_coming", "The phone is coming. Is it near?", "Telefonen er på vej. Er den tæt på?"],
    [
        "progress_near",
        "A phone is near: its whisper was heard.",
        "En telefon er tæt på: dens hvisken blev hørt.",
    ],
    [
        "progress_connecting",
        "Joining its tunnel at the relay.",
        "Går ind i dens tunnel ved relæet.",
    ],
    [
        "progress_handshake",
        "Agreeing on keys that nobody else knows.",
        "Aftaler nøgler, som ingen andre kender.",
    ],
    ["progress_secured", "The tunnel is sealed.", "Tunnelen er forseglet."],
    ["progress_on-phone", "Go on with the phone.", "Fortsæt på telefonen."],
    [
        "said_remembered",
        "{name} can be asked without a code from now on.",
        "{name} kan spørges uden kode fra nu af.",
    ],
    [
        "said_forgotten",
        "{name} does not know this computer any more. The link was dropped; scan the code instead.",
        "{name} kender ikke længere denne computer. Forbindelsen er glemt; scan koden i stedet.",
    ],
    [
        "said_not-reached",
        "{name} was not reached. Scan the code instead.",
        "{name} kunne ikke nås. Scan koden i stedet.",
    ],
    ["said_attempt", "That phone did not work: {name}.", "Den telefon virkede ikke: {name}."],
    [
        "outcome_cancelled",
        "Nothing was done: it was called off.",
        "Der skete ikke noget: det blev afbrudt.",
    ],
    [
        "outcome_refused",
        "The person said no. The site learns only that nothing came of it.",
        "Personen sagde nej. Siden får kun at vide, at det ikke blev til noget.",
    ],
    [
        "outcome_excluded",
        "This device has a passkey for the account already. Use another one.",
        "Denne enhed har allerede en adgangsnøgle til kontoen. Brug en anden.",
    ],
    [
        "outcome_no-passkey",
        "That device has no passkey for this site. Use another one.",
        "Den enhed har ingen adgangsnøgle til siden. Brug en anden.",
    ],
    [
        "outcome_locked",
        "Too many wrong fingers: the device stays locked for a while. Wait, or use another one.",
        "For mange forkerte fingre: enheden er låst et stykke tid. Vent, eller brug en anden.",
    ],
    [
        "outcome_timeout",
        "Nothing came in time. Is the phone near? Try again.",
        "Der kom intet i tide. Er telefonen tæt på? Prøv igen.",
    ],
    [
        "outcome_bluetooth-off",
        "Bluetooth is off, so that no phone can show that it is near. Switch it on below and try again.",
        "Bluetooth er slået fra, så ingen telefon kan vise, at den er tæt på. Slå det til nedenfor, og prøv igen.",
    ],
    [
        "outcome_relay-gone",
        "The relay does not answer, so that phone and computer can’t meet. Bring it back below and try again.",
        "Relæet svarer ikke, så telefon og computer kan ikke mødes. Hent det tilbage nedenfor, og prøv igen.",
    ],
    [
        "outcome_closed",
        "The connection to the phone ended too early. Try again.",
        "Forbindelsen til telefonen sluttede for tidligt. Prøv igen.",
    ],
    [
        "outcome_failed",
        "It did not work. The message below says why.",
        "Det lykkedes ikke. Beskeden nedenfor siger hvorfor.",
    ],
    [
        "honest_title",
        "What is real here, and what is pretended",
        "Hvad der er ægte her, og hvad der er på skrømt",
    ],
    [
        "honest_real",
        "Real: the site and its checks, the keys and signatures, CTAP 2.3, the code, the encrypted tunnel and its handshake, the relay; all over sockets of this machine.",
        "Ægte: siden og dens kontrol, nøglerne og underskrifterne, CTAP 2.3, koden, den krypterede tunnel og dens håndtryk, relæet; alt sammen over sockets på denne maskine.",
    ],
    [
        "honest_air",
        "Pretended: the air. Adverts go from program part to program part, and “near” is a switch. It proves nothing about nearness; a real radio does.",
        "På skrømt: luften. Annonceringer går fra programdel til programdel, og “tæt på” er en kontakt. Det beviser intet om nærhed; det gør en rigtig radio.",
    ],
    [
        "honest_devices",
        "Pretended: the devices. Their authenticators are real, but they live in one program, a button is the finger, and nothing protects the keys. They say so to sites: they are test devices.",
        "På skrømt: enhederne. Deres autentifikatorer er ægte, men de bor i ét program, en knap er fingeren, og intet beskytter nøglerne. Det siger de til sider: de er testenheder.",
    ],
    [
        "honest_browser",
        "Pretended: the browser’s dialog, and that its frame is a window of its own. Your browser’s own passkeys are not touched. A real site would not let itself be framed; this one allows this page alone.",
        "På skrømt: browserens dialog, og at dens ramme er et vindue for sig. Din egen browsers adgangsnøgler bliver ikke rørt. En rigtig side ville ikke lade sig indramme; denne tillader kun denne side.",
    ],
    [
        "honest_sync",
        "Pretended: the sync. Phone B and tablet B have one set of passkeys in this program, so that nothing travels; a real service seals them on the way and takes a moment.",
        "På skrømt: synkroniseringen. Telefon B og tablet B har ét sæt adgangsnøgler i dette program, så intet er undervejs; en rigtig tjeneste forsegler dem og bruger et øjeblik.",
    ],
    [
        "honest_move",
        "Pretended: the file of step 16 lies in this program’s memory. What is in it is real: the standard’s form, with the keys.",
        "På skrømt: filen i trin 16 ligger i dette programs hukommelse. Det, der er i den, er ægte: standardens form med nøglerne.",
    ],
];
