// System calls that tap devices of the host take, and the bridges that they are in.
#pragma once

#include <napi.h>

namespace nodevisor {

/// Adds to the module, where the system is Linux. What fails is a negative errno, never thrown; wrong arguments throw a
/// JavaScript error.
/// `tapAttach(fd, name, flags)`: makes an open /dev/net/tun the device of a name, which may hold `%d`; flags: 1 it must
/// not be there yet, 2 it has several queues. Returns its name, or a negative errno.
/// `tapSetUp(fd)`: frames go with a virtio_net_hdr of 12 bytes, little-endian, and the kernel may leave checksums and the
/// cutting of TCP to the reader. Returns the device's name, or a negative errno.
/// `tapRead(fd, bytes, offset, room, lengths)`: reads frames, each where the one before it ended, while `room` bytes are
/// left for one; their lengths with header go to `lengths`, a Uint32Array. Returns how many.
/// `tapWrite(fd, header, frame)`: writes one frame; 0 or a negative errno.
/// `interfaceIndex(name)`, `interfaceFlags(name)`, `interfaceMtu(name)`: numbers of an interface.
/// `interfaceSetUp(name)`, `interfaceSetMtu(name, mtu)`, `interfaceSetMac(name, mac)`, `bridgeAdd(bridge, name)`: 0 or a
/// negative errno.
/// `socketPair()`: two connected stream sockets, or a negative errno. `receiveFd(socket)`: the descriptor that waits
/// there, non-blocking from then on.
void defineTap(Napi::Env env, Napi::Object exports);

}  // namespace nodevisor
