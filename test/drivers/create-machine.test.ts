import { strict as assert } from 'node:assert';
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  createMachine,
  type MachineHandle,
  type MachineOptions,
  MemBlock,
  parseSize,
  VirtError,
} from '../../src/index.ts';
import { Output, program } from '../support/guest.ts';

const HELLO = `la a0, text
 call print
 j power_off
 .data
text: .asciz "hello\\n"
`;

/** Where an initrd goes in 16 MiB. */
const INITRD = 0x80a0_0000;

/** Prints the initrd, spoils it and restarts; the second time it powers off. */
const PRINT_INITRD = `li s0, ${INITRD}
 mv a0, s0
 call print
 sb zero, (s0)
 li s1, SCRATCH
 lw s2, (s1)
 bnez s2, 1f
 li s2, 1
 sw s2, (s1)
 j reset
1: j power_off
`;

describe('createMachine', () => {
  let directory: string;
  const machines: MachineHandle[] = [];
  const path = (name: string) => join(directory, name);
  const file = (name: string, bytes: Uint8Array | string) => {
    writeFileSync(path(name), bytes);
    return path(name);
  };
  const make = async (options: MachineOptions) => {
    const machine = await createMachine(options);
    machines.push(machine);
    return machine;
  };
  const kernel = program(HELLO, 0x8020_0000).bytes;

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'nodevisor-test-'));
  });
  afterEach(async () => {
    for (const machine of machines.splice(0)) await machine.destroy();
  });
  after(() => rmSync(directory, { recursive: true }));

  async function refuses(options: MachineOptions, code: string, message: RegExp): Promise<void> {
    await assert.rejects(createMachine(options), (error: unknown) => {
      assert.ok(error instanceof VirtError, String(error));
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /\n/);
      assert.equal(error.code, code);
      return true;
    });
  }

  it('runs a kernel from a path, a URL or bytes', async () => {
    const name = file('kernel.elf', kernel);
    for (const source of [name, pathToFileURL(name), kernel]) {
      const machine = await make({ kernel: source, clock: 'virtual', memory: '16M' });
      const output = new Output(machine);
      await machine.start();
      assert.equal((await machine.wait()).reason, 'poweroff');
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(output.text, 'hello\n');
    }
  });

  it('restarts with the files that it was made of, whatever has their names by then', async () => {
    const { bytes } = program(PRINT_INITRD, 0x8020_0000);
    for (const clock of ['virtual', 'host'] as const) {
      const files = { kernel: file('guest.elf', bytes), initrd: file('initrd', 'first\n\0') };
      const machine = await make({ ...files, clock, memory: '16M' });
      for (const name of Object.values(files)) rmSync(name);
      file('initrd', 'second\n\0');
      const output = new Output(machine);
      await machine.start();
      assert.equal((await machine.wait()).reason, 'poweroff');
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(output.text, 'first\nfirst\n', clock);
    }
  });

  it('says so when a file has become shorter by the time it is wanted again', async () => {
    const initrd = file('initrd', 'first');
    const machine = await make({ kernel: program('1: wfi\n j 1b', 0x8020_0000).bytes, initrd, memory: '16M' });
    await machine.start();
    writeFileSync(initrd, '');
    await assert.rejects(machine.reset(), /initrd: the initrd is empty/);
  });

  it('reads what is no file, such as a pipe', async function () {
    if (process.platform === 'win32') return this.skip();
    // As often as it takes to meet a writer that is quick.
    for (let round = 0; round < 30; round++) {
      const pipe = path(`pipe-${randomBytes(4).toString('hex')}`);
      assert.equal(spawnSync('mkfifo', [pipe]).status, 0);
      const writer = spawn('sh', ['-c', 'cat > "$0"', pipe], { stdio: ['pipe', 'ignore', 'inherit'] });
      writer.stdin.end(kernel);
      const written = once(writer, 'exit');
      const machine = await make({ kernel: pipe, clock: 'virtual', memory: '16M' });
      assert.deepEqual(await written, [0, null]);
      const output = new Output(machine);
      await machine.start();
      assert.equal((await machine.wait()).reason, 'poweroff');
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(output.text, 'hello\n');
    }
  });

  it('runs on threads by default', async () => {
    const machine = await make({ kernel, vcpus: 2 });
    assert.equal(machine.config.ramBytes, 512 * 2 ** 20);
    const output = new Output(machine);
    await machine.start();
    assert.equal((await machine.wait()).reason, 'poweroff');
    await output.until(machine, 'hello');
    assert.equal(machine.stats().vcpus.length, 2);
  });

  it('sends serial output to a file, or nowhere', async () => {
    const machine = await make({ kernel, clock: 'virtual', console: { file: path('serial.log') } });
    assert.throws(() => machine.console, /something else/);
    await machine.start();
    await machine.wait();
    assert.equal(readFileSync(path('serial.log'), 'utf8'), 'hello\n');
    const mute = await make({ kernel, clock: 'virtual', console: 'none' });
    await mute.start();
    assert.equal((await mute.wait()).reason, 'poweroff');
  });

  it('puts disks, consoles and an entropy device into the slots', async () => {
    const backend = new MemBlock(1024);
    const machine = await make({
      kernel,
      disks: [
        file('a.raw', Buffer.alloc(4096)),
        { file: file('b.raw', Buffer.alloc(512)), readonly: true },
        { backend },
      ],
      virtioConsoles: 1,
    });
    assert.deepEqual(
      machine.config.virtio.map(({ type }) => type),
      ['blk', 'blk', 'blk', 'console', 'rng'],
    );
    assert.deepEqual(
      machine.disks.map(({ sectors, readOnly }) => [sectors, readOnly]),
      [
        [8, false],
        [1, true],
        [backend.sectors, false],
      ],
    );
    assert.equal(machine.virtioConsoles.length, 1);
  });

  it('shows the device tree before the start', async () => {
    const machine = await make({ kernel, vcpus: 3, append: 'quiet' });
    assert.equal(Buffer.from(machine.dtb).readUInt32BE(0), 0xd00dfeed);
  });

  it('understands sizes', () => {
    assert.equal(parseSize('512M'), 512 * 2 ** 20);
    assert.equal(parseSize('2g'), 2 * 2 ** 30);
    assert.equal(parseSize('64KiB'), 65536);
    assert.equal(parseSize('4096'), 4096);
    assert.equal(parseSize(4096), 4096);
    for (const bad of ['', 'M', '1.5G', '-1M', '10T', '1 0M']) assert.throws(() => parseSize(bad), /is no size/);
  });

  it('names the file that is missing, a directory, empty, cut off or for another machine', async () => {
    mkdirSync(path('dir'), { recursive: true });
    const empty = file('empty', '');
    const cut = file('cut.elf', kernel.subarray(0, kernel.length - 100));
    const x86 = Buffer.from(kernel);
    x86.writeUInt16LE(62, 18);
    await refuses({ kernel: path('missing') }, 'INVALID_ARG', /kernel '.*missing': it does not exist/);
    await refuses({ kernel: path('dir') }, 'INVALID_ARG', /kernel '.*dir': it is a directory/);
    await refuses({ kernel: empty }, 'INVALID_ARG', /empty.*empty/);
    await refuses({ kernel: cut }, 'INVALID_ARG', /cut\.elf.*truncated/);
    await refuses({ kernel: file('x86.elf', x86) }, 'INVALID_ARG', /x86\.elf/);
    await refuses({ kernel, initrd: path('missing') }, 'INVALID_ARG', /initrd '.*missing'/);
    await refuses({ kernel, firmware: path('missing') }, 'INVALID_ARG', /firmware '.*missing'/);
    await refuses({ kernel, dtb: empty }, 'INVALID_ARG', /empty/);
    await refuses({ kernel, disks: [path('missing')] }, 'INVALID_ARG', /disk image '.*missing': it does not exist/);
    await refuses({ kernel, disks: [path('dir')] }, 'INVALID_ARG', /disk image '.*dir': it is a directory/);
    await refuses({ kernel, console: { file: path('dir') } }, 'INVALID_ARG', /console file '.*dir'/);
  });

  it('refuses what no machine can be', async () => {
    await refuses({}, 'INVALID_ARG', /nothing to run/);
    await refuses({ kernel, vcpus: 0 }, 'CONFIG_UNSUPPORTED', /0 vCPUs: a machine has 1 to 8/);
    await refuses({ kernel, vcpus: 9 }, 'CONFIG_UNSUPPORTED', /9 vCPUs/);
    await refuses({ kernel, vcpus: 1.5 }, 'CONFIG_UNSUPPORTED', /1.5 vCPUs/);
    await refuses({ kernel, memory: '1M' }, 'CONFIG_UNSUPPORTED', /4 MiB at least/);
    await refuses({ kernel, memory: '8G' }, 'CONFIG_UNSUPPORTED', /8192 MiB.*at most/);
    await refuses({ kernel, memory: 4096 * 1024 + 1 }, 'INVALID_ARG', /multiple of 4096/);
    await refuses({ kernel, append: 'x'.repeat(3000) }, 'CONFIG_UNSUPPORTED', /command line/);
    await refuses({ kernel, append: 'a\0b' }, 'INVALID_ARG', /NUL/);
    await refuses(
      { kernel, cpuBackend: 'quantum' as 'auto' },
      'INVALID_ARG',
      /unknown CPU backend 'quantum'.*interpreter/,
    );
    await refuses({ kernel, virtioConsoles: 8 }, 'CONFIG_UNSUPPORTED', /9 virtio devices: the board has 8 slots/);
    await refuses({ kernel, initrd: Buffer.alloc(20 * 2 ** 20), memory: '16M' }, 'INVALID_ARG', /initrd/);
    await refuses({ kernel, disks: [{ file: 'x', format: 'vmdk' as 'raw' }] }, 'INVALID_ARG', /vmdk/);
  });

  it('says which option is not what it should be, to callers without types', async () => {
    const wrong: readonly [unknown, RegExp][] = [
      [undefined, /options .*: undefined is no object/],
      [null, /null is no object/],
      [[], /an array is no object/],
      ['kernel', /'kernel' is no object/],
      [{ kernel: 5 }, /option kernel: 5 is neither/],
      [{ kernel: null }, /option kernel: null is neither/],
      [{ kernel: new URL('http://localhost/Image') }, /option kernel: .*http:\/\/localhost\/Image.* is neither/],
      [{ kernel, initrd: [] }, /option initrd: an array is neither/],
      [{ kernel, dtb: {} }, /option dtb: an object is neither/],
      [{ kernel, firmware: true }, /option firmware: true is neither/],
      [{ kernel, vcpus: '2' }, /option vcpus: '2' is no number/],
      [{ kernel, memory: {} }, /option memory: an object is neither a number nor a text/],
      [{ kernel, append: 5 }, /option append: 5 is no text/],
      [{ kernel, disks: 'disk.raw' }, /option disks: 'disk.raw' is no array/],
      [{ kernel, disks: [5] }, /option disks\[0\]: 5 is neither/],
      [{ kernel, disks: ['a', {}] }, /option disks\[1\]: an object is neither/],
      [{ kernel, disks: [{ backend: {} }] }, /option disks\[0\]: .* backend/],
      [{ kernel, nets: {} }, /option nets: an object is no array/],
      [{ kernel, nets: ['user'] }, /option nets\[0\]: 'user' is no object/],
      [{ kernel, rng: 'no' }, /option rng: 'no' is neither true nor false/],
      [{ kernel, virtioConsoles: -1 }, /option virtioConsoles: -1 is no/],
      [{ kernel, virtioConsoles: '1' }, /option virtioConsoles: '1' is no/],
      [{ kernel, console: 'stdio' }, /option console: 'stdio' is neither/],
      [{ kernel, console: 5 }, /option console: 5 is neither/],
      [{ kernel, console: {} }, /option console: an object is neither/],
      [{ kernel, clock: 'wall' }, /option clock: 'wall' is neither 'host' nor 'virtual'/],
      [{ kernel, cpuBackend: 1 }, /option cpuBackend: 1 is no text/],
      [{ kernel, seed: '1' }, /option seed: '1' is no/],
      [{ kernel, onReset: 'halt' }, /option onReset: 'halt' is neither/],
      [{ kernel, logger: 5 }, /option logger: 5 is no/],
      [{ kernel, kernell: 1 }, /there is no option 'kernell'/],
    ];
    for (const [options, message] of wrong) await refuses(options as MachineOptions, 'INVALID_ARG', message);
    const nothing = Object.fromEntries(['memory', 'vcpus', 'append', 'disks', 'seed'].map((key) => [key, undefined]));
    await make({ kernel, ...nothing });
  });

  it('leaves a disk alone that another running machine has, and takes it when that has ended', async () => {
    const disk = file('shared.raw', Buffer.alloc(4096));
    const first = await make({ kernel, disks: [disk] });
    const before = statSync(disk).mtimeMs;
    await refuses({ kernel, disks: [disk] }, 'INVALID_ARG', /in use: Failed to get/);
    assert.equal(statSync(disk).mtimeMs, before);
    await first.destroy();
    await make({ kernel, disks: [disk] });
  });

  it('closes what it has opened when the rest fails', async () => {
    const disk = file('freed.raw', Buffer.alloc(4096));
    await refuses({ kernel, disks: [disk, path('missing')] }, 'INVALID_ARG', /missing/);
    await refuses(
      { kernel, initrd: Buffer.alloc(20 * 2 ** 20), memory: '16M', disks: [disk] },
      'INVALID_ARG',
      /initrd/,
    );
    await make({ kernel, disks: [disk] });
  });
});
