#include "hatchling.h"

#include <stdio.h>
#include <string.h>

/* The WebSocket protocol: RFC 6455. */

static uint32_t rotate(uint32_t value, int bits) { return value << bits | value >> (32 - bits); }

static void hash_block(uint32_t state[5], const unsigned char block[64])
{
	uint32_t w[80], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];

	for (int i = 0; i < 16; i++)
		w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
	for (int i = 16; i < 80; i++)
		w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
	for (int i = 0; i < 80; i++) {
		uint32_t f = i < 20 ? (b & c) | (~b & d) : i < 40 ? b ^ c ^ d : i < 60 ? (b & c) | (b & d) | (c & d) : b ^ c ^ d;
		uint32_t k = i < 20 ? 0x5a827999 : i < 40 ? 0x6ed9eba1 : i < 60 ? 0x8f1bbcdc : 0xca62c1d6;
		uint32_t next = rotate(a, 5) + f + e + k + w[i];

		e = d;
		d = c;
		c = rotate(b, 30);
		b = a;
		a = next;
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
	state[4] += e;
}

/* SHA-1 (FIPS 180-4) of a short text, which is all that a handshake needs. */
static void hash(const char *text, size_t length, unsigned char digest[20])
{
	uint32_t state[5] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 };
	unsigned char blocks[192] = { 0 };
	size_t count = (length + 8) / 64 + 1;

	memcpy(blocks, text, length);
	blocks[length] = 0x80;
	for (size_t i = 0; i < 8; i++)
		blocks[count * 64 - 1 - i] = (unsigned char)((uint64_t)length * 8 >> (8 * i));
	for (size_t i = 0; i < count; i++)
		hash_block(state, blocks + 64 * i);
	for (size_t i = 0; i < 20; i++)
		digest[i] = (unsigned char)(state[i / 4] >> (24 - 8 * (i % 4)));
}

/* Base64 (RFC 4648) of a digest: 28 characters. */
static void encode(const unsigned char digest[20], char text[29])
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned char bytes[21] = { 0 };

	memcpy(bytes, digest, 20);
	for (size_t i = 0; i < 7; i++) {
		uint32_t group = (uint32_t)bytes[3 * i] << 16 | (uint32_t)bytes[3 * i + 1] << 8 | bytes[3 * i + 2];

		for (size_t j = 0; j < 4; j++)
			text[4 * i + j] = digits[group >> (18 - 6 * j) & 63];
	}
	text[27] = '=';
	text[28] = '\0';
}

static bool shake_hands(struct visit *visit)
{
	static const char secret[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", refusal[] = "only WebSocket\n";
	char text[128], accept[29], head[192];
	unsigned char digest[20];
	size_t length = 0;
	const char *key = find_header(visit, "Sec-WebSocket-Key", &length);

	if (key == NULL || length == 0 || length > 64) {
		send_answer(visit->socket, "426 Upgrade Required", "text/plain", refusal, sizeof refusal - 1);
		return false;
	}
	int size = snprintf(text, sizeof text, "%.*s%s", (int)length, key, secret);
	hash(text, (size_t)size, digest);
	encode(digest, accept);
	size = snprintf(head, sizeof head,
			"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
			accept);
	return send_all(visit->socket, head, (size_t)size);
}

enum opcode { CLOSE = 8, PING = 9, PONG = 10 };

/* Sends one frame back as it came, unmasked; returns false where that was the last. */
static bool echo_frame(struct visit *visit)
{
	static char block[65536];
	unsigned char head[10], mask[4];
	size_t extra;
	uint64_t size;

	if (!read_exactly(visit, (char *)head, 2) || (head[1] & 0x80) == 0)
		return false;
	size = head[1] & 0x7f;
	extra = size == 127 ? 8 : size == 126 ? 2 : 0;
	if (!read_exactly(visit, (char *)head + 2, extra) || !read_exactly(visit, (char *)mask, sizeof mask))
		return false;
	for (size_t i = 0; i < extra; i++)
		size = (i == 0 ? 0 : size << 8) | head[2 + i];
	enum opcode opcode = head[0] & 0x0f;
	head[0] = (unsigned char)((head[0] & 0xf0) | (opcode == PING ? PONG : opcode));
	head[1] &= 0x7f;
	if (!send_all(visit->socket, (char *)head, 2 + extra))
		return false;
	for (uint64_t at = 0; at < size;) {
		size_t got = read_some(visit, block, size - at < sizeof block ? (size_t)(size - at) : sizeof block);

		for (size_t i = 0; i < got; i++)
			block[i] = (char)(block[i] ^ mask[(at + i) % 4]);
		if (got == 0 || !send_all(visit->socket, block, got))
			return false;
		at += got;
	}
	return opcode != CLOSE;
}

/* Switches to WebSocket and sends back all that comes, until a close. */
void echo_websocket(struct visit *visit)
{
	if (!shake_hands(visit))
		return;
	while (echo_frame(visit))
		;
}
