/*
 * libfido2 against `towline key`: its own code for every command, over UDP by functions of ours for
 * input and output.
 *
 *     libfido2 127.0.0.1:PORT                  a security key
 *     libfido2 127.0.0.1:PORT fingerprints     one with a fingerprint sensor
 *
 * One readable line per check; the first that fails ends the run.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fido.h>
#include <fido/bio.h>
#include <fido/config.h>
#include <fido/credman.h>
#include <fido/eddsa.h>
#include <fido/es256.h>
#include <fido/es384.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIN "2718"
#define RP "example.org"
#define REPORT 64
/* CTAP2_ERR_INVALID_SUBCOMMAND, which older versions of libfido2 have no name for. */
#define INVALID_SUBCOMMAND 0x3e

static const unsigned char POWER_CYCLE[REPORT] = {
	0xac, 0x10, 0x52, 0xca, 0x95, 0xe5, 0x69, 0xde, 0x69, 0xe0, 0x2e, 0xbf, 0xf3, 0x33, 0x48, 0x5f,
	0x13, 0xf9, 0xb2, 0xda, 0x34, 0xc5, 0xa8, 0xa3, 0x40, 0x52, 0x66, 0x97, 0xa9, 0xab, 0x2e, 0x0b,
	0x39, 0x4d, 0x8d, 0x04, 0x97, 0x3c, 0x13, 0x40, 0x05, 0xbe, 0x1a, 0x01, 0x40, 0xbf, 0xf6, 0x04,
	0x5b, 0xb2, 0x6e, 0xb7, 0x7a, 0x73, 0xea, 0xa4, 0x78, 0x13, 0xf6, 0xb4, 0x9a, 0x72, 0x50, 0xdc,
};

static const char *address;
static unsigned char hash[32], salt[64];
static unsigned passed;

/* The reports of the last exchanges, for when a check fails. */
static char trace[32][2 * (REPORT + 1) + 8];
static unsigned traced;

static void note(const char *direction, const unsigned char *report, size_t length)
{
	char *line = trace[traced++ % 32];
	line += sprintf(line, "%s ", direction);
	while (length > 0 && report[length - 1] == 0)
		length--;
	for (size_t i = 0; i < length; i++)
		line += sprintf(line, "%02x", report[i]);
}

static void fail(const char *what, const char *why)
{
	printf("FAILED libfido2: %s: %s\nwhat went to and fro last:\n", what, why);
	for (unsigned i = traced > 32 ? traced - 32 : 0; i < traced; i++)
		printf("     %s\n", trace[i % 32]);
	printf("%u passed, 1 failed\n", passed);
	exit(1);
}

static void check(const char *what, bool holds)
{
	if (!holds)
		fail(what, "it is not so");
	passed++;
	printf("ok   libfido2: %s\n", what);
	fflush(stdout);
}

/* The call had to end with this error; FIDO_OK for none. */
static void ends(const char *what, int wanted, int seen)
{
	char why[128];
	snprintf(why, sizeof(why), "%s (%#x), not %s (%#x)", fido_strerr(seen), (unsigned)seen, fido_strerr(wanted), (unsigned)wanted);
	if (seen != wanted)
		fail(what, why);
	check(what, true);
}

/* Input and output: one datagram is one report. */

static void *udp_open(const char *path)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	char host[64];
	unsigned short port;
	if (sscanf(path, "%63[^:]:%hu", host, &port) != 2 || inet_pton(AF_INET, host, &to.sin_addr) != 1)
		return NULL;
	to.sin_port = htons(port);
	int *handle = malloc(sizeof(*handle));
	if (handle == NULL)
		return NULL;
	*handle = socket(AF_INET, SOCK_DGRAM, 0);
	if (*handle < 0 || connect(*handle, (struct sockaddr *)&to, sizeof(to)) != 0) {
		free(handle);
		return NULL;
	}
	return handle;
}

static void udp_close(void *handle)
{
	close(*(int *)handle);
	free(handle);
}

