/*
 * Create and destroy cycles through libvirt's own C client, as main.ts asks for them:
 *   cycles URI
 * then on standard input lines "WORKERS RUN_MS", each answered by {"cycles":N,"seconds":S}.
 * Two connections, workers spread over them, lifecycle events registered on the first and counted; a run fails where
 * an event is missing. The workers run a little before and after what is counted.
 */
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define CONNECTIONS 2
#define MOST 256
#define LEAD_SECONDS 0.02

enum { LEADING, COUNTING, OVER };

static virConnectPtr connections[CONNECTIONS];
static pthread_t threads[MOST];
static atomic_long all_cycles, counted_cycles, events;
static atomic_int phase;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void nap(double seconds)
{
    struct timespec t = {(time_t)seconds, (long)((seconds - (time_t)seconds) * 1e9)};
    nanosleep(&t, NULL);
}

static void die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, virGetLastErrorMessage());
    exit(1);
}

static int on_event(virConnectPtr c, virDomainPtr d, int event, int detail, void *opaque)
{
    (void)c, (void)d, (void)event, (void)detail, (void)opaque;
    events++;
    return 0;
}

static void *event_loop(void *arg)
{
    for (;;)
        if (virEventRunDefaultImpl() < 0)
            die("event loop");
    return arg;
}

static void *worker(void *arg)
{
    long number = (long)arg;
    virConnectPtr connection = connections[number % CONNECTIONS];
    char xml[512];
    for (unsigned turn = 0; phase != OVER; turn++) {
        snprintf(xml, sizeof xml,
                 "<domain type='test'><name>w%ld-%u</name><uuid>%08lx-0000-4000-8000-%012x</uuid>"
                 "<memory>1024</memory><os><type>hvm</type></os></domain>",
                 number, turn, number, turn);
        virDomainPtr domain = virDomainCreateXML(connection, xml, 0);
        if (!domain || virDomainDestroy(domain) < 0)
            die("cycle");
        virDomainFree(domain);
        all_cycles++;
        if (phase == COUNTING)
            counted_cycles++;
    }
    return NULL;
}

static void run(long workers, double seconds)
{
    counted_cycles = 0;
    phase = LEADING;
    for (long i = 0; i < workers; i++)
        pthread_create(&threads[i], NULL, worker, (void *)i);
    nap(LEAD_SECONDS);
    phase = COUNTING;
    double begun = now();
    nap(seconds);
    phase = OVER;
    double took = now() - begun;
    long cycles = counted_cycles;
    for (long i = 0; i < workers; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 1000 && events < 2 * all_cycles; i++)
        nap(0.002);
    if (events != 2 * all_cycles) {
        fprintf(stderr, "%ld events of %ld cycles\n", (long)events, (long)all_cycles);
        exit(1);
    }
    printf("{\"cycles\":%ld,\"seconds\":%f}\n", cycles, took);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    pthread_t loop;
    long workers;
    double ms;
    if (argc != 2) {
        fprintf(stderr, "usage: %s URI\n", argv[0]);
        return 2;
    }
    if (virEventRegisterDefaultImpl() < 0)
        die("start");
    pthread_create(&loop, NULL, event_loop, NULL);
    for (int i = 0; i < CONNECTIONS; i++)
        if (!(connections[i] = virConnectOpen(argv[1])))
            die("open");
    if (virConnectDomainEventRegisterAny(connections[0], NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                         VIR_DOMAIN_EVENT_CALLBACK(on_event), NULL, NULL) < 0)
        die("register");
    while (scanf("%ld %lf", &workers, &ms) == 2 && workers > 0 && workers <= MOST)
        run(workers, ms / 1000);
    _Exit(0);
}
