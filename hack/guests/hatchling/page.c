#include "hatchling.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

/* A text that grows in a buffer of fixed size; what does not fit is left out. */
struct text {
	char *bytes;
	size_t room, used;
};

static void add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *text, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	int length = vsnprintf(text->bytes + text->used, text->room - text->used, format, arguments);
	va_end(arguments);
	if (length > 0 && (size_t)length < text->room - text->used)
		text->used += (size_t)length;
	text->bytes[text->used] = '\0';
}

/* Adds what came from outside, at most `most` characters of it. */
static void add_escaped(struct text *text, const char *content, size_t most)
{
	for (; *content != '\0' && most > 0; content++, most--) {
		unsigned char c = (unsigned char)*content;

		if (c == '<' || c == '>' || c == '&' || c == '"' || c == '\'' || c < 32 || c > 126)
			add(text, "&#%u;", c > 126 || c < 32 ? '.' : c);
		else
			add(text, "%c", c);
	}
}

struct phase {
	const char *letter, *what;
	int64_t from, to;
};

/* A share of the whole in hundredths, within 0 and 100. */
static long long share_of(int64_t part, int64_t whole)
{
	int64_t share = whole > 0 ? part * 100 / whole : 0;

	return share < 0 ? 0 : share > 100 ? 100 : share;
}

/* A row of the waterfall: its bar begins where the phase did, `since` the first one. */
static void add_row(struct text *page, const struct phase *phase, int64_t since, int64_t total)
{
	/* Clocks of several machines: no difference is shown below nothing. */
	int64_t took = phase->to > phase->from ? phase->to - phase->from : 0;

	add(page, "<tr><th>%s<td>%s<td class=n>%lld.%lld ms<td class=b>", phase->letter, phase->what,
	    (long long)(took / 1000), (long long)(took % 1000 / 100));
	if (total > 0)
		add(page, "<i style=\"margin-left:%lld%%;width:%lld%%\"></i>", share_of(since, total), share_of(took, total));
	add(page, "\n");
}

/* The phases that took place, each from where the one before ended. */
static void add_phases(struct text *page)
{
	const struct { const char *what; int64_t at; } steps[] = {
		{ "your request came; libvirt was asked, and the domain was started", times.kernel },
		{ times.kernel != 0 ? "the guest&#39;s kernel booted" : "libvirt was asked, and the domain was started",
		  times.init },
		{ "the network came up", times.network },
		{ "the web server listened", times.listening },
		{ "the host was told that we are ready", times.notified },
		{ "your request was sent here", times.request },
		{ "this page was written", times.answer },
	};
	int64_t first = times.first, last = times.answer, from = first;
	char letter[2] = "A";

	add(page, "<table>\n");
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		if (steps[i].at == 0 || (i == 0 && options.requested_us == 0) || (i == 1 && first == times.init))
			continue;
		struct phase phase = { letter, steps[i].what, from, steps[i].at };
		add_row(page, &phase, from - first, last - first);
		from = steps[i].at > from ? steps[i].at : from;
		letter[0]++;
	}
	struct phase total = { "", "in all", first, last };
	add_row(page, &total, 0, 0);
	add(page, "</table>\n");
}

static void add_identity(struct text *page, const char *target)
{
	struct utsname system;
	char address[INET_ADDRSTRLEN] = "127.0.0.1";

	if (options.address.s_addr != INADDR_ANY)
		inet_ntop(AF_INET, &options.address, address, sizeof address);
	if (uname(&system) != 0)
		memset(&system, 0, sizeof system);
	add(page, "<p data-domain=\"");
	add_escaped(page, options.id, sizeof options.id);
	add(page, "\">I am <b>");
	add_escaped(page, options.name, sizeof options.name);
	add(page, "</b> at <b>%s</b>, ", address);
	add(page, "%s, with %lld MiB of memory,\nrunning ",
	    place == PLACE_MACHINE ? "a virtual machine of my own" : place == PLACE_CONTAINER ? "a container" : "a process",
	    (long long)(memory_kib() / 1024));
	add_escaped(page, system.sysname, 32);
	add(page, " ");
	add_escaped(page, system.release, 64);
	add(page, " on ");
	add_escaped(page, system.machine, 32);
	add(page, ". I was started for your request for <code>");
	add_escaped(page, target, 200);
	add(page, "</code> alone; now that you have your answer, I am gone.</p>\n");
}

/* Writes the page that a visitor gets; returns its length. */
size_t write_page(char *bytes, size_t room, const char *target)
{
	struct text page = { bytes, room, 0 };

	times.first = options.requested_us != 0 ? options.requested_us
							  : times.kernel != 0 ? times.kernel : times.init;
	add(&page, "<!DOCTYPE html>\n<html lang=en><meta charset=utf-8><title>Hatchling ");
	add_escaped(&page, options.name, sizeof options.name);
	add(&page,
	    "</title>\n<meta name=viewport content=\"width=device-width\"><style>:root{color-scheme:light dark;--ink:#1d1b24;"
	    "--soft:#6b6675;--line:#e4e0ea;--mark:#c2410c;--ground:#fdfcfe}@media(prefers-color-scheme:dark){:root{--ink:#eceaf0;"
	    "--soft:#9c98a8;--line:#35323d;--mark:#ff9a6b;--ground:#17161b}}body{font:16px/1.55 system-ui,sans-serif;"
	    "max-width:52em;margin:8vh auto;padding:0 1.5em;color:var(--ink);background:var(--ground)}h1{font-size:1.9em;"
	    "margin:0 0 .4em}h2{font-size:1.05em;margin:2.2em 0 .6em}table{border-collapse:collapse;width:100%%}"
	    "td,th{padding:.35em .6em;text-align:left;border-top:1px solid var(--line);font-weight:400}th,.n{color:var(--soft)}"
	    ".n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}.b{width:34%%;padding-right:0}"
	    ".b i{display:block;height:.7em;min-width:2px;border-radius:2px;background:var(--mark)}"
	    "code{overflow-wrap:anywhere}</style>\n"
	    "<h1>Hello, I am a hatchling.</h1>\n");
	add_identity(&page, target);
	add(&page, "<h2>Where each millisecond went</h2>\n");
	add_phases(&page);
	add(&page, "<p>A hatchling is a one-shot guest: one request, one domain; nothing was started before, and nothing "
		   "is left behind.</p>\n</html>\n");
	return page.used;
}