static int udp_read(void *handle, unsigned char *report, size_t length, int milliseconds)
{
	struct pollfd ready = { .fd = *(int *)handle, .events = POLLIN };
	if (poll(&ready, 1, milliseconds) != 1)
		return -1;
	ssize_t got = recv(*(int *)handle, report, length, 0);
	if (got > 0)
		note("came", report, (size_t)got);
	return (int)got;
}

/* A report number, which is 0, comes before each report, as hidraw devices want it; the key takes
 * it either way. */
static int udp_write(void *handle, const unsigned char *report, size_t length)
{
	note("sent", report + 1, length - 1);
	return (int)send(*(int *)handle, report, length, 0);
}

static fido_dev_t *open_key(void)
{
	static const fido_dev_io_t io = { udp_open, udp_close, udp_read, udp_write };
	fido_dev_t *dev = fido_dev_new();
	if (dev == NULL || fido_dev_set_io_functions(dev, &io) != FIDO_OK || fido_dev_open(dev, address) != FIDO_OK)
		fail("open", "the key did not answer");
	return dev;
}

static void close_key(fido_dev_t **dev)
{
	fido_dev_close(*dev);
	fido_dev_free(dev);
}

/* Reports that are not CTAPHID. */

static void presence(const char *mode)
{
	unsigned char sent[REPORT + 1] = { 0 }, came[REPORT];
	void *handle = udp_open(address);
	snprintf((char *)sent + 1, REPORT, "ctaphid-control:presence=%s", mode);
	if (handle == NULL || udp_write(handle, sent, sizeof(sent)) < 0 || udp_read(handle, came, sizeof(came), 2000) != REPORT ||
	    memcmp(came, sent + 1, REPORT) != 0)
		fail("presence", mode);
	udp_close(handle);
}

static fido_dev_t *power_cycle(fido_dev_t **dev)
{
	unsigned char sent[REPORT + 1] = { 0 };
	void *handle = udp_open(address);
	memcpy(sent + 1, POWER_CYCLE, REPORT);
	if (handle == NULL || udp_write(handle, sent, sizeof(sent)) < 0)
		fail("power cycle", "it could not be sent");
	udp_close(handle);
	close_key(dev);
	return open_key();
}

/* Credentials and assertions. */

static fido_cred_t *new_cred(int type, const char *rp, unsigned char user, const char *name, bool rk)
{
	fido_cred_t *cred = fido_cred_new();
	if (cred == NULL || fido_cred_set_type(cred, type) || fido_cred_set_clientdata_hash(cred, hash, sizeof(hash)) ||
	    fido_cred_set_rp(cred, rp, "Example") || fido_cred_set_user(cred, &user, 1, name, name, NULL) ||
	    fido_cred_set_rk(cred, rk ? FIDO_OPT_TRUE : FIDO_OPT_OMIT))
		fail("a request", "it could not be made");
	return cred;
}

static fido_assert_t *new_assert(const char *rp, const fido_cred_t *allowed)
{
	fido_assert_t *assert = fido_assert_new();
	if (assert == NULL || fido_assert_set_clientdata_hash(assert, hash, sizeof(hash)) || fido_assert_set_rp(assert, rp) ||
	    (allowed != NULL && fido_assert_allow_cred(assert, fido_cred_id_ptr(allowed), fido_cred_id_len(allowed))))
		fail("a request", "it could not be made");
	return assert;
}

