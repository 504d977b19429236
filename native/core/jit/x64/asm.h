// An assembler for the x86-64 instructions that the translator uses (Intel SDM vol. 2). It writes through the writable
// view of the code buffer; addresses handed out and branch distances are those of the executable view.
#pragma once

#include <cstdint>
#include <cstring>

namespace nodevisor::jit::x64 {

enum Reg : uint8_t { rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15, kNoReg = 0xff };
enum Xmm : uint8_t { xmm0, xmm1, xmm2, xmm3, xmm4, xmm5, xmm6, xmm7, xmm8, xmm9, xmm10, xmm11, xmm12, xmm13, xmm14,
                     xmm15, kNoXmm = 0xff };

/// Condition codes as encoded in jcc, setcc and cmovcc.
enum Cond : uint8_t { kO, kNO, kB, kAE, kE, kNE, kBE, kA, kS, kNS, kP, kNP, kL, kGE, kLE, kG };

/// [base + index · scale + disp].
struct Mem {
    Reg base;
    int32_t disp = 0;
    Reg index = kNoReg;
    uint8_t scale = 1;
};

/// Opcode of the form `op r, r/m` of the eight classic ALU operations; `/digit` of their immediate form is op >> 3.
enum Alu : uint8_t { kAdd = 0x03, kOr = 0x0b, kAnd = 0x23, kSub = 0x2b, kXor = 0x33, kCmp = 0x3b };
/// `/digit` of the shift group.
enum Shift : uint8_t { kShl = 4, kShr = 5, kSar = 7 };

class Asm {
public:
    /// Emits at `write` (writable view), which is mapped executable at `exec`; never past `end` (writable view).
    void start(uint8_t* write, const uint8_t* exec, uint8_t* end) {
        p_ = write;
        delta_ = exec - write;
        end_ = end;
        overflow_ = false;
    }

    uint8_t* here() const { return p_; }
    /// The executable address of a place in the writable view.
    const uint8_t* exec(const uint8_t* write) const { return write + delta_; }
    /// Ran out of room: what was emitted is useless.
    bool overflowed() const { return overflow_; }

    // ---- integer moves
    void mov(Reg d, Reg s) { if (d != s) op(true, 0x8b, d, s); }
    void mov32(Reg d, Reg s) { op(false, 0x8b, d, s); }
    void load(Reg d, Mem m) { op(true, 0x8b, d, m); }
    void load32(Reg d, Mem m) { op(false, 0x8b, d, m); }
    void store(Mem m, Reg s) { op(true, 0x89, s, m); }
    void store32(Mem m, Reg s) { op(false, 0x89, s, m); }
    void store16(Mem m, Reg s) { byte(0x66); op(false, 0x89, s, m); }
    void store8(Mem m, Reg s) { op8(0x88, s, m); }
    /// Stores a sign-extended 32-bit immediate to a 64-bit word.
    void storeImm(Mem m, int32_t v) { op(true, 0xc7, static_cast<Reg>(0), m, 4); imm32(v); }
    void storeImm32(Mem m, int32_t v) { op(false, 0xc7, static_cast<Reg>(0), m, 4); imm32(v); }
    void movImm(Reg d, uint64_t v) {
        if (v == 0) return op(false, 0x33, d, d);  // xor: spoils the flags
        movImmKeepFlags(d, v);
    }
    void movImmKeepFlags(Reg d, uint64_t v) {
        if (v <= 0xffffffffu) {
            if (d >= 8) byte(0x41);
            byte(0xb8 + (d & 7));
            imm32(static_cast<int32_t>(v));
        } else if (static_cast<int64_t>(v) == static_cast<int32_t>(v)) {
            op(true, 0xc7, static_cast<Reg>(0), d);
            imm32(static_cast<int32_t>(v));
        } else {
            byte(0x48 | (d >= 8 ? 1 : 0));
            byte(0xb8 + (d & 7));
            imm64(v);
        }
    }
    void lea(Reg d, Mem m) { op(true, 0x8d, d, m); }
    void lea32(Reg d, Mem m) { op(false, 0x8d, d, m); }
    void movsxd(Reg d, Reg s) { op(true, 0x63, d, s); }
    void movsxd(Reg d, Mem m) { op(true, 0x63, d, m); }
    void movzx8(Reg d, Reg s) { op0f8(false, 0xb6, d, s); }
    void movsx8(Reg d, Reg s) { op0f8(true, 0xbe, d, s); }
    void movzx16(Reg d, Reg s) { op0f(false, 0xb7, d, s); }
    void movsx16(Reg d, Reg s) { op0f(true, 0xbf, d, s); }
    void movzx8(Reg d, Mem m) { op0f(false, 0xb6, d, m); }
    void movsx8(Reg d, Mem m) { op0f(true, 0xbe, d, m); }
    void movzx16(Reg d, Mem m) { op0f(false, 0xb7, d, m); }
    void movsx16(Reg d, Mem m) { op0f(true, 0xbf, d, m); }

