import { strict as assert } from 'node:assert';
import { gzipSync } from 'node:zlib';
import { loadFirmware, loadKernel } from '../../src/machine/firmware/loader/kernel.ts';
import { applyPlan } from '../../src/machine/firmware/loader/plan.ts';
import { SeededRandom, VirtError } from '../../src/util/index.ts';
import { guestRam, image, makeElf, makeFlatImage, makeZboot, RAM_GPA } from '../machine/firmware/support.ts';
import { fuzzRounds, fuzzSeed, mutate } from './fdt-elf-mutate.ts';

const MIB = 1024 * 1024;
const code = new Uint8Array(300).fill(0x13);

const efiImage = makeFlatImage({ bytes: 4096, textOffset: 0x1_0000 });
efiImage.write('MZ', 'latin1');
efiImage.writeUInt32LE(64, 60);
efiImage.write('PE\0\0', 64, 'latin1');
efiImage.writeUInt16LE(3, 70);
efiImage.writeUInt16LE(0, 84);
efiImage.fill(0, 88, 88 + 120);

const elf = makeElf({
  entry: RAM_GPA,
  segments: [
    { paddr: RAM_GPA, file: code, memBytes: 70_000 },
    { paddr: RAM_GPA + 0x2_0000, vaddr: 0xffff_ffff_8000_0000n, file: code },
  ],
  symbols: { tohost: RAM_GPA + 64, fromhost: RAM_GPA + 72, begin_signature: RAM_GPA, end_signature: RAM_GPA + 16 },
});

/** Files to start from, with the number of first bytes that matter most. */
const seeds: readonly (readonly [name: string, bytes: Buffer, head: number])[] = [
  ['elf', elf, 176],
  ['elf sections', elf, elf.length],
  ['image', efiImage, 208],
  ['zboot', makeZboot('gzip', gzipSync(efiImage)), 64],
  ['gzip', gzipSync(elf), 64],
];

describe('fuzz: kernel loaders', function () {
  this.timeout(120_000);
  for (const [name, bytes, head] of seeds) {
    it(`gives a plan inside RAM or a VirtError for any damage to an ${name} file`, () => {
      const seed = fuzzSeed();
      const random = new SeededRandom(seed);
      const memory = guestRam(MIB);
      for (let round = 0; round < fuzzRounds(2000); round++) {
        const damaged = mutate(random, bytes, head);
        const load = random.below(8) === 0 ? loadFirmware : loadKernel;
        try {
          const loaded = load(image(damaged), { gpa: RAM_GPA, bytes: MIB });
          applyPlan(memory, loaded.plan);
          assert.ok(memory.contains(loaded.entry, 1), 'the entry is outside RAM');
        } catch (error) {
          assert.ok(
            error instanceof VirtError && !error.message.includes('\n'),
            `seed ${seed}, round ${round}: ${error}`,
          );
        }
      }
    });
  }
});
