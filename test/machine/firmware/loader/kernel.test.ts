import { strict as assert } from 'node:assert';
import * as zlib from 'node:zlib';
import { gzipSync } from 'node:zlib';
import type { Image, ImageFile } from '../../../../src/machine/config.ts';
import { loadFirmware, loadKernel } from '../../../../src/machine/firmware/loader/kernel.ts';
import { applyPlan } from '../../../../src/machine/firmware/loader/plan.ts';
import { VirtError } from '../../../../src/util/index.ts';
import { guestRam, image, makeElf, makeFlatImage, makeZboot, RAM_GPA } from '../support.ts';

const MIB = 1024 * 1024;
const ram = { gpa: RAM_GPA, bytes: 64 * MIB };
const code = Uint8Array.of(0x13, 0, 0, 0, 0x6f, 0, 0, 0);

/** The image as a file, with a count of what has been read from it. */
function inFile({ name, bytes }: Image): ImageFile & { readonly bytesRead: number } {
  let bytesRead = 0;
  return {
    name,
    length: bytes.length,
    get bytesRead() {
      return bytesRead;
    },
    read(at, into) {
      assert.ok(at + into.length <= bytes.length);
      into.set(bytes.subarray(at, at + into.length));
      bytesRead += into.length;
    },
    close() {},
  };
}

/** From memory and from a file. */
function refused(bytes: Uint8Array | string, reason: RegExp, within = ram): void {
  const kernel = image(bytes, 'my-kernel');
  for (const source of [kernel, inFile(kernel)]) {
    assert.throws(
      () => loadKernel(source, within),
      (error) => {
        assert.ok(error instanceof VirtError, String(error));
        assert.match(error.message, /^my-kernel: /);
        assert.match(error.message, reason);
        assert.doesNotMatch(error.message, /\n/);
        return true;
      },
    );
  }
}

function elf(change: (bytes: Buffer) => void = () => {}): Buffer {
  const bytes = makeElf({ entry: RAM_GPA + 4, segments: [{ paddr: RAM_GPA, file: code, memBytes: 64 }] });
  change(bytes);
  return bytes;
}

