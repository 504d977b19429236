"""Uses a connection the way programs with libvirt's Python bindings do, and prints what it sees, one line each."""

import os
import sys
import threading

import libvirt

DOMAIN = """<domain type='test'><name>py</name><uuid>11111111-2222-4333-8444-555555555509</uuid><memory unit='MiB'>64</memory>
  <vcpu>2</vcpu><os><type>hvm</type></os><devices><console type='pty'/></devices></domain>"""
NETWORK = "<network><name>pynet</name></network>"
POOL = "<pool type='dir'><name>pypool</name><target><path>/pools/py</path></target></pool>"
VOLUME = "<volume><name>v</name><capacity>100000</capacity></volume>"

libvirt.virEventRegisterDefaultImpl()
libvirt.registerErrorHandler(lambda _context, _error: None, None)


def loop():
    while True:
        libvirt.virEventRunDefaultImpl()


threading.Thread(target=loop, daemon=True).start()
connection = libvirt.open(sys.argv[1])
connection.setKeepAlive(1, 3)
seen = []
arrived = threading.Condition()


def note(text):
    with arrived:
        seen.append(text)
        arrived.notify_all()


def expect(text):
    """Waits until an event has come."""
    with arrived:
        if not arrived.wait_for(lambda: text in seen, timeout=20):
            sys.exit(f"waited in vain for {text!r}; came: {seen}")
        print("event", text)


def on_lifecycle(_connection, domain, event, detail, _opaque):
    note(f"lifecycle {domain.name()} {event}/{detail}")


def on_balloon(_connection, domain, actual, _opaque):
    note(f"balloon {domain.name()} {actual}")


def on_reboot(_connection, domain, _opaque):
    note(f"reboot {domain.name()}")


def on_metadata(_connection, domain, kind, uri, _opaque):
    note(f"metadata {domain.name()} {kind} {uri}")


def on_network(_connection, network, event, detail, _opaque):
    note(f"network {network.name()} {event}/{detail}")


def on_pool(_connection, pool, event, detail, _opaque):
    note(f"pool {pool.name()} {event}/{detail}")


def on_refresh(_connection, pool, _opaque):
    note(f"refresh {pool.name()}")


callbacks = [
    connection.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, on_lifecycle, None),
    connection.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE, on_balloon, None),
    connection.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_REBOOT, on_reboot, None),
    connection.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, on_metadata, None),
]
network_callback = connection.networkEventRegisterAny(None, libvirt.VIR_NETWORK_EVENT_ID_LIFECYCLE, on_network, None)
pool_callbacks = [
    connection.storagePoolEventRegisterAny(None, libvirt.VIR_STORAGE_POOL_EVENT_ID_LIFECYCLE, on_pool, None),
    connection.storagePoolEventRegisterAny(None, libvirt.VIR_STORAGE_POOL_EVENT_ID_REFRESH, on_refresh, None),
]

print("type", connection.getType(), connection.isAlive(), connection.isSecure())
print("domains", [domain.name() for domain in connection.listAllDomains()])
print("ids", connection.listDomainsID(), connection.listDefinedDomains())

domain = connection.defineXML(DOMAIN)
expect("lifecycle py 0/0")
domain.create()
expect("lifecycle py 2/0")
print("info", domain.info()[:4], domain.state(), domain.isActive(), domain.ID() > 0)
print("vcpus", domain.vcpus()[1], domain.vcpuPinInfo(), domain.maxVcpus())
print("stats", sorted(connection.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_STATE)[1][1].items()))
print("params", domain.memoryParameters())
domain.setMemory(32 * 1024)
expect("balloon py 32768")
domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_TITLE, "a title", None, None)
expect("metadata py 1 None")
print("title", domain.metadata(libvirt.VIR_DOMAIN_METADATA_TITLE, None))
domain.reboot()
expect("reboot py")

# A console: what is typed comes back.
console = connection.newStream()
domain.openConsole(None, console)
console.send("läuft".encode())
print("console", console.recv(100).decode())
second = connection.newStream()
try:
    domain.openConsole(None, second)
except libvirt.libvirtError as error:
    print("error", error.get_error_code(), error.get_error_domain(), error)
domain.openConsole(None, second, libvirt.VIR_DOMAIN_CONSOLE_FORCE)
print("end", console.recv(100))
console.finish()
second.abort()

# One stream that is read as it comes, by the event loop.
third = connection.newStream(libvirt.VIR_STREAM_NONBLOCK)
domain.openConsole(None, third)
got = []


def on_stream(stream, events, _opaque):
    if events & libvirt.VIR_STREAM_EVENT_READABLE:
        data = stream.recv(100)
        if data != -2:
            got.append(data)
            note(b"".join(got).decode())


third.eventAddCallback(libvirt.VIR_STREAM_EVENT_READABLE, on_stream, None)
third.send(b"by events")
expect("by events")
third.eventRemoveCallback()
third.abort()

domain.suspend()
expect("lifecycle py 3/0")
domain.resume()
domain.destroy()
expect("lifecycle py 5/1")
domain.undefine()
expect("lifecycle py 1/0")

network = connection.networkDefineXML(NETWORK)
expect("network pynet 0/0")
network.create()
expect("network pynet 2/0")
print("network", network.isActive(), network.bridgeName())
network.destroy()
network.undefine()
expect("network pynet 1/0")

pool = connection.storagePoolDefineXML(POOL)
pool.build()
pool.create()
expect("pool pypool 2/0")
pool.refresh()
expect("refresh pypool")
volume = pool.createXML(VOLUME)
payload = os.urandom(100000)
offset = 0


def send(_stream, count, _opaque):
    global offset
    part = payload[offset : offset + count]
    offset += len(part)
    return part


upload = connection.newStream()
volume.upload(upload, 0, len(payload))
upload.sendAll(send, None)
upload.finish()
download = connection.newStream()
volume.download(download, 0, 0)
received = bytearray()
download.recvAll(lambda _stream, data, _opaque: received.extend(data), None)
download.finish()
print("volume", volume.info()[:2], bytes(received) == payload, pool.listVolumes())
volume.delete()
pool.destroy()
pool.undefine()
expect("pool pypool 1/0")

for call in (
    lambda: connection.lookupByName("nope"),
    lambda: connection.lookupByUUIDString("11111111-2222-4333-8444-555555555509"),
    lambda: connection.networkLookupByName("nope"),
    lambda: connection.storagePoolLookupByName("nope"),
    lambda: connection.storageVolLookupByPath("/nope"),
    lambda: connection.nodeDeviceLookupByName("nope"),
    lambda: connection.defineXML("<domain"),
    lambda: connection.suspendForDuration(0, 60),
):
    try:
        call()
    except libvirt.libvirtError as error:
        print("error", error.get_error_code(), error.get_error_level(), error)

for callback in callbacks:
    connection.domainEventDeregisterAny(callback)
connection.networkEventDeregisterAny(network_callback)
for callback in pool_callbacks:
    connection.storagePoolEventDeregisterAny(callback)
before = len(seen)
connection.lookupByName("test").suspend()
connection.lookupByName("test").resume()
print("silence", len(seen) == before)

# Many threads, one connection.
answers = []


def ask():
    for _ in range(50):
        answers.append(connection.lookupByName("test").info()[1])


threads = [threading.Thread(target=ask) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("threads", len(answers), set(answers))
connection.close()
print("closed")
