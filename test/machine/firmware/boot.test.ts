import { strict as assert } from 'node:assert';
import { existsSync, readFileSync } from 'node:fs';
import { Priv } from '../../../src/isa/index.ts';
import type { Image, MachineConfig } from '../../../src/machine/config.ts';
import { type BootPlan, planBoot } from '../../../src/machine/firmware/boot.ts';
import { FdtBuilder } from '../../../src/machine/firmware/fdt.ts';
import { parseFdt } from '../../../src/machine/firmware/fdt-read.ts';
import { applyPlan } from '../../../src/machine/firmware/loader/plan.ts';
import { VirtError } from '../../../src/util/index.ts';
import { missing } from '../../support/need-tool.ts';
import { guestRam, image, makeElf, makeFlatImage, RAM_GPA } from './support.ts';

const MIB = 1024 * 1024;
const isa = { isa: 'rv64i', base: 'rv64i', extensions: ['i'], mmuType: 'riscv,sv57', cacheBlockBytes: 64 };
const kernel = image(makeFlatImage({ bytes: 8192, imageSize: 4 * MIB }), 'Image');
const code = new Uint8Array(64).fill(0x13);
const firmware = image('firmware', 'fw.bin');

function plan(config: Partial<MachineConfig>): BootPlan {
  const whole: MachineConfig = {
    ramBytes: 512 * MIB,
    vcpus: 2,
    firmware: { kind: 'builtin' },
    virtio: [],
    clock: 'virtual',
    ...config,
  };
  return planBoot({ config: whole, isa, devices: [], rngSeed: new Uint8Array(32).fill(7) });
}

function refused(config: Partial<MachineConfig>, reason: RegExp): void {
  assert.throws(
    () => plan(config),
    (error) => error instanceof VirtError && reason.test(error.message) && !error.message.includes('\n'),
  );
}

function elfAt(gpa: number, memBytes = 64, name = 'program.elf'): Image {
  return image(makeElf({ entry: gpa, segments: [{ paddr: gpa, file: code, memBytes }] }), name);
}

/** The initrd's range as the device tree tells it. */
function initrdOf(boot: BootPlan): { start: number; end: number } {
  const chosen = parseFdt(image(boot.dtb.bytes)).find('/chosen');
  const value = (name: string) => {
    const bytes = chosen?.properties.get(name) ?? assert.fail(`no ${name}`);
    return Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0));
  };
  return { start: value('linux,initrd-start'), end: value('linux,initrd-end') };
}

describe('planBoot: built-in firmware', () => {
  it('starts hart 0 in the kernel in S-mode with the device tree in a1, and no other', () => {
    const boot = plan({ kernel });
    const entry = { priv: Priv.S, pc: RAM_GPA + 2 * MIB, a1: boot.dtb.gpa, a2: 0 };
    assert.deepEqual(boot.harts, [
      { started: true, a0: 0, ...entry },
      { started: false, a0: 1, ...entry },
    ]);
    assert.equal(boot.mrom.length, 0);
  });

  it('puts the device tree in the last 2 MiB that have room for it and what firmware adds', () => {
    const boot = plan({ kernel });
    assert.equal(boot.dtb.gpa, RAM_GPA + 510 * MIB);
    assert.equal(parseFdt(image(boot.dtb.bytes)).find('/memory@80000000')?.name, 'memory@80000000');
  });

  it('enters an ELF at its entry, and one linked at virtual addresses at its lowest byte', () => {
    const start = RAM_GPA + 2 * MIB;
    const entry = image(makeElf({ entry: start + 8, segments: [{ paddr: start, file: code }] }));
    assert.equal(plan({ kernel: entry }).harts[0]?.pc, start + 8);
    const vaddr = 0xffff_ffff_8000_0000n;
    const virtual = image(makeElf({ entry: vaddr + 8n, segments: [{ paddr: start, vaddr, file: code }] }));
    assert.equal(plan({ kernel: virtual }).harts[0]?.pc, start);
  });

  it('puts everything in memory when applied, the same after the guest has scribbled over it', () => {
    const memory = guestRam(16 * MIB);
    const initrd = image('the initrd', 'initrd.img');
    const boot = plan({ kernel: elfAt(RAM_GPA, 4096), initrd, ramBytes: 16 * MIB });
    for (let round = 0; round < 2; round++) {
      memory.write(RAM_GPA, new Uint8Array(16 * MIB).fill(0xee));
      applyPlan(memory, boot);
      assert.deepEqual(memory.view(RAM_GPA, 64).slice(), code);
      assert.ok(memory.view(RAM_GPA + 64, 4096 - 64).every((byte) => byte === 0));
      const { start, end } = initrdOf(boot);
      assert.equal(Buffer.from(memory.view(start, end - start).slice()).toString(), 'the initrd');
      assert.deepEqual(memory.view(boot.dtb.gpa, boot.dtb.bytes.length).slice(), boot.dtb.bytes);
    }
  });

  it('needs a kernel', () => {
    refused({}, /firmware 'builtin' needs a kernel/);
    refused({ firmware: { kind: 'none' } }, /firmware 'none' needs a kernel/);
  });
});

