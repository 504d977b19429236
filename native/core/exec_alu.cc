// RV64I and M, Zba, Zbb, Zbc, Zbs, Zicond, and control flow.

#include "exec.h"

namespace nodevisor {

namespace {

using i32 = int32_t;
using i64 = int64_t;
using u32 = uint32_t;
using u64 = uint64_t;
using i128 = __int128;
using u128 = unsigned __int128;

u64 div64(i64 a, i64 b) { return b == 0 ? ~u64{0} : (a == INT64_MIN && b == -1) ? static_cast<u64>(a) : static_cast<u64>(a / b); }
u64 rem64(i64 a, i64 b) { return b == 0 ? static_cast<u64>(a) : (a == INT64_MIN && b == -1) ? 0 : static_cast<u64>(a % b); }
u64 div32(i32 a, i32 b) { return sext32(b == 0 ? ~u32{0} : (a == INT32_MIN && b == -1) ? static_cast<u32>(a) : static_cast<u32>(a / b)); }
u64 rem32(i32 a, i32 b) { return sext32(b == 0 ? static_cast<u32>(a) : (a == INT32_MIN && b == -1) ? 0 : static_cast<u32>(a % b)); }

u64 orcb(u64 v) {
    u64 r = 0;
    for (int i = 0; i < 8; i++) {
        if ((v >> (8 * i)) & 0xff) r |= u64{0xff} << (8 * i);
    }
    return r;
}

u64 clmul(u64 a, u64 b) {
    u64 r = 0;
    for (int i = 0; i < 64; i++) {
        if ((b >> i) & 1) r ^= a << i;
    }
    return r;
}

u64 clmulh(u64 a, u64 b) {
    u64 r = 0;
    for (int i = 1; i < 64; i++) {
        if ((b >> i) & 1) r ^= a >> (64 - i);
    }
    return r;
}

u64 clmulr(u64 a, u64 b) { return (clmulh(a, b) << 1) | (clmul(a, b) >> 63); }

u64 rol64(u64 a, u64 n) { return (n & 63) ? (a << (n & 63)) | (a >> (64 - (n & 63))) : a; }
u64 ror64(u64 a, u64 n) { return rol64(a, 64 - (n & 63)); }
u64 rol32(u64 a, u64 n) {
    const u32 v = static_cast<u32>(a);
    const u32 s = n & 31;
    return sext32(s ? (v << s) | (v >> (32 - s)) : v);
}
u64 ror32(u64 a, u64 n) { return rol32(a, 32 - (n & 31)); }

}  // namespace

/// An instruction that computes rd from a = x[rs1], b = x[rs2] and imm.
#define ALU(name, expression)                                            \
    HANDLER(name) {                                                      \
        [[maybe_unused]] const u64 a = c->x[ip->rs1];                    \
        [[maybe_unused]] const u64 b = c->x[ip->rs2];                    \
        [[maybe_unused]] const u64 imm = static_cast<u64>(i64{ip->imm}); \
        c->x[ip->rd] = static_cast<u64>(expression);                     \
        NEXT;                                                            \
    }

ALU(lui, imm)
ALU(auipc, c->pc + ip->at * 2u + imm)
ALU(addi, a + imm)
ALU(slti, static_cast<i64>(a) < static_cast<i64>(imm))
ALU(sltiu, a < imm)
ALU(xori, a ^ imm)
ALU(ori, a | imm)
ALU(andi, a & imm)
ALU(slli, a << imm)
ALU(srli, a >> imm)
ALU(srai, static_cast<i64>(a) >> imm)
ALU(add, a + b)
ALU(sub, a - b)
ALU(sll, a << (b & 63))
ALU(slt, static_cast<i64>(a) < static_cast<i64>(b))
ALU(sltu, a < b)
ALU(xor, a ^ b)
ALU(srl, a >> (b & 63))
ALU(sra, static_cast<i64>(a) >> (b & 63))
ALU(or, a | b)
ALU(and, a & b)
ALU(addiw, sext32(a + imm))
ALU(slliw, sext32(a << imm))
ALU(srliw, sext32(static_cast<u32>(a) >> imm))
ALU(sraiw, sext32(static_cast<u32>(static_cast<i32>(a) >> imm)))
ALU(addw, sext32(a + b))
ALU(subw, sext32(a - b))
ALU(sllw, sext32(static_cast<u32>(a) << (b & 31)))
ALU(srlw, sext32(static_cast<u32>(a) >> (b & 31)))
ALU(sraw, sext32(static_cast<u32>(static_cast<i32>(a) >> (b & 31))))

ALU(mul, a * b)
ALU(mulh, (static_cast<i128>(static_cast<i64>(a)) * static_cast<i64>(b)) >> 64)
ALU(mulhsu, (static_cast<i128>(static_cast<i64>(a)) * static_cast<i128>(static_cast<u128>(b))) >> 64)
ALU(mulhu, (static_cast<u128>(a) * b) >> 64)
ALU(div, div64(static_cast<i64>(a), static_cast<i64>(b)))
ALU(divu, b == 0 ? ~u64{0} : a / b)
ALU(rem, rem64(static_cast<i64>(a), static_cast<i64>(b)))
ALU(remu, b == 0 ? a : a % b)
ALU(mulw, sext32(a * b))
ALU(divw, div32(static_cast<i32>(a), static_cast<i32>(b)))
ALU(divuw, sext32(static_cast<u32>(b) == 0 ? ~u32{0} : static_cast<u32>(a) / static_cast<u32>(b)))
ALU(remw, rem32(static_cast<i32>(a), static_cast<i32>(b)))
ALU(remuw, sext32(static_cast<u32>(b) == 0 ? static_cast<u32>(a) : static_cast<u32>(a) % static_cast<u32>(b)))

ALU(add_uw, b + static_cast<u32>(a))
ALU(sh1add, b + (a << 1))
ALU(sh2add, b + (a << 2))
ALU(sh3add, b + (a << 3))
ALU(sh1add_uw, b + (u64{static_cast<u32>(a)} << 1))
ALU(sh2add_uw, b + (u64{static_cast<u32>(a)} << 2))
ALU(sh3add_uw, b + (u64{static_cast<u32>(a)} << 3))
ALU(slli_uw, u64{static_cast<u32>(a)} << imm)
ALU(andn, a & ~b)
ALU(orn, a | ~b)
ALU(xnor, ~(a ^ b))
ALU(clz, a ? __builtin_clzll(a) : 64)
ALU(clzw, static_cast<u32>(a) ? __builtin_clz(static_cast<u32>(a)) : 32)
ALU(ctz, a ? __builtin_ctzll(a) : 64)
ALU(ctzw, static_cast<u32>(a) ? __builtin_ctz(static_cast<u32>(a)) : 32)
ALU(cpop, __builtin_popcountll(a))
ALU(cpopw, __builtin_popcount(static_cast<u32>(a)))
ALU(max, static_cast<i64>(a) > static_cast<i64>(b) ? a : b)
ALU(maxu, a > b ? a : b)
ALU(min, static_cast<i64>(a) < static_cast<i64>(b) ? a : b)
ALU(minu, a < b ? a : b)
ALU(sext_b, static_cast<i64>(static_cast<int8_t>(a)))
ALU(sext_h, static_cast<i64>(static_cast<int16_t>(a)))
ALU(zext_h, a & 0xffff)
ALU(rol, rol64(a, b))
ALU(rolw, rol32(a, b))
ALU(ror, ror64(a, b))
ALU(rorw, ror32(a, b))
ALU(rori, ror64(a, imm))
ALU(roriw, ror32(a, imm))
ALU(orc_b, orcb(a))
ALU(rev8, __builtin_bswap64(a))
ALU(clmul, clmul(a, b))
ALU(clmulh, clmulh(a, b))
ALU(clmulr, clmulr(a, b))
ALU(bclr, a & ~(u64{1} << (b & 63)))
ALU(bclri, a & ~(u64{1} << imm))
ALU(bext, (a >> (b & 63)) & 1)
ALU(bexti, (a >> imm) & 1)
ALU(binv, a ^ (u64{1} << (b & 63)))
ALU(binvi, a ^ (u64{1} << imm))
ALU(bset, a | (u64{1} << (b & 63)))
ALU(bseti, a | (u64{1} << imm))
ALU(czero_eqz, b == 0 ? 0 : a)
ALU(czero_nez, b != 0 ? 0 : a)

/// A conditional branch; it is the last of its block, so the sentinel knows where the next instruction is.
#define BRANCH(name, condition)                                                        \
    HANDLER(name) {                                                                    \
        const u64 a = c->x[ip->rs1];                                                   \
        const u64 b = c->x[ip->rs2];                                                   \
        c->pc += (condition) ? static_cast<u64>(i64{ip->at * 2 + ip->imm}) : ip[1].at * 2u; \
        END_BLOCK;                                                                     \
    }

BRANCH(beq, a == b)
BRANCH(bne, a != b)
BRANCH(blt, static_cast<i64>(a) < static_cast<i64>(b))
BRANCH(bge, static_cast<i64>(a) >= static_cast<i64>(b))
BRANCH(bltu, a < b)
BRANCH(bgeu, a >= b)

HANDLER(jal) {
    const u64 start = c->pc;
    c->x[ip->rd] = start + ip[1].at * 2u;
    c->pc = start + static_cast<u64>(i64{ip->at * 2 + ip->imm});
    END_BLOCK;
}

HANDLER(jalr) {
    const u64 target = (c->x[ip->rs1] + static_cast<u64>(i64{ip->imm})) & ~u64{1};
    c->x[ip->rd] = c->pc + ip[1].at * 2u;
    c->pc = target;
    END_BLOCK;
}

}  // namespace nodevisor
