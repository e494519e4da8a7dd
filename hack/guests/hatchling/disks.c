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

/* Disks that a guest of Hatchery's can have, the one with secret values among them; how long one is waited for. */
#define MOST_DISKS 9
#define PATIENCE_MS 10000

/* What the disk with secret values begins with: controller/domain/secrets.ts says how it goes on. */
#define SECRETS "hatchery-secrets 1 "
#define MOST_DIGITS 8

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

/* Reads a decimal number to the end of its line; what follows that, or NULL where it is none. */
static const char *read_number(const char *at, const char *end, size_t *number)
{
	const char *first = at;

	*number = 0;
	for (; at < end && at - first < MOST_DIGITS && isdigit((unsigned char)*at); at++)
		*number = *number * 10 + (size_t)(*at - '0');
	return at > first && at < end && *at == '\n' ? at + 1 : NULL;
}

/* FNV-1a of 32 bits: shows that a value has arrived whole, to one who knows it. */
static uint32_t checksum(const char *value, size_t length)
{
	uint32_t sum = 2166136261U;

	for (size_t i = 0; i < length; i++)
		sum = (sum ^ (unsigned char)value[i]) * 16777619U;
	return sum;
}

/* Says of one secret value what its name is and how long it is, never the value; what follows it, or NULL. */
static const char *say_secret(const char *name, const char *end)
{
	const char *blank = memchr(name, ' ', (size_t)(end - name));
	size_t length = 0;
	const char *value = blank == NULL ? NULL : read_number(blank + 1, end, &length);

	if (value == NULL || length >= (size_t)(end - value) || value[length] != '\n')
		return NULL;
	say("secret %.*s: %zu bytes, checksum %08x", (int)(blank - name), name, length, checksum(value, length));
	return value + length + 1;
}

static bool try_secrets(int disk, int64_t size)
{
	char *content = malloc((size_t)size);
	size_t count = 0;

	if (content == NULL || pread(disk, content, (size_t)size, 0) != (ssize_t)size) {
		say("secrets: %s", strerror(errno));
		free(content);
		return false;
	}
	const char *end = content + size;
	const char *at = read_number(content + strlen(SECRETS), end, &count);
	for (size_t i = 0; i < count && at != NULL; i++)
		at = say_secret(at, end);
	free(content);
	if (at == NULL)
		say("secrets: not of the form that was expected");
	return at != NULL;
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
	if (strncmp(begin, SECRETS, strlen(SECRETS)) == 0)
		return try_secrets(disk, size);
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
