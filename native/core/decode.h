// From instruction bits to fields, by the generated tables.
#pragma once

#include <cstdint>

#include "generated/insn_table.h"

namespace nodevisor {

/// One decoded instruction; compressed ones are expanded. Fields that it does not have are 0.
struct Decoded {
    /// Op::illegal_ when the bits are no instruction.
    Op op;
    /// Bytes: 2 or 4.
    uint8_t length;
    uint8_t rd, rs1, rs2, rs3;
    uint8_t rm;
    /// aq in bit 1, rl in bit 0.
    uint8_t aqrl;
    int32_t imm;
    /// The bits as fetched, zero-extended when compressed.
    uint32_t raw;
};

/// Decodes `raw`; only its low 16 bits count if they are a compressed instruction.
Decoded decode(uint32_t raw);

/// The 32-bit form of an instruction; what does not decode is left as it is.
uint32_t expanded(const Decoded& d);

inline const InsnInfo& info(const Decoded& d) { return kInsns[static_cast<uint32_t>(d.op)]; }
inline bool has(const Decoded& d, InsnFlag flag) { return (info(d).flags & flag) != 0; }
inline bool writesX(const Decoded& d) { return has(d, kWritesX); }
inline bool writesF(const Decoded& d) { return has(d, kWritesF); }
/// Needs mstatus.FS, loads and stores included.
inline bool isFp(const Decoded& d) { return has(d, kNeedsFs); }
/// Reads or replaces fflags and nothing else: frflags, fsflags, fsflagsi.
bool isFlagsAccess(const Decoded& d);
/// Rounding modes 5 and 6 are reserved encodings.
inline bool hasReservedRounding(const Decoded& d) { return has(d, kUsesRm) && (d.rm == 5 || d.rm == 6); }

}  // namespace nodevisor
