#include "hatchling.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Clients that are connected and have not asked yet, for instance a probe; the oldest makes room for a new one. */
#define MAX_CLIENTS 8
#define MAX_REQUEST 8192
#define CLIENT_PATIENCE_MS 10000
#define SEND_PATIENCE_MS 10000
/* How long the guest waits for the client's end of the connection once it has answered. */
#define EOF_PATIENCE_MS 2000

struct client {
	int socket; /* -1: a free place */
	int64_t accepted_ms, accepted_us, heard_us;
	size_t used;
	char request[MAX_REQUEST + 1];
};

static struct client clients[MAX_CLIENTS];

static int listen_here(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)options.port) };
	socklen_t length = sizeof address;
	int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	address.sin_addr.s_addr = htonl(place == PLACE_PROCESS ? INADDR_LOOPBACK : INADDR_ANY);
	if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
	    bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 16) != 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &length) != 0) {
		say("cannot listen on port %d: %s", options.port, strerror(errno));
		return -1;
	}
	times.listening = now_us();
	say("%s listens on port %d", options.name, ntohs(address.sin_port));
	return listener;
}

static void drop(struct client *client)
{
	close(client->socket);
	client->socket = -1;
}

static struct client *place_for_client(void)
{
	struct client *oldest = &clients[0];

	for (size_t i = 0; i < MAX_CLIENTS; i++) {
		if (clients[i].socket < 0)
			return &clients[i];
		if (clients[i].accepted_ms < oldest->accepted_ms)
			oldest = &clients[i];
	}
	drop(oldest);
	return oldest;
}

static void accept_client(int listener)
{
	int one = 1, connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (connection < 0)
		return;
	setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	struct client *client = place_for_client();
	client->socket = connection;
	client->accepted_ms = monotonic_ms();
	client->accepted_us = now_us();
	client->used = 0;
}

bool send_all(int connection, const char *bytes, size_t count)
{
	int64_t deadline = monotonic_ms() + SEND_PATIENCE_MS;

	while (count > 0) {
		struct pollfd wait = { .fd = connection, .events = POLLOUT };
		ssize_t sent = send(connection, bytes, count, MSG_NOSIGNAL);

		if (sent >= 0) {
			bytes += sent;
			count -= (size_t)sent;
			continue;
		}
		int64_t rest = deadline - monotonic_ms();
		if ((errno != EAGAIN && errno != EINTR) || rest <= 0 || poll(&wait, 1, (int)rest) < 0)
			return false;
	}
	return true;
}

/* Sends a whole answer. */
bool send_answer(int connection, const char *status, const char *type, const char *body, size_t size)
{
	char header[320];
	int length = snprintf(header, sizeof header,
			      "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nCache-Control: no-store\r\n"
			      "Server: hatchling\r\nX-Hatchling: %s\r\nConnection: close\r\n\r\n",
			      status, type, size, options.name);

	return send_all(connection, header, (size_t)length) && send_all(connection, body, size);
}

/* Says that no more comes, and waits for the client to say so too: a close before would cut off what it has unread. */
static void finish(struct client *client)
{
	int64_t deadline = monotonic_ms() + EOF_PATIENCE_MS;
	char rest[4096];

	shutdown(client->socket, SHUT_WR);
	for (;;) {
		struct pollfd wait = { .fd = client->socket, .events = POLLIN };
		int64_t left = deadline - monotonic_ms();

		if (left <= 0 || poll(&wait, 1, (int)left) <= 0)
			break;
		ssize_t got = read(client->socket, rest, sizeof rest);
		if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
			break;
	}
	drop(client);
}

static void refuse(struct client *client, const char *status)
{
	char answer[160];
	int length = snprintf(answer, sizeof answer, "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", status);

	send_all(client->socket, answer, (size_t)length);
	finish(client);
}

static void answer_with_page(int connection, bool head, const char *target)
{
	static char page[24576];
	char header[320];

	size_t size = write_page(page, sizeof page, target);
	int length = snprintf(header, sizeof header,
			      "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %zu\r\n"
			      "Cache-Control: no-store\r\nX-Hatchling: %s\r\nConnection: close\r\n\r\n",
			      size, options.name);
	if (send_all(connection, header, (size_t)length) && !head)
		send_all(connection, page, size);
}

static void answer(struct client *client, struct visit *visit)
{
	if (options.mode != MODE_SSE)
		pause_ms(options.delay_ms);
	times.accepted = client->accepted_us;
	times.heard = client->heard_us;
	times.answer = now_us();
	if (!answer_by_mode(visit))
		answer_with_page(visit->socket, strcmp(visit->method, "HEAD") == 0, visit->target);
	finish(client);
}

