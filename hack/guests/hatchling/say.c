#include "hatchling.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/reboot.h>
#include <time.h>
#include <unistd.h>

/* A console that nobody reads must not keep the guest from its work. */
#define CONSOLE_PATIENCE_MS 1000

int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void pause_ms(int64_t milliseconds)
{
	struct timespec rest = { .tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000 };

	while (nanosleep(&rest, &rest) != 0 && errno == EINTR)
		;
}

/* Writes to the console, which is not blocking, as long as that takes bytes within its time; returns how many. */
size_t put(const char *bytes, size_t count)
{
	size_t done = 0;

	while (done < count) {
		struct pollfd console = { .fd = STDOUT_FILENO, .events = POLLOUT };
		ssize_t written = write(STDOUT_FILENO, bytes + done, count - done);

		if (written > 0)
			done += (size_t)written;
		else if (errno != EAGAIN && errno != EINTR)
			return done;
		else if (poll(&console, 1, CONSOLE_PATIENCE_MS) == 0)
			return done;
	}
	return done;
}

/* Says one line; what does not fit is cut. */
void say(const char *format, ...)
{
	char line[640] = "hatchling: ";
	const size_t head = sizeof "hatchling: " - 1;
	va_list arguments;

	va_start(arguments, format);
	int length = vsnprintf(line + head, sizeof line - head - 1, format, arguments);
	va_end(arguments);
	if (length < 0)
		return;
	size_t end = head + (size_t)length;
	if (end > sizeof line - 2)
		end = sizeof line - 2;
	line[end] = '\n';
	put(line, end + 1);
}

/*
 * Ends the guest: by power-off where this is process 1, whose end would else be a kernel's panic; an LXC domain's
 * process 1 has a pid namespace of its own, in which reboot(2) ends that namespace alone. Any other process exits.
 * Called from a signal handler too, so nothing but system calls here.
 */
_Noreturn void leave(int code)
{
	if (getpid() == 1)
		reboot(RB_POWER_OFF);
	_exit(code);
}

_Noreturn void leave_by_reboot(void)
{
	if (getpid() == 1)
		reboot(RB_AUTOBOOT);
	_exit(0);
}
