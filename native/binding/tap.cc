#include "tap.h"

#if defined(__linux__)

#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>

namespace nodevisor {

namespace {

/// struct virtio_net_hdr with num_buffers, as devices of virtio 1 have it.
constexpr int NET_HEADER = 12;

constexpr uint32_t MUST_BE_NEW = 1;
constexpr uint32_t SEVERAL_QUEUES = 2;

/// Arguments of one call, checked: the first wrong one leaves a JavaScript error pending, and `good` is false.
class Arguments {
public:
    explicit Arguments(const Napi::CallbackInfo& info) : info_(info) {}

    bool good() const { return good_; }

    int fd() { return static_cast<int>(number(INT32_MAX)); }

    double number(double most) {
        const Napi::Value value = next();
        const double found = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
        return check(found >= 0 && found <= most && found == std::floor(found)) ? found : 0;
    }

    /// A name that fits, copied to where the kernel looks for it.
    void interface(char (&into)[IFNAMSIZ]) {
        const Napi::Value value = next();
        const std::string name = value.IsString() ? value.As<Napi::String>().Utf8Value() : "";
        std::memset(into, 0, IFNAMSIZ);
        if (check(!name.empty() && name.size() < IFNAMSIZ && name.find('\0') == std::string::npos)) {
            std::memcpy(into, name.data(), name.size());
        }
    }

    struct Bytes {
        uint8_t* data;
        size_t length;
    };

    Bytes bytes() {
        const Napi::Value value = next();
        if (!check(value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array)) return {};
        auto array = value.As<Napi::Uint8Array>();
        return {array.Data(), array.ByteLength()};
    }

    struct Words {
        uint32_t* data;
        size_t length;
    };

    Words words() {
        const Napi::Value value = next();
        if (!check(value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_uint32_array)) return {};
        auto array = value.As<Napi::Uint32Array>();
        return {array.Data(), array.ElementLength()};
    }

private:
    Napi::Value next() { return info_[at_++]; }

    bool check(bool right) {
        if (!right && good_) {
            good_ = false;
            const std::string text = "argument " + std::to_string(at_) + " is not what the call takes";
            Napi::TypeError::New(info_.Env(), text).ThrowAsJavaScriptException();
        }
        return right;
    }

