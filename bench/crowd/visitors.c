/*
 * Visitors who come all at once, as at-once.ts asks for them:
 *   visitors PORT HOST COUNT BODY_BYTES PATIENCE_MS
 * Each has a connection of its own to 127.0.0.1 and asks once: GET, or POST where there is a body, which is sent while the
 * answer is read and no further than the answer. Prints a line for each:
 *   STATUS RETRY_AFTER HEAD_US WHOLE_US SERVER_US END
 * the times from before connect() until the answer's head and its end were here (-1: never), Retry-After in seconds (-1:
 * none), SERVER_US what the first duration of Server-Timing says (-1: none), END one of whole, cut, hung.
 *
 * Not in Node: a client that takes as long as the server hides what the server takes. For the same reason they look for
 * answers once in a millisecond (a time is too long by that at most). A process that sleeps until there is one is woken by
 * whoever answers, in the server's own time: a sixth of what a refusal took. Visitors on other machines ask for no such
 * thing.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST_HEAD 16384
#define CHUNK 65536
#define MOST_READY 1024

struct visitor {
    int socket; /* -1: it is gone */
    long long begun, head_at, whole_at;
    size_t head_left, body_left;
    char *head; /* the answer's */
    size_t used;
    bool has_head, is_chunked;
    long long expected; /* bytes of the answer's body; -1: until its end */
    long long received;
    char last[5]; /* of a chunked body */
    int status;
    long retry_after;
    double server_ms;
    const char *end;
};

static char request[1024], filler[CHUNK];
static size_t request_length;
static int poller;
static long left;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static long long now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static void finish(struct visitor *visitor, const char *end)
{
    if (visitor->socket < 0)
        return;
    close(visitor->socket);
    visitor->socket = -1;
    visitor->end = end;
    if (strcmp(end, "whole") == 0)
        visitor->whole_at = now_us();
    left--;
}

static void listen_for(struct visitor *visitor, unsigned events)
{
    struct epoll_event event = {.events = events, .data.ptr = visitor};
    if (epoll_ctl(poller, EPOLL_CTL_MOD, visitor->socket, &event) != 0)
        die("epoll_ctl");
}

/* Sends what goes; an error here says nothing yet of the answer, which may be there to be read. */
static void send_more(struct visitor *visitor)
{
    while (visitor->head_left + visitor->body_left > 0) {
        bool is_head = visitor->head_left > 0;
        const char *bytes = is_head ? request + request_length - visitor->head_left : filler;
        size_t count = is_head ? visitor->head_left : visitor->body_left < CHUNK ? visitor->body_left : CHUNK;
        ssize_t sent = send(visitor->socket, bytes, count, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN)
            return;
        if (sent < 0) {
            visitor->head_left = visitor->body_left = 0;
            break;
        }
        if (is_head)
            visitor->head_left -= (size_t)sent;
        else
            visitor->body_left -= (size_t)sent;
    }
    listen_for(visitor, EPOLLIN);
}

static const char *field(const char *head, const char *name)
{
    size_t length = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line + 2, "\r\n"))
        if (strncasecmp(line + 2, name, length) == 0 && line[2 + length] == ':')
            return line + 3 + length;
    return NULL;
}

static void read_head(struct visitor *visitor)
{
    const char *length = field(visitor->head, "content-length"), *after = field(visitor->head, "retry-after");
    const char *coding = field(visitor->head, "transfer-encoding"), *timing = field(visitor->head, "server-timing");
    const char *duration = timing != NULL ? strstr(timing, "dur=") : NULL;
    sscanf(visitor->head, "HTTP/1.1 %d", &visitor->status);
    visitor->expected = length != NULL ? atoll(length) : -1;
    visitor->server_ms = duration != NULL ? atof(duration + 4) : -1;
    visitor->is_chunked = coding != NULL;
    visitor->retry_after = after != NULL ? atol(after) : -1;
}

static void take_body(struct visitor *visitor, const char *bytes, size_t count)
{
    visitor->received += (long long)count;
    for (size_t i = count > 5 ? count - 5 : 0; i < count; i++) {
        memmove(visitor->last, visitor->last + 1, 4);
        visitor->last[4] = bytes[i];
    }
    if (visitor->is_chunked ? memcmp(visitor->last, "0\r\n\r\n", 5) == 0 : visitor->received == visitor->expected)
        finish(visitor, "whole");
}

