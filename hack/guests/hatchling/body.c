#include "hatchling.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* How long the visitor may be silent within its body. */
#define BODY_PATIENCE_MS 60000

/* CRC-32 as of zlib; begins with 0. */
uint32_t add_to_crc(uint32_t crc, const char *bytes, size_t count)
{
	static uint32_t table[256];

	for (uint32_t i = 0; table[255] == 0 && i < ARRAY_SIZE(table); i++) {
		table[i] = i;
		for (int bit = 0; bit < 8; bit++)
			table[i] = (table[i] & 1) != 0 ? table[i] >> 1 ^ UINT32_C(0xedb88320) : table[i] >> 1;
	}
	crc = ~crc;
	for (size_t i = 0; i < count; i++)
		crc = crc >> 8 ^ table[(crc ^ (unsigned char)bytes[i]) & 0xff];
	return ~crc;
}

/* Reads what there is, at least a byte; returns 0 at the end, and where the visitor says nothing for long. */
size_t read_some(struct visit *visit, char *into, size_t room)
{
	int64_t give_up = monotonic_ms() + BODY_PATIENCE_MS;

	if (visit->buffered > 0) {
		size_t count = visit->buffered < room ? visit->buffered : room;

		memcpy(into, visit->body, count);
		visit->body += count;
		visit->buffered -= count;
		return count;
	}
	for (;;) {
		struct pollfd wait = { .fd = visit->socket, .events = POLLIN };
		ssize_t got = read(visit->socket, into, room);

		if (got >= 0)
			return (size_t)got;
		if ((errno != EAGAIN && errno != EINTR) || monotonic_ms() >= give_up)
			return 0;
		poll(&wait, 1, 1000);
	}
}

bool read_exactly(struct visit *visit, char *into, size_t count)
{
	while (count > 0) {
		size_t got = read_some(visit, into, count);

		if (got == 0)
			return false;
		into += got;
		count -= got;
	}
	return true;
}

/* Reads a line without its end; one that is longer than there is room is none. */
static bool read_line(struct visit *visit, char *line, size_t room)
{
	size_t used = 0;

	for (char c; read_exactly(visit, &c, 1);) {
		if (c == '\n') {
			line[used > 0 && line[used - 1] == '\r' ? used - 1 : used] = '\0';
			return true;
		}
		if (used == room - 1)
			return false;
		line[used++] = c;
	}
	return false;
}

static bool take(struct visit *visit, struct body *body, uint64_t count)
{
	static char block[65536];

	while (count > 0) {
		size_t got = read_some(visit, block, count < sizeof block ? (size_t)count : sizeof block);

		if (got == 0)
			return false;
		body->crc = add_to_crc(body->crc, block, got);
		body->length += got;
		count -= got;
	}
	return true;
}

static bool take_chunks(struct visit *visit, struct body *body)
{
	char line[512];
	size_t used = 0;

	for (;;) {
		if (!read_line(visit, line, sizeof line))
			return false;
		uint64_t size = strtoull(line, NULL, 16);
		if (size == 0)
			break;
		if (!take(visit, body, size) || !read_line(visit, line, sizeof line))
			return false;
	}
	while (read_line(visit, line, sizeof line)) {
		size_t length = strlen(line);

		if (length == 0)
			return true;
		if (used + length + 3 > sizeof body->trailers)
			return false;
		memcpy(body->trailers + used, line, length);
		memcpy(body->trailers + used + length, "\r\n", 3);
		used += length + 2;
	}
	return false;
}

/* The value of the first header of a name, without blanks around it; NULL where there is none. */
const char *find_header(const struct visit *visit, const char *name, size_t *length)
{
	size_t size = strlen(name);

	for (const char *line = visit->headers; *line != '\0' && *line != '\r' && *line != '\n';) {
		size_t end = strcspn(line, "\r\n");

		if (end > size && strncasecmp(line, name, size) == 0 && line[size] == ':') {
			const char *value = line + size + 1, *last = line + end;

			while (value < last && (*value == ' ' || *value == '\t'))
				value++;
			*length = (size_t)(last - value);
			return value;
		}
		line += end;
		line += line[0] == '\r' && line[1] == '\n' ? 2 : 1;
	}
	return NULL;
}

/* Reads the request's body to its end, by whichever framing it has. */
bool read_body(struct visit *visit, struct body *body)
{
	size_t length;
	const char *coding = find_header(visit, "Transfer-Encoding", &length);

	memset(body, 0, sizeof *body);
	if (coding != NULL)
		return take_chunks(visit, body);
	const char *size = find_header(visit, "Content-Length", &length);
	return size == NULL || take(visit, body, strtoull(size, NULL, 10));
}