/* Verifies with the public key of the credential. */
static int verify(const fido_assert_t *assert, size_t index, const fido_cred_t *cred)
{
	const unsigned char *raw = fido_cred_pubkey_ptr(cred);
	size_t length = fido_cred_pubkey_len(cred);
	int result = FIDO_ERR_INTERNAL;
	if (fido_cred_type(cred) == COSE_ES256) {
		es256_pk_t *pk = es256_pk_new();
		if ((result = es256_pk_from_ptr(pk, raw, length)) == FIDO_OK)
			result = fido_assert_verify(assert, index, COSE_ES256, pk);
		es256_pk_free(&pk);
	} else if (fido_cred_type(cred) == COSE_ES384) {
		es384_pk_t *pk = es384_pk_new();
		if ((result = es384_pk_from_ptr(pk, raw, length)) == FIDO_OK)
			result = fido_assert_verify(assert, index, COSE_ES384, pk);
		es384_pk_free(&pk);
	} else if (fido_cred_type(cred) == COSE_EDDSA) {
		eddsa_pk_t *pk = eddsa_pk_new();
		if ((result = eddsa_pk_from_ptr(pk, raw, length)) == FIDO_OK)
			result = fido_assert_verify(assert, index, COSE_EDDSA, pk);
		eddsa_pk_free(&pk);
	}
	return result;
}

static bool same(const unsigned char *a, size_t a_length, const unsigned char *b, size_t b_length)
{
	return a != NULL && b != NULL && a_length == b_length && memcmp(a, b, a_length) == 0;
}

static bool listed(char **names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* The topics. */

static void information(fido_dev_t *dev)
{
	fido_cbor_info_t *info = fido_cbor_info_new();
	check("the key speaks CTAP 2", fido_dev_is_fido2(dev));
	ends("getInfo", FIDO_OK, fido_dev_get_cbor_info(dev, info));
	char **versions = fido_cbor_info_versions_ptr(info);
	size_t count = fido_cbor_info_versions_len(info);
	check("FIDO_2_1 and FIDO_2_3 are claimed", listed(versions, count, "FIDO_2_1") && listed(versions, count, "FIDO_2_3"));
	check("FIDO_2_2 is not", !listed(versions, count, "FIDO_2_2"));
	check("protocol two is preferred", fido_cbor_info_protocols_len(info) == 2 && fido_cbor_info_protocols_ptr(info)[0] == 2);
	check("algorithms are listed", fido_cbor_info_algorithm_count(info) >= 3);
	check("large blobs have room", fido_cbor_info_maxlargeblob(info) >= 1024);
	check("it has no PIN, but can have one", fido_dev_supports_pin(dev) && !fido_dev_has_pin(dev));
	check("it manages credentials", fido_dev_supports_credman(dev));
	check("it protects credentials", fido_dev_supports_cred_prot(dev));
	check("it gives permissions", fido_dev_supports_permissions(dev));
	check("it verifies nobody by itself", !fido_dev_supports_uv(dev) && !fido_dev_has_uv(dev));
	fido_bio_info_t *bio = fido_bio_info_new();
	ends("it has no fingerprint sensor", FIDO_ERR_INVALID_COMMAND, fido_bio_dev_get_info(dev, bio));
	fido_bio_info_free(&bio);
	fido_cbor_info_free(&info);
}

static void algorithms(fido_dev_t *dev)
{
	static const struct { int type; const char *name; } known[] = {
		{ COSE_ES256, "ES256" }, { COSE_EDDSA, "EdDSA" }, { COSE_ES384, "ES384" },
	};
	char what[64];
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		fido_cred_t *cred = new_cred(known[i].type, "algorithms.example", (unsigned char)i, "ada", true);
		snprintf(what, sizeof(what), "%s: a credential", known[i].name);
		ends(what, FIDO_OK, fido_dev_make_cred(dev, cred, NULL));
		snprintf(what, sizeof(what), "%s: attestation by the credential itself", known[i].name);
		ends(what, FIDO_OK, fido_cred_verify_self(cred));
		fido_assert_t *assert = new_assert("algorithms.example", cred);
		snprintf(what, sizeof(what), "%s: an assertion", known[i].name);
		ends(what, FIDO_OK, fido_dev_get_assert(dev, assert, NULL));
		snprintf(what, sizeof(what), "%s: its signature", known[i].name);
		ends(what, FIDO_OK, verify(assert, 0, cred));
		fido_assert_free(&assert);
		fido_cred_free(&cred);
	}
}