    const Napi::CallbackInfo& info_;
    size_t at_ = 0;
    bool good_ = true;
};

Napi::Value result(const Napi::CallbackInfo& info, int64_t value) {
    return Napi::Number::New(info.Env(), static_cast<double>(value));
}

/// The device's name, once its frames are as they are to be.
Napi::Value setUp(const Napi::CallbackInfo& info, int fd) {
    const int header = NET_HEADER;
    const int little = 1;
    const unsigned long offloads = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
    ifreq request{};
    if (ioctl(fd, TUNSETVNETHDRSZ, &header) < 0 || ioctl(fd, TUNSETVNETLE, &little) < 0 ||
        ioctl(fd, TUNSETOFFLOAD, offloads) < 0 || ioctl(fd, TUNGETIFF, &request) < 0) {
        return result(info, -errno);
    }
    if ((request.ifr_flags & IFF_TAP) == 0 || (request.ifr_flags & IFF_VNET_HDR) == 0) return result(info, -EINVAL);
    return Napi::String::New(info.Env(), request.ifr_name, strnlen(request.ifr_name, IFNAMSIZ));
}

Napi::Value tapAttach(const Napi::CallbackInfo& info) {
    Arguments arguments(info);
    ifreq request{};
    const int fd = arguments.fd();
    arguments.interface(request.ifr_name);
    const auto flags = static_cast<uint32_t>(arguments.number(MUST_BE_NEW | SEVERAL_QUEUES));
    if (!arguments.good()) return info.Env().Undefined();
    int wanted = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
    if ((flags & MUST_BE_NEW) != 0) wanted |= IFF_TUN_EXCL;
    if ((flags & SEVERAL_QUEUES) != 0) wanted |= IFF_MULTI_QUEUE;
    request.ifr_flags = static_cast<short>(wanted);
    if (ioctl(fd, TUNSETIFF, &request) < 0) return result(info, -errno);
    return setUp(info, fd);
}

Napi::Value tapSetUp(const Napi::CallbackInfo& info) {
    Arguments arguments(info);
    const int fd = arguments.fd();
    return arguments.good() ? setUp(info, fd) : info.Env().Undefined();
}

Napi::Value tapRead(const Napi::CallbackInfo& info) {
    Arguments arguments(info);
    const int fd = arguments.fd();
    const auto [data, length] = arguments.bytes();
    auto at = static_cast<size_t>(arguments.number(UINT32_MAX));
    const auto room = static_cast<size_t>(arguments.number(UINT32_MAX));
    const auto [lengths, most] = arguments.words();
    if (!arguments.good()) return info.Env().Undefined();
    size_t count = 0;
    while (count < most && room > 0 && at <= length && length - at >= room) {
        const ssize_t got = read(fd, data + at, room);
        if (got < 0) {
            if (errno == EINTR) continue;
            // After frames it is told of the next time.
            if (count == 0) return result(info, -errno);
            break;
        }
        lengths[count++] = static_cast<uint32_t>(got);
        at += static_cast<size_t>(got);
    }
    return result(info, static_cast<int64_t>(count));
}

Napi::Value tapWrite(const Napi::CallbackInfo& info) {
    Arguments arguments(info);
    const int fd = arguments.fd();
    const auto header = arguments.bytes();
    const auto frame = arguments.bytes();
    if (!arguments.good()) return info.Env().Undefined();
    const iovec parts[] = {{header.data, header.length}, {frame.data, frame.length}};
    ssize_t put = 0;
    do put = writev(fd, parts, 2);
    while (put < 0 && errno == EINTR);
    return result(info, put < 0 ? -errno : 0);
}

/// One request about an interface, through a socket that is there for that.
int ask(unsigned long number, ifreq& request) {
    const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket < 0) return -errno;
    const int status = ioctl(socket, number, &request) < 0 ? -errno : 0;
    close(socket);
    return status;
}

/// Asks for one number of an interface.
template <unsigned long number, typename Read>
Napi::Value askFor(const Napi::CallbackInfo& info, Read read) {
    Arguments arguments(info);
    ifreq request{};
    arguments.interface(request.ifr_name);
    if (!arguments.good()) return info.Env().Undefined();
    const int status = ask(number, request);
    return result(info, status < 0 ? status : read(request));
}

Napi::Value interfaceIndex(const Napi::CallbackInfo& info) {
    return askFor<SIOCGIFINDEX>(info, [](const ifreq& request) { return request.ifr_ifindex; });
}

Napi::Value interfaceFlags(const Napi::CallbackInfo& info) {
    return askFor<SIOCGIFFLAGS>(info, [](const ifreq& request) { return request.ifr_flags & 0xffff; });
}

Napi::Value interfaceMtu(const Napi::CallbackInfo& info) {
    return askFor<SIOCGIFMTU>(info, [](const ifreq& request) { return request.ifr_mtu; });
}

Napi::Value interfaceSetUp(const Napi::CallbackInfo& info) {
    Arguments arguments(info);
    ifreq request{};
    arguments.interface(request.ifr_name);
    if (!arguments.good()) return info.Env().Undefined();
    int status = ask(SIOCGIFFLAGS, request);
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
    if (status == 0) status = ask(SIOCSIFFLAGS, request);
    return result(info, status);
}

Napi::Value interfaceSetMtu(const Napi::CallbackInfo& info) {
    Arguments arguments(info);
    ifreq request{};
    arguments.interface(request.ifr_name);
    request.ifr_mtu = static_cast<int>(arguments.number(INT32_MAX));
    return arguments.good() ? result(info, ask(SIOCSIFMTU, request)) : info.Env().Undefined();
}

Napi::Value interfaceSetMac(const Napi::CallbackInfo& info) {
    Arguments arguments(info);
    ifreq request{};
    arguments.interface(request.ifr_name);
    const auto mac = arguments.bytes();
    if (!arguments.good()) return info.Env().Undefined();
    if (mac.length != 6) return result(info, -EINVAL);
    request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
    std::memcpy(request.ifr_hwaddr.sa_data, mac.data, 6);
    return result(info, ask(SIOCSIFHWADDR, request));
}

Napi::Value bridgeAdd(const Napi::CallbackInfo& info) {
    Arguments arguments(info);
    ifreq request{};
    ifreq port{};
    arguments.interface(request.ifr_name);
    arguments.interface(port.ifr_name);
    if (!arguments.good()) return info.Env().Undefined();
    int status = ask(SIOCGIFINDEX, port);
    request.ifr_ifindex = port.ifr_ifindex;
    if (status == 0) status = ask(SIOCBRADDIF, request);
    return result(info, status);
}

Napi::Value socketPair(const Napi::CallbackInfo& info) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) return result(info, -errno);
    const Napi::Array pair = Napi::Array::New(info.Env(), 2);
    pair.Set(0U, Napi::Number::New(info.Env(), ends[0]));
    pair.Set(1U, Napi::Number::New(info.Env(), ends[1]));
    return pair;
}

Napi::Value receiveFd(const Napi::CallbackInfo& info) {
    Arguments arguments(info);
    const int socket = arguments.fd();
    if (!arguments.good()) return info.Env().Undefined();
    char byte = 0;
    iovec part{&byte, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    if (recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0) return result(info, -errno);
    const cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (header == nullptr || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
        header->cmsg_len < CMSG_LEN(sizeof(int))) {
        return result(info, -ENODATA);
    }
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
    if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0) {
        const int error = errno;
        close(fd);
        return result(info, -error);
    }
    return result(info, fd);
}

}  // namespace

void defineTap(Napi::Env env, Napi::Object exports) {
    const auto add = [&](const char* name, Napi::Value (*function)(const Napi::CallbackInfo&)) {
        exports.Set(name, Napi::Function::New(env, function, name));
    };
    add("tapAttach", tapAttach);
    add("tapSetUp", tapSetUp);
    add("tapRead", tapRead);
    add("tapWrite", tapWrite);
    add("interfaceIndex", interfaceIndex);
    add("interfaceFlags", interfaceFlags);
    add("interfaceMtu", interfaceMtu);
    add("interfaceSetUp", interfaceSetUp);
    add("interfaceSetMtu", interfaceSetMtu);
    add("interfaceSetMac", interfaceSetMac);
    add("bridgeAdd", bridgeAdd);
    add("socketPair", socketPair);
    add("receiveFd", receiveFd);
}

}  // namespace nodevisor

#else

namespace nodevisor {

void defineTap(Napi::Env, Napi::Object) {}

}  // namespace nodevisor

#endif
