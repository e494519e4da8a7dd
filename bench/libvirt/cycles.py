"""Create and destroy cycles through python3-libvirt, as main.ts asks for them:
  cycles.py URI
then on standard input lines "WORKERS RUN_MS", each answered by {"cycles":N,"seconds":S}.
Two connections, workers spread over them, lifecycle events registered on the first and counted; a run fails where an
event is missing. The workers run a little before and after what is counted."""
import json
import os
import sys
import threading
import time

import libvirt

CONNECTIONS = 2
LEAD_SECONDS = 0.02
LEADING, COUNTING, OVER = range(3)


class Bench:
    def __init__(self, uri):
        self.phase = OVER
        self.events = 0
        self.cycles = 0
        libvirt.virEventRegisterDefaultImpl()
        threading.Thread(target=self.event_loop, daemon=True).start()
        self.connections = [libvirt.open(uri) for _ in range(CONNECTIONS)]
        self.connections[0].domainEventRegisterAny(
            None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, self.on_event, None)

    @staticmethod
    def event_loop():
        while True:
            libvirt.virEventRunDefaultImpl()

    def on_event(self, connection, domain, event, detail, opaque):
        self.events += 1

    def work(self, number, done, counted):
        connection = self.connections[number % CONNECTIONS]
        turn = 0
        while self.phase != OVER:
            domain = connection.createXML(
                "<domain type='test'><name>w%d-%d</name><uuid>%08x-0000-4000-8000-%012x</uuid>"
                "<memory>1024</memory><os><type>hvm</type></os></domain>" % (number, turn, number, turn), 0)
            domain.destroy()
            turn += 1
            done[number] += 1
            if self.phase == COUNTING:
                counted[number] += 1

    def run(self, workers, seconds):
        done, counted = [0] * workers, [0] * workers
        threads = [threading.Thread(target=self.work, args=(i, done, counted)) for i in range(workers)]
        self.phase = LEADING
        for thread in threads:
            thread.start()
        time.sleep(LEAD_SECONDS)
        self.phase = COUNTING
        begun = time.monotonic()
        time.sleep(seconds)
        self.phase = OVER
        took = time.monotonic() - begun
        cycles = sum(counted)
        for thread in threads:
            thread.join()
        self.cycles += sum(done)
        deadline = time.monotonic() + 2
        while self.events < 2 * self.cycles and time.monotonic() < deadline:
            time.sleep(0.002)
        if self.events != 2 * self.cycles:
            sys.exit("%d events of %d cycles" % (self.events, self.cycles))
        print(json.dumps({"cycles": cycles, "seconds": took}), flush=True)


if __name__ == "__main__":
    bench = Bench(sys.argv[1])
    for line in sys.stdin:
        workers, ms = line.split()
        bench.run(int(workers), float(ms) / 1000)
    os._exit(0)
