// Guest integer registers as host registers and memory operands, and the late sign extension of 32-bit results.

#include "emitter.h"

namespace nodevisor::jit::x64 {

void Emitter::complete(uint32_t r) {
    if (!lazy(r)) return;
    a_.movsxd(host(r), host(r));
    known_.setLazy(r, false);
}

void Emitter::completeAll() {
    for (uint32_t r = 1; r < 32; r++) complete(r);
}

Reg Emitter::use(uint32_t r, Reg scratch) {
    complete(r);
    return useLow(r, scratch);
}

Reg Emitter::useLow(uint32_t r, Reg scratch) {
    if (homed(r)) return host(r);
    get(scratch, r);
    return scratch;
}

void Emitter::get(Reg d, uint32_t r) {
    complete(r);
    if (r == 0) a_.movImmKeepFlags(d, 0);
    else if (homed(r)) a_.mov(d, host(r));
    else a_.load(d, xMem(r));
}

void Emitter::getLow(Reg d, uint32_t r) {
    if (!homed(r) || host(r) != d) get32(d, r);
}

void Emitter::get32(Reg d, uint32_t r) {
    if (r == 0) a_.movImmKeepFlags(d, 0);
    else if (homed(r)) a_.mov32(d, host(r));
    else a_.load32(d, xMem(r));
}

void Emitter::put(uint32_t r, Reg s) {
    if (r == 0) return;
    known_.setNarrow(r, false);
    known_.setLazy(r, false);
    if (homed(r)) a_.mov(host(r), s);
    else a_.store(xMem(r), s);
}

void Emitter::putLow(uint32_t r, Reg s) {
    if (r == 0) return;
    if (homed(r)) {
        if (host(r) != s) a_.mov32(host(r), s);
        known_.setLazy(r, true);
    } else {
        a_.movsxd(s, s);
        a_.store(xMem(r), s);
    }
    setNarrow(r);
}

void Emitter::putImm(uint32_t r, uint64_t v) {
    if (r == 0) return;
    known_.setLazy(r, false);
    const bool isNarrow = static_cast<int64_t>(v) == static_cast<int32_t>(v);
    if (homed(r)) {
        a_.movImmKeepFlags(host(r), v);
    } else if (isNarrow) {
        a_.storeImm(xMem(r), static_cast<int32_t>(v));
    } else {
        a_.movImmKeepFlags(rcx, v);
        a_.store(xMem(r), rcx);
    }
    if (isNarrow) setNarrow(r);
    else known_.setNarrow(r, false);
}

void Emitter::copy(uint32_t rd, uint32_t rs) {
    if (rd == 0 || rd == rs) return;
    if (rs == 0) return putImm(rd, 0);
    if (lazy(rs) && homed(rd)) return putLow(rd, host(rs));
    const bool isNarrow = narrow(rs);
    const Reg t = target(rd, rax);
    if (homed(rs) && !homed(rd)) {
        put(rd, use(rs, rax));
    } else {
        get(t, rs);
        put(rd, t);
    }
    if (isNarrow) setNarrow(rd);
}

void Emitter::aluX(Alu op, bool w, Reg d, uint32_t r) {
    if (w) complete(r);
    if (r == 0) {
        a_.aluImm(op, w, d, 0);
    } else if (homed(r)) {
        a_.alu(op, w, d, host(r));
    } else {
        a_.alu(op, w, d, xMem(r));
    }
}

void Emitter::compare(uint32_t a, uint32_t b) {
    // Sign extension keeps the order of signed and of unsigned numbers.
    const bool w = !narrow(a) || !narrow(b);
    if (w) complete(b);  // before `a` may be loaded to a scratch register: nothing comes between it and its use
    aluX(kCmp, w, w ? use(a, rax) : useLow(a, rax), b);
}

void Emitter::testZero(uint32_t r) {
    const bool w = !narrow(r);
    const Reg a = useLow(r, rax);
    a_.test(w, a, a);  // leaves CF and OF clear, as a comparison with 0 does
}

}  // namespace nodevisor::jit::x64
