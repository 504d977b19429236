import { strict as assert } from 'node:assert';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { MachineHandle } from '../../src/index.ts';
import { forEachBackend } from '../support/backends.ts';
import { boot, installed } from './support.ts';

const UBOOT = '/usr/lib/u-boot/qemu-riscv64_smode/uboot.elf';
const ADDRESS = '84000000';

forEachBackend((cpuBackend) => {
  describe(`boot: over the network on ${cpuBackend}`, function () {
    this.timeout(120_000);
    let machine: MachineHandle | undefined;
    let directory: string;

    beforeEach(() => {
      directory = mkdtempSync(join(tmpdir(), 'nodevisor-netboot-'));
    });
    afterEach(async () => {
      await machine?.destroy();
      rmSync(directory, { recursive: true });
    });

    it('U-Boot is told its boot file by DHCP, and fetches that and others whole by TFTP', async function () {
      const kernel = installed(this, 'u-boot-qemu', UBOOT);
      // The last block of the second is an empty one.
      const files = { 'first.bin': randomBytes(50_001), 'second.bin': randomBytes(1468 * 12) };
      for (const [name, bytes] of Object.entries(files)) writeFileSync(join(directory, name), bytes);
      const net = { type: 'user', tftp: directory, bootFile: 'first.bin' } as const;
      const session = await boot({ cpuBackend, kernel, memory: '256M', nets: [net] });
      machine = session.machine;
      await session.expect('Hit any key');
      session.type('');
      await session.expect('=> ');
      const fetched = async (command: string, bytes: Buffer) => {
        session.type(command);
        await session.expect(`Bytes transferred = ${bytes.length} `);
        await session.expect('=> ');
        session.type(`crc32 ${ADDRESS} $filesize`);
        const text = await session.expect(/==> [0-9a-f]{8}/);
        assert.equal(text.slice(-8), crc32(bytes).toString(16).padStart(8, '0'));
        await session.expect('=> ');
      };
      session.type('setenv autoload no; dhcp; echo file=$bootfile');
      assert.match(
        await session.expect(/file=\w+\S*\r/),
        /DHCP client bound to address 10\.0\.2\.15[\s\S]*file=first\.bin/,
      );
      await session.expect('=> ');
      await fetched(`tftpboot ${ADDRESS} $bootfile`, files['first.bin']);
      await fetched(`tftpboot ${ADDRESS} second.bin`, files['second.bin']);
      session.type(`tftpboot ${ADDRESS} ../second.bin`);
      await session.expect("TFTP error: 'no such file' (1)");
      // What is typed before its prompt is back is lost: it looks for Ctrl-C.
      await session.expect('=> ');
      session.type('poweroff');
      assert.equal((await machine.wait()).reason, 'poweroff');
    });
  });
});
