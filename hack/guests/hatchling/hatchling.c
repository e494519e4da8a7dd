#include "hatchling.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <termios.h>
#include <unistd.h>

struct times times;
enum place place;

/* The longest command line that Linux on x86 takes, and its end. */
static char command_line[2049];

static enum place find_place(void)
{
	struct stat proc;

	if (getpid() != 1)
		return PLACE_PROCESS;
	/* libvirt mounts /proc before it starts a container's init; a kernel leaves that to its init. */
	return stat("/proc/self", &proc) == 0 ? PLACE_CONTAINER : PLACE_MACHINE;
}

static void on_shutdown_request(int signal)
{
	(void)signal;
	leave(0);
}

/* A shutdown that the host asks for reaches process 1 as SIGTERM; a deaf guest does not hear it. */
static void listen_for_shutdown(void)
{
	struct sigaction action = { .sa_handler = options.mode == MODE_DEAF ? SIG_IGN : on_shutdown_request };

	sigemptyset(&action.sa_mask);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGPWR, &action, NULL);
}

/* A guest of its own is told its options by the kernel's command line, any other process by its arguments. */
static void read_options(int argc, char *argv[])
{
	char *words[256];

	if (place != PLACE_MACHINE) {
		parse_options(argc > 0 ? (size_t)argc - 1 : 0, argv + 1);
		return;
	}
	int file = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t length = file >= 0 ? read(file, command_line, sizeof command_line - 1) : 0;
	if (file >= 0)
		close(file);
	command_line[length > 0 ? length : 0] = '\0';
	parse_options(split_words(command_line, words, ARRAY_SIZE(words)), words);
}

static void say_hello(void)
{
	struct utsname system;
	char address[INET_ADDRSTRLEN] = "no address";

	if (options.address.s_addr != INADDR_ANY)
		inet_ntop(AF_INET, &options.address, address, sizeof address);
	if (uname(&system) != 0)
		memset(&system, 0, sizeof system);
	say("hello, I am %s at %s, %s %s on %s with %lld MiB; goodbye", options.name, address, system.sysname,
	    system.release, system.machine, (long long)(memory_kib() / 1024));
}

/* Writes the bytes asked for, as numbered lines of 64 characters. */
static void print_bytes(void)
{
	static char block[65536];
	int64_t line = 0;

	for (int64_t left = options.bytes; left > 0;) {
		size_t size = 0;

		while (size < sizeof block) {
			char number[24];
			int digits = snprintf(number, sizeof number, "%lld", (long long)line++);

			memset(block + size, '.', 63);
			memcpy(block + size, number, (size_t)digits);
			block[size + 63] = '\n';
			size += 64;
		}
		if ((int64_t)size > left)
			size = (size_t)left;
		if (put(block, size) < size)
			return;
		left -= (int64_t)size;
	}
}

/* Gives what was said the time to reach whoever reads the console, within reason. */
static void drain_console(void)
{
	struct sigaction action = { .sa_handler = on_shutdown_request };

	sigemptyset(&action.sa_mask);
	sigaction(SIGALRM, &action, NULL);
	alarm(2);
	tcdrain(STDOUT_FILENO);
	alarm(0);
}

static _Noreturn void crash(void)
{
	volatile char *volatile nowhere = NULL;

	for (;;)
		*nowhere = 1;
}

static _Noreturn void wait_for_ever(void)
{
	for (;;)
		pause();
}

/*
 * libvirtd's LXC driver calls a start failed when the container is gone before it has connected to the container's
 * monitor: 14 of 300 guests that left at once, on a busy machine. So a guest of no visitor lives this long at least.
 */
static void stay_long_enough(void)
{
	const int64_t least_ms = 400;
	int64_t age_ms = (now_us() - times.init) / 1000;

	if (place == PLACE_CONTAINER && age_ms < least_ms)
		pause_ms(least_ms - age_ms);
}

/* Says how its work ended, on the console and to whom it may concern; power-off alone tells no code. */
static void leave_with_code(void)
{
	char text[192];

	pause_ms(options.delay_ms);
	snprintf(text, sizeof text, "%s leaves with %d", options.name, options.code);
	say("%s", text);
	if (options.notify.sin_port != 0 && bring_network_up())
		report_exit(options.code, text);
	stay_long_enough();
}

/* Hands a guest over to the program that its initrd may bring for tests of what a guest can send (../prober). */
static int become_prober(void)
{
	if (!bring_network_up())
		return 1;
	fcntl(STDOUT_FILENO, F_SETFL, fcntl(STDOUT_FILENO, F_GETFL) & ~O_NONBLOCK);
	execl("/prober", "prober", "eth0", (char *)NULL);
	say("/prober: %s", strerror(errno));
	return 1;
}

/* Does what the guest is for; returns an exit status, which only an ordinary process can make use of. */
static int work(void)
{
	switch (options.mode) {
	case MODE_HELLO:
		say_hello();
		stay_long_enough();
		return 0;
	case MODE_HTTP:
	case MODE_SLOW:
	case MODE_VANISH:
	case MODE_CUT:
	case MODE_EARLY:
	case MODE_ECHO:
	case MODE_SINK:
	case MODE_SOURCE:
	case MODE_WEBSOCKET:
	case MODE_SSE:
	case MODE_TRAILERS:
	case MODE_HINTS:
		return serve_one_request();
	case MODE_STAY:
		serve_one_request();
		say("%s stays", options.name);
		wait_for_ever();
	case MODE_RUN:
		say("%s runs for %lld s", options.name, (long long)options.seconds);
		pause_ms(options.seconds * 1000);
		return 0;
	case MODE_PRINT:
		print_bytes();
		stay_long_enough();
		return 0;
	case MODE_DISKS:
		return try_disks();
	case MODE_EXIT:
		leave_with_code();
		return options.code;
	case MODE_PROBE:
		return become_prober();
	case MODE_CRASH:
		say("%s crashes", options.name);
		stay_long_enough();
		drain_console();
		crash();
	case MODE_REBOOT:
		say("%s reboots", options.name);
		stay_long_enough();
		drain_console();
		leave_by_reboot();
	case MODE_HANG:
	case MODE_DEAF:
		say("%s stays", options.name);
		wait_for_ever();
	case MODE_UNKNOWN:
		break;
	}
	say("%s: nothing to do", options.name);
	return 64;
}

int main(int argc, char *argv[])
{
	times.init = now_us();
	place = find_place();
	if (place == PLACE_PROCESS && argc > 0)
		wake_init(argv[0]);
	if (place == PLACE_MACHINE) {
		times.kernel = times.init - uptime_us();
		prepare_machine();
	}
	fcntl(STDOUT_FILENO, F_SETFL, fcntl(STDOUT_FILENO, F_GETFL) | O_NONBLOCK);
	read_options(argc, argv);
	find_name();
	listen_for_shutdown();
	int code = work();
	drain_console();
	leave(code);
}
