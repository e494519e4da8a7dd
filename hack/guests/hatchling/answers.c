#include "hatchling.h"

#include <stdio.h>
#include <string.h>

#define EVENTS 5
#define CUT_BYTES 100000

static bool send_text(int connection, const char *text)
{
	return send_all(connection, text, strlen(text));
}

/* Text that is being written into a buffer; what does not fit is left out, which `full` tells. */
struct text {
	char bytes[65536];
	size_t used;
	bool full;
};

static void add(struct text *text, const char *bytes, size_t count)
{
	if (count > sizeof text->bytes - text->used)
		text->full = true;
	else {
		memcpy(text->bytes + text->used, bytes, count);
		text->used += count;
	}
}

static void add_word(struct text *text, const char *word) { add(text, word, strlen(word)); }

/* A JSON string of bytes, each of which is taken for the character of that number. */
static void add_string(struct text *text, const char *bytes, size_t count)
{
	add_word(text, "\"");
	for (size_t i = 0; i < count; i++) {
		unsigned char c = (unsigned char)bytes[i];
		char escaped[8];

		if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\')
			add(text, bytes + i, 1);
		else
			add(text, escaped, (size_t)snprintf(escaped, sizeof escaped, "\\u%04x", c));
	}
	add_word(text, "\"");
}

/* Lines of headers as a list of pairs, in their order. */
static void add_headers(struct text *text, const char *line)
{
	add_word(text, "[");
	for (bool first = true; *line != '\0' && *line != '\r' && *line != '\n'; first = false) {
		size_t end = strcspn(line, "\r\n");
		const char *colon = memchr(line, ':', end);
		size_t name = colon != NULL ? (size_t)(colon - line) : end;
		size_t value = name < end ? name + 1 : end;

		while (value < end && line[value] == ' ')
			value++;
		add_word(text, first ? "[" : ",[");
		add_string(text, line, name);
		add_word(text, ",");
		add_string(text, line + value, end - value);
		add_word(text, "]");
		line += end;
		line += line[0] == '\r' && line[1] == '\n' ? 2 : line[0] != '\0' ? 1 : 0;
	}
	add_word(text, "]");
}

/*
 * Says in JSON what request it got: {guest, method, target, protocol, headers, body {length, crc32}, trailers, times}. Times
 * are UNIX microseconds: when its notice went out (0: none did), when the visitor's connection was taken, and when the first
 * byte of its request was read.
 */
static void echo(struct visit *visit)
{
	static struct text text;
	struct body body;
	char numbers[160];

	if (!read_body(visit, &body))
		return;
	add_word(&text, "{\"guest\":");
	add_string(&text, options.name, strlen(options.name));
	add_word(&text, ",\"method\":");
	add_string(&text, visit->method, strlen(visit->method));
	add_word(&text, ",\"target\":");
	add_string(&text, visit->target, strlen(visit->target));
	add_word(&text, ",\"protocol\":");
	add_string(&text, visit->version, strlen(visit->version));
	add_word(&text, ",\"headers\":");
	add_headers(&text, visit->headers);
	add(&text, numbers, (size_t)snprintf(numbers, sizeof numbers, ",\"body\":{\"length\":%llu,\"crc32\":\"%08x\"},\"trailers\":",
					     (unsigned long long)body.length, (unsigned)body.crc));
	add_headers(&text, body.trailers);
	add(&text, numbers, (size_t)snprintf(numbers, sizeof numbers, ",\"times\":{\"notified\":%lld,\"accepted\":%lld,\"heard\":%lld}}\n",
					     (long long)times.notified, (long long)times.accepted, (long long)times.heard));
	send_answer(visit->socket, text.full ? "507 Insufficient Storage" : "200 OK", "application/json", text.bytes,
		    text.full ? 0 : text.used);
}

/* Takes a body of any size and says how much it was. */
static void sink(struct visit *visit)
{
	struct body body;
	char line[64];

	if (!read_body(visit, &body))
		return;
	int length = snprintf(line, sizeof line, "%llu bytes, CRC-32 %08x\n", (unsigned long long)body.length, (unsigned)body.crc);
	send_answer(visit->socket, "200 OK", "text/plain", line, (size_t)length);
}

static bool send_bytes(int connection, int64_t count)
{
	static char block[65536];

	memset(block, '.', sizeof block);
	for (int64_t left = count; left > 0; left -= (int64_t)sizeof block)
		if (!send_all(connection, block, left < (int64_t)sizeof block ? (size_t)left : sizeof block))
			return false;
	return true;
}

static void announce(int connection, int64_t count)
{
	char head[160];

	snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %lld\r\nConnection: close\r\n\r\n",
		 (long long)count);
	send_text(connection, head);
}

/* Is gone with half an answer sent and its connection open. */
static _Noreturn void cut(int connection)
{
	announce(connection, CUT_BYTES);
	send_bytes(connection, CUT_BYTES / 2);
	leave(0);
}

static void send_events(int connection)
{
	send_text(connection, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n");
	for (int i = 1; i <= EVENTS; i++) {
		char event[32];

		snprintf(event, sizeof event, "id: %d\ndata: %d\n\n", i, i);
		if (!send_text(connection, event))
			return;
		pause_ms(options.delay_ms);
	}
}

static void send_trailers(int connection)
{
	static const char body[] = "a body with trailers\n";
	char rest[160];

	send_text(connection, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n"
			      "Trailer: X-Crc32\r\nConnection: close\r\n\r\n");
	snprintf(rest, sizeof rest, "%zx\r\n%s\r\n0\r\nX-Crc32: %08x\r\n\r\n", sizeof body - 1, body,
		 (unsigned)add_to_crc(0, body, sizeof body - 1));
	send_text(connection, rest);
}

/* Answers as the mode says; returns false where that is with a page. */
bool answer_by_mode(struct visit *visit)
{
	static const char refusal[] = "it is too much, and was not read\n";

	switch (options.mode) {
	case MODE_VANISH:
		leave(0);
	case MODE_CUT:
		cut(visit->socket);
	case MODE_EARLY:
		return send_answer(visit->socket, "413 Content Too Large", "text/plain", refusal, sizeof refusal - 1), true;
	case MODE_ECHO:
		return echo(visit), true;
	case MODE_SINK:
		return sink(visit), true;
	case MODE_SOURCE:
		announce(visit->socket, options.bytes);
		return send_bytes(visit->socket, options.bytes), true;
	case MODE_WEBSOCKET:
		return echo_websocket(visit), true;
	case MODE_SSE:
		return send_events(visit->socket), true;
	case MODE_TRAILERS:
		return send_trailers(visit->socket), true;
	case MODE_HINTS:
		send_text(visit->socket, "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload; as=style\r\n\r\n");
		return false;
	default:
		return false;
	}
}
