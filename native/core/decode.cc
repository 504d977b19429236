#include "decode.h"

#include <vector>

#include "generated/csr_table.h"

namespace nodevisor {

namespace {

int32_t extract(const BitField& field, uint32_t raw) {
    uint32_t value = 0;
    for (uint32_t i = 0; i < field.count; i++) {
        const BitRun& run = field.runs[i];
        value |= ((raw >> run.insnLow) & (0xffffffffu >> (32 - run.width))) << run.valueLow;
    }
    if (!field.isSigned || field.count == 0) return static_cast<int32_t>(value);
    const uint32_t unused = 32u - field.width;
    return static_cast<int32_t>(value << unused) >> unused;
}

uint32_t insert(const BitField& field, uint32_t value) {
    uint32_t raw = 0;
    for (uint32_t i = 0; i < field.count; i++) {
        const BitRun& run = field.runs[i];
        raw |= ((value >> run.valueLow) & (0xffffffffu >> (32 - run.width))) << run.insnLow;
    }
    return raw;
}

/// Instructions that a word can be, by opcode (bits 6:2) and funct3 (bits 14:12); compressed ones by quadrant and
/// bits 15:13.
struct Index {
    std::vector<uint16_t> words[32 * 8];
    std::vector<uint16_t> halves[4 * 8];

    static uint32_t wordBucket(uint32_t raw) { return ((raw >> 2) & 31) * 8 + ((raw >> 12) & 7); }
    static uint32_t halfBucket(uint32_t raw) { return (raw & 3) * 8 + ((raw >> 13) & 7); }

    Index() {
        for (uint32_t bucket = 0; bucket < 32 * 8; bucket++) {
            const uint32_t bits = ((bucket / 8) << 2) | 3 | ((bucket % 8) << 12);
            for (uint32_t i = 1; i < kInsnCount; i++) {
                if (((bits ^ kInsns[i].match) & kInsns[i].mask & 0x707f) == 0) words[bucket].push_back(static_cast<uint16_t>(i));
            }
        }
        for (uint32_t bucket = 0; bucket < 4 * 8; bucket++) {
            const uint32_t bits = (bucket / 8) | ((bucket % 8) << 13);
            for (uint32_t i = 0; i < sizeof kCompressed / sizeof kCompressed[0]; i++) {
                if (((bits ^ kCompressed[i].match) & kCompressed[i].mask & 0xe003) == 0) {
                    halves[bucket].push_back(static_cast<uint16_t>(i));
                }
            }
        }
    }
};

const Index& tables() {
    static const Index index;
    return index;
}

uint8_t registerOf(const RegisterSource& source, uint32_t raw) {
    return static_cast<uint8_t>(source.base + ((raw >> source.low) & ((1u << source.width) - 1)));
}

bool excluded(const CompressedInfo& c, uint32_t half) {
    for (const auto& e : c.except) {
        if ((half & e.mask) == e.match) return true;
    }
    return false;
}

Decoded decodeHalf(uint32_t half) {
    Decoded d{};
    d.length = 2;
    d.raw = half;
    for (uint16_t i : tables().halves[Index::halfBucket(half)]) {
        const CompressedInfo& c = kCompressed[i];
        if ((half & c.mask) != c.match || excluded(c, half)) continue;
        d.op = c.op;
        d.rd = registerOf(c.rd, half);
        d.rs1 = registerOf(c.rs1, half);
        d.rs2 = registerOf(c.rs2, half);
        d.imm = extract(c.imm, half);
        return d;
    }
    return d;
}

}  // namespace

Decoded decode(uint32_t raw) {
    if ((raw & 3) != 3) return decodeHalf(raw & 0xffff);
    Decoded d{};
    d.length = 4;
    d.raw = raw;
    for (uint16_t i : tables().words[Index::wordBucket(raw)]) {
        if ((raw & kInsns[i].mask) != kInsns[i].match) continue;
        const FormatLayout& f = kFormats[static_cast<uint32_t>(kInsns[i].format)];
        d.op = static_cast<Op>(i);
        d.rd = static_cast<uint8_t>(extract(f.rd, raw));
        d.rs1 = static_cast<uint8_t>(extract(f.rs1, raw));
        d.rs2 = static_cast<uint8_t>(extract(f.rs2, raw));
        d.rs3 = static_cast<uint8_t>(extract(f.rs3, raw));
        d.rm = static_cast<uint8_t>(extract(f.rm, raw));
        d.aqrl = static_cast<uint8_t>(extract(f.aqrl, raw));
        d.imm = extract(f.imm, raw);
        return d;
    }
    return d;
}

bool isFlagsAccess(const Decoded& d) {
    if (d.imm != static_cast<int32_t>(csr::fflags)) return false;
    return d.op == Op::csrrw_ || d.op == Op::csrrwi_ || ((d.op == Op::csrrs_ || d.op == Op::csrrc_) && d.rs1 == 0);
}

uint32_t expanded(const Decoded& d) {
    if (d.length == 4 || d.op == Op::illegal_) return d.raw;
    const FormatLayout& f = kFormats[static_cast<uint32_t>(info(d).format)];
    return info(d).match | insert(f.rd, d.rd) | insert(f.rs1, d.rs1) | insert(f.rs2, d.rs2) |
           insert(f.imm, static_cast<uint32_t>(d.imm));
}

}  // namespace nodevisor