static fido_dev_t *pins(fido_dev_t *dev)
{
	int left = 0;
	ends("no PIN is taken when none is set", FIDO_ERR_PIN_NOT_SET, fido_dev_set_pin(dev, "3141", PIN));
	ends("a PIN that is too short", FIDO_ERR_PIN_POLICY_VIOLATION, fido_dev_set_pin(dev, "314", NULL));
	ends("a PIN is set", FIDO_OK, fido_dev_set_pin(dev, PIN, NULL));
	check("it shows", fido_dev_has_pin(dev));
	ends("it is changed", FIDO_OK, fido_dev_set_pin(dev, "31415", PIN));
	ends("not with the wrong one", FIDO_ERR_PIN_INVALID, fido_dev_set_pin(dev, "1618", PIN));
	ends("attempts are told", FIDO_OK, fido_dev_get_retry_count(dev, &left));
	check("seven are left", left == 7);
	ends("a second wrong one", FIDO_ERR_PIN_INVALID, fido_dev_set_pin(dev, "1618", PIN));
	ends("the third pauses the PIN", FIDO_ERR_PIN_AUTH_BLOCKED, fido_dev_set_pin(dev, "1618", PIN));
	ends("even for the right one", FIDO_ERR_PIN_AUTH_BLOCKED, fido_dev_set_pin(dev, "1618", "31415"));
	dev = power_cycle(&dev);
	ends("not after a power cycle", FIDO_OK, fido_dev_set_pin(dev, PIN, "31415"));
	fido_dev_get_retry_count(dev, &left);
	check("all eight are back", left == 8);
	return dev;
}

static fido_cred_t *everything_at_once(fido_dev_t *dev)
{
	static const unsigned char blob[] = "a blob of a credential";
	fido_cred_t *cred = new_cred(COSE_ES256, RP, 1, "ada", true);
	fido_cred_set_extensions(cred, FIDO_EXT_HMAC_SECRET | FIDO_EXT_CRED_PROTECT | FIDO_EXT_CRED_BLOB | FIDO_EXT_LARGEBLOB_KEY);
	fido_cred_set_prot(cred, FIDO_CRED_PROT_UV_REQUIRED);
	fido_cred_set_blob(cred, blob, sizeof(blob));
	ends("without the PIN there is no discoverable credential", FIDO_ERR_PIN_REQUIRED, fido_dev_make_cred(dev, cred, NULL));
	ends("nor with a wrong one", FIDO_ERR_PIN_INVALID, fido_dev_make_cred(dev, cred, "0000"));
	ends("with every extension and the PIN there is", FIDO_OK, fido_dev_make_cred(dev, cred, PIN));
	ends("its attestation", FIDO_OK, fido_cred_verify_self(cred));
	check("its protection", fido_cred_prot(cred) == FIDO_CRED_PROT_UV_REQUIRED);
	check("its large-blob key", fido_cred_largeblob_key_len(cred) == 32);
	check("present and verified", (fido_cred_flags(cred) & 5) == 5);

	fido_assert_t *hidden = new_assert(RP, cred);
	ends("protected, it is hidden from who is not verified", FIDO_ERR_NO_CREDENTIALS, fido_dev_get_assert(dev, hidden, NULL));
	fido_assert_free(&hidden);

	unsigned char first[64];
	for (int round = 0; round < 2; round++) {
		fido_assert_t *assert = new_assert(RP, round ? cred : NULL);
		fido_assert_set_extensions(assert, FIDO_EXT_HMAC_SECRET | FIDO_EXT_CRED_BLOB | FIDO_EXT_LARGEBLOB_KEY);
		fido_assert_set_hmac_salt(assert, salt, sizeof(salt));
		ends(round ? "an assertion with a list" : "an assertion without a list", FIDO_OK, fido_dev_get_assert(dev, assert, PIN));
		ends("its signature", FIDO_OK, verify(assert, 0, cred));
		check("verified", (fido_assert_flags(assert, 0) & 5) == 5);
		check("two secrets", fido_assert_hmac_secret_len(assert, 0) == 64);
		if (round)
			check("the same ones", memcmp(first, fido_assert_hmac_secret_ptr(assert, 0), 64) == 0);
		memcpy(first, fido_assert_hmac_secret_ptr(assert, 0), 64);
		check("the blob", same(fido_assert_blob_ptr(assert, 0), fido_assert_blob_len(assert, 0), blob, sizeof(blob)));
		check("the large-blob key", same(fido_assert_largeblob_key_ptr(assert, 0), fido_assert_largeblob_key_len(assert, 0),
		    fido_cred_largeblob_key_ptr(cred), fido_cred_largeblob_key_len(cred)));
		fido_assert_free(&assert);
	}
	fido_cred_t *again = new_cred(COSE_ES256, RP, 2, "bob", true);
	fido_cred_exclude(again, fido_cred_id_ptr(cred), fido_cred_id_len(cred));
	ends("excluded by the first", FIDO_ERR_CREDENTIAL_EXCLUDED, fido_dev_make_cred(dev, again, PIN));
	fido_cred_free(&again);
	return cred;
}

