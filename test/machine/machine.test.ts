import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { GuestMemoryError } from '../../src/hypervisor/index.ts';
import { HartConfig, HsmState, misaValue, Priv } from '../../src/isa/index.ts';
import { Board } from '../../src/machine/board.ts';
import { FdtBuilder } from '../../src/machine/firmware/fdt.ts';
import { parseFdt } from '../../src/machine/firmware/fdt-read.ts';
import { boardConfig, Machine, type MachineConfig, memoryMap, NullChar, TimerQueue } from '../../src/machine/index.ts';
import { validateMachineConfig } from '../../src/machine/validate-config.ts';
import { ManualClock, SeededRandom, silentLogger } from '../../src/util/index.ts';
import { bareConfig, SCRATCH, supervisorConfig } from '../support/guest.ts';
import { needTool } from '../support/need-tool.ts';

const { gpa: RAM } = memoryMap.ram;

function makeMachine(config: MachineConfig): Machine {
  const clock = new ManualClock();
  return new Machine(config, {
    clock,
    timers: new TimerQueue(clock),
    random: new SeededRandom(1),
    logger: silentLogger,
    serial: new NullChar(),
    virtio: [],
    onPower() {},
    onFault(error) {
      throw error;
    },
  });
}

describe('machine', () => {
  it('has its images in memory and its harts at the start when it is switched on', () => {
    const machine = makeMachine(bareConfig('li a0, 1', { vcpus: 2 }));
    const { vm } = machine;
    assert.equal(vm.memory.u32(RAM), 0);
    machine.powerOn();
    assert.equal(vm.memory.u32(RAM), 0x0010_0513);
    for (const hart of vm.harts) {
      assert.equal(hart.get('pc'), BigInt(RAM));
      assert.equal(hart.get32('priv'), Priv.M);
      assert.equal(hart.get('misa'), misaValue);
      assert.equal(hart.get('mhartid'), BigInt(hart.id));
      assert.equal(hart.get('x', 10), BigInt(hart.id));
      assert.equal(hart.get('mstatus'), 0xa_0000_0000n);
      assert.equal(hart.get32('hartStatus'), HsmState.STARTED);
      assert.equal(hart.get32('hartConfig'), 0);
    }
    const dtb = Number(vm.harts[0].get('x', 11));
    assert.deepEqual(Buffer.from(vm.memory.view(dtb, machine.dtb.length)), Buffer.from(machine.dtb));
  });

  it('enters a supervisor on one hart under the built-in firmware', () => {
    const machine = makeMachine(supervisorConfig('nop', { vcpus: 3 }));
    machine.powerOn();
    const [first, ...others] = machine.vm.harts;
    assert.equal(first.get32('priv'), Priv.S);
    assert.equal(first.get32('hartConfig'), HartConfig.SBI_EXIT);
    assert.equal(first.get('pc'), 0x8020_0000n);
    assert.equal(first.get('mideleg'), 0x222n);
    assert.equal(first.get('medeleg'), 0xb1ffn);
    assert.equal(first.get32('hartStatus'), HsmState.STARTED);
    for (const hart of others) assert.equal(hart.get32('hartStatus'), HsmState.STOPPED);
  });

  it('loads its images again at a reset and leaves the rest of RAM alone', () => {
    const machine = makeMachine(bareConfig('li a0, 1'));
    const { vm, board } = machine;
    machine.powerOn();
    vm.memory.setU32(RAM, 0xffff_ffff);
    vm.memory.setU32(SCRATCH, 77);
    vm.harts[0].set('x', 5n, 5);
    vm.clock.set(1000n);
    board.bus.write(memoryMap.plic.gpa + 4, 4, 7, 0);
    board.bus.write(memoryMap.aclint.gpa, 4, 1, 0);
    machine.powerOn();
    assert.equal(vm.memory.u32(RAM), 0x0010_0513);
    assert.equal(vm.memory.u32(SCRATCH), 77);
    assert.equal(vm.harts[0].get('x', 5), 0n);
    assert.equal(vm.clock.read(), 0n);
    assert.equal(vm.harts[0].get32('irqLines'), 0);
    board.bus.read(memoryMap.plic.gpa + 4, 4);
    assert.equal(board.bus.lo, 0);
  });

  it('has a read-only memory at the reset vector', () => {
    const machine = makeMachine(bareConfig('nop'));
    machine.powerOn();
    assert.equal(machine.vm.memory.contains(memoryMap.mrom.gpa, memoryMap.mrom.size), true);
    assert.throws(() => machine.vm.memory.setU32(memoryMap.mrom.gpa, 1), GuestMemoryError);
  });

  it('writes a device tree that dtc takes without complaint', function () {
    needTool(this, 'dtc', 'device-tree-compiler');
    const { dtb } = makeMachine(supervisorConfig('nop', { vcpus: 4, append: 'console=ttyS0' }));
    const dtc = spawnSync('dtc', ['-I', 'dtb', '-O', 'dts', '-'], { input: dtb });
    assert.equal(dtc.status, 0, String(dtc.stderr));
    const text = String(dtc.stdout);
    for (const node of ['serial@10000000', 'virtio_mmio@10001000', 'virtio_mmio@10008000', 'plic@c000000', 'cpu@3']) {
      assert.ok(text.includes(`${node} {`), node);
    }
    assert.match(text, /bootargs = "console=ttyS0"/);
    assert.match(text, /stdout-path = "\/soc\/serial@10000000"/);
  });

  it('gives the same machine for the same seed, through all its resets', () => {
    const dtbs = [1, 2].map(() => {
      const machine = makeMachine(supervisorConfig('nop'));
      const before = machine.dtb;
      const dtbs = [1, 2, 3].map(() => {
        machine.powerOn();
        return machine.dtb;
      });
      assert.deepEqual(dtbs[0], before);
      return dtbs;
    });
    assert.deepEqual(dtbs[0], dtbs[1]);
  });

  it('gives the guest another seed for its random numbers after each reset', () => {
    const machine = makeMachine(supervisorConfig('nop'));
    const { vm } = machine;
    const seeds = [1, 2, 3].map(() => {
      machine.powerOn();
      const gpa = Number(vm.harts[0].get('x', 11));
      const bytes = vm.memory.view(gpa, machine.dtb.length).slice();
      assert.deepEqual(bytes, machine.dtb);
      const seed = parseFdt({ name: 'dtb', bytes }).find('/chosen')?.properties.get('rng-seed');
      assert.equal(seed?.length, 32);
      return Buffer.from(seed).toString('hex');
    });
    assert.equal(new Set(seeds).size, 3);
  });

  it('leaves a device tree of the user alone at a reset', () => {
    const tree = new FdtBuilder();
    tree.root.child('chosen').set('rng-seed', Uint8Array.of(1, 2, 3, 4));
    const machine = makeMachine(supervisorConfig('nop', { dtb: { name: 'my.dtb', bytes: tree.build() } }));
    machine.powerOn();
    const before = machine.dtb;
    machine.powerOn();
    assert.deepEqual(machine.dtb, before);
    assert.deepEqual(before, tree.build());
  });
});

