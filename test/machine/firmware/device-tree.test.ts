import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSharedMemory, Vm } from '../../../src/hypervisor/index.ts';
import { CACHE_BLOCK_BYTES, isaExtensions, isaString } from '../../../src/isa/index.ts';
import { Board } from '../../../src/machine/board.ts';
import { buildDeviceTree, type Chosen, patchChosen } from '../../../src/machine/firmware/device-tree.ts';
import type { FdtBuilder, FdtTreeNode } from '../../../src/machine/firmware/fdt.ts';
import { parseFdt } from '../../../src/machine/firmware/fdt-read.ts';
import { ManualClock } from '../../../src/util/index.ts';
import { needTool } from '../../support/need-tool.ts';
import { image } from './support.ts';

const MIB = 1024 * 1024;

function boardTree(vcpus: number, chosen: Chosen = {}): FdtBuilder {
  const clock = new ManualClock();
  const shared = createSharedMemory({ ramBytes: 4 * MIB });
  const vm = Vm.create({ shared, clock, harts: vcpus, timebaseHz: 10_000_000, clockMode: 'virtual' });
  const { devices } = new Board(vm, { fwCfg: { files: [], items: [] } }, clock);
  const isa = {
    isa: isaString(),
    base: 'rv64i',
    extensions: isaExtensions(),
    mmuType: 'riscv,sv57',
    cacheBlockBytes: CACHE_BLOCK_BYTES,
  };
  return buildDeviceTree({ vcpus, ramBytes: 512 * MIB, isa, devices, chosen });
}

function text(node: FdtTreeNode | undefined, name: string): string[] | undefined {
  const value = node?.properties.get(name);
  return value === undefined ? undefined : Buffer.from(value).toString('latin1').split('\0').slice(0, -1);
}

function cells(node: FdtTreeNode | undefined, name: string): number[] | undefined {
  const value = node?.properties.get(name);
  if (value === undefined) return undefined;
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  return Array.from({ length: value.length / 4 }, (_, i) => view.getUint32(i * 4));
}

/** Every node with a unit address below the root or soc, by its name. */
function devices(tree: FdtBuilder): Map<string, FdtTreeNode> {
  const nodes = [...tree.root.children, ...(tree.root.get('soc')?.children ?? [])];
  return new Map(nodes.filter((node) => node.name.includes('@')).map((node) => [node.name, node]));
}

