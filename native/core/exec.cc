// From decoded instructions to records for the threaded interpreter.

#include "exec.h"

namespace nodevisor {

HANDLER(illegal);
#define X(name, ...) HANDLER(name);
NODEVISOR_INSNS(X)
#undef X

namespace {

constexpr Handler kHandlers[] = {
    exec_illegal,
#define X(name, ...) exec_##name,
    NODEVISOR_INSNS(X)
#undef X
};
static_assert(sizeof kHandlers / sizeof kHandlers[0] == kInsnCount);

void endOfBlock(const Insn* ip, Context* c) {
    c->pc += static_cast<uint64_t>(int64_t{ip->imm});
    END_BLOCK;
}

bool isJump(const Decoded& d) {
    const Format format = info(d).format;
    return format == Format::B || format == Format::J || d.op == Op::jalr_;
}

}  // namespace

Handler handlerFor(const Decoded& d) { return kHandlers[static_cast<uint32_t>(d.op)]; }

int32_t packedImm(const Decoded& d) {
    if (has(d, kUsesRm)) return d.rs3 | (d.rm << 8);
    return d.imm;
}

Insn record(const Decoded& d, uint32_t offset) {
    Insn i;
    i.handler = handlerFor(d);
    i.rd = writesX(d) && d.rd == 0 ? static_cast<uint8_t>(kSink) : d.rd;
    i.rs1 = d.rs1;
    i.rs2 = d.rs2;
    i.at = static_cast<uint8_t>(offset / 2);
    i.imm = packedImm(d);
    return i;
}

Insn sentinel(uint32_t bytes) {
    return Insn{endOfBlock, 0, 0, 0, static_cast<uint8_t>(bytes / 2), static_cast<int32_t>(bytes)};
}

bool isSerial(const Decoded& d) { return has(d, kEndsBlock) && !isJump(d); }

bool endsBlock(const Decoded& d) { return has(d, kEndsBlock) || d.op == Op::illegal_; }

}  // namespace nodevisor