describe('planBoot: initrd', () => {
  const initrd = (bytes: number) => image(new Uint8Array(bytes), 'initrd.img');

  it('goes 128 MiB above the kernel, or half of RAM when that is less, as under QEMU', () => {
    assert.equal(initrdOf(plan({ kernel, initrd: initrd(1) })).start, RAM_GPA + 130 * MIB);
    assert.equal(initrdOf(plan({ kernel, initrd: initrd(1), ramBytes: 128 * MIB })).start, RAM_GPA + 66 * MIB);
  });

  it('moves below the device tree when it is large, and above a large kernel', () => {
    const large = plan({ kernel, initrd: initrd(100 * MIB + 1), ramBytes: 128 * MIB });
    const { start, end } = initrdOf(large);
    assert.equal(end - start, 100 * MIB + 1);
    assert.ok(start % 4096 === 0 && start >= RAM_GPA + 6 * MIB && end <= large.dtb.gpa);
    const big = image(makeFlatImage({ bytes: 8192, imageSize: 200 * MIB + 4096 }));
    assert.equal(initrdOf(plan({ kernel: big, initrd: initrd(1) })).start, RAM_GPA + 204 * MIB);
  });

  it('is refused with the memory that would do when it does not fit', () => {
    const config = { kernel, initrd: initrd(60 * MIB), ramBytes: 64 * MIB };
    let message = '';
    try {
      plan(config);
    } catch (error) {
      message = error instanceof VirtError ? error.message : String(error);
    }
    assert.match(message, /^initrd\.img: initrd of 60 MiB does not fit in 64 MiB of RAM beside the kernel/);
    const enough = Number(/(\d+) MiB are enough/.exec(message)?.[1]);
    assert.ok(enough > 64 && enough <= 72, message);
    plan({ ...config, ramBytes: enough * MIB });
  });

  it('is refused when empty, and without a kernel', () => {
    refused({ kernel, initrd: initrd(0) }, /initrd\.img: the initrd is empty/);
    refused({ initrd: initrd(1), firmware: { kind: 'file', image: firmware } }, /without a kernel/);
  });
});

describe('planBoot: no firmware', () => {
  it('starts all harts at the entry in M-mode', () => {
    const boot = plan({ kernel: elfAt(RAM_GPA), firmware: { kind: 'none' } });
    const entry = { started: true, priv: Priv.M, pc: RAM_GPA, a1: boot.dtb.gpa, a2: 0 };
    assert.deepEqual(boot.harts, [
      { a0: 0, ...entry },
      { a0: 1, ...entry },
    ]);
  });

  it('refuses a kernel that can only run in S-mode, and doubts any other that Linux could be', () => {
    const flat = makeFlatImage({ bytes: 8192 });
    assert.match(plan({ kernel: image(flat, 'Image'), firmware: { kind: 'none' } }).doubts.join(), /^Image: .* M-mode/);
    assert.deepEqual(plan({ kernel: image(flat) }).doubts, []);
    assert.deepEqual(plan({ kernel: elfAt(RAM_GPA), firmware: { kind: 'none' } }).doubts, []);
    // An EFI stub: a PE file with no sections.
    flat.write('MZ', 'latin1');
    flat.writeUInt32LE(64, 60);
    flat.write('PE\0\0', 64, 'latin1');
    flat.writeUInt16LE(0, 70);
    refused({ kernel: image(flat, 'Image'), firmware: { kind: 'none' } }, /Image: a kernel for S-mode .* 'builtin'/);
    assert.equal(plan({ kernel: image(flat) }).harts.length, 2);
  });

  it('works in little memory, and tells of too little', () => {
    const config = { kernel: elfAt(RAM_GPA), firmware: { kind: 'none' } } as const;
    assert.equal(plan({ ...config, ramBytes: 256 * 1024 }).dtb.gpa % 4096, 0);
    refused({ ...config, ramBytes: 64 * 1024 }, /too little memory/);
    refused({ kernel, ramBytes: MIB }, /Image: .*has 1 MiB, it needs 6 MiB/);
    refused({ kernel, ramBytes: 6 * MIB }, /too little memory/);
  });

  it('gives the symbols of the ELF', () => {
    const bytes = makeElf({
      entry: RAM_GPA,
      segments: [{ paddr: RAM_GPA, file: code }],
      symbols: { tohost: RAM_GPA + 8 },
    });
    const boot = plan({ kernel: image(bytes), firmware: { kind: 'none' } });
    assert.deepEqual(boot.symbols, { tohost: RAM_GPA + 8 });
  });
});