    // ---- integer arithmetic; `w`: 64-bit
    void alu(Alu o, bool w, Reg d, Reg s) { op(w, o, d, s); }
    void alu(Alu o, bool w, Reg d, Mem m) { op(w, o, d, m); }
    void aluImm(Alu o, bool w, Reg d, int32_t v) {
        if (v >= -128 && v <= 127) {
            op(w, 0x83, static_cast<Reg>(o >> 3), d);
            byte(static_cast<uint8_t>(v));
        } else {
            op(w, 0x81, static_cast<Reg>(o >> 3), d);
            imm32(v);
        }
    }
    void aluMemImm(Alu o, bool w, Mem m, int32_t v) {
        if (v >= -128 && v <= 127) {
            op(w, 0x83, static_cast<Reg>(o >> 3), m, 1);
            byte(static_cast<uint8_t>(v));
        } else {
            op(w, 0x81, static_cast<Reg>(o >> 3), m, 4);
            imm32(v);
        }
    }
    void andMem32(Mem m, Reg s) { op(false, 0x21, s, m); }
    void orMem32(Mem m, Reg s) { op(false, 0x09, s, m); }
    void cmpMem(bool w, Mem m, Reg s) { op(w, 0x39, s, m); }
    void cmpMem8Imm(Mem m, uint8_t v) { op(false, 0x80, static_cast<Reg>(7), m, 1); byte(v); }
    /// cmp dword [m], imm32 with the immediate always four bytes, last in the instruction: it gets patched.
    void cmpMem32Patchable(Mem m, uint32_t v) { op(false, 0x81, static_cast<Reg>(7), m, 4); imm32(static_cast<int32_t>(v)); }
    void test(bool w, Reg a, Reg b) { op(w, 0x85, a, b); }
    void neg(bool w, Reg d) { op(w, 0xf7, static_cast<Reg>(3), d); }
    void not_(bool w, Reg d) { op(w, 0xf7, static_cast<Reg>(2), d); }
    void imul(bool w, Reg d, Reg s) { op0f(w, 0xaf, d, s); }
    void imul(bool w, Reg d, Mem m) { op0f(w, 0xaf, d, m); }
    /// rdx:rax = rax · s.
    void mulWide(bool isSigned, Reg s) { op(true, 0xf7, static_cast<Reg>(isSigned ? 5 : 4), s); }
    /// rax, rdx = rdx:rax / s.
    void divide(bool w, bool isSigned, Reg s) { op(w, 0xf7, static_cast<Reg>(isSigned ? 7 : 6), s); }
    void cqo(bool w) { if (w) byte(0x48); byte(0x99); }
    void shiftImm(Shift o, bool w, Reg d, uint8_t n) { op(w, 0xc1, static_cast<Reg>(o), d); byte(n); }
    void shiftCl(Shift o, bool w, Reg d) { op(w, 0xd3, static_cast<Reg>(o), d); }
    void rotateImm(bool right, bool w, Reg d, uint8_t n) { op(w, 0xc1, static_cast<Reg>(right ? 1 : 0), d); byte(n); }
    void rotateCl(bool right, bool w, Reg d) { op(w, 0xd3, static_cast<Reg>(right ? 1 : 0), d); }
    /// BMI2: d = s shifted by the low bits of n; no flags.
    void shlx(bool w, Reg d, Reg s, Reg n) { vexGpr(1, w, d, n, s, 0xf7); }
    void shrx(bool w, Reg d, Reg s, Reg n) { vexGpr(3, w, d, n, s, 0xf7); }
    void sarx(bool w, Reg d, Reg s, Reg n) { vexGpr(2, w, d, n, s, 0xf7); }
    /// d = low half of s rotated right by n; no flags.
    void rorx32(Reg d, Reg s, uint8_t n) {
        vex(3, 3, false, static_cast<Xmm>(d), xmm0, static_cast<Xmm>(s), 0xf0);
        byte(n);
    }
    void andn(bool w, Reg d, Reg notted, Reg s) { vexGpr(0, w, d, notted, s, 0xf2); }
    void popcnt(bool w, Reg d, Reg s) { byte(0xf3); op0f(w, 0xb8, d, s); }
    void lzcnt(bool w, Reg d, Reg s) { byte(0xf3); op0f(w, 0xbd, d, s); }
    void tzcnt(bool w, Reg d, Reg s) { byte(0xf3); op0f(w, 0xbc, d, s); }
    void bswap(Reg d) { byte(0x48 | (d >= 8 ? 1 : 0)); byte(0x0f); byte(0xc8 + (d & 7)); }
    void setcc(Cond c, Reg d) { op0f8(false, 0x90 + c, static_cast<Reg>(0), d); }
    void cmov(Cond c, bool w, Reg d, Reg s) { op0f(w, 0x40 + c, d, s); }
    void bt(bool w, Reg d, Reg n) { op0f(w, 0xa3, n, d); }
    void bts(bool w, Reg d, Reg n) { op0f(w, 0xab, n, d); }
    void btr(bool w, Reg d, Reg n) { op0f(w, 0xb3, n, d); }
    void btc(bool w, Reg d, Reg n) { op0f(w, 0xbb, n, d); }
    /// bt/bts/btr/btc (digit 4, 5, 6, 7) with an immediate bit number.
    void btImm(uint8_t digit, Reg d, uint8_t n) { op0f(true, 0xba, static_cast<Reg>(digit), d); byte(n); }
    void mfence() { byte(0x0f); byte(0xae); byte(0xf0); }