static void accounts(fido_dev_t *dev)
{
	static const char *names[] = { "kim", "lou", "max" };
	for (unsigned char i = 0; i < 3; i++) {
		fido_cred_t *cred = new_cred(COSE_ES256, "accounts.example", i, names[i], true);
		ends(names[i], FIDO_OK, fido_dev_make_cred(dev, cred, PIN));
		fido_cred_free(&cred);
	}
	fido_assert_t *assert = new_assert("accounts.example", NULL);
	ends("an assertion for each account", FIDO_OK, fido_dev_get_assert(dev, assert, PIN));
	check("three", fido_assert_count(assert) == 3);
	for (size_t i = 0; i < 3; i++)
		check("by name, the newest first", strcmp(fido_assert_user_name(assert, i), names[2 - i]) == 0);
	fido_assert_free(&assert);
	assert = new_assert("nobody.example", NULL);
	ends("none for others", FIDO_ERR_NO_CREDENTIALS, fido_dev_get_assert(dev, assert, PIN));
	fido_assert_free(&assert);
}

static void management(fido_dev_t *dev)
{
	fido_credman_metadata_t *metadata = fido_credman_metadata_new();
	ends("credentials are counted with the PIN only", FIDO_ERR_PIN_INVALID, fido_credman_get_dev_metadata(dev, metadata, "0000"));
	ends("credentials are counted", FIDO_OK, fido_credman_get_dev_metadata(dev, metadata, PIN));
	uint64_t before = fido_credman_rk_existing(metadata);
	check("seven", before == 7);
	fido_credman_rp_t *rps = fido_credman_rp_new();
	ends("relying parties are listed", FIDO_OK, fido_credman_get_dev_rp(dev, rps, PIN));
	check("three", fido_credman_rp_count(rps) == 3);
	fido_credman_rk_t *rks = fido_credman_rk_new();
	ends("accounts are listed", FIDO_OK, fido_credman_get_dev_rk(dev, "accounts.example", rks, PIN));
	check("three", fido_credman_rk_count(rks) == 3);
	const fido_cred_t *one = fido_credman_rk(rks, 0);
	fido_cred_t *renamed = new_cred(fido_cred_type(one), "accounts.example", *fido_cred_user_id_ptr(one), "renamed", true);
	fido_cred_set_id(renamed, fido_cred_id_ptr(one), fido_cred_id_len(one));
	ends("one is renamed", FIDO_OK, fido_credman_set_dev_rk(dev, renamed, PIN));
	ends("one is deleted", FIDO_OK, fido_credman_del_dev_rk(dev, fido_cred_id_ptr(fido_credman_rk(rks, 1)), fido_cred_id_len(fido_credman_rk(rks, 1)), PIN));
	ends("once only", FIDO_ERR_NO_CREDENTIALS, fido_credman_del_dev_rk(dev, fido_cred_id_ptr(fido_credman_rk(rks, 1)), fido_cred_id_len(fido_credman_rk(rks, 1)), PIN));
	fido_credman_rk_free(&rks);
	rks = fido_credman_rk_new();
	fido_credman_get_dev_rk(dev, "accounts.example", rks, PIN);
	check("two are left", fido_credman_rk_count(rks) == 2);
	bool found = false;
	for (size_t i = 0; i < fido_credman_rk_count(rks); i++)
		found = found || strcmp(fido_cred_user_name(fido_credman_rk(rks, i)), "renamed") == 0;
	check("one of them renamed", found);
	fido_credman_rk_free(&rks);
	fido_credman_rp_free(&rps);
	fido_credman_metadata_free(&metadata);
	fido_cred_free(&renamed);
}

