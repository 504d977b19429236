import { strict as assert } from 'node:assert';
import { type Connection, connect, ShutoffReason } from '../../src/index.ts';
import { forEachBackend } from '../support/backends.ts';
import { until } from '../virt/backend-contract.ts';
import { type DebianImage, debianImage } from './support.ts';

forEachBackend((cpuBackend) => {
  describe(`boot: a domain with Debian’s kernel on ${cpuBackend}`, function () {
    this.timeout(600_000);
    let image: DebianImage;
    let connection: Connection;

    before(async function () {
      image = await debianImage(this);
      connection = await connect('nodevisor:///embed');
    });
    after(() => connection?.close());

    it('restarts and switches off when asked from outside', async () => {
      const domain = await connection.defineDomain({
        type: 'qemu',
        name: 'debian',
        memory: 262_144,
        nodevisor: { cpuBackend },
        os: {
          type: { value: 'hvm', arch: 'riscv64', machine: 'virt' },
          boot: [],
          kernel: image.kernel,
          initrd: image.initrd,
          cmdline: image.append,
        },
        devices: { consoles: [{ type: 'pty', sources: [] }] },
      });
      await domain.create();
      const console = await domain.openConsole();
      let output = '';
      console.setEncoding('utf8').on('data', (chunk: string) => {
        output += chunk;
      });
      const comesUp = () =>
        until(() => /busybox shell[\s\S]*# /.test(output), `a shell, after …${output.slice(-500)}`, 250);
      await comesUp();
      output = '';
      let reboots = 0;
      connection.on('reboot', () => reboots++);
      await domain.reboot();
      await until(() => reboots === 1, `a restart, after …${output.slice(-500)}`, 120);
      assert.match(output, /sysrq: Emergency Sync[\s\S]*sysrq: Emergency Remount R\/O[\s\S]*sysrq: Resetting/);
      await comesUp();
      await domain.shutdown();
      await until(async () => !(await domain.isActive()), `the end, after …${output.slice(-500)}`, 120);
      assert.equal((await domain.getState()).reason, ShutoffReason.SHUTDOWN);
      assert.match(output, /sysrq: Power Off/);
    });
  });
});
