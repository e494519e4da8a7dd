#include "hatchling.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Disks that a guest of Hatchery's can have, and how long one is waited for. */
#define MOST_DISKS 8
#define PATIENCE_MS 10000

#define BLOCK 4096
#define NAME 16

static int compare(const void *one, const void *other)
{
	return strcmp(one, other);
}

/* Counts the entries of a folder that begin so, and sorts the first of them into names, if given. */
static size_t find(const char *folder, const char *start, char names[][NAME])
{
	size_t count = 0;
	DIR *entries = opendir(folder);

	if (entries == NULL)
		return 0;
	for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
		if (strncmp(entry->d_name, start, strlen(start)) != 0)
			continue;
		if (names != NULL && count < MOST_DISKS)
			snprintf(names[count], NAME, "%.*s", NAME - 1, entry->d_name);
		count++;
	}
	closedir(entries);
	if (names != NULL)
		qsort(names, count < MOST_DISKS ? count : MOST_DISKS, NAME, compare);
	return count;
}

/* A driver makes its disks some time after it was loaded; which ones there will be the bus knows from the start. */
static size_t await_disks(char names[][NAME])
{
	int64_t give_up = monotonic_ms() + PATIENCE_MS;

	load_module("/xen-blkfront.ko");
	while (find("/sys/block", "xvd", NULL) < find("/sys/bus/xen/devices", "vbd-", NULL) && monotonic_ms() < give_up)
		pause_ms(5);
	size_t count = find("/sys/block", "xvd", names);
	return count < MOST_DISKS ? count : MOST_DISKS;
}

static bool is_empty(const char *block)
{
	for (size_t i = 0; i < BLOCK; i++)
		if (block[i] != 0)
			return false;
	return true;
}

/* Whether a block that was empty is, after a write, read back from the device as it was written. */
static const char *try_block(int disk, off_t at)
{
	static char wanted[BLOCK], found[BLOCK];

	if (pread(disk, found, BLOCK, at) != BLOCK)
		return strerror(errno);
	if (!is_empty(found))
		return "not empty";
	for (size_t i = 0; i < BLOCK; i++)
		wanted[i] = (char)(i * 31 + (size_t)(at / BLOCK) + 7);
	if (pwrite(disk, wanted, BLOCK, at) != BLOCK || fsync(disk) != 0 || ioctl(disk, BLKFLSBUF, 0) != 0)
		return strerror(errno);
	if (pread(disk, found, BLOCK, at) != BLOCK)
		return strerror(errno);
	return memcmp(wanted, found, BLOCK) == 0 ? NULL : "not what was written";
}

static bool try_writable(const char *name, int disk, int64_t size)
{
	const char *first = try_block(disk, 0);
	const char *last = first == NULL ? try_block(disk, (off_t)(size / BLOCK - 1) * BLOCK) : NULL;
	const char *fault = first != NULL ? first : last;

	say("disk %s: %lld bytes, writable, %s", name, (long long)size,
	    fault != NULL ? fault : "was empty, written and read back");
	return fault == NULL;
}

/* Says how it begins: whoever made the volume knows what to expect. */
static bool try_read_only(const char *name, int disk, int64_t size)
{
	char begin[33];
	ssize_t length = pread(disk, begin, sizeof begin - 1, 0);
	size_t end = 0;

	while (length > 0 && end < (size_t)length && isprint((unsigned char)begin[end]))
		end++;
	begin[end] = '\0';
	say("disk %s: %lld bytes, read-only, begins with \"%s\"", name, (long long)size, begin);
	return length > 0;
}

static bool try_disk(const char *name)
{
	char path[sizeof "/dev/" + NAME];
	uint64_t size = 0;
	int read_only = 0;

	snprintf(path, sizeof path, "/dev/%.*s", NAME - 1, name);
	int disk = open(path, O_RDWR | O_CLOEXEC);
	if (disk < 0)
		disk = open(path, O_RDONLY | O_CLOEXEC);
	if (disk < 0 || ioctl(disk, BLKGETSIZE64, &size) != 0 || ioctl(disk, BLKROGET, &read_only) != 0) {
		say("disk %s: %s", name, strerror(errno));
		if (disk >= 0)
			close(disk);
		return false;
	}
	bool well = read_only != 0 ? try_read_only(name, disk, (int64_t)size) : try_writable(name, disk, (int64_t)size);
	close(disk);
	return well;
}

/*
 * Says which disks this guest has, and tries each; returns an exit status. Mounts nothing. Only in a guest of its own:
 * the disks that another process sees are somebody's.
 */
int try_disks(void)
{
	char names[MOST_DISKS][NAME];
	size_t count = place == PLACE_MACHINE ? await_disks(names) : 0;
	int code = 0;

	for (size_t i = 0; i < count; i++)
		if (!try_disk(names[i]))
			code = 1;
	say("%s has %zu disks", options.name, count);
	return code;
}