static void large_blobs(fido_dev_t *dev, const fido_cred_t *cred)
{
	static unsigned char blob[2000];
	const unsigned char *key = fido_cred_largeblob_key_ptr(cred);
	size_t length = fido_cred_largeblob_key_len(cred), got = 0;
	unsigned char *read = NULL;
	for (size_t i = 0; i < sizeof(blob); i++)
		blob[i] = (unsigned char)(i * i * 31 >> 3);
	ends("no large blob is there at first", FIDO_ERR_NOTFOUND, fido_dev_largeblob_get(dev, key, length, &read, &got));
	ends("one is written with the PIN only", FIDO_ERR_PIN_REQUIRED, fido_dev_largeblob_set(dev, key, length, blob, sizeof(blob), NULL));
	ends("one is written", FIDO_OK, fido_dev_largeblob_set(dev, key, length, blob, sizeof(blob), PIN));
	ends("and read", FIDO_OK, fido_dev_largeblob_get(dev, key, length, &read, &got));
	check("in full", same(read, got, blob, sizeof(blob)));
	free(read);
	read = NULL;
	ends("it is removed", FIDO_OK, fido_dev_largeblob_remove(dev, key, length, PIN));
	ends("and gone", FIDO_ERR_NOTFOUND, fido_dev_largeblob_get(dev, key, length, &read, &got));
	ends("the array is read", FIDO_OK, fido_dev_largeblob_get_array(dev, &read, &got));
	check("it is empty", got == 1 && read[0] == 0x80);
	free(read);
}

static fido_dev_t *settings(fido_dev_t *dev)
{
	fido_cbor_info_t *info = fido_cbor_info_new();
	ends("there is no enterprise attestation to turn on", INVALID_SUBCOMMAND, fido_dev_enable_entattest(dev, PIN));
	ends("alwaysUv", FIDO_OK, fido_dev_toggle_always_uv(dev, PIN));
	fido_assert_t *assert = new_assert("accounts.example", NULL);
	ends("nothing goes without the PIN then", FIDO_ERR_PIN_REQUIRED, fido_dev_get_assert(dev, assert, NULL));
	fido_assert_free(&assert);
	ends("off again", FIDO_OK, fido_dev_toggle_always_uv(dev, PIN));
	static const char *names[] = { RP };
	ends("who learns the shortest PIN", FIDO_OK, fido_dev_set_pin_minlen_rpid(dev, names, 1, PIN));
	fido_cred_t *cred = new_cred(COSE_ES256, RP, 9, "length", false);
	fido_cred_set_pin_minlen(cred, 4);
	ends("learns it", FIDO_OK, fido_dev_make_cred(dev, cred, PIN));
	check("it is 4", fido_cred_pin_minlen(cred) == 4);
	fido_cred_free(&cred);
	ends("a longer PIN is asked for", FIDO_OK, fido_dev_set_pin_minlen(dev, 6, PIN));
	fido_dev_get_cbor_info(dev, info);
	check("six characters", fido_cbor_info_minpinlen(info) == 6);
	check("so that it must be changed", fido_cbor_info_new_pin_required(info));
	ends("to one that is long enough", FIDO_ERR_PIN_POLICY_VIOLATION, fido_dev_set_pin(dev, "31415", PIN));
	ends("which it is", FIDO_OK, fido_dev_set_pin(dev, "314159", PIN));
	ends("a change is forced", FIDO_OK, fido_dev_force_pin_change(dev, "314159"));
	fido_dev_get_cbor_info(dev, info);
	check("it is told", fido_cbor_info_new_pin_required(info));
	fido_credman_metadata_t *metadata = fido_credman_metadata_new();
	ends("nothing goes until then", FIDO_ERR_PIN_POLICY_VIOLATION, fido_credman_get_dev_metadata(dev, metadata, "314159"));
	ends("it is changed", FIDO_OK, fido_dev_set_pin(dev, "271828", "314159"));
	ends("and all goes again", FIDO_OK, fido_credman_get_dev_metadata(dev, metadata, "271828"));
	fido_credman_metadata_free(&metadata);
	fido_cbor_info_free(&info);
	return dev;
}

