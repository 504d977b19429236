/** Wraps code in the smallest ELF that loaders take: one segment at `base`, entered at its start. */
export function elfOf(code: Uint8Array, base: number): Uint8Array {
  const offset = 64 + 56;
  const elf = Buffer.alloc(offset + code.length);
  elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  elf.writeUInt16LE(2, 16); // ET_EXEC
  elf.writeUInt16LE(243, 18); // EM_RISCV
  elf.writeUInt32LE(1, 20);
  elf.writeBigUInt64LE(BigInt(base), 24);
  elf.writeBigUInt64LE(64n, 32); // program headers follow the header
  elf.writeUInt16LE(64, 52);
  elf.writeUInt16LE(56, 54);
  elf.writeUInt16LE(1, 56);
  elf.writeUInt32LE(1, 64); // PT_LOAD
  elf.writeUInt32LE(7, 68); // readable, writable, executable
  elf.writeBigUInt64LE(BigInt(offset), 72);
  elf.writeBigUInt64LE(BigInt(base), 80);
  elf.writeBigUInt64LE(BigInt(base), 88);
  elf.writeBigUInt64LE(BigInt(code.length), 96);
  elf.writeBigUInt64LE(BigInt(code.length), 104);
  elf.writeBigUInt64LE(0x1000n, 112);
  elf.set(code, offset);
  return elf;
}