describe('board', () => {
  it('is one board on every thread', () => {
    const config = bareConfig('nop', { vcpus: 2 });
    const machine = makeMachine(config);
    machine.powerOn();
    const clock = new ManualClock();
    const other = new Board(machine.vm, boardConfig(config), clock);
    assert.deepEqual(
      other.devices.map(({ device }) => [device.id, device.window]),
      machine.board.devices.map(({ device }) => [device.id, device.window]),
    );
    // The UART's scratch register.
    other.bus.write(memoryMap.uart.gpa + 7, 1, 0x5a, 0);
    assert.ok(machine.board.bus.read(memoryMap.uart.gpa + 7, 1));
    assert.equal(machine.board.bus.lo, 0x5a);
    other.bus.write(memoryMap.plic.gpa + 40, 4, 3, 0);
    assert.ok(machine.board.bus.read(memoryMap.plic.gpa + 40, 4));
    assert.equal(machine.board.bus.lo, 3);
  });

  it('has devices where QEMU has them, and nothing between', () => {
    const { board } = makeMachine(bareConfig('nop'));
    const at = [0x10_0000, 0x10_1000, 0x200_0000, 0xc00_0000, 0x1000_0000, 0x1000_1000, 0x1000_8000, 0x1010_0000];
    for (const gpa of at) assert.ok(board.bus.read(gpa, 4), gpa.toString(16));
    for (const gpa of [
      0, 0x10_2000, 0x201_0000, 0xc60_0000, 0x1000_0100, 0x1000_9000, 0x1010_0018, 0x2000_0000, 0x3000_0000,
    ]) {
      assert.equal(board.bus.read(gpa, 4), false, gpa.toString(16));
    }
  });

  it('offers firmware what the kernel command line and the number of harts are', () => {
    const { board } = makeMachine(bareConfig('nop', { vcpus: 3, append: 'quiet' }));
    const { gpa } = memoryMap.fwCfg;
    const item = (key: number, bytes: number) => {
      board.bus.write(gpa + 8, 2, ((key & 0xff) << 8) | (key >> 8), 0);
      return Buffer.from(
        Array.from({ length: bytes }, () => {
          board.bus.read(gpa, 1);
          return board.bus.lo;
        }),
      );
    };
    assert.equal(item(0, 4).toString(), 'QEMU');
    assert.equal(item(5, 2).readUInt16LE(), 3);
    assert.equal(item(0x14, 4).readUInt32LE(), 6);
    assert.equal(item(0x15, 6).toString(), 'quiet\0');
  });
});

describe('machine configuration', () => {
  it('is checked before anything is made of it', () => {
    const good = bareConfig('nop');
    validateMachineConfig(good);
    const bad: [Partial<MachineConfig>, RegExp][] = [
      [{ ramBytes: 4097 * 1024 }, /multiple of 4096/],
      [{ ramBytes: Number.NaN }, /multiple of 4096/],
      [{ ramBytes: 99_999_999 * 2 ** 30 }, /a machine can have \d+ MiB at most/],
      [{ ramBytes: 4096 }, /4 MiB at least/],
      [{ ramBytes: 2 ** 32 }, /at most/],
      [{ vcpus: Number.NaN }, /vCPUs/],
      [{ virtio: new Array(9).fill({ type: 'rng' }) }, /8 slots/],
      [{ seed: 0.5 }, /seed 0.5/],
    ];
    for (const [change, message] of bad) assert.throws(() => validateMachineConfig({ ...good, ...change }), message);
  });
});
