import { strict as assert } from 'node:assert';
import { Fdt, FdtBuilder } from '../../src/machine/firmware/fdt.ts';
import { parseFdt } from '../../src/machine/firmware/fdt-read.ts';
import { SeededRandom, VirtError } from '../../src/util/index.ts';
import { image } from '../machine/firmware/support.ts';
import { fuzzRounds, fuzzSeed, mutate } from './fdt-elf-mutate.ts';

function sample(): Uint8Array {
  const tree = new FdtBuilder();
  tree.reservations.push({ gpa: 1n, bytes: 2n });
  for (let i = 0; i < 4; i++) {
    const node = tree.root.child(`node@${i}`).set('reg', [i, 1]).set('compatible', ['a,b', 'c']).set('empty');
    node.child('inner').set('phandle', [i + 1]);
  }
  return tree.build();
}

describe('fuzz: device tree reader', function () {
  this.timeout(120_000);

  it('gives a tree that can be built and read again, or a VirtError, for any damage', () => {
    const seed = fuzzSeed();
    const random = new SeededRandom(seed);
    const bytes = sample();
    for (let round = 0; round < fuzzRounds(5000); round++) {
      try {
        const tree = parseFdt(image(mutate(random, bytes, bytes.length)));
        const built = tree.build();
        assert.deepEqual(parseFdt(image(built)).build(), built);
      } catch (error) {
        assert.ok(
          error instanceof VirtError && !error.message.includes('\n'),
          `seed ${seed}, round ${round}: ${error}`,
        );
      }
    }
  });

  it('reads or refuses structure blocks of random tokens', () => {
    const seed = fuzzSeed();
    const random = new SeededRandom(seed);
    const frame = new FdtBuilder();
    frame.root.set('blob', new Uint8Array(400));
    const bytes = frame.build();
    const struct = new DataView(bytes.buffer).getUint32(8);
    for (let round = 0; round < fuzzRounds(5000); round++) {
      const copy = bytes.slice();
      const view = new DataView(copy.buffer);
      for (let at = struct; at < struct + 400; at += 4) {
        view.setUint32(at, random.pick([Fdt.BEGIN_NODE, Fdt.END_NODE, Fdt.PROP, Fdt.NOP, Fdt.END, 0x61000000, 0, 4]));
      }
      try {
        parseFdt(image(copy));
      } catch (error) {
        assert.ok(error instanceof VirtError, `seed ${seed}, round ${round}: ${error}`);
      }
    }
  });

  it('stays linear on a blob with as many children as it can hold', () => {
    const tree = new FdtBuilder();
    for (let i = 0; i < 100_000; i++) tree.root.child(`n${i.toString(36)}`);
    const bytes = tree.build();
    assert.deepEqual(parseFdt(image(bytes)).build(), bytes);
  });
});