    // ---- atomics, all with lock
    void lockXadd(bool w, Mem m, Reg s) { byte(0xf0); op0f(w, 0xc1, s, m); }
    void xchg(bool w, Mem m, Reg s) { op(w, 0x87, s, m); }
    void lockCmpxchg(bool w, Mem m, Reg s) { byte(0xf0); op0f(w, 0xb1, s, m); }

    // ---- control flow
    /// Emits a branch with its distance to be filled in by `bind` or `patch`; returns where the distance stands.
    uint8_t* jcc(Cond c) { byte(0x0f); byte(0x80 + c); imm32(0); return p_ - 4; }
    uint8_t* jmp() { byte(0xe9); imm32(0); return p_ - 4; }
    void jccTo(Cond c, const uint8_t* write) { patch(jcc(c), write); }
    void jmpTo(const uint8_t* write) { patch(jmp(), write); }
    void callTo(const uint8_t* write) { byte(0xe8); imm32(0); patch(p_ - 4, write); }
    void jmpMem(Mem m) { op(false, 0xff, static_cast<Reg>(4), m); }
    void jmpReg(Reg r) { op(false, 0xff, static_cast<Reg>(4), r); }
    void callReg(Reg r) { op(false, 0xff, static_cast<Reg>(2), r); }
    void ret() { byte(0xc3); }
    void push(Reg r) { if (r >= 8) byte(0x41); byte(0x50 + (r & 7)); }
    void pop(Reg r) { if (r >= 8) byte(0x41); byte(0x58 + (r & 7)); }
    void bind(uint8_t* distance) { patch(distance, p_); }
    /// Fills in a distance; both places are in the writable view.
    void patch(uint8_t* distance, const uint8_t* target) {
        if (!overflow_) setDistance(distance, target);
    }
    /// The same for code that was emitted long ago.
    static void setDistance(uint8_t* distance, const uint8_t* target) {
        const int32_t d = static_cast<int32_t>(target - (distance + 4));
        std::memcpy(distance, &d, 4);
    }
    void align(uint32_t n) { while (reinterpret_cast<uintptr_t>(p_) % n && !overflow_) byte(0x90); }