/* Whether the request line is one of HTTP/1; cuts out its method and target, and where the headers begin. */
static bool parse_request_line(char *request, struct visit *visit)
{
	char *end = strpbrk(request, "\r\n");

	if (end == NULL)
		return false;
	visit->headers = end + (end[0] == '\r' && end[1] == '\n' ? 2 : 1);
	*end = '\0';
	visit->method = request;
	char *target = strchr(request, ' ');
	if (target == NULL || target == request)
		return false;
	*target++ = '\0';
	visit->target = target;
	char *version = strchr(target, ' ');
	if (version == NULL || version == target)
		return false;
	*version++ = '\0';
	visit->version = version;
	return strcmp(version, "HTTP/1.1") == 0 || strcmp(version, "HTTP/1.0") == 0;
}

/* Takes what a client sent; returns whether that was the one request, which then is answered. */
static bool hear(struct client *client)
{
	ssize_t got = read(client->socket, client->request + client->used, MAX_REQUEST - client->used);
	struct visit visit = { .socket = client->socket };

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (got <= 0) {
		drop(client);
		return false;
	}
	if (client->used == 0)
		client->heard_us = now_us();
	client->used += (size_t)got;
	client->request[client->used] = '\0';
	char *end = strstr(client->request, "\r\n\r\n"), *bare = strstr(client->request, "\n\n");
	if (end == NULL && bare == NULL) {
		if (client->used == MAX_REQUEST)
			refuse(client, "431 Request Header Fields Too Large");
		return false;
	}
	times.request = now_us();
	visit.body = end != NULL && (bare == NULL || end < bare) ? end + 4 : bare + 2;
	visit.buffered = client->used - (size_t)(visit.body - client->request);
	if (!parse_request_line(client->request, &visit)) {
		refuse(client, "400 Bad Request");
		return false;
	}
	answer(client, &visit);
	return true;
}

static void drop_silent_clients(void)
{
	for (size_t i = 0; i < MAX_CLIENTS; i++)
		if (clients[i].socket >= 0 && monotonic_ms() - clients[i].accepted_ms > CLIENT_PATIENCE_MS)
			drop(&clients[i]);
}

static bool wait_and_serve(int listener, struct notice *notice, int64_t deadline)
{
	struct pollfd waits[MAX_CLIENTS + 2];
	int64_t wake = monotonic_ms() + 1000;

	if (deadline >= 0 && deadline < wake)
		wake = deadline;
	if (!notice->over && notice->next_try < wake)
		wake = notice->next_try;
	for (size_t i = 0; i < MAX_CLIENTS; i++)
		waits[i] = (struct pollfd){ .fd = clients[i].socket, .events = POLLIN };
	waits[MAX_CLIENTS] = (struct pollfd){ .fd = listener, .events = POLLIN };
	waits[MAX_CLIENTS + 1] = (struct pollfd){ .fd = notice->over ? -1 : notice->socket, .events = POLLOUT };
	int64_t left = wake - monotonic_ms();
	if (poll(waits, ARRAY_SIZE(waits), left > 0 ? (int)left : 0) < 0)
		return false;
	go_on_with_notice(notice, waits[MAX_CLIENTS + 1].revents);
	for (size_t i = 0; i < MAX_CLIENTS; i++)
		if (clients[i].socket >= 0 && waits[i].revents != 0 && hear(&clients[i]))
			return true;
	if (waits[MAX_CLIENTS].revents != 0)
		accept_client(listener);
	drop_silent_clients();
	return false;
}

/*
 * Serves exactly one request: connections that end without one, and what is no HTTP, do not count. Returns an exit
 * status: 0 once it was served, 1 without a network, 2 where nobody asked within -shutdown_after.
 */
int serve_one_request(void)
{
	struct notice notice;
	int64_t deadline = options.shutdown_after_ms < 0 ? -1 : monotonic_ms() + options.shutdown_after_ms;
	int listener;

	for (size_t i = 0; i < MAX_CLIENTS; i++)
		clients[i].socket = -1;
	if (!bring_network_up() || (listener = listen_here()) < 0)
		return 1;
	for (begin_notice(&notice); !wait_and_serve(listener, &notice, deadline);) {
		if (deadline >= 0 && monotonic_ms() >= deadline) {
			say("%s: no visitor, goodbye", options.name);
			return 2;
		}
	}
	say("%s served its visitor, goodbye", options.name);
	return 0;
}
