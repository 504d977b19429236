import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assetPath } from '../../../src/tools/assets.ts';
import { silentLogger } from '../../../src/util/index.ts';
import { Connection, MachineHost } from '../../../src/virt/index.ts';
import { describeBackend, type Subject } from '../backend-contract.ts';

const guestElf = assetPath('guest/guest.elf');

describeBackend('of machines in processes', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'nodevisor-process-'));
  const host = await MachineHost.open({ state: join(directory, 'state'), logger: silentLogger, keepSpare: false });
  const open: Subject['again'] = async ({ readOnly = false } = {}) =>
    new Connection(await host.open('nodevisor:///session', readOnly));
  return {
    connection: await open(),
    again: open,
    poolPath: join(directory, 'pool'),
    os: `<kernel>${guestElf}</kernel><cmdline>shell</cmdline>`,
    domainType: 'qemu',
    hasBalloon: false,
    hotplugs: false,
    networksStart: true,
    cleanUp: async () => {
      await host.close();
      rmSync(directory, { recursive: true });
    },
  };
});
