/*
 * hatchling: the whole user space of a one-shot guest. It is the init of a Linux guest on Xen, which reads its options
 * from the kernel's command line, and the init of an LXC domain, which gets them as arguments. Run as an ordinary
 * process, as its tests do, it takes arguments, serves on 127.0.0.1 alone and exits instead of powering off.
 */
#ifndef HATCHLING_H
#define HATCHLING_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof *(array))

enum mode {
	MODE_UNKNOWN, MODE_HELLO, MODE_HTTP, MODE_RUN, MODE_CRASH, MODE_HANG, MODE_DEAF, MODE_REBOOT, MODE_PRINT, MODE_SLOW,
	MODE_EXIT, MODE_DISKS, MODE_PROBE,
	/* Those that serve a request otherwise than with a page. */
	MODE_VANISH, MODE_STAY, MODE_CUT, MODE_EARLY, MODE_ECHO, MODE_SINK, MODE_SOURCE, MODE_WEBSOCKET, MODE_SSE,
	MODE_TRAILERS, MODE_HINTS,
};

/* What this process is, which says where its options are and what it may do to its machine. */
enum place {
	PLACE_PROCESS, /* not process 1: an ordinary program */
	PLACE_CONTAINER, /* process 1 of an LXC domain */
	PLACE_MACHINE, /* process 1 that a kernel started: a guest of its own */
};

struct options {
	enum mode mode;
	char name[128];
	char id[64]; /* shown on the page, where given: the domain's UUID, for example */
	struct in_addr address, netmask, gateway; /* INADDR_ANY where not given */
	struct sockaddr_in notify; /* sin_port 0 where not given */
	char notify_path[80]; /* what comes before /ready/NAME: "", or "/TOKEN" of a URL */
	int64_t requested_us; /* when the visitor asked, UNIX time in microseconds; 0 where not given */
	int64_t shutdown_after_ms; /* -1 where not given */
	int64_t seconds, bytes, delay_ms; /* delay_ms -1 where not given */
	int port, code;
};

/* UNIX times in microseconds at which this guest's life went on; 0 where that did not happen. */
struct times {
	int64_t first, kernel, init, network, listening, notified, accepted, heard, request, answer;
};

extern struct options options;
extern struct times times;
extern enum place place;

/* options.c */
void parse_options(size_t count, char *const words[]);
size_t split_words(char *line, char *words[], size_t room);

/* say.c */
int64_t now_us(void);
int64_t monotonic_ms(void);
void pause_ms(int64_t milliseconds);
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
size_t put(const char *bytes, size_t count);
_Noreturn void leave(int code);
_Noreturn void leave_by_reboot(void);

/* machine.c */
void prepare_machine(void);
void load_module(const char *path);
void find_name(void);
int64_t memory_kib(void);
int64_t uptime_us(void);
void wake_init(const char *called_as);

/* network.c */
bool bring_network_up(void);
/* A notice under way; its socket is -1 where none is open, and wants POLLOUT until the notice is over. */
struct notice {
	int socket;
	bool over, tried;
	int64_t next_try, patience, give_up; /* monotonic milliseconds */
};
void begin_notice(struct notice *notice);
void go_on_with_notice(struct notice *notice, short events);

/* exit.c */
void report_exit(int code, const char *text);

/* http.c */
int serve_one_request(void);
bool send_all(int connection, const char *bytes, size_t count);
bool send_answer(int connection, const char *status, const char *type, const char *body, size_t size);

/* The one request, as far as it has been read. */
struct visit {
	int socket;
	const char *method, *target, *version;
	char *headers; /* their lines, up to the empty one */
	char *body; /* what of it came along */
	size_t buffered; /* how much that is */
};

/* answers.c */
bool answer_by_mode(struct visit *visit);

/* body.c */
/* A request's body that is being read: its bytes so far, their CRC-32, and the trailers of a chunked one. */
struct body {
	uint64_t length;
	uint32_t crc;
	char trailers[1024];
};
size_t read_some(struct visit *visit, char *into, size_t room);
bool read_exactly(struct visit *visit, char *into, size_t count);
bool read_body(struct visit *visit, struct body *body);
const char *find_header(const struct visit *visit, const char *name, size_t *length);
uint32_t add_to_crc(uint32_t crc, const char *bytes, size_t count);

/* websocket.c */
void echo_websocket(struct visit *visit);

/* disks.c */
int try_disks(void);

/* page.c */
size_t write_page(char *page, size_t room, const char *target);

#endif