static void take(struct visitor *visitor, const char *bytes, size_t count)
{
    if (visitor->has_head) {
        take_body(visitor, bytes, count);
        return;
    }
    if (visitor->used + count >= MOST_HEAD) {
        finish(visitor, "cut");
        return;
    }
    memcpy(visitor->head + visitor->used, bytes, count);
    visitor->used += count;
    visitor->head[visitor->used] = '\0';
    char *end = strstr(visitor->head, "\r\n\r\n");
    if (end == NULL)
        return;
    visitor->has_head = true;
    visitor->head_at = now_us();
    end[2] = '\0';
    read_head(visitor);
    take_body(visitor, end + 4, visitor->used - (size_t)(end + 4 - visitor->head));
}

static void read_more(struct visitor *visitor)
{
    static char bytes[CHUNK];
    while (visitor->socket >= 0) {
        ssize_t got = recv(visitor->socket, bytes, sizeof bytes, 0);
        if (got < 0 && errno == EAGAIN)
            return;
        if (got > 0)
            take(visitor, bytes, (size_t)got);
        else
            finish(visitor, got == 0 && visitor->has_head && visitor->expected < 0 && !visitor->is_chunked ? "whole" : "cut");
    }
}

static void begin(struct visitor *visitor, int port, size_t body)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = visitor};
    int one = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *visitor = (struct visitor){.head_at = -1, .whole_at = -1, .retry_after = -1, .server_ms = -1, .end = "hung"};
    visitor->head_left = request_length;
    visitor->body_left = body;
    if ((visitor->head = malloc(MOST_HEAD)) == NULL)
        die("malloc");
    if ((visitor->socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) < 0)
        die("socket");
    setsockopt(visitor->socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    visitor->begun = now_us();
    if (connect(visitor->socket, (struct sockaddr *)&address, sizeof address) != 0 && errno != EINPROGRESS)
        die("connect");
    if (epoll_ctl(poller, EPOLL_CTL_ADD, visitor->socket, &event) != 0)
        die("epoll_ctl");
    /* On the machine itself it is connected by now; the request goes at once. */
    if (send(visitor->socket, request, request_length, MSG_NOSIGNAL) == (ssize_t)request_length)
        visitor->head_left = 0;
}

int main(int argc, char **argv)
{
    if (argc != 6)
        return 2;
    long count = atol(argv[3]), body = atol(argv[4]), patience_ms = atol(argv[5]);
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    char length[64] = "";
    if (body > 0)
        snprintf(length, sizeof length, "Content-Length: %ld\r\n", body);
    request_length = (size_t)snprintf(request, sizeof request,
                                      "%s / HTTP/1.1\r\nHost: %s\r\nUser-Agent: crowd\r\nAccept: */*\r\n%sConnection: close\r\n\r\n",
                                      body > 0 ? "POST" : "GET", argv[2], length);
    poller = epoll_create1(EPOLL_CLOEXEC);
    struct visitor *visitors = calloc((size_t)count, sizeof *visitors);
    if (poller < 0 || visitors == NULL)
        die("epoll_create1");
    long long deadline = now_us() + patience_ms * 1000LL;
    left = count;
    for (long i = 0; i < count; i++)
        begin(&visitors[i], atoi(argv[1]), (size_t)body);
    while (left > 0 && now_us() < deadline) {
        static const struct timespec until_next_look = {.tv_nsec = 1000000};
        struct epoll_event events[MOST_READY];
        nanosleep(&until_next_look, NULL);
        int ready = epoll_wait(poller, events, MOST_READY, 100);
        for (int i = 0; i < ready; i++) {
            struct visitor *visitor = events[i].data.ptr;
            if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                read_more(visitor);
            if (visitor->socket >= 0 && events[i].events & EPOLLOUT)
                send_more(visitor);
        }
    }
    for (long i = 0; i < count; i++) {
        struct visitor *v = &visitors[i];
        printf("%d %ld %lld %lld %.0f %s\n", v->status, v->retry_after, v->head_at < 0 ? -1 : v->head_at - v->begun,
               v->whole_at < 0 ? -1 : v->whole_at - v->begun,
               v->server_ms < 0 ? -1 : v->server_ms * 1000, v->end);
    }
    return 0;
}
