/*
 * prober LINK MILLISECONDS [FRAME...]: sends Ethernet frames (in hexadecimal) through a link, and says each frame that
 * comes in there meanwhile, in hexadecimal, one a line. For tests of what guests may send: it is put into their network
 * namespace, or is a guest's own program. Says "ready" once it listens.
 *
 * prober LINK: for ever; the frames that it sends are the lines of its standard input, such as a guest's console.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define MOST_BYTES 2048

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void fail(const char *what)
{
	fprintf(stderr, "prober: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int open_link(const char *name)
{
	struct sockaddr_ll link = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int channel = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));

	if (channel < 0)
		fail("socket");
	link.sll_ifindex = (int)if_nametoindex(name);
	if (link.sll_ifindex == 0)
		fail(name);
	if (bind(channel, (const struct sockaddr *)&link, sizeof link) != 0)
		fail("bind");
	return channel;
}

static size_t read_frame(const char *text, unsigned char *frame)
{
	size_t length = strlen(text) / 2;

	if (length > MOST_BYTES || strlen(text) % 2 != 0)
		exit(2);
	for (size_t at = 0; at < length; at += 1) {
		unsigned int byte;

		if (sscanf(text + 2 * at, "%2x", &byte) != 1)
			exit(2);
		frame[at] = (unsigned char)byte;
	}
	return length;
}

static void say_frame(int channel)
{
	unsigned char frame[MOST_BYTES];
	struct sockaddr_ll from;
	socklen_t size = sizeof from;
	ssize_t length = recvfrom(channel, frame, sizeof frame, 0, (struct sockaddr *)&from, &size);

	if (length < 0 || from.sll_pkttype == PACKET_OUTGOING)
		return;
	for (ssize_t at = 0; at < length; at += 1)
		printf("%02x", frame[at]);
	printf("\n");
	fflush(stdout);
}

static void send_frame(int channel, const char *text)
{
	unsigned char frame[MOST_BYTES];
	size_t length = read_frame(text, frame);

	if (send(channel, frame, length, 0) != (ssize_t)length)
		fail("send");
}

static void listen_until(int channel, int64_t deadline)
{
	for (;;) {
		int64_t left = deadline - now_ms();
		struct pollfd heard = { .fd = channel, .events = POLLIN };

		if (left <= 0)
			return;
		if (poll(&heard, 1, (int)left) > 0)
			say_frame(channel);
	}
}

/* A console repeats what it is told: not so this one, where it would look like what was heard. */
static void silence_input(void)
{
	struct termios settings;

	if (tcgetattr(STDIN_FILENO, &settings) != 0)
		return;
	settings.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(STDIN_FILENO, TCSANOW, &settings);
}

static void send_lines(int channel)
{
	static char line[2 * MOST_BYTES + 2];

	setvbuf(stdin, NULL, _IONBF, 0);
	for (;;) {
		struct pollfd heard[] = { { .fd = channel, .events = POLLIN }, { .fd = STDIN_FILENO, .events = POLLIN } };

		if (poll(heard, 2, -1) < 0)
			fail("poll");
		if (heard[0].revents != 0)
			say_frame(channel);
		if (heard[1].revents == 0)
			continue;
		if (fgets(line, sizeof line, stdin) == NULL)
			return;
		line[strcspn(line, "\r\n")] = '\0';
		if (line[0] != '\0')
			send_frame(channel, line);
	}
}

int main(int count, char **words)
{
	if (count < 2)
		return 2;
	int channel = open_link(words[1]);

	if (count == 2)
		silence_input();
	printf("ready\n");
	fflush(stdout);
	if (count == 2) {
		send_lines(channel);
		return 0;
	}
	int64_t deadline = now_ms() + atoi(words[2]);
	for (int at = 3; at < count; at += 1)
		send_frame(channel, words[at]);
	listen_until(channel, deadline);
	return 0;
}
