#include "hatchling.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

struct options options = { .shutdown_after_ms = -1, .seconds = 10, .bytes = 1 << 20, .delay_ms = -1, .port = 8000 };

static const struct { const char *word; enum mode mode; } modes[] = {
	{ "hello", MODE_HELLO }, { "http", MODE_HTTP }, { "run", MODE_RUN }, { "crash", MODE_CRASH },
	{ "hang", MODE_HANG }, { "deaf", MODE_DEAF }, { "reboot", MODE_REBOOT }, { "print", MODE_PRINT },
	{ "slow", MODE_SLOW }, { "exit", MODE_EXIT }, { "disks", MODE_DISKS },
	{ "vanish", MODE_VANISH }, { "stay", MODE_STAY }, { "cut", MODE_CUT }, { "early-413", MODE_EARLY },
	{ "echo", MODE_ECHO }, { "sink", MODE_SINK }, { "source", MODE_SOURCE }, { "ws", MODE_WEBSOCKET },
	{ "sse", MODE_SSE }, { "trailers", MODE_TRAILERS }, { "103", MODE_HINTS },
	{ "probe", MODE_PROBE },
};

/* A whole number from 0 to max, in decimal digits alone. */
static bool parse_number(const char *text, int64_t max, int64_t *number)
{
	int64_t value = 0;

	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (!isdigit((unsigned char)*text))
			return false;
		if (value > (max - (*text - '0')) / 10)
			return false;
		value = value * 10 + (*text - '0');
	}
	*number = value;
	return true;
}

/* Seconds with at most six digits after a point, in microseconds. */
static bool parse_seconds(const char *text, int64_t max_seconds, int64_t *microseconds)
{
	char whole[24];
	const char *point = strchr(text, '.');
	size_t length = point != NULL ? (size_t)(point - text) : strlen(text);
	int64_t seconds, part = 0, scale = 1000000;

	if (length >= sizeof whole)
		return false;
	memcpy(whole, text, length);
	whole[length] = '\0';
	if (!parse_number(whole, max_seconds, &seconds))
		return false;
	for (const char *digit = point != NULL ? point + 1 : ""; *digit != '\0'; digit++) {
		if (!isdigit((unsigned char)*digit))
			return false;
		scale /= 10;
		part += (*digit - '0') * scale;
	}
	*microseconds = seconds * 1000000 + part;
	return true;
}

/* A UNIX time in seconds with a fraction, or a whole number of seconds, milli-, micro- or nanoseconds by its size. */
static bool parse_time(const char *text, int64_t *microseconds)
{
	int64_t number;

	if (strchr(text, '.') != NULL)
		return parse_seconds(text, 100000000000, microseconds);
	if (!parse_number(text, INT64_MAX, &number))
		return false;
	if (number < 100000000000)
		*microseconds = number * 1000000;
	else if (number < 100000000000000)
		*microseconds = number * 1000;
	else if (number < 100000000000000000)
		*microseconds = number;
	else
		*microseconds = number / 1000;
	return true;
}

static bool parse_endpoint(const char *text, struct sockaddr_in *endpoint)
{
	char host[INET_ADDRSTRLEN];
	const char *colon = strrchr(text, ':');
	int64_t port;
	struct sockaddr_in parsed = { .sin_family = AF_INET };

	if (colon == NULL || (size_t)(colon - text) >= sizeof host)
		return false;
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	if (inet_pton(AF_INET, host, &parsed.sin_addr) != 1 || !parse_number(colon + 1, 65535, &port) || port == 0)
		return false;
	parsed.sin_port = htons((uint16_t)port);
	*endpoint = parsed;
	return true;
}

/* HOST:PORT, or a URL http://HOST:PORT/TOKEN. */
static bool parse_notify(const char *text)
{
	static const char scheme[] = "http://";
	char endpoint[32];

	if (strncmp(text, scheme, sizeof scheme - 1) != 0)
		return parse_endpoint(text, &options.notify);
	text += sizeof scheme - 1;
	const char *path = strchr(text, '/');
	size_t length = path != NULL ? (size_t)(path - text) : strlen(text);
	if (length >= sizeof endpoint || (path != NULL && strlen(path) >= sizeof options.notify_path))
		return false;
	memcpy(endpoint, text, length);
	endpoint[length] = '\0';
	if (!parse_endpoint(endpoint, &options.notify))
		return false;
	snprintf(options.notify_path, sizeof options.notify_path, "%s", path != NULL ? path : "");
	return true;
}

