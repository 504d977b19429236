import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { Fdt, FdtBuilder, type FdtTreeNode } from '../../../src/machine/firmware/fdt.ts';
import { FDT_DEPTH_MAX, parseFdt } from '../../../src/machine/firmware/fdt-read.ts';
import { SeededRandom, VirtError } from '../../../src/util/index.ts';
import { needTool } from '../../support/need-tool.ts';
import { image } from './support.ts';

/** A tree as plain data, for comparison. */
function plain(node: FdtTreeNode): unknown {
  return {
    name: node.name,
    properties: [...node.properties].map(([name, value]) => [name, Buffer.from(value).toString('hex')]),
    children: [...node.children].map(plain),
  };
}

function sample(): FdtBuilder {
  const tree = new FdtBuilder();
  tree.bootCpuid = 3;
  tree.reservations.push({ gpa: 0x8000_0000n, bytes: 0x1000n });
  tree.root.set('#address-cells', [2]).set('#size-cells', [2]).set('compatible', ['vendor,board', 'vendor,family']);
  const bus = tree.root.child('soc').set('#address-cells', [2]).set('#size-cells', [2]).set('ranges');
  bus.set('compatible', 'simple-bus');
  const pic = bus.child('interrupt-controller@c000000').set64('reg', [0xc00_0000, 0x60_0000]);
  pic.set('interrupt-controller').set('#interrupt-cells', [1]).set('#address-cells', [0]);
  bus
    .child('serial@10000000')
    .set64('reg', [0x1000_0000, 0x100])
    .set('interrupts', [10])
    .set('interrupt-parent', [pic.phandle])
    .set('mac', Uint8Array.of(1, 2, 3, 4, 5));
  return tree;
}

describe('FdtBuilder', () => {
  it('writes the header of version 17 with blocks aligned as the specification wants', () => {
    const bytes = sample().build();
    const view = new DataView(bytes.buffer);
    const [magic, total, struct, strings, reserved, version, compatible, cpu] = Array.from({ length: 8 }, (_, i) =>
      view.getUint32(i * 4),
    );
    assert.deepEqual([magic, total, version, compatible, cpu], [Fdt.MAGIC, bytes.length, 17, 16, 3]);
    assert.equal((struct ?? 1) % 4, 0);
    assert.equal((reserved ?? 1) % 8, 0);
    assert.equal((strings ?? 0) + view.getUint32(32), bytes.length);
  });

  it('keeps each property name once', () => {
    const bytes = Buffer.from(sample().build());
    assert.equal(bytes.indexOf('#address-cells\0'), bytes.lastIndexOf('#address-cells\0'));
  });

  it('gives a node one phandle, and different nodes different ones', () => {
    const tree = new FdtBuilder();
    const a = tree.root.child('a');
    const b = tree.root.child('b');
    assert.equal(a.phandle, a.phandle);
    assert.notEqual(a.phandle, b.phandle);
    assert.notEqual(tree.allocatePhandle(), b.phandle);
  });

  it('refuses what cannot be encoded', () => {
    const { root } = new FdtBuilder();
    root.child('taken');
    assert.throws(() => root.child('taken'), RangeError);
    assert.throws(() => root.child('a/b'), RangeError);
    assert.throws(() => root.set('cells', [2 ** 32]), RangeError);
    assert.throws(() => root.set('cells', [-1]), RangeError);
    assert.throws(() => root.set64('reg', [2 ** 60]), RangeError);
  });

  it("is accepted by dtc without a warning, and dtc's own blob holds the same tree", function () {
    needTool(this, 'dtc', 'device-tree-compiler');
    const tree = sample();
    const dts = spawnSync('dtc', ['-I', 'dtb', '-O', 'dts', '-'], { input: tree.build(), encoding: 'utf8' });
    assert.equal(dts.stderr, '');
    assert.equal(dts.status, 0);
    assert.match(dts.stdout, /\/memreserve\/\s+0x0*80000000 0x0*1000;/);
    const again = spawnSync('dtc', ['-I', 'dts', '-O', 'dtb', '-'], { input: dts.stdout });
    assert.equal(again.stderr.toString(), '');
    assert.deepEqual(plain(parseFdt(image(again.stdout)).root), plain(tree.root));
  });
});

