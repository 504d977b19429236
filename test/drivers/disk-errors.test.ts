import { strict as assert } from 'node:assert';
import { setTimeout as sleep } from 'node:timers/promises';
import { createMachine, type DiskFailure, type MachineHandle, type MachineOptions } from '../../src/drivers/index.ts';
import { assetPath } from '../../src/tools/assets.ts';
import { FlakyBlock, hostError } from '../machine/backend/flaky-block.ts';
import { Output } from '../support/guest.ts';

for (const clock of ['host', 'virtual'] as const) {
  describe(`a disk that fails under a guest, on ${clock} time`, function () {
    this.timeout(20_000);
    let machine: MachineHandle | undefined;
    afterEach(() => machine?.destroy());

    async function start(settings: Partial<Exclude<NonNullable<MachineOptions['disks']>[number], string>>) {
      const backend = new FlakyBlock(1024 * 512);
      backend.bytes.set(Buffer.from('sector five'), 5 * 512);
      machine = await createMachine({
        kernel: assetPath('guest/guest.elf'),
        append: 'shell',
        memory: '32M',
        disks: [{ ...settings, backend }],
        clock,
      });
      const guest = machine;
      const failures: DiskFailure[] = [];
      guest.events.on('ioError', (failure) => failures.push(failure));
      const output = new Output(guest);
      await guest.start();
      await output.until(guest, 'guest> ');
      return { guest, backend, output, failures };
    }

    const paused = (guest: MachineHandle) =>
      new Promise<string>((resolve) => guest.events.once('paused', (reason) => resolve(reason)));

    it('is told of to the guest, which goes on, by default', async () => {
      const { guest, backend, output, failures } = await start({});
      backend.fails = hostError('EIO');
      guest.console.write('disk 5\n');
      await output.until(guest, 'disk: error');
      assert.equal(guest.state, 'running');
      assert.deepEqual(failures[0], {
        disk: 'disk0',
        action: 'report',
        operation: 'read',
        reason: '',
        detail: 'EIO: the host says no',
      });
    });

    it('stops it with stop, as often as it fails, and the request is answered in the end', async () => {
      const { guest, backend, output, failures } = await start({ rerror: 'stop', name: 'vda' });
      backend.fails = hostError('EIO');
      let stopped = paused(guest);
      guest.console.write('disk 5\n');
      assert.equal(await stopped, 'ioError');
      assert.equal(guest.state, 'paused');
      assert.equal(guest.pausedBy, 'ioError');
      stopped = paused(guest);
      await guest.resume();
      assert.equal(await stopped, 'ioError');
      assert.deepEqual(
        failures.map(({ disk, action }) => [disk, action]),
        [
          ['vda', 'stop'],
          ['vda', 'stop'],
        ],
      );
      backend.fails = undefined;
      assert.doesNotMatch(output.text, /error|sector five/);
      await guest.resume();
      assert.equal(guest.pausedBy, undefined);
      await output.until(guest, 'sector five');
    });

    it('can be reset while it waits, and starts with a disk that works', async () => {
      const { guest, backend, output } = await start({ rerror: 'stop' });
      backend.fails = hostError('EIO');
      const stopped = paused(guest);
      guest.console.write('disk 5\n');
      await stopped;
      backend.fails = undefined;
      await guest.reset();
      const { length } = output.text;
      await guest.resume();
      await output.after(guest, length, 'guest> ');
      guest.console.write('disk 5\n');
      await output.after(guest, length, 'sector five');
    });

    it('can be destroyed while it waits', async () => {
      const { guest, backend } = await start({ rerror: 'stop' });
      backend.fails = hostError('EIO');
      const stopped = paused(guest);
      guest.console.write('disk 5\n');
      await stopped;
      await guest.destroy();
      assert.equal(guest.state, 'ended');
    });

    it('is destroyed at once although its limits would let nothing through for hours', async () => {
      if (clock === 'virtual') {
        await assert.rejects(start({ iotune: { total_iops_sec: 1 } }), { code: 'CONFIG_UNSUPPORTED' });
        return;
      }
      const { guest } = await start({ iotune: { total_bytes_sec: 1 } });
      guest.console.write('disk 5\ndisk 6\ndisk 7\n');
      await sleep(50);
      await guest.destroy();
      assert.equal(guest.state, 'ended');
    });
  });
}

describe('limits of a disk', function () {
  this.timeout(20_000);

  it('can be changed while the guest waits for them', async () => {
    const backend = new FlakyBlock(1024 * 512);
    backend.bytes.set(Buffer.from('sector five'), 5 * 512);
    const machine = await createMachine({
      kernel: assetPath('guest/guest.elf'),
      append: 'shell',
      memory: '32M',
      disks: [{ backend, iotune: { total_bytes_sec: 1 } }],
    });
    try {
      const output = new Output(machine);
      await machine.start();
      await output.until(machine, 'guest> ');
      // The first one passes and fills the bucket for minutes.
      machine.console.write('disk 1\ndisk 5\n');
      await output.until(machine, 'disk 5');
      await sleep(100);
      assert.doesNotMatch(output.text, /sector five/);
      const [control] = machine.diskControls;
      assert.deepEqual(control?.tune, { total_bytes_sec: 1 });
      if (control !== undefined) control.tune = {};
      await output.until(machine, 'sector five');
    } finally {
      await machine.destroy();
    }
  });

  it('and policies are checked before anything is opened', async () => {
    const kernel = assetPath('guest/guest.elf');
    const refused = (settings: object, message: RegExp) =>
      assert.rejects(createMachine({ kernel, disks: [{ file: '/nowhere', ...settings }] }), {
        code: 'INVALID_ARG',
        message,
      });
    await refused({ werror: 'panic' }, /disk werror 'panic': there are enospc, report/);
    await refused({ rerror: 'enospc' }, /disk rerror 'enospc': there are report, ignore, stop/);
    await refused({ iotune: { total_bytes_sec: 1, read_bytes_sec: 1 } }, /cannot be set at the same time/);
  });
});
