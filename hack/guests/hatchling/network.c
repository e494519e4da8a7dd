#include "hatchling.h"

#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINK "eth0"
/* A guest's network card may be found after init has begun. */
#define LINK_PATIENCE_MS 10000
/* The host's end of a fresh link takes no reply for some milliseconds after ours is up. */
#define LINK_SETTLES_MS 5
/* How long in all a host is tried that is to be notified, and how long at first, which doubles. */
#define NOTICE_PATIENCE_MS 5000
#define NOTICE_FIRST_TRY_MS 30

static struct ifreq request_for(const char *link)
{
	struct ifreq request = { 0 };

	snprintf(request.ifr_name, sizeof request.ifr_name, "%s", link);
	return request;
}

static bool set_address(int control, unsigned long what, struct in_addr address)
{
	struct ifreq request = request_for(LINK);
	struct sockaddr_in value = { .sin_family = AF_INET, .sin_addr = address };

	memcpy(&request.ifr_addr, &value, sizeof value);
	return ioctl(control, what, &request) == 0;
}

static bool raise_link(int control, const char *link)
{
	struct ifreq request = request_for(link);

	if (ioctl(control, SIOCGIFFLAGS, &request) != 0)
		return false;
	request.ifr_flags = (short)(request.ifr_flags | IFF_UP);
	return ioctl(control, SIOCSIFFLAGS, &request) == 0;
}

static bool add_default_route(int control, struct in_addr gateway)
{
	struct rtentry route = { .rt_flags = RTF_UP | RTF_GATEWAY };
	struct sockaddr_in any = { .sin_family = AF_INET };
	struct sockaddr_in by = { .sin_family = AF_INET, .sin_addr = gateway };

	memcpy(&route.rt_dst, &any, sizeof any);
	memcpy(&route.rt_genmask, &any, sizeof any);
	memcpy(&route.rt_gateway, &by, sizeof by);
	return ioctl(control, SIOCADDRT, &route) == 0 || errno == EEXIST;
}

static bool wait_for_link(int control)
{
	int64_t deadline = monotonic_ms() + LINK_PATIENCE_MS;
	struct ifreq request = request_for(LINK);

	while (ioctl(control, SIOCGIFINDEX, &request) != 0) {
		if (monotonic_ms() >= deadline)
			return false;
		pause_ms(1);
	}
	return true;
}

static void wait_for_carrier(int control)
{
	int64_t deadline = monotonic_ms() + 1000;
	struct ifreq request = request_for(LINK);

	while (ioctl(control, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_RUNNING) == 0 &&
	       monotonic_ms() < deadline)
		pause_ms(1);
}

static const char *configure(int control)
{
	if (!wait_for_link(control))
		return "no " LINK;
	raise_link(control, "lo");
	if (!set_address(control, SIOCSIFADDR, options.address))
		return "cannot set the address of " LINK;
	if (options.netmask.s_addr != INADDR_ANY && !set_address(control, SIOCSIFNETMASK, options.netmask))
		return "cannot set the netmask of " LINK;
	if (!raise_link(control, LINK))
		return "cannot raise " LINK;
	wait_for_carrier(control);
	if (options.gateway.s_addr != INADDR_ANY && !add_default_route(control, options.gateway))
		return "cannot set the gateway";
	return NULL;
}

/* Gives the guest its address; an ordinary process leaves its machine's network alone. */
bool bring_network_up(void)
{
	int control;

	if (place == PLACE_PROCESS || options.address.s_addr == INADDR_ANY)
		return true;
	control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (control < 0) {
		say("no network: %s", strerror(errno));
		return false;
	}
	const char *failure = configure(control);
	if (failure != NULL)
		say("%s: %s", failure, strerror(errno));
	close(control);
	times.network = now_us();
	return failure == NULL;
}

/*
 * Forgets the neighbour through which the notified host is reached, so that the next connection asks for it at once:
 * the kernel itself repeats an unanswered ARP request only after a second.
 */
static void ask_for_neighbour_again(void)
{
	bool local = (options.notify.sin_addr.s_addr & options.netmask.s_addr) ==
		     (options.address.s_addr & options.netmask.s_addr);
	struct sockaddr_in next = { .sin_family = AF_INET,
				    .sin_addr = local ? options.notify.sin_addr : options.gateway };
	struct arpreq request = { .arp_flags = 0, .arp_dev = LINK };
	int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (control < 0)
		return;
	memcpy(&request.arp_pa, &next, sizeof next);
	if (ioctl(control, SIOCDARP, &request) != 0 && errno != ENXIO && errno != ENOENT)
		say("neighbour: %s", strerror(errno));
	close(control);
}

static bool send_notice(int connection)
{
	char request[256];
	int length = snprintf(request, sizeof request, "POST %s/ready/%s HTTP/1.0\r\n\r\n", options.notify_path, options.name);

	return length > 0 && (size_t)length < sizeof request &&
	       send(connection, request, (size_t)length, MSG_NOSIGNAL) == length;
}

/* Makes ready to tell the notified host, if there is one, that the guest listens. */
void begin_notice(struct notice *notice)
{
	*notice = (struct notice){ .socket = -1, .over = options.notify.sin_port == 0, .next_try = monotonic_ms(),
				   .patience = NOTICE_FIRST_TRY_MS, .give_up = monotonic_ms() + NOTICE_PATIENCE_MS };
	if (!notice->over && place != PLACE_PROCESS)
		notice->next_try += LINK_SETTLES_MS;
}

static void try_notice(struct notice *notice)
{
	int64_t now = monotonic_ms();

	if (notice->socket >= 0)
		close(notice->socket);
	if (notice->tried && place != PLACE_PROCESS)
		ask_for_neighbour_again();
	notice->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (notice->socket >= 0 && connect(notice->socket, (struct sockaddr *)&options.notify, sizeof options.notify) != 0 &&
	    errno != EINPROGRESS) {
		close(notice->socket);
		notice->socket = -1;
	}
	notice->tried = true;
	notice->next_try = now + notice->patience;
	notice->patience *= 2;
}

/*
 * Goes on with the notice, `POST /ready/NAME HTTP/1.0` as the guest of the original demo sends it; `events` are what
 * poll() said of its socket. The reply is not read, and the connection stays open: closed with a reply unread, it would
 * be reset, and the notice perhaps lost.
 */
void go_on_with_notice(struct notice *notice, short events)
{
	int error = 0;
	socklen_t length = sizeof error;

	if (notice->over)
		return;
	if (notice->socket >= 0 && events != 0) {
		bool connected = getsockopt(notice->socket, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0;
		/* Before it goes out: whoever gets it may act before this process goes on. */
		int64_t now = now_us();

		if (connected && send_notice(notice->socket)) {
			times.notified = now;
			notice->over = true;
			return;
		}
		close(notice->socket);
		notice->socket = -1;
	}
	if (monotonic_ms() >= notice->give_up) {
		say("nobody to notify at port %d", ntohs(options.notify.sin_port));
		notice->over = true;
	} else if (monotonic_ms() >= notice->next_try) {
		try_notice(notice);
	}
}