/* A name goes into a request line and onto a page: letters, digits, '-', '_' and '.' alone. */
static bool parse_name(const char *text, char *name, size_t room)
{
	size_t length = strlen(text);

	if (length == 0 || length >= room)
		return false;
	for (const char *c = text; *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && strchr("-_.", *c) == NULL)
			return false;
	memcpy(name, text, length + 1);
	return true;
}

static bool parse_mode(const char *text, enum mode *mode)
{
	*mode = MODE_UNKNOWN;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (strcmp(text, modes[i].word) == 0)
			*mode = modes[i].mode;
	return *mode != MODE_UNKNOWN;
}

static bool set_number(const char *value, int64_t max, int64_t *number) { return parse_number(value, max, number); }

static bool set_int(const char *value, int64_t max, int *number)
{
	int64_t parsed;

	if (!parse_number(value, max, &parsed))
		return false;
	*number = (int)parsed;
	return true;
}

static bool set_after(const char *value)
{
	int64_t microseconds;

	if (!parse_seconds(value, 1000000000, &microseconds))
		return false;
	options.shutdown_after_ms = microseconds / 1000;
	return true;
}

enum outcome { NOT_OURS, TAKEN, REFUSED };

static enum outcome judge(bool taken) { return taken ? TAKEN : REFUSED; }

/* Takes one option and its value; words that are not ours belong to the kernel or to somebody else. */
static enum outcome take_option(const char *word, const char *value)
{
	if (strcmp(word, "-mode") == 0)
		return judge(parse_mode(value, &options.mode));
	if (strcmp(word, "-name") == 0)
		return judge(parse_name(value, options.name, sizeof options.name));
	if (strcmp(word, "-id") == 0)
		return judge(parse_name(value, options.id, sizeof options.id));
	if (strcmp(word, "-ipaddr") == 0)
		return judge(inet_pton(AF_INET, value, &options.address) == 1);
	if (strcmp(word, "-netmask") == 0)
		return judge(inet_pton(AF_INET, value, &options.netmask) == 1);
	if (strcmp(word, "-gateway") == 0)
		return judge(inet_pton(AF_INET, value, &options.gateway) == 1);
	if (strcmp(word, "-notify") == 0)
		return judge(parse_notify(value));
	if (strcmp(word, "-shutdown_after") == 0)
		return judge(set_after(value));
	if (strcmp(word, "-ts_req_received") == 0)
		return judge(parse_time(value, &options.requested_us));
	if (strcmp(word, "-seconds") == 0)
		return judge(set_number(value, 1000000000, &options.seconds));
	if (strcmp(word, "-bytes") == 0)
		return judge(set_number(value, INT64_C(1) << 40, &options.bytes));
	if (strcmp(word, "-delay_ms") == 0)
		return judge(set_number(value, 1000000000, &options.delay_ms));
	if (strcmp(word, "-port") == 0)
		return judge(set_int(value, 65535, &options.port));
	if (strcmp(word, "-code") == 0)
		return judge(set_int(value, 255, &options.code));
	return NOT_OURS;
}

/* Reads the options out of a command line's words. What cannot be used is told and left at its default. */
void parse_options(size_t count, char *const words[])
{
	bool mode_given = false;

	for (size_t i = 0; i < count; i++) {
		bool valued = i + 1 < count && !(words[i + 1][0] == '-' && isalpha((unsigned char)words[i + 1][1]));
		enum outcome outcome = take_option(words[i], valued ? words[i + 1] : "");

		if (outcome == NOT_OURS)
			continue;
		if (outcome == REFUSED)
			say("%.32s: cannot use \"%.64s\"", words[i], valued ? words[i + 1] : "");
		mode_given = mode_given || strcmp(words[i], "-mode") == 0;
		i += valued ? 1 : 0;
	}
	if (!mode_given)
		options.mode = options.address.s_addr != INADDR_ANY ? MODE_HTTP : MODE_HELLO;
	if (options.delay_ms < 0)
		options.delay_ms = options.mode == MODE_SLOW ? 1000 : options.mode == MODE_SSE ? 200 : 0;
}

/* Cuts a line into its words, in place; returns how many there are, at most `room`. */
size_t split_words(char *line, char *words[], size_t room)
{
	size_t count = 0;
	char *rest = line;

	for (char *word; count < room && (word = strtok_r(rest, " \t\r\n", &rest)) != NULL;)
		words[count++] = word;
	return count;
}
