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
    afterEach(async () => {
      for (const domain of await connection.listAllDomains()) {
        if (await domain.isActive()) await domain.destroy();
        await domain.undefine();
      }
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
      const comes = (what: string, holds: () => boolean | Promise<boolean>, seconds: number) =>
        until(holds, () => `${what}, after …${output.slice(-500)}`, seconds);
      // The console is a stream: an event may overtake the last of it.
      const says = (what: RegExp, seconds: number) => comes(`${what} on the console`, () => what.test(output), seconds);
      const comesUp = () => says(/busybox shell[\s\S]*# /, 250);
      await comesUp();
      output = '';
      let reboots = 0;
      connection.on('reboot', () => reboots++);
      await domain.reboot();
      await comes('a restart', () => reboots === 1, 120);
      await says(/sysrq: Emergency Sync[\s\S]*sysrq: Emergency Remount R\/O[\s\S]*sysrq: Resetting/, 10);
      await comesUp();
      await domain.shutdown();
      await comes('the end', async () => !(await domain.isActive()), 120);
      assert.equal((await domain.getState()).reason, ShutoffReason.SHUTDOWN);
      await says(/sysrq: Power Off/, 10);
    });
  });
});