describe('planBoot: firmware file', () => {
  it('starts all harts in it in M-mode with fw_dynamic_info in a2', () => {
    const boot = plan({ kernel, firmware: { kind: 'file', image: firmware } });
    assert.deepEqual(
      boot.harts.map((hart) => [hart.started, hart.priv, hart.pc, hart.a0, hart.a1, hart.a2]),
      [0, 1].map((id) => [true, Priv.M, RAM_GPA, id, boot.dtb.gpa, 0x1000]),
    );
    const words = new DataView(boot.mrom.buffer, boot.mrom.byteOffset, boot.mrom.length);
    const info = Array.from({ length: 6 }, (_, i) => words.getBigUint64(i * 8, true));
    // Magic "OSBI", version, next_addr, next_mode S, options, boot_hart.
    assert.deepEqual(info, [0x4942534fn, 2n, BigInt(RAM_GPA + 2 * MIB), 1n, 0n, 0n]);
  });

  it('needs no kernel', () => {
    const boot = plan({ firmware: { kind: 'file', image: firmware } });
    assert.equal(new DataView(boot.mrom.buffer).getBigUint64(16, true), 0n);
  });

  it('refuses a kernel on top of it', () => {
    const config = { kernel: elfAt(RAM_GPA + 4), firmware: { kind: 'file', image: firmware } } as const;
    refused(config, /kernel program\.elf .* and firmware fw\.bin .* overlap/);
  });

  it("loads Debian's OpenSBI and U-Boot", function () {
    const files = [
      '/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin',
      '/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_jump.elf',
      '/usr/lib/u-boot/qemu-riscv64/u-boot.bin',
      '/usr/lib/u-boot/qemu-riscv64/uboot.elf',
    ];
    const absent = files.filter((file) => !existsSync(file));
    if (absent.length > 0) missing(this, `${absent.join(' ')} missing (Debian packages opensbi, u-boot-qemu)`);
    for (const name of files) {
      const boot = plan({ kernel, firmware: { kind: 'file', image: { name, bytes: readFileSync(name) } } });
      assert.equal(boot.harts[0]?.pc, RAM_GPA, name);
    }
  });
});

describe('planBoot: a device tree of the user', () => {
  it('is taken with command line and initrd put in', () => {
    const tree = new FdtBuilder();
    tree.root.set('model', 'mine').child('chosen').set('bootargs', 'old').set('stdout-path', '/uart');
    const dtb = image(tree.build(), 'my.dtb');
    const boot = plan({ kernel, dtb, append: 'new', initrd: image('x', 'i') });
    const read = parseFdt(image(boot.dtb.bytes));
    const chosen = read.find('/chosen');
    assert.equal(Buffer.from(chosen?.properties.get('bootargs') ?? []).toString(), 'new\0');
    assert.equal(Buffer.from(chosen?.properties.get('stdout-path') ?? []).toString(), '/uart\0');
    assert.equal(Buffer.from(read.root.properties.get('model') ?? []).toString(), 'mine\0');
    assert.equal(initrdOf(boot).start, RAM_GPA + 130 * MIB);
    assert.equal(read.find('/cpus'), undefined);
  });

  it('is refused by name when it is none', () => {
    refused({ kernel, dtb: image('no tree', 'my.dtb') }, /device tree my\.dtb: truncated/);
  });
});