static void *cancel_soon(void *dev)
{
	usleep(300 * 1000);
	fido_dev_cancel(dev);
	return NULL;
}

static void waiting(fido_dev_t *dev)
{
	pthread_t canceller;
	int touched = 0;
	presence("deny");
	fido_cred_t *cred = new_cred(COSE_ES256, RP, 8, "cancelled", false);
	pthread_create(&canceller, NULL, cancel_soon, dev);
	ends("a request is cancelled", FIDO_ERR_KEEPALIVE_CANCEL, fido_dev_make_cred(dev, cred, NULL));
	pthread_join(canceller, NULL);
	fido_cred_free(&cred);
	ends("a touch is asked for", FIDO_OK, fido_dev_get_touch_begin(dev));
	ends("and does not come", FIDO_OK, fido_dev_get_touch_status(dev, &touched, 300));
	check("yet", !touched);
	presence("auto");
	for (int i = 0; i < 10 && !touched; i++)
		fido_dev_get_touch_status(dev, &touched, 300);
	check("and then it does", touched);
	presence("delay:300");
	cred = new_cred(COSE_ES256, RP, 8, "slow", false);
	ends("a slow touch is waited for", FIDO_OK, fido_dev_make_cred(dev, cred, NULL));
	fido_cred_free(&cred);
	presence("auto");
}

static fido_dev_t *reset(fido_dev_t *dev)
{
	dev = power_cycle(&dev);
	ends("a reset after a power cycle", FIDO_OK, fido_dev_reset(dev));
	close_key(&dev);
	dev = open_key();
	check("no PIN is set", !fido_dev_has_pin(dev));
	fido_assert_t *assert = new_assert("accounts.example", NULL);
	ends("no credential is there", FIDO_ERR_NO_CREDENTIALS, fido_dev_get_assert(dev, assert, NULL));
	fido_assert_free(&assert);
	return dev;
}