describe('loadKernel: ELF', () => {
  it('puts segments at their physical addresses and clears the rest of them', () => {
    const memory = guestRam(MIB);
    memory.write(RAM_GPA, new Uint8Array(128).fill(0xff));
    const loaded = loadKernel(image(elf()), { gpa: RAM_GPA, bytes: MIB });
    applyPlan(memory, loaded.plan);
    assert.deepEqual([...memory.view(RAM_GPA, 8)], [...code]);
    assert.ok(memory.view(RAM_GPA + 8, 56).every((byte) => byte === 0));
    assert.equal(memory.view(RAM_GPA + 64, 1)[0], 0xff);
    assert.deepEqual([loaded.start, loaded.end, loaded.entry], [RAM_GPA, RAM_GPA + 64, RAM_GPA + 4]);
    assert.equal(loaded.virtualEntry, false);
  });

  it('clears large ranges whole', () => {
    const memory = guestRam(MIB);
    memory.write(RAM_GPA, new Uint8Array(MIB).fill(0xff));
    applyPlan(memory, { zeros: [{ gpa: RAM_GPA + 3, bytes: 200_001 }], writes: [] });
    const view = memory.view(RAM_GPA, MIB);
    assert.deepEqual([view.indexOf(0), view.lastIndexOf(0)], [3, 200_003]);
  });

  it('translates a virtual entry through its segment', () => {
    const vaddr = 0xffff_ffff_8000_0000n;
    const bytes = makeElf({
      entry: vaddr + 4n,
      segments: [
        { paddr: RAM_GPA, vaddr: vaddr - 4096n, file: code },
        { paddr: RAM_GPA + 4096, vaddr, file: code },
      ],
    });
    const loaded = loadKernel(image(bytes), ram);
    assert.deepEqual([loaded.entry, loaded.virtualEntry, loaded.start], [RAM_GPA + 4100, true, RAM_GPA]);
  });

  it('finds the symbols the machine looks at, end_signature at the end of a segment included', () => {
    const bytes = makeElf({
      entry: RAM_GPA,
      segments: [{ paddr: RAM_GPA, file: code, memBytes: 64 }],
      symbols: { other: 1, tohost: RAM_GPA + 8, fromhost: RAM_GPA + 16, end_signature: RAM_GPA + 64, tohosts: 5 },
    });
    const { symbols } = loadKernel(image(bytes), ram);
    assert.deepEqual(symbols, { tohost: RAM_GPA + 8, fromhost: RAM_GPA + 16, end_signature: RAM_GPA + 64 });
  });

  it('refuses other machines, classes and kinds by name', () => {
    refused(
      elf((b) => b.writeUInt16LE(62, 18)),
      /x86-64.*not for RISC-V/,
    );
    refused(
      elf((b) => b.writeUInt16LE(4711, 18)),
      /4711.*not for RISC-V/,
    );
    refused(
      elf((b) => b.writeUInt8(1, 4)),
      /32-bit/,
    );
    refused(
      elf((b) => b.writeUInt8(2, 5)),
      /big-endian/,
    );
    refused(
      elf((b) => b.writeUInt16LE(1, 16)),
      /relocatable/,
    );
  });

  it('refuses truncated files and fields that point outside', () => {
    for (const length of [4, 63, 64, 100, 127]) refused(elf().subarray(0, length), /truncated/);
    refused(
      elf((b) => b.writeBigUInt64LE(2n ** 63n, 32)),
      /truncated: program header 0/,
    );
    refused(
      elf((b) => b.writeBigUInt64LE(0xffff_ffff_ffff_fff0n, 64 + 8)),
      /truncated: segment 0/,
    );
    refused(
      elf((b) => b.writeBigUInt64LE(65n, 64 + 32)),
      /more bytes in the file/,
    );
    refused(
      elf((b) => b.writeUInt16LE(8, 54)),
      /e_phentsize/,
    );
    refused(
      elf((b) => {
        b.writeBigUInt64LE(1n << 40n, 40);
        b.writeUInt16LE(64, 58);
        b.writeUInt16LE(1, 60);
      }),
      /truncated: section header 0/,
    );
  });

  it("leaves out the file's headers that a linker puts into the page before RAM", () => {
    const file = new Uint8Array(4096 + code.length);
    file.set(code, 4096);
    const bytes = makeElf({ entry: RAM_GPA, segments: [{ paddr: RAM_GPA - 4096, file, memBytes: 8192 }] });
    refused(bytes, /segment 0 at 0x7ffff000 .* is outside RAM/);
    bytes.writeBigUInt64LE(0n, 64 + 8);
    bytes.set(code, 4096);
    const loaded = loadKernel(image(bytes), ram);
    assert.deepEqual([loaded.start, loaded.end], [RAM_GPA, RAM_GPA + 4096]);
    assert.deepEqual([...(loaded.plan.writes[0]?.bytes ?? [])], [...code]);
  });

  it('refuses what does not fit in RAM and says how much would', () => {
    const at = (paddr: number | bigint, memBytes: number) =>
      makeElf({ entry: RAM_GPA, segments: [{ paddr, file: code, memBytes }] });
    refused(at(RAM_GPA, 65 * MIB), /has 64 MiB, it needs 65 MiB/);
    refused(at(0x1000, 64), /outside RAM \(0x80000000 to 0x84000000\)/);
    refused(at(0xffff_ffff_8000_0000n, 64), /0xffffffff80000000 is outside RAM/);
  });

  it('refuses an entry outside every segment, no segment, and segments that overlap without end', () => {
    refused(
      elf((b) => b.writeBigUInt64LE(BigInt(RAM_GPA + 64), 24)),
      /entry point 0x80000040/,
    );
    refused(
      elf((b) => b.writeBigUInt64LE(BigInt(RAM_GPA + 1), 24)),
      /odd/,
    );
    refused(
      elf((b) => b.writeUInt32LE(2, 64)),
      /nothing to load/,
    );
    const segment = { paddr: RAM_GPA, file: code, memBytes: 40 * MIB };
    refused(makeElf({ entry: RAM_GPA, segments: [segment, segment] }), /overlap/);
  });
});

describe('loadKernel: flat Image', () => {
  it('goes to text_offset with image_size kept free', () => {
    const bytes = makeFlatImage({ bytes: 8192, imageSize: 3 * MIB });
    const loaded = loadKernel(image(bytes), ram);
    assert.deepEqual([loaded.start, loaded.entry], [RAM_GPA + 2 * MIB, RAM_GPA + 2 * MIB]);
    assert.equal(loaded.end, RAM_GPA + 5 * MIB);
    assert.deepEqual(loaded.plan.writes, [{ gpa: RAM_GPA + 2 * MIB, bytes }]);
  });

  it('goes from a file to memory without being read before', () => {
    const bytes = makeFlatImage({ bytes: 300_000, imageSize: MIB });
    bytes.fill(0x5a, 70_000);
    const file = inFile(image(bytes));
    const loaded = loadKernel(file, { gpa: RAM_GPA, bytes: 4 * MIB });
    assert.ok(file.bytesRead < 100_000, `${file.bytesRead} bytes read`);
    assert.deepEqual(loaded.plan.writes, []);
    const inMemory = loadKernel(image(bytes), { gpa: RAM_GPA, bytes: 4 * MIB });
    assert.deepEqual({ ...loaded, plan: 0 }, { ...inMemory, plan: 0 });
    const memory = guestRam(4 * MIB);
    applyPlan(memory, loaded.plan);
    assert.ok(Buffer.from(memory.view(loaded.start, bytes.length)).equals(bytes));
  });

  it('refuses too little memory, wild offsets and big-endian kernels', () => {
    refused(makeFlatImage({ bytes: 8192, imageSize: 63 * MIB }), /has 64 MiB, it needs 65 MiB/);
    refused(makeFlatImage({ bytes: 8192, textOffset: 0x20_0001 }), /text_offset/);
    refused(makeFlatImage({ bytes: 8192, textOffset: 2 ** 50 }), /outside RAM/);
    refused(makeFlatImage({ bytes: 8192, flags: 1 }), /big-endian/);
  });

  it('notices by the EFI section table that the file is cut', () => {
    const bytes = makeFlatImage({ bytes: 8192 });
    bytes.write('MZ', 'latin1');
    bytes.writeUInt32LE(64, 60);
    bytes.write('PE\0\0', 64, 'latin1');
    bytes.writeUInt16LE(1, 70);
    bytes.writeUInt16LE(0, 84);
    bytes.writeUInt32LE(4096, 88 + 16);
    bytes.writeUInt32LE(4096, 88 + 20);
    loadKernel(image(bytes), ram);
    refused(bytes.subarray(0, 8191), /truncated: EFI section 0 ends at byte 8192, the file at 8191/);
    refused(bytes.subarray(0, 66), /truncated or damaged/);
  });
});

