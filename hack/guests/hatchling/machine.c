#include "hatchling.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static void mount_or_say(const char *type, const char *target)
{
	/* Already mounted is as good; a missing folder shows in what is looked up there. */
	if (mount(type, target, type, MS_NOSUID | MS_NOEXEC, NULL) != 0 && errno != EBUSY)
		say("mount %s on %s: %s", type, target, strerror(errno));
}

/* Loads a kernel module; where there is no such file the kernel has it built in, or does without. */
void load_module(const char *path)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);

	if (file < 0)
		return;
	if (syscall(SYS_finit_module, file, "", 0) != 0 && errno != EEXIST)
		say("%s: %s", path, strerror(errno));
	close(file);
}

/* Makes of a kernel's bare user space what the rest of this program expects. */
void prepare_machine(void)
{
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/dev", 0755);
	mount_or_say("proc", "/proc");
	mount_or_say("sysfs", "/sys");
	mount_or_say("devtmpfs", "/dev");
	int console = open("/dev/console", O_RDWR | O_NOCTTY);
	if (console >= 0) {
		dup2(console, STDIN_FILENO);
		dup2(console, STDOUT_FILENO);
		dup2(console, STDERR_FILENO);
		if (console > STDERR_FILENO)
			close(console);
	}
	load_module("/xen-netfront.ko");
}

/* xenstore's wire format: xen/include/public/io/xs_wire.h. */
struct xenstore_header {
	uint32_t type, request, transaction, length;
};

/* Reads a key of this domain's own part of xenstore, where there is one. */
static bool read_xenstore(const char *key, char *value, size_t room)
{
	enum { XS_READ = 2 };
	struct xenstore_header header = { .type = XS_READ, .length = (uint32_t)strlen(key) + 1 };
	char request[sizeof header + 64];
	int bus = open("/dev/xen/xenbus", O_RDWR | O_CLOEXEC);
	bool found = false;

	if (bus < 0 || header.length > sizeof request - sizeof header) {
		if (bus >= 0)
			close(bus);
		return false;
	}
	memcpy(request, &header, sizeof header);
	memcpy(request + sizeof header, key, header.length);
	if (write(bus, request, sizeof header + header.length) == (ssize_t)(sizeof header + header.length) &&
	    read(bus, &header, sizeof header) == (ssize_t)sizeof header && header.type == XS_READ && header.length < room) {
		size_t done = 0;
		ssize_t got;

		while (done < header.length && (got = read(bus, value + done, header.length - done)) > 0)
			done += (size_t)got;
		value[done] = '\0';
		found = done > 0;
	}
	close(bus);
	return found;
}

/* The domain's name: as told, else as the hypervisor has it, else the host name. */
void find_name(void)
{
	const char *by_libvirt = getenv("LIBVIRT_LXC_NAME");
	struct utsname system;

	if (options.name[0] != '\0')
		return;
	if (place == PLACE_CONTAINER && by_libvirt != NULL)
		snprintf(options.name, sizeof options.name, "%s", by_libvirt);
	else if (place == PLACE_MACHINE && read_xenstore("name", options.name, sizeof options.name))
		return;
	else if (uname(&system) == 0)
		snprintf(options.name, sizeof options.name, "%s", system.nodename);
}

/* What this guest sees as its memory; an LXC domain sees its limit there. */
int64_t memory_kib(void)
{
	char text[256];
	long long total = 0;
	int file = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);

	if (file < 0)
		return 0;
	ssize_t length = read(file, text, sizeof text - 1);
	close(file);
	if (length <= 0)
		return 0;
	text[length] = '\0';
	return sscanf(text, "MemTotal: %lld", &total) == 1 ? total : 0;
}

int64_t uptime_us(void)
{
	struct timespec since_boot;

	clock_gettime(CLOCK_BOOTTIME, &since_boot);
	return (int64_t)since_boot.tv_sec * 1000000 + since_boot.tv_nsec / 1000;
}

/*
 * Where the host asks a Linux guest on Xen to shut down or reboot, its kernel runs /sbin/poweroff or /sbin/reboot:
 * this program under another name, which tells process 1. It does so only where process 1 is this program too.
 */
void wake_init(const char *called_as)
{
	const char *slash = strrchr(called_as, '/');
	const char *base = slash != NULL ? slash + 1 : called_as;
	struct stat own, init;

	if (strcmp(base, "poweroff") != 0 && strcmp(base, "reboot") != 0)
		return;
	if (stat("/proc/self/exe", &own) != 0 || stat("/proc/1/exe", &init) != 0)
		_exit(1);
	if (own.st_dev != init.st_dev || own.st_ino != init.st_ino)
		_exit(1);
	_exit(kill(1, SIGTERM) == 0 ? 0 : 1);
}