/* The second run: a key with a fingerprint sensor. */
static void fingerprints(fido_dev_t *dev)
{
	char what[64];
	check("it could verify, but nobody is enrolled", fido_dev_supports_uv(dev) && !fido_dev_has_uv(dev));
	ends("a PIN is set", FIDO_OK, fido_dev_set_pin(dev, PIN, NULL));
	fido_bio_info_t *info = fido_bio_info_new();
	ends("it has a sensor", FIDO_OK, fido_bio_dev_get_info(dev, info));
	unsigned wanted = fido_bio_info_max_samples(info), samples = 1;
	check("which takes samples", wanted >= 1);
	fido_bio_template_t *finger = fido_bio_template_new();
	fido_bio_enroll_t *enrolment = fido_bio_enroll_new();
	ends("nobody enrols without the PIN", FIDO_ERR_PIN_INVALID, fido_bio_dev_enroll_begin(dev, finger, enrolment, 10000, "0000"));
	ends("a finger is enrolled", FIDO_OK, fido_bio_dev_enroll_begin(dev, finger, enrolment, 10000, PIN));
	while (fido_bio_enroll_remaining_samples(enrolment) > 0 && samples < wanted) {
		check("a good sample", fido_bio_enroll_last_status(enrolment) == FIDO_BIO_ENROLL_FP_GOOD);
		snprintf(what, sizeof(what), "sample %u", ++samples);
		ends(what, FIDO_OK, fido_bio_dev_enroll_continue(dev, finger, enrolment, 10000));
	}
	check("that is all of them", fido_bio_enroll_remaining_samples(enrolment) == 0);
	fido_bio_template_set_name(finger, "left");
	ends("it gets a name", FIDO_OK, fido_bio_dev_set_template_name(dev, finger, PIN));
	fido_bio_template_array_t *fingers = fido_bio_template_array_new();
	ends("fingers are listed", FIDO_OK, fido_bio_dev_get_template_array(dev, fingers, PIN));
	check("one, with its name", fido_bio_template_array_count(fingers) == 1 &&
	    strcmp(fido_bio_template_name(fido_bio_template(fingers, 0)), "left") == 0);
	fido_bio_template_array_free(&fingers);
	close_key(&dev);
	dev = open_key();
	check("somebody is enrolled", fido_dev_has_uv(dev));

	fido_cred_t *cred = new_cred(COSE_ES256, RP, 1, "ada", true);
	fido_cred_set_uv(cred, FIDO_OPT_TRUE);
	ends("a finger registers, without the PIN", FIDO_OK, fido_dev_make_cred(dev, cred, NULL));
	ends("its attestation", FIDO_OK, fido_cred_verify_self(cred));
	check("verified", (fido_cred_flags(cred) & 5) == 5);
	fido_assert_t *assert = new_assert(RP, NULL);
	fido_assert_set_uv(assert, FIDO_OPT_TRUE);
	ends("and signs in", FIDO_OK, fido_dev_get_assert(dev, assert, NULL));
	check("verified", (fido_assert_flags(assert, 0) & 5) == 5);
	ends("its signature", FIDO_OK, verify(assert, 0, cred));
	fido_assert_free(&assert);
	fido_cred_free(&cred);
	int left = 0;
	ends("attempts are told", FIDO_OK, fido_dev_get_uv_retry_count(dev, &left));
	check("all of them", left == 5);
	fido_bio_enroll_t *another = fido_bio_enroll_new();
	fido_bio_template_t *other = fido_bio_template_new();
	ends("another is begun", FIDO_OK, fido_bio_dev_enroll_begin(dev, other, another, 10000, PIN));
	ends("and given up", FIDO_OK, fido_bio_dev_enroll_cancel(dev));
	ends("the finger is removed", FIDO_OK, fido_bio_dev_enroll_remove(dev, finger, PIN));
	ends("once only", FIDO_ERR_INVALID_OPTION, fido_bio_dev_enroll_remove(dev, finger, PIN));
	close_key(&dev);
	dev = open_key();
	check("nobody is enrolled any more", !fido_dev_has_uv(dev));
	close_key(&dev);
	fido_bio_template_free(&other);
	fido_bio_enroll_free(&another);
	fido_bio_enroll_free(&enrolment);
	fido_bio_template_free(&finger);
	fido_bio_info_free(&info);
}

int main(int argc, char **argv)
{
	bool sensor = argc == 3 && strcmp(argv[2], "fingerprints") == 0;
	if (argc != 2 && !sensor) {
		fprintf(stderr, "usage: %s 127.0.0.1:PORT [fingerprints]\n", argv[0]);
		return 2;
	}
	address = argv[1];
	memset(hash, 0x11, sizeof(hash));
	memset(salt, 0x22, 32);
	memset(salt + 32, 0x33, 32);
	fido_init(0);
	fido_dev_t *dev = open_key();
	if (sensor) {
		fingerprints(dev);
		printf("%u passed, 0 failed\n", passed);
		return 0;
	}
	information(dev);
	algorithms(dev);
	dev = pins(dev);
	fido_cred_t *cred = everything_at_once(dev);
	accounts(dev);
	management(dev);
	large_blobs(dev, cred);
	dev = settings(dev);
	waiting(dev);
	dev = reset(dev);
	fido_cred_free(&cred);
	close_key(&dev);
	printf("%u passed, 0 failed\n", passed);
	return 0;
}