describe('buildDeviceTree', () => {
  it('is accepted by dtc without a warning', function () {
    needTool(this, 'dtc', 'device-tree-compiler');
    const chosen = { bootargs: 'quiet', initrd: { start: 0x8820_0000, end: 0x8830_0000 }, rngSeed: new Uint8Array(32) };
    for (const vcpus of [1, 8]) {
      const input = boardTree(vcpus, chosen).build();
      const dtc = spawnSync('dtc', ['-I', 'dtb', '-O', 'dts', '-'], { input, encoding: 'utf8' });
      assert.equal(dtc.stderr, '');
      assert.equal(dtc.status, 0);
    }
  });

  it('has the addresses, interrupts and names of QEMU', function () {
    needTool(this, 'qemu-system-riscv64', 'qemu-system-misc');
    this.timeout(60_000);
    const dir = mkdtempSync(join(tmpdir(), 'nodevisor-'));
    const file = join(dir, 'virt.dtb');
    const qemu = spawnSync(
      'qemu-system-riscv64',
      ['-M', `virt,dumpdtb=${file}`, '-smp', '2', '-m', '512M', '-display', 'none'],
      { encoding: 'utf8', timeout: 60_000 },
    );
    assert.equal(qemu.status, 0, qemu.stderr);
    const theirs = parseFdt(image(readFileSync(file)));
    rmSync(dir, { recursive: true });

    const ours = boardTree(2);
    const known = devices(theirs);
    for (const [name, node] of devices(ours)) {
      const twin = known.get(name);
      assert.ok(twin !== undefined, `QEMU has no ${name}`);
      for (const property of ['reg', 'interrupts', 'clock-frequency']) {
        assert.deepEqual(cells(node, property), cells(twin, property), `${name} ${property}`);
      }
      assert.deepEqual(text(node, 'compatible'), text(twin, 'compatible'), name);
      const lines = (of: FdtTreeNode) => cells(of, 'interrupts-extended')?.filter((_, i) => i % 2 === 1);
      assert.deepEqual(lines(node), lines(twin), `${name} interrupts-extended`);
    }
    for (const name of ['poweroff', 'reboot']) {
      for (const property of ['value', 'offset']) {
        assert.deepEqual(cells(ours.root.get(name), property), cells(theirs.root.get(name), property), name);
      }
    }
    const cpus = '/cpus';
    assert.deepEqual(cells(ours.find(cpus), 'timebase-frequency'), cells(theirs.find(cpus), 'timebase-frequency'));
    assert.deepEqual(text(ours.root, 'compatible'), text(theirs.root, 'compatible'));
    assert.deepEqual(text(ours.find('/chosen'), 'stdout-path'), text(theirs.find('/chosen'), 'stdout-path'));
  });

  it('describes each hart with its ISA and interrupt controller', () => {
    const tree = boardTree(3);
    const intcs = [0, 1, 2].map((id) => {
      const cpu = tree.find(`/cpus/cpu@${id}`);
      assert.deepEqual(cells(cpu, 'reg'), [id]);
      assert.deepEqual(text(cpu, 'mmu-type'), ['riscv,sv57']);
      assert.match(text(cpu, 'riscv,isa')?.[0] ?? '', /^rv64imafdc_/);
      assert.deepEqual(text(cpu, 'riscv,isa-extensions'), isaExtensions());
      assert.deepEqual(cells(cpu, 'riscv,cboz-block-size'), [CACHE_BLOCK_BYTES]);
      assert.deepEqual(cells(tree.find(`/cpus/cpu-map/cluster0/core${id}`), 'cpu'), cells(cpu, 'phandle'));
      return cells(cpu?.get('interrupt-controller'), 'phandle')?.[0];
    });
    const wired = cells(tree.find('/soc/plic@c000000'), 'interrupts-extended');
    assert.deepEqual(
      wired?.filter((_, i) => i % 4 === 0),
      intcs,
    );
  });

  it('gives every interrupt parent a node, and no two nodes one phandle', () => {
    const tree = boardTree(2);
    const phandles: number[] = [];
    const parents: number[] = [];
    const visit = (node: FdtTreeNode): void => {
      phandles.push(...(cells(node, 'phandle') ?? []));
      parents.push(...(cells(node, 'interrupt-parent') ?? []), ...(cells(node, 'regmap') ?? []));
      for (const child of node.children) visit(child);
    };
    visit(tree.root);
    assert.equal(new Set(phandles).size, phandles.length);
    assert.ok(parents.length > 9);
    for (const parent of parents) assert.ok(phandles.includes(parent));
  });

  it('tells kernel and firmware what they are given, in a length that does not depend on addresses', () => {
    const rngSeed = Uint8Array.of(1, 2, 3, 4);
    const initrd = { start: 0x8820_0000, end: 0x8830_0001 };
    const tree = boardTree(1, { bootargs: 'root=/dev/vda rw', initrd, rngSeed });
    const chosen = tree.find('/chosen');
    assert.deepEqual(text(chosen, 'bootargs'), ['root=/dev/vda rw']);
    assert.deepEqual(cells(chosen, 'linux,initrd-start'), [0, initrd.start]);
    assert.deepEqual(cells(chosen, 'linux,initrd-end'), [0, initrd.end]);
    assert.deepEqual(cells(chosen, 'rng-seed'), [0x0102_0304]);
    assert.deepEqual(cells(tree.find('/memory@80000000'), 'reg'), [0, 0x8000_0000, 0, 512 * MIB]);
    const other = boardTree(1, { bootargs: 'root=/dev/vda rw', initrd: { start: 0, end: 0 }, rngSeed });
    assert.equal(tree.build().length, other.build().length);
    const bare = boardTree(1).find('/chosen');
    assert.deepEqual([...(bare?.properties.keys() ?? [])], ['stdout-path']);
  });
});

describe('patchChosen', () => {
  it("changes what is given in a tree of the user's and leaves the rest", () => {
    const tree = parseFdt(image(boardTree(1, { bootargs: 'theirs', rngSeed: Uint8Array.of(1, 2, 3, 4) }).build()));
    patchChosen(tree, {});
    assert.deepEqual(text(tree.find('/chosen'), 'bootargs'), ['theirs']);
    patchChosen(tree, { bootargs: 'ours', initrd: { start: 1, end: 2 } });
    assert.deepEqual(text(tree.find('/chosen'), 'bootargs'), ['ours']);
    assert.deepEqual(cells(tree.find('/chosen'), 'linux,initrd-end'), [0, 2]);
    assert.deepEqual(cells(tree.find('/chosen'), 'rng-seed'), [0x0102_0304]);
  });
});