    // ---- SSE with VEX encoding; `d`: double rather than single precision
    void vop(uint8_t opcode, bool d, Xmm dst, Xmm a, Xmm b) { vex(1, d ? 3 : 2, false, dst, a, b, opcode); }
    void vmovap(Xmm d, Xmm s) { if (d != s) vex(1, 0, false, d, xmm0, s, 0x28); }
    void vmovq(Xmm d, Reg s) { vex(1, 1, true, d, xmm0, static_cast<Xmm>(s), 0x6e); }
    void vmovq(Reg d, Xmm s) { vex(1, 1, true, static_cast<Xmm>(s), xmm0, static_cast<Xmm>(d), 0x7e); }
    void vmovd(Xmm d, Reg s) { vex(1, 1, false, d, xmm0, static_cast<Xmm>(s), 0x6e); }
    void vmovd(Reg d, Xmm s) { vex(1, 1, false, static_cast<Xmm>(s), xmm0, static_cast<Xmm>(d), 0x7e); }
    void vloadsd(Xmm d, Mem m) { vexMem(1, 3, false, d, xmm0, m, 0x10); }
    void vstoresd(Mem m, Xmm s) { vexMem(1, 3, false, s, xmm0, m, 0x11); }
    void vloadups(Xmm d, Mem m) { vexMem(1, 0, false, d, xmm0, m, 0x10); }
    void vstoreups(Mem m, Xmm s) { vexMem(1, 0, false, s, xmm0, m, 0x11); }
    void vloadss(Xmm d, Mem m) { vexMem(1, 2, false, d, xmm0, m, 0x10); }
    void vstoress(Mem m, Xmm s) { vexMem(1, 2, false, s, xmm0, m, 0x11); }
    void vucomis(bool d, Xmm a, Xmm b) { vex(1, d ? 1 : 0, false, a, xmm0, b, 0x2e); }
    void vcomis(bool d, Xmm a, Xmm b) { vex(1, d ? 1 : 0, false, a, xmm0, b, 0x2f); }
    void vorps(Xmm d, Xmm a, Mem m) { vexMem(1, 0, false, d, a, m, 0x56); }
    void vandps(Xmm d, Xmm a, Mem m) { vexMem(1, 0, false, d, a, m, 0x54); }
    void vxorps(Xmm d, Xmm a, Mem m) { vexMem(1, 0, false, d, a, m, 0x57); }
    void vxorps(Xmm d, Xmm a, Xmm b) { vex(1, 0, false, d, a, b, 0x57); }
    void vorps(Xmm d, Xmm a, Xmm b) { vex(1, 0, false, d, a, b, 0x56); }
    void vandps(Xmm d, Xmm a, Xmm b) { vex(1, 0, false, d, a, b, 0x54); }
    /// Converts an integer register; the upper bits of the result come from `upper`.
    void vcvtsi2s(bool d, bool w, Xmm dst, Xmm upper, Reg s) {
        vex(1, d ? 3 : 2, w, dst, upper, static_cast<Xmm>(s), 0x2a);
    }
    void vcvtts2si(bool d, bool w, Reg dst, Xmm s) {
        vex(1, d ? 3 : 2, w, static_cast<Xmm>(dst), xmm0, s, 0x2c);
    }
    void vcvts2si(bool d, bool w, Reg dst, Xmm s) { vex(1, d ? 3 : 2, w, static_cast<Xmm>(dst), xmm0, s, 0x2d); }
    /// `toDouble`: single to double; otherwise double to single.
    void vcvts2s(bool toDouble, Xmm dst, Xmm upper, Xmm s) { vex(1, toDouble ? 2 : 3, false, dst, upper, s, 0x5a); }
    /// FMA3, order 213 by opcode: dst = a · dst + b (a8 set: fmadd213 = 0xa9, fmsub 0xab, fnmadd 0xad, fnmsub 0xaf).
    void fma(uint8_t opcode, bool d, Xmm dst, Xmm a, Xmm b) { vex(2, 1, d, dst, a, b, opcode); }
    void stmxcsr(Mem m) { op0f(false, 0xae, static_cast<Reg>(3), m); }
    void ldmxcsr(Mem m) { op0f(false, 0xae, static_cast<Reg>(2), m); }

