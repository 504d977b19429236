"""Calls of libvirt's own client a second: `libvirt-client.py URI CALL SECONDS CLIENTS DOMAINS`, with so many domains defined."""

import os
import sys
import time

import libvirt

uri, call, seconds, clients, domains = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
XML = """<domain type='{type}'><name>{name}</name><memory unit='MiB'>32</memory>
<os><type arch='{arch}' machine='{machine}'>hvm</type></os></domain>"""


def xml(conn, name):
    # The test drivers know no architecture but that of what they pretend to be.
    if conn.getType().lower() == "test":
        return "<domain type='test'><name>%s</name><memory unit='MiB'>32</memory><os><type>hvm</type></os></domain>" % name
    return XML.format(type="qemu", name=name, arch="riscv64", machine="virt")


def define_undefine(conn, dom):
    conn.defineXML(xml(conn, "fleeting-%d" % os.getpid())).undefine()


calls = {
    "list": lambda conn, dom: conn.listAllDomains(),
    "dominfo": lambda conn, dom: dom.info(),
    "domstats": lambda conn, dom: conn.getAllDomainStats(),
    "define+undefine": define_undefine,
}


def count():
    conn = libvirt.open(uri)
    dom = conn.lookupByName("bench-0")
    each = calls[call]
    # What runs for weeks is not measured in its first second.
    end = time.perf_counter() + seconds / 2
    while time.perf_counter() < end:
        each(conn, dom)
    end = time.perf_counter() + seconds
    n = 0
    while time.perf_counter() < end:
        each(conn, dom)
        n += 1
    return n


libvirt.registerErrorHandler(lambda ctx, err: None, None)
setup = libvirt.open(uri)
made = [setup.defineXML(xml(setup, "bench-%d" % i)) for i in range(domains)]
pipes = []
for _ in range(clients):
    read, write = os.pipe()
    if os.fork() == 0:
        os.write(write, b"%d" % count())
        os._exit(0)
    os.close(write)
    pipes.append(read)
total = sum(int(os.read(pipe, 64) or b"0") for pipe in pipes)
for _ in range(clients):
    os.wait()
print(total / seconds)
for dom in made:
    dom.undefine()