describe('parseFdt', () => {
  const rejected = (bytes: Uint8Array, reason: RegExp) =>
    assert.throws(
      () => parseFdt(image(bytes, 'board.dtb')),
      (error) => error instanceof VirtError && reason.test(error.message) && /board\.dtb/.test(error.message),
    );
  const word = (bytes: Uint8Array, index: number, value: number) => {
    const copy = bytes.slice();
    new DataView(copy.buffer).setUint32(index * 4, value);
    return copy;
  };

  it('reads back what FdtBuilder wrote, to the byte', () => {
    const bytes = sample().build();
    const tree = parseFdt(image(bytes));
    assert.equal(tree.bootCpuid, 3);
    assert.deepEqual(tree.reservations, [{ gpa: 0x8000_0000n, bytes: 0x1000n }]);
    assert.deepEqual(tree.build(), bytes);
  });

  it('gives new phandles beyond those of the blob', () => {
    const tree = parseFdt(image(sample().build()));
    const known = tree.find('/soc/interrupt-controller@c000000')?.phandle;
    assert.ok(known !== undefined && known > 0);
    assert.ok(tree.root.child('new').phandle > known);
  });

  it('takes free space behind the tree and NOP tokens', () => {
    const bytes = sample().build();
    const padded = new Uint8Array(bytes.length + 4096);
    padded.set(bytes);
    assert.deepEqual(parseFdt(image(word(padded, 1, padded.length))).build(), bytes);
    const nop = new FdtBuilder();
    nop.root.set('x', [Fdt.NOP]);
    const blob = nop.build();
    // The property (token, length, name, cell) becomes four NOPs.
    const at = new DataView(blob.buffer).getUint32(8) / 4 + 2;
    const without = [0, 1, 2, 3].reduce((all, i) => word(all, at + i, Fdt.NOP), blob);
    assert.equal(parseFdt(image(without)).root.properties.size, 0);
  });

  it('names the file and what is wrong with it', () => {
    const good = sample().build();
    rejected(new Uint8Array(), /empty/);
    rejected(good.subarray(0, 20), /truncated/);
    rejected(good.subarray(0, good.length - 1), /truncated/);
    rejected(word(good, 0, 0x464c457f), /not a device tree/);
    rejected(word(good, 5, 16), /version 16/);
    rejected(word(good, 6, 18), /version 17/);
    rejected(word(good, 2, 0x7fff_fff0), /structure block/);
    rejected(word(good, 3, good.length), /strings block/);
    rejected(word(good, 4, good.length - 8), /memory reservation block/);
    rejected(word(good, 9, 8), /no end/);
  });

  it('stops at the depth a kernel takes', () => {
    const deep = new FdtBuilder();
    let node = deep.root;
    for (let i = 1; i < FDT_DEPTH_MAX; i++) node = node.child('n');
    parseFdt(image(deep.build()));
    node.child('n');
    rejected(deep.build(), /deeper/);
  });

  it('reads random trees back as they were', () => {
    const seed = 0x5eed;
    const random = new SeededRandom(seed);
    const grow = (node: FdtTreeNode, depth: number): void => {
      for (let i = random.below(4); i > 0; i--) {
        const value = new Uint8Array(random.below(9));
        random.fill(value);
        node.set(`p${random.below(20)}`, value);
      }
      if (depth > 0) for (let i = random.below(4); i > 0; i--) grow(node.child(`n${i}@${random.u32()}`), depth - 1);
    };
    for (let round = 0; round < 100; round++) {
      const tree = new FdtBuilder();
      grow(tree.root, 4);
      assert.deepEqual(plain(parseFdt(image(tree.build())).root), plain(tree.root), `seed ${seed}, round ${round}`);
    }
  });
});