    void byte(uint8_t b) {
        if (p_ < end_) {
            *p_++ = b;
        } else {
            overflow_ = true;
        }
    }
    void imm32(int32_t v) { for (int i = 0; i < 4; i++) byte(static_cast<uint8_t>(static_cast<uint32_t>(v) >> (8 * i))); }
    void imm64(uint64_t v) { for (int i = 0; i < 8; i++) byte(static_cast<uint8_t>(v >> (8 * i))); }

private:
    void rex(bool w, uint8_t reg, uint8_t index, uint8_t base, bool force = false) {
        const uint8_t r = 0x40 | (w ? 8 : 0) | (reg >= 8 ? 4 : 0) | (index >= 8 ? 2 : 0) | (base >= 8 ? 1 : 0);
        if (r != 0x40 || force) byte(r);
    }
    static uint8_t indexBit(Mem m) { return m.index == kNoReg ? 0 : m.index; }
    void modrm(uint8_t reg, uint8_t rm) { byte(0xc0 | ((reg & 7) << 3) | (rm & 7)); }
    void modrm(uint8_t reg, Mem m) {
        const bool sib = m.index != kNoReg || (m.base & 7) == rsp;
        const bool noDisp = m.disp == 0 && (m.base & 7) != rbp;
        const bool disp8 = m.disp >= -128 && m.disp <= 127;
        const uint8_t mod = noDisp ? 0 : disp8 ? 1 : 2;
        byte((mod << 6) | ((reg & 7) << 3) | (sib ? 4 : (m.base & 7)));
        if (sib) {
            const uint8_t scale = m.scale == 8 ? 3 : m.scale == 4 ? 2 : m.scale == 2 ? 1 : 0;
            byte((scale << 6) | ((m.index == kNoReg ? 4 : (m.index & 7)) << 3) | (m.base & 7));
        }
        if (noDisp) return;
        if (disp8) byte(static_cast<uint8_t>(m.disp));
        else imm32(m.disp);
    }
    void op(bool w, uint8_t opcode, Reg reg, Reg rm) {
        rex(w, reg, 0, rm);
        byte(opcode);
        modrm(reg, rm);
    }
    void op(bool w, uint8_t opcode, Reg reg, Mem m, int = 0) {
        rex(w, reg, indexBit(m), m.base);
        byte(opcode);
        modrm(reg, m);
    }
    void op8(uint8_t opcode, Reg reg, Mem m) {
        rex(false, reg, indexBit(m), m.base, reg >= 4);  // sil, dil … need a REX prefix
        byte(opcode);
        modrm(reg, m);
    }
    void op0f(bool w, uint8_t opcode, Reg reg, Reg rm) {
        rex(w, reg, 0, rm);
        byte(0x0f);
        byte(opcode);
        modrm(reg, rm);
    }
    void op0f(bool w, uint8_t opcode, Reg reg, Mem m) {
        rex(w, reg, indexBit(m), m.base);
        byte(0x0f);
        byte(opcode);
        modrm(reg, m);
    }
    void op0f8(bool w, uint8_t opcode, Reg reg, Reg rm) {
        rex(w, reg, 0, rm, rm >= 4);
        byte(0x0f);
        byte(opcode);
        modrm(reg, rm);
    }
    void vexPrefix(uint8_t map, uint8_t pp, bool w, uint8_t reg, uint8_t vvvv, uint8_t index, uint8_t base) {
        byte(0xc4);
        byte((reg >= 8 ? 0 : 0x80) | (index >= 8 ? 0 : 0x40) | (base >= 8 ? 0 : 0x20) | map);
        byte((w ? 0x80 : 0) | ((~vvvv & 15) << 3) | pp);
    }
    void vex(uint8_t map, uint8_t pp, bool w, Xmm reg, Xmm vvvv, Xmm rm, uint8_t opcode) {
        vexPrefix(map, pp, w, reg, vvvv, 0, rm);
        byte(opcode);
        modrm(reg, rm);
    }
    void vexMem(uint8_t map, uint8_t pp, bool w, Xmm reg, Xmm vvvv, Mem m, uint8_t opcode) {
        vexPrefix(map, pp, w, reg, vvvv, indexBit(m), m.base);
        byte(opcode);
        modrm(reg, m);
    }
    void vexGpr(uint8_t pp, bool w, Reg d, Reg v, Reg rm, uint8_t opcode) {
        vex(2, pp, w, static_cast<Xmm>(d), static_cast<Xmm>(v), static_cast<Xmm>(rm), opcode);
    }

    uint8_t* p_ = nullptr;
    uint8_t* end_ = nullptr;
    ptrdiff_t delta_ = 0;
    bool overflow_ = false;
};

}  // namespace nodevisor::jit::x64
