import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NetOptions, openNet } from '../../src/drivers/net-options.ts';
import { SeededRandom, silentLogger } from '../../src/util/index.ts';

describe('network interfaces', () => {
  const open = (options: NetOptions) =>
    openNet(options, { random: new SeededRandom(1), logger: silentLogger, name: 'net0' });

  it('take no address that a driver would not take', async () => {
    for (const mac of ['01:00:00:00:00:01', 'ff:ff:ff:ff:ff:ff', '00:00:00:00:00:00', '52:54:00:00:00', 'zz']) {
      await assert.rejects(open({ type: 'none', mac }), /is no address of a network interface/, mac);
    }
    const device = await open({ type: 'none', mac: '00:00:00:00:00:01' });
    assert.deepEqual([...device.mac], [0, 0, 0, 0, 0, 1]);
    await device.close();
  });

  it('serve the files of a directory, and of nothing else', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'nodevisor-tftp-'));
    try {
      const file = join(directory, 'file');
      writeFileSync(file, '');
      await assert.rejects(open({ type: 'user', tftp: join(directory, 'none') }), /there is no such directory/);
      await assert.rejects(open({ type: 'user', tftp: file }), /it is no directory/);
      const device = await open({ type: 'user', tftp: directory });
      await device.close();
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
