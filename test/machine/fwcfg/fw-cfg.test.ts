import { strict as assert } from 'node:assert';
import { MmioBus } from '../../../src/machine/bus/mmio-bus.ts';
import { FW_CFG_REGION_BYTES, FwCfg } from '../../../src/machine/fwcfg/fw-cfg.ts';
import { FwCfgKey, fwCfgItems } from '../../../src/machine/fwcfg/items.ts';
import { memoryMap } from '../../../src/machine/memory-map.ts';
import { createTestBoard, describeTree, ramOf, strings, TEST_RAM, type TestBoard } from '../device-contract.ts';
import { swapped } from '../device-factories.ts';

const DATA = 0;
const SELECTOR = 8;
const DMA = 16;
const BASE = memoryMap.fwCfg.gpa;
const file = Uint8Array.from({ length: 300 }, (_, i) => (i * 3) & 0xff);
const REQUEST = TEST_RAM.gpa + 0x100;
const TARGET = TEST_RAM.gpa + 0x1000;

describe('fw_cfg', () => {
  let board: TestBoard;
  let fwCfg: FwCfg;
  let bus: MmioBus;

  beforeEach(() => {
    board = createTestBoard(FW_CFG_REGION_BYTES);
    fwCfg = new FwCfg(memoryMap.fwCfg, board.region, board.memory, {
      files: [
        { name: 'opt/zebra', bytes: Uint8Array.of(1, 2, 3) },
        { name: 'etc/data', bytes: file },
      ],
      items: [{ key: 0x05, bytes: Uint8Array.of(4, 0) }],
    });
    fwCfg.reset();
    bus = new MmioBus();
    bus.attach(fwCfg, board.region);
  });

  const select = (key: number) => fwCfg.write(SELECTOR, 2, swapped(key) >>> 16);
  const bytesOf = (count: number) => Array.from({ length: count }, () => fwCfg.read(DATA, 1));

  /** Issues a DMA request as Linux does; returns the control word after it. */
  function dma(control: number, length: number, gpa: number | bigint): number {
    const ram = new DataView(board.buffer, ramOf(board).byteOffset);
    ram.setUint32(0x100, control);
    ram.setUint32(0x104, length);
    ram.setBigUint64(0x108, BigInt(gpa));
    fwCfg.write(DMA, 4, swapped(0));
    fwCfg.write(DMA + 4, 4, swapped(REQUEST));
    return ram.getUint32(0x100);
  }
  const target = (count: number) => ramOf(board).slice(0x1000, 0x1000 + count);

  it('has the signature and says that it can do DMA', () => {
    select(FwCfgKey.SIGNATURE);
    assert.equal(String.fromCharCode(...bytesOf(4)), 'QEMU');
    select(FwCfgKey.ID);
    assert.deepEqual(bytesOf(5), [3, 0, 0, 0, 0]);
    assert.ok(bus.read(BASE + DMA, 8));
    assert.equal(((BigInt(swapped(bus.lo)) << 32n) | BigInt(swapped(bus.hi))).toString(16), '51454d5520434647');
  });

  it('lists its files, sorted by name', () => {
    select(FwCfgKey.FILE_DIR);
    const directory = new DataView(Uint8Array.from(bytesOf(4 + 2 * 64)).buffer);
    assert.equal(directory.getUint32(0), 2);
    const entries = [0, 1].map((i) => {
      const at = 4 + 64 * i;
      const name = new Uint8Array(directory.buffer, at + 8, 56);
      return [
        directory.getUint32(at),
        directory.getUint16(at + 4),
        new TextDecoder().decode(name.subarray(0, name.indexOf(0))),
      ];
    });
    assert.deepEqual(entries, [
      [300, 0x20, 'etc/data'],
      [3, 0x21, 'opt/zebra'],
    ]);
  });

  it('gives the selected item through the data register, in memory order at any width, and zeroes after it', () => {
    select(0x20);
    const memory = new DataView(new ArrayBuffer(8));
    memory.setUint8(0, fwCfg.read(DATA, 1));
    assert.equal(memory.getUint8(0), file[0]);
    memory.setUint16(0, fwCfg.read(DATA, 2), true);
    assert.deepEqual([memory.getUint8(0), memory.getUint8(1)], [...file.subarray(1, 3)]);
    select(0x20);
    assert.ok(bus.read(BASE + DATA, 8));
    memory.setUint32(0, bus.lo, true);
    memory.setUint32(4, bus.hi, true);
    assert.deepEqual([...new Uint8Array(memory.buffer)], [...file.subarray(0, 8)]);
    select(0x21);
    assert.deepEqual(bytesOf(5), [1, 2, 3, 0, 0]);
    select(0x05);
    assert.deepEqual(bytesOf(2), [4, 0]);
    select(0x4444);
    assert.deepEqual(bytesOf(2), [0, 0]);
  });

  it('reads by DMA from where the item stands, zero-filling past its end', () => {
    assert.equal(dma((0x20 << 16) | 8 | 2, 100, TARGET), 0);
    assert.deepEqual(target(100), file.slice(0, 100));
    assert.equal(dma(4, 50, 0), 0);
    ramOf(board).fill(0xee, 0x1000, 0x1100);
    assert.equal(dma(2, 200, TARGET), 0);
    assert.deepEqual(target(150), file.slice(150));
    assert.deepEqual([...target(201).subarray(150)], [...new Uint8Array(50), 0xee]);
    assert.deepEqual(bytesOf(1), [0]);
  });

  it('takes the whole request address in one 8-byte write', () => {
    const ram = new DataView(board.buffer, ramOf(board).byteOffset);
    ram.setUint32(0x100, (0x21 << 16) | 8 | 2);
    ram.setUint32(0x104, 3);
    ram.setBigUint64(0x108, BigInt(TARGET));
    assert.ok(bus.write(BASE + DMA, 8, swapped(0), swapped(REQUEST)));
    assert.deepEqual([...target(3)], [1, 2, 3]);
  });

  it('fails reads into what is no memory, and writes to items, touching nothing', () => {
    const end = TEST_RAM.gpa + TEST_RAM.bytes;
    for (const [length, gpa] of [
      [16, end - 8],
      [16, 0],
      [0xffff_ffff, TARGET],
      [16, 0xffff_ffff_ffff_fff8n],
    ] as const) {
      assert.equal(dma((0x20 << 16) | 8 | 2, length, gpa), 1);
    }
    assert.deepEqual([...ramOf(board).subarray(-8)], [...new Uint8Array(8)]);
    assert.equal(dma((0x20 << 16) | 8 | 16, 4, TARGET), 1);
    assert.equal(dma(0, 4, TARGET), 0, 'no operation');
    select(0x20);
    fwCfg.write(DATA, 4, 0xffff_ffff);
    assert.deepEqual(bytesOf(2), [...file.subarray(0, 2)]);
  });

  it('survives a request that is itself outside memory', () => {
    for (const gpa of [0, TEST_RAM.gpa + TEST_RAM.bytes - 8, 0xffff_ffff]) {
      fwCfg.write(DMA + 4, 4, swapped(gpa));
      fwCfg.write(DMA, 4, 0xffff_ffff);
      fwCfg.write(DMA + 4, 4, swapped(gpa));
    }
  });

  it('skips no further than the item’s end', () => {
    assert.equal(dma((0x20 << 16) | 8 | 4, 0xffff_ffff, 0), 0);
    assert.equal(dma(4, 0xffff_ffff, 0), 0);
    assert.deepEqual(bytesOf(1), [0]);
    assert.equal(fwCfg.save()['offset'], 300);
  });

  it('refuses contents that the directory cannot hold', () => {
    const one = (name: string) => ({ name, bytes: new Uint8Array(1) });
    assert.throws(() => fwCfgItems({ files: [one('')] }), /no fw_cfg file name/);
    assert.throws(() => fwCfgItems({ files: [one('x'.repeat(56))] }), /no fw_cfg file name/);
    assert.throws(() => fwCfgItems({ files: [one('é')] }), /no fw_cfg file name/);
    assert.throws(() => fwCfgItems({ files: [one('a'), one('a')] }), /two fw_cfg files/);
    assert.throws(() => fwCfgItems({ files: [], items: [{ key: 0, bytes: new Uint8Array(1) }] }), /key 0 is taken/);
    fwCfgItems({ files: [one('x'.repeat(55))] });
  });

  it('describes itself as QEMU’s board does', () => {
    const node = describeTree(fwCfg).soc.get('fw-cfg@10100000');
    assert.deepEqual(strings(node, 'compatible'), ['qemu,fw-cfg-mmio']);
    assert.ok(node?.properties.has('dma-coherent'));
  });
});