describe('loadKernel: packed kernels', () => {
  const plain = makeFlatImage({ bytes: 100_000 });

  it('unpacks Image.gz, and an ELF in gzip', () => {
    assert.deepEqual(Buffer.from(loadKernel(image(gzipSync(plain)), ram).plan.writes[0]?.bytes ?? []), plain);
    assert.equal(loadKernel(image(gzipSync(elf())), ram).format, 'elf');
  });

  it('unpacks EFI zboot with gzip', () => {
    const loaded = loadKernel(image(makeZboot('gzip', gzipSync(plain))), ram);
    assert.equal(loaded.format, 'image');
    assert.deepEqual(Buffer.from(loaded.plan.writes[0]?.bytes ?? []), plain);
  });

  it('takes zboot with zstd where Node has it, and says so where not', () => {
    const { zstdCompressSync: pack } = zlib as { zstdCompressSync?: (bytes: Uint8Array) => Uint8Array };
    if (pack === undefined) refused(makeZboot('zstd', plain), /zstd.*Node 22\.15/);
    else assert.equal(loadKernel(image(makeZboot('zstd', pack(plain))), ram).format, 'image');
  });

  it('refuses other compressions by name', () => {
    refused(makeZboot('xzkern', plain), /packed with xzkern/);
    refused(makeZboot('constructor', plain), /packed with constructor/);
    refused(makeZboot('', plain), /no name/);
    refused('\xfd7zXZ\0'.padEnd(100), /xz -d/);
    refused('\x28\xb5\x2f\xfd'.padEnd(100), /zstd -d/);
  });

  it('refuses damaged, cut and oversized data', () => {
    const packed = gzipSync(plain);
    refused(packed.subarray(0, packed.length / 2), /truncated/);
    const damaged = Buffer.from(packed);
    damaged.fill(0xff, 20, 40);
    refused(damaged, /damaged gzip data/);
    refused(gzipSync(Buffer.alloc(2 * MIB)), /unpacks to more than 1 MiB/, { gpa: RAM_GPA, bytes: MIB });
    const zboot = makeZboot('gzip', packed);
    refused(zboot.subarray(0, zboot.length - 1), /truncated: the zboot payload/);
    zboot.writeUInt32LE(0xffff_fff0, 8);
    refused(zboot, /truncated: the zboot payload/);
  });
});

describe('loadKernel: other files', () => {
  it('says what they are', () => {
    refused('', /empty/);
    refused('#!/bin/sh\n', /truncated or no kernel/);
    refused(''.padEnd(4096, 'text '), /neither ELF nor/);
    refused(`${''.padEnd(56)}ARM\x64`.padEnd(100), /arm64/);
    refused(`MZ${''.padEnd(512)}HdrS`.padEnd(1000), /x86/);
    refused('MZ'.padEnd(1000), /EFI program/);
    refused('\xd0\x0d\xfe\xed'.padEnd(100), /device tree/);
    refused('070701'.padEnd(200), /cpio/);
  });
});

describe('loadFirmware', () => {
  it('takes an ELF at its addresses and anything else flat at the start of RAM', () => {
    assert.equal(loadFirmware(image(elf()), ram).entry, RAM_GPA + 4);
    const flat = loadFirmware(image('anything at all'), ram);
    assert.deepEqual([flat.format, flat.entry, flat.end], ['flat', RAM_GPA, RAM_GPA + 15]);
  });

  it('refuses an empty file and one larger than RAM', () => {
    const small = { gpa: RAM_GPA, bytes: 4096 };
    assert.throws(() => loadFirmware(image(''), ram), /empty/);
    assert.throws(() => loadFirmware(image(new Uint8Array(4097)), small), /does not fit/);
  });
});
