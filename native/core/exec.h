// What every instruction handler is made of. A handler is `exec_<name>` with dots as underscores, found through the
// generated instruction list: a name without a handler is a link error.
#pragma once

#include <cstdint>

#include "bits.h"
#include "block_cache.h"
#include "context.h"
#include "decode.h"
#include "hart.h"

namespace nodevisor {

using Handler = void (*)(const Insn*, Context*);

/// The handler of a decoded instruction (`exec_illegal` when it does not decode).
Handler handlerFor(const Decoded& d);
/// The immediate field of a record: imm, or for operations with a rounding mode rs3 in bits 4:0 and rm in
/// bits 10:8.
int32_t packedImm(const Decoded& d);
/// The record of an instruction `offset` bytes into its block.
Insn record(const Decoded& d, uint32_t offset);
/// The record after the last instruction: moves pc past `bytes` and returns.
Insn sentinel(uint32_t bytes);
/// Instructions that read counters or change what decoding and translation depend on: blocks of their own.
bool isSerial(const Decoded& d);
/// Jumps, branches and all else after which the next instruction may not be the following one.
bool endsBlock(const Decoded& d);

// Handlers continue by a tail call where the compiler makes one for certain, else through the loop in Hart::runBlock.
#if defined(NODEVISOR_LOOP_DISPATCH)
#define NEXT           \
    do {               \
        c->ip = ip + 1; \
        return;        \
    } while (0)
#else
#define NEXT return ip[1].handler(ip + 1, c)
#endif

/// Ends the block; Context::pc has been set.
#if defined(NODEVISOR_LOOP_DISPATCH)
#define END_BLOCK        \
    do {                 \
        c->ip = nullptr; \
        return;          \
    } while (0)
#else
#define END_BLOCK return
#endif

/// Leaves at this instruction: Context::leave has been set.
#define LEAVE            \
    do {                 \
        c->leaveIp = ip; \
        END_BLOCK;       \
    } while (0)

#define ILLEGAL                                           \
    do {                                                  \
        c->hart->raise(cause::ILLEGAL_INSTRUCTION, 0);    \
        LEAVE;                                            \
    } while (0)

#define HANDLER(name) void exec_##name([[maybe_unused]] const Insn* ip, [[maybe_unused]] Context* c)

}  // namespace nodevisor
