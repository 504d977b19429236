import { strict as assert } from 'node:assert';
import type { MachineHandle } from '../../src/index.ts';
import { forEachBackend } from '../support/backends.ts';
import { boot, installed } from './support.ts';

const OPENSBI = '/usr/lib/riscv64-linux-gnu/opensbi/generic';
const UBOOT = '/usr/lib/u-boot';

forEachBackend((cpuBackend) => {
  describe(`boot: firmware from Debian’s packages on ${cpuBackend}`, function () {
    this.timeout(120_000);
    let machine: MachineHandle | undefined;
    afterEach(() => machine?.destroy());

    for (const name of ['fw_jump.elf', 'fw_jump.bin', 'fw_dynamic.elf', 'fw_dynamic.bin']) {
      it(`OpenSBI's ${name} comes to its banner and knows the board`, async function () {
        const firmware = installed(this, 'opensbi', `${OPENSBI}/${name}`);
        const session = await boot({ cpuBackend, firmware, vcpus: 2, memory: '128M' });
        machine = session.machine;
        const text = await session.expect(/Boot HART MEDELEG +: 0x\w{16}/);
        assert.match(text, /OpenSBI v\d/);
        assert.match(text, /Platform Name +: riscv-virtio,nodevisor/);
        assert.match(text, /Platform HART Count +: 2/);
        assert.match(text, /Platform IPI Device +: aclint-mswi/);
        assert.match(text, /Platform Timer Device +: aclint-mtimer @ 10000000Hz/);
        assert.match(text, /Platform Console Device +: uart8250/);
        assert.match(text, /Platform Shutdown Device +: (sifive_test|syscon-poweroff)/);
        assert.match(text, /Boot HART Base ISA +: rv64imafdc/);
        assert.match(text, /Boot HART PMP Count +: 16/);
      });
    }

    it('U-Boot starts in M-mode and takes commands', async function () {
      const firmware = installed(this, 'u-boot-qemu', `${UBOOT}/qemu-riscv64/u-boot.bin`);
      const session = await boot({ cpuBackend, firmware, memory: '256M', onReset: 'exit' });
      machine = session.machine;
      await session.expect(/U-Boot 20\d\d/);
      await session.expect('Hit any key');
      session.type('');
      await session.expect('=> ');
      session.type('echo $((6 * 7)) is not; setexpr a 6 \\* 7; echo 0x$a');
      await session.expect('0x2a');
      await session.expect('=> ');
      session.type('reset');
      assert.equal((await session.machine.wait()).reason, 'reset');
    });

    it('U-Boot starts in S-mode under the built-in firmware and switches off', async function () {
      const kernel = installed(this, 'u-boot-qemu', `${UBOOT}/qemu-riscv64_smode/uboot.elf`);
      const session = await boot({ cpuBackend, kernel, memory: '256M' });
      machine = session.machine;
      await session.expect(/U-Boot 20\d\d/);
      await session.expect('Hit any key');
      session.type('');
      await session.expect('=> ');
      session.type('sbi');
      assert.match(await session.expect(/Extensions:[^=]*=> /), /SBI 2\.0[^=]*HSM|Hart State Management/);
      session.type('poweroff');
      assert.equal((await session.machine.wait()).reason, 'poweroff');
    });

    it('U-Boot starts in S-mode under OpenSBI', async function () {
      const firmware = installed(this, 'opensbi', `${OPENSBI}/fw_dynamic.bin`);
      const kernel = installed(this, 'u-boot-qemu', `${UBOOT}/qemu-riscv64_smode/uboot.elf`);
      const session = await boot({ cpuBackend, firmware, kernel, memory: '256M', vcpus: 2 });
      machine = session.machine;
      await session.expect(/OpenSBI v\d/);
      await session.expect(/U-Boot 20\d\d/);
      await session.expect('Hit any key');
    });
  });
});
