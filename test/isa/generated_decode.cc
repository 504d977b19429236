// Decodes the words on standard input with nothing but the generated headers, to show that they say all it takes.
// Output: name length rd rs1 rs2 rs3 imm rm aqrl, or "illegal".
#include <cstdint>
#include <cstdio>

#include "causes.h"
#include "csr_table.h"
#include "insn_table.h"
#include "state_layout.h"

using namespace nodevisor;

static_assert(csr::mstatus == 0x300 && csr::pmpaddr15 == 0x3bf && csr_field::mstatus::FS == 0x6000);
static_assert(cause::STORE_PAGE_FAULT == 15 && interrupt::kPriority[0] == interrupt::MEI && priv::M == 3);
static_assert(layout::hart::x == 0 && layout::hart::f == 256 && layout::hartOffset(1) - layout::hartOffset(0) == layout::hart::bytes);
static_assert(kInsns[static_cast<int>(Op::and_)].memory == MemoryKind::none);

// Every CSR of kind `state` names a field of the hart's block, and every view a register of the table.
struct Fields : layout::hart {
    static constexpr size_t none = 0;
};
#define X(name, number, storage, gate, mask, reset, field, index, viewed, shown, shift)        \
    static_assert(Fields::field + 8 * index < layout::hart::bytes && number < 0x1000 && shift < 64); \
    static_assert(CsrStorage::storage <= CsrStorage::computed && CsrGate::gate <= CsrGate::stateen);
NODEVISOR_CSRS(X)
#undef X

static int32_t extract(const BitField& field, uint32_t raw) {
    uint32_t value = 0;
    for (int i = 0; i < field.count; i++) {
        const BitRun& run = field.runs[i];
        value |= (raw >> run.insnLow & ((uint64_t{1} << run.width) - 1)) << run.valueLow;
    }
    if (!field.isSigned) return static_cast<int32_t>(value);
    const int unused = 32 - field.width;
    return static_cast<int32_t>(value << unused) >> unused;
}

static unsigned source(const RegisterSource& from, uint32_t raw) { return from.base + (raw >> from.low & ((1u << from.width) - 1)); }

static void decodeCompressed(uint32_t raw) {
    for (const CompressedInfo& row : kCompressed) {
        if ((raw & row.mask) != row.match) continue;
        bool excepted = false;
        for (const auto& e : row.except) excepted |= (raw & e.mask) == e.match;
        if (excepted) continue;
        std::printf("%s 2 %u %u %u 0 %d 0 0\n", kInsns[static_cast<int>(row.op)].text, source(row.rd, raw),
                    source(row.rs1, raw), source(row.rs2, raw), extract(row.imm, raw));
        return;
    }
    std::puts("illegal");
}

static void decode(uint32_t raw) {
    for (const InsnInfo& row : kInsns) {
        if ((raw & row.mask) != row.match) continue;
        const FormatLayout& f = kFormats[static_cast<int>(row.format)];
        const int32_t rm = extract(f.rm, raw);
        if ((row.flags & kUsesRm) && (rm == 5 || rm == 6)) break;
        std::printf("%s 4 %d %d %d %d %d %d %d\n", row.text, extract(f.rd, raw), extract(f.rs1, raw),
                    extract(f.rs2, raw), extract(f.rs3, raw), extract(f.imm, raw), rm, extract(f.aqrl, raw));
        return;
    }
    std::puts("illegal");
}

int main() {
    uint32_t raw;
    while (std::scanf("%x", &raw) == 1) {
        if ((raw & 3) == 3) decode(raw);
        else decodeCompressed(raw & 0xffff);
    }
}
