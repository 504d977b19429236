// Loads, stores, atomics and cache-block operations. The translation cache is looked up inline; all else is in access.cc.

#include <atomic>
#include <cstring>

#include "exec.h"

namespace nodevisor {

namespace {

template <typename T>
const uint8_t* hit(const TlbEntry* entries, uint64_t va) {
    const TlbEntry& e = entries[(va >> 12) & (kTlbSize - 1)];
    if ((va ^ e.tag) > 4096 - sizeof(T)) return nullptr;
    return reinterpret_cast<const uint8_t*>(va + e.addend);
}

/// Out of line, so that no handler has a local variable whose address is taken: that would keep the compiler from
/// continuing with a tail call. Context::leave tells whether it failed.
[[gnu::noinline]] uint64_t loadMissed(Context* c, uint64_t va, uint32_t size, uint32_t way) {
    uint64_t v = 0;
    c->hart->loadSlow(va, size, way, &v);
    return v;
}

/// Reads a T; false: leave.
template <typename T>
bool load(Context* c, uint64_t va, uint32_t way, uint64_t* out) {
    if (const uint8_t* at = hit<T>(c->data->load[way], va)) {
        std::make_unsigned_t<T> v;
        __builtin_memcpy(&v, at, sizeof v);
        *out = static_cast<uint64_t>(static_cast<int64_t>(static_cast<T>(v)));
        return true;
    }
    const uint64_t v = loadMissed(c, va, sizeof(T), way);
    if (c->leave != Leave::kNext) return false;
    *out = static_cast<uint64_t>(static_cast<int64_t>(static_cast<T>(v)));
    return true;
}

template <typename T>
bool store(Context* c, uint64_t va, uint32_t way, uint64_t value) {
    if (const uint8_t* at = hit<T>(c->data->store[way], va)) {
        const T v = static_cast<T>(value);
        __builtin_memcpy(const_cast<uint8_t*>(at), &v, sizeof v);
        return true;
    }
    return c->hart->storeSlow(va, sizeof(T), way, value);
}

/// rs1 plus the immediate.
uint64_t addressOf(const Insn* ip, const Context* c) {
    return c->x[ip->rs1] + static_cast<uint64_t>(int64_t{ip->imm});
}

}  // namespace

#define LOAD(name, type)                                                 \
    HANDLER(name) {                                                      \
        uint64_t v;                                                      \
        if (!load<type>(c, addressOf(ip, c), wayOf(ip->rs1), &v)) LEAVE; \
        c->x[ip->rd] = v;                                                \
        NEXT;                                                            \
    }

LOAD(lb, int8_t)
LOAD(lh, int16_t)
LOAD(lw, int32_t)
LOAD(ld, int64_t)
LOAD(lbu, uint8_t)
LOAD(lhu, uint16_t)
LOAD(lwu, uint32_t)

#define STORE(name, type)                                                            \
    HANDLER(name) {                                                                  \
        if (!store<type>(c, addressOf(ip, c), wayOf(ip->rs1), c->x[ip->rs2])) LEAVE; \
        NEXT;                                                                        \
    }

STORE(sb, uint8_t)
STORE(sh, uint16_t)
STORE(sw, uint32_t)
STORE(sd, uint64_t)

/// FP loads and stores: FS Off is an illegal instruction (Privileged spec 3.1.6.6); a load makes FS Dirty.
#define FP_LOAD(name, type, box)                                         \
    HANDLER(name) {                                                      \
        if (!c->hart->fpEnable(false)) ILLEGAL;                          \
        uint64_t v;                                                      \
        if (!load<type>(c, addressOf(ip, c), wayOf(ip->rs1), &v)) LEAVE; \
        c->f[ip->rd] = v | (box);                                        \
        c->hart->fpEnable(true);                                         \
        NEXT;                                                            \
    }

FP_LOAD(flw, uint32_t, 0xffffffff00000000u)
FP_LOAD(fld, uint64_t, 0u)

#define FP_STORE(name, type)                                                         \
    HANDLER(name) {                                                                  \
        if (!c->hart->fpEnable(false)) ILLEGAL;                                      \
        if (!store<type>(c, addressOf(ip, c), wayOf(ip->rs1), c->f[ip->rs2])) LEAVE; \
        NEXT;                                                                        \
    }

FP_STORE(fsw, uint32_t)
FP_STORE(fsd, uint64_t)

/// An AMO: `a` is what memory held, `b` the operand, both as `type`; memory gets `expression`.
#define AMO(name, type, expression)                                                              \
    HANDLER(name) {                                                                              \
        uint8_t* at = c->hart->atomicPointer(c->x[ip->rs1], sizeof(type), wayOf(ip->rs1), Access::kStore);       \
        if (!at) LEAVE;                                                                          \
        auto& word = *reinterpret_cast<std::atomic<type>*>(at);                                  \
        const type b = static_cast<type>(c->x[ip->rs2]);                                         \
        type a = word.load();                                                                    \
        while (!word.compare_exchange_weak(a, static_cast<type>(expression))) {                  \
        }                                                                                        \
        c->x[ip->rd] = static_cast<uint64_t>(static_cast<int64_t>(static_cast<std::make_signed_t<type>>(a))); \
        NEXT;                                                                                    \
    }

AMO(amoswap_w, uint32_t, b)
AMO(amoadd_w, uint32_t, a + b)
AMO(amoxor_w, uint32_t, a ^ b)
AMO(amoand_w, uint32_t, a & b)
AMO(amoor_w, uint32_t, a | b)
AMO(amomin_w, int32_t, a < b ? a : b)
AMO(amomax_w, int32_t, a > b ? a : b)
AMO(amominu_w, uint32_t, a < b ? a : b)
AMO(amomaxu_w, uint32_t, a > b ? a : b)
AMO(amoswap_d, uint64_t, b)
AMO(amoadd_d, uint64_t, a + b)
AMO(amoxor_d, uint64_t, a ^ b)
AMO(amoand_d, uint64_t, a & b)
AMO(amoor_d, uint64_t, a | b)
AMO(amomin_d, int64_t, a < b ? a : b)
AMO(amomax_d, int64_t, a > b ? a : b)
AMO(amominu_d, uint64_t, a < b ? a : b)
AMO(amomaxu_d, uint64_t, a > b ? a : b)

HANDLER(lr_w) {
    if (!c->hart->loadReserved(c->x[ip->rs1], 4, wayOf(ip->rs1), &c->scratch[1])) LEAVE;
    c->x[ip->rd] = sext32(c->scratch[1]);
    NEXT;
}

HANDLER(lr_d) {
    if (!c->hart->loadReserved(c->x[ip->rs1], 8, wayOf(ip->rs1), &c->scratch[1])) LEAVE;
    c->x[ip->rd] = c->scratch[1];
    NEXT;
}

HANDLER(sc_w) {
    if (!c->hart->storeConditional(c->x[ip->rs1], 4, wayOf(ip->rs1), c->x[ip->rs2], &c->scratch[1])) LEAVE;
    c->x[ip->rd] = c->scratch[1];
    NEXT;
}

HANDLER(sc_d) {
    if (!c->hart->storeConditional(c->x[ip->rs1], 8, wayOf(ip->rs1), c->x[ip->rs2], &c->scratch[1])) LEAVE;
    c->x[ip->rd] = c->scratch[1];
    NEXT;
}

HANDLER(fence) {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    NEXT;
}

}  // namespace nodevisor
