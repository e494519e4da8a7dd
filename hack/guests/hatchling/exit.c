#include "hatchling.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* How long in all the host is tried that is to be told, how long for one answer, and between two tries. */
#define REPORT_PATIENCE_MS 20000
#define ANSWER_PATIENCE_MS 10000
#define CONNECT_PATIENCE_MS 250
#define PAUSE_MS 20

static bool wait_for(int connection, short events, int64_t patience_ms)
{
	struct pollfd wait = { .fd = connection, .events = events };

	return poll(&wait, 1, (int)patience_ms) > 0;
}

static int connect_to_host(void)
{
	int error = 0, connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	socklen_t length = sizeof error;

	if (connection < 0)
		return -1;
	if ((connect(connection, (struct sockaddr *)&options.notify, sizeof options.notify) == 0 ||
	     (errno == EINPROGRESS && wait_for(connection, POLLOUT, CONNECT_PATIENCE_MS))) &&
	    getsockopt(connection, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0)
		return connection;
	close(connection);
	return -1;
}

/* Reads the answer to its end; returns its status, 0 where none came. */
static int read_status(int connection)
{
	static const char version[] = "HTTP/1.";
	char answer[1024];
	size_t used = 0;

	while (used < sizeof answer - 1 && wait_for(connection, POLLIN, ANSWER_PATIENCE_MS)) {
		ssize_t got = read(connection, answer + used, sizeof answer - 1 - used);

		if (got <= 0)
			break;
		used += (size_t)got;
	}
	answer[used] = '\0';
	return strncmp(answer, version, sizeof version - 1) == 0 && used > sizeof "HTTP/1.1" ? atoi(answer + sizeof "HTTP/1.1") : 0;
}

/*
 * Tells the notified host how this guest's work ended, by `POST /exit/NAME HTTP/1.0` with the code as the body's first line
 * and text after it; again and again until it says that it holds it, or will not.
 */
void report_exit(int code, const char *text)
{
	char body[256], request[640];
	int64_t give_up = monotonic_ms() + REPORT_PATIENCE_MS;
	int status = 0, size = snprintf(body, sizeof body, "%d\n%s", code, text);
	int length = snprintf(request, sizeof request, "POST %s/exit/%s HTTP/1.0\r\nContent-Length: %d\r\n\r\n%s",
			      options.notify_path, options.name, size, body);

	while ((status == 0 || status >= 500) && monotonic_ms() < give_up) {
		int connection = connect_to_host();

		if (connection >= 0) {
			if (send(connection, request, (size_t)length, MSG_NOSIGNAL) == length)
				status = read_status(connection);
			close(connection);
		}
		if (status != 200)
			pause_ms(PAUSE_MS);
	}
	if (status != 200)
		say("its exit code was not taken: %d", status);
}
