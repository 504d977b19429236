import { strict as assert } from 'node:assert';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { fileLocks, nativeProblem } from '../../../src/cpu/index.ts';
import { createMachine, type DiskOptions, type MachineHandle } from '../../../src/index.ts';
import { tempDir } from '../../machine/backend/temp-dir.ts';
import { program } from '../../support/guest.ts';
import { missing, needTool } from '../../support/need-tool.ts';
import { qemuImg, qemuIo, run } from '../../support/qemu-img.ts';
import { cli } from '../../tools/cli/support.ts';

const kernel = program(' j power_off').bytes;
const formats = ['raw', 'qcow2'] as const;
type Format = (typeof formats)[number];

/** What qemu-img, and we, say of an image that somebody else has. */
const IN_USE = /Failed to get (shared )?"(write|resize|consistent read)" lock/;

describe('locks of images, with QEMU', function () {
  this.timeout(60_000);
  const path = tempDir();
  const processes: ChildProcess[] = [];
  const machines: MachineHandle[] = [];

  before(function () {
    needTool(this, 'qemu-img', 'qemu-utils');
    needTool(this, 'qemu-system-riscv64', 'qemu-system-misc');
    if (fileLocks() === undefined) missing(this, `locks that QEMU sees need the native addon: ${nativeProblem()}`);
    if (process.platform !== 'linux') missing(this, 'locks that QEMU sees are of Linux');
  });

  afterEach(async () => {
    for (const machine of machines.splice(0)) await machine.destroy();
    for (const one of processes.splice(0)) await kill(one);
  });

  async function kill(one: ChildProcess): Promise<void> {
    if (one.exitCode !== null || one.signalCode !== null) return;
    one.kill('SIGKILL');
    await once(one, 'exit');
  }

  function qemuArgs(file: string, format: Format, readOnly: boolean): string[] {
    const drive = `file=${path(file)},format=${format},if=none,id=d0,readonly=${readOnly ? 'on' : 'off'}`;
    const machine = ['-M', 'virt', '-S', '-nodefaults', '-display', 'none', '-bios', 'none', '-qmp', 'stdio'];
    return [...machine, '-drive', drive, '-device', 'virtio-blk-device,drive=d0'];
  }

  /** A QEMU with the image, up and waiting. */
  async function qemu(file: string, format: Format, readOnly = false): Promise<ChildProcess> {
    const child = spawn('qemu-system-riscv64', qemuArgs(file, format, readOnly), {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    processes.push(child);
    // It greets while it is still being made; it answers when it has all its devices.
    child.stdin?.write('{"execute":"qmp_capabilities"}\n');
    let said = '';
    while (!said.includes('"return"')) said += String(await once(child.stdout as NodeJS.ReadableStream, 'data'));
    return child;
  }

  function qemuRefused(file: string, format: Format, readOnly = false): void {
    const { status, stderr } = spawnSync('qemu-system-riscv64', qemuArgs(file, format, readOnly), {
      input: '',
      encoding: 'utf8',
    });
    assert.notEqual(status, 0);
    assert.match(stderr, IN_USE);
  }

  const disk = (file: string, format: Format, readonly = false): DiskOptions => ({
    file: path(file),
    format,
    readonly,
  });

  async function machine(file: string, format: Format, readOnly = false): Promise<MachineHandle> {
    const made = await createMachine({ kernel, memory: '16M', disks: [disk(file, format, readOnly)] });
    machines.push(made);
    return made;
  }

  async function machineRefused(file: string, format: Format, readOnly = false): Promise<void> {
    await assert.rejects(machine(file, format, readOnly), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'INVALID_ARG');
      assert.match(error.message, IN_USE);
      assert.ok(error.message.includes(`Is another process using the image [${path(file)}]?`), error.message);
      return true;
    });
  }

  async function toolRefused(...args: string[]): Promise<void> {
    const { code, err } = await cli(['image', ...args]);
    assert.match(err, IN_USE, args.join(' '));
    assert.equal(code, 2, args.join(' '));
  }

  function qemuToolRefused(command: 'qemu-img' | 'qemu-io', ...args: string[]): void {
    const { status, stderr } = run(command, ...args);
    assert.match(stderr, IN_USE, args.join(' '));
    assert.notEqual(status, 0, args.join(' '));
  }

  async function tool(...args: string[]): Promise<void> {
    const { code, err } = await cli(['image', ...args]);
    assert.equal(code, 0, err);
  }

  const create = (file: string, format: Format) => qemuImg('create', '-q', '-f', format, path(file), '1M');

  for (const format of formats) {
    it(`leaves an image alone that a QEMU writes, until that is killed (${format})`, async () => {
      create('disk', format);
      const before = readFileSync(path('disk'));
      const holder = await qemu('disk', format);
      await machineRefused('disk', format);
      await machineRefused('disk', format, true);
      await toolRefused('resize', '-f', format, path('disk'), '2M');
      await toolRefused('create', '-f', format, path('disk'), '2M');
      await toolRefused('convert', '-f', format, path('disk'), path('out'));
      await toolRefused('info', '-f', format, path('disk'));
      await tool('info', '-U', '-f', format, path('disk'));
      await tool('convert', '-U', '-f', format, path('disk'), path('out'));
      assert.deepEqual(readFileSync(path('disk')), before);
      await kill(holder);
      await machine('disk', format);
    });

    it(`is left alone by QEMU and its tools with an image that a machine writes (${format})`, async () => {
      create('disk', format);
      const holder = await machine('disk', format);
      const before = readFileSync(path('disk'));
      qemuRefused('disk', format);
      qemuRefused('disk', format, true);
      qemuToolRefused('qemu-img', 'resize', '-f', format, path('disk'), '2M');
      qemuToolRefused('qemu-img', 'create', '-f', format, path('disk'), '2M');
      qemuToolRefused('qemu-io', '-f', format, '-c', 'write 0 64k', path('disk'));
      if (format === 'qcow2') qemuToolRefused('qemu-img', 'check', '-f', format, path('disk'));
      qemuImg('info', '-U', '-f', format, path('disk'));
      assert.deepEqual(readFileSync(path('disk')), before);
      await holder.destroy();
      qemuIo(['-f', format, path('disk')], ['write 0 64k']);
      await qemu('disk', format);
    });

    it(`shares what is only read, both ways (${format})`, async () => {
      create('disk', format);
      const theirs = await qemu('disk', format, true);
      await machine('disk', format, true);
      await machineRefused('disk', format);
      await toolRefused('resize', '-f', format, path('disk'), '2M');
      await kill(theirs);
      await qemu('disk', format, true);
      qemuRefused('disk', format);
      qemuToolRefused('qemu-io', '-f', format, '-c', 'write 0 64k', path('disk'));
      qemuImg('info', '-f', format, path('disk'));
      await tool('info', '-f', format, path('disk'));
    });
  }

  it('shares a backing file, which nobody writes meanwhile', async () => {
    for (const base of formats) {
      create('base', base);
      for (const top of ['ours', 'theirs']) {
        qemuImg('create', '-q', '-f', 'qcow2', '-b', path('base'), '-F', base, path(top));
      }
      const theirs = await qemu('theirs', 'qcow2');
      const ours = await machine('ours', 'qcow2');
      await machineRefused('base', base);
      qemuRefused('base', base);
      await kill(theirs);
      qemuToolRefused('qemu-io', '-f', base, '-c', 'write 0 64k', path('base'));
      await qemu('theirs', 'qcow2');
      await ours.destroy();
      await machineRefused('base', base);
      await kill(processes.pop() as ChildProcess);
      qemuIo(['-f', base, path('base')], ['write 0 64k']);
    }
  });

  it('lets go of an image when the process that had it is killed', async () => {
    writeFileSync(path('disk'), new Uint8Array(4096));
    const script = fileURLToPath(new URL('../../machine/backend/image-holder.ts', import.meta.url));
    const holder = spawn(process.execPath, ['--import', 'tsx', script, path('disk'), 'write'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    processes.push(holder);
    const [says] = (await once(holder.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
    assert.equal(says.toString().trim(), 'open');
    qemuRefused('disk', 'raw');
    await kill(holder);
    await qemu('disk', 'raw');
  });
});
