import { strict as assert } from 'node:assert';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { usableEngines } from '../../../src/cpu/index.ts';
import { FileBlock } from '../../../src/machine/index.ts';
import { assetPath } from '../../../src/tools/assets.ts';
import { program } from '../../support/guest.ts';
import { cli, type Running, startCli } from './support.ts';

/** Says something, then ends as `how` says. */
const speak = (how: string) => program(`la a0, text\n call print\n ${how}\ntext: .asciz "spoken\\n"`).bytes;

const FOREVER = program('la a0, text\n call print\n1: j 1b\ntext: .asciz "going on\\n"').bytes;
/** Sends back what it gets, and powers off at a full stop. */
const ECHO = program(`
  li s0, UART
1: lbu t0, 5(s0)
  andi t0, t0, 1
  beqz t0, 1b
  lbu t1, (s0)
  li t2, 46
  beq t1, t2, 2f
  sb t1, (s0)
  j 1b
2: call power_off`).bytes;
const HTIF = program(`
  la t0, tohost
  li t1, 11
  sw t1, (t0)
1: j 1b
  .align 6
tohost: .dword 0
fromhost: .dword 0
begin_signature: .word 0x11223344, 0xdeadbeef
end_signature: .word 0`).bytes;

describe('run', function () {
  this.timeout(20_000);
  let directory: string;
  const path = (name: string) => join(directory, name);
  const file = (name: string, contents: string | Uint8Array) => {
    writeFileSync(path(name), contents);
    return path(name);
  };
  const bare = (kernel: Uint8Array, clock = 'virtual') => [
    ...['run', '--firmware', 'none', '--memory', '16M', '--clock', clock, '--kernel', file('kernel.elf', kernel)],
  ];

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'nodevisor-run-'));
  });

  after(() => rmSync(directory, { recursive: true }));

  async function until(running: Running, text: string): Promise<void> {
    const deadline = Date.now() + 10_000;
    while (!running.output().includes(text)) {
      assert.ok(Date.now() < deadline, `no "${text}" in: ${running.output()}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  it('waits for a disk that fails, says so once, and goes on when it works again', async () => {
    const content = Buffer.alloc(65_536);
    content.write('sector five', 5 * 512);
    const image = file('failing.img', content);
    const args = ['run', '--kernel', assetPath('guest/guest.elf'), '--append', 'shell', '--memory', '32M'];
    const running = startCli([...args, '--disk', `${image},rerror=stop`]);
    await until(running, 'guest> ');
    truncateSync(image, 0);
    running.type('disk 5\n');
    await sleep(3000);
    assert.doesNotMatch(running.output(), /sector five|error/);
    writeFileSync(image, content);
    await until(running, 'sector five');
    running.type('poweroff\n');
    const { code, err } = await running.result;
    assert.equal(code, 0, err);
    assert.equal(err.match(/disk disk0: .* is shorter than it was; the machine waits/g)?.length, 1, err);
  });

  describe('ends', () => {
    it('with 0 after a power-off, and shows what the guest said', async () => {
      assert.deepEqual(await cli(bare(speak('call power_off'))), { code: 0, out: 'spoken\n', err: '' });
    });

    it("with the guest's own code from the test device", async () => {
      assert.equal((await cli(bare(speak('li a0, 42\n call fail')))).code, 42);
    });

    it("with a program's exit code over HTIF, and writes its signature", async () => {
      const { code, err } = await cli([...bare(HTIF), '--signature', path('signature')]);
      assert.equal(err, '');
      assert.equal(code, 5);
      assert.equal(readFileSync(path('signature'), 'utf8'), '11223344\ndeadbeef\n');
    });

    for (const clock of ['virtual', 'host']) {
      it(`with 124 when its time is up (${clock} clock)`, async () => {
        const { code, err } = await cli([...bare(FOREVER, clock), '--timeout', '0.3']);
        assert.equal(err, '');
        assert.equal(code, 124);
      });
    }

    it('in order on a signal, with the status that shells give it', async () => {
      for (const [signal, status] of [
        ['SIGINT', 130],
        ['SIGTERM', 143],
        ['SIGHUP', 129],
      ] as const) {
        const running = startCli([...bare(FOREVER), '--stats', path('stats.json')]);
        await until(running, 'going on');
        running.signal(signal);
        assert.equal((await running.result).code, status);
        assert.equal(JSON.parse(readFileSync(path('stats.json'), 'utf8')).exit.reason, 'destroyed');
      }
    });

    it('when nobody reads its output any more', async () => {
      const running = startCli(bare(FOREVER));
      await until(running, 'going on');
      running.breakOutput();
      assert.equal((await running.result).code, 141);
    });
  });

  describe('connects', () => {
    it('what is piped in with the serial port', async () => {
      const running = startCli(bare(ECHO));
      running.type(`${'x'.repeat(3000)} end.`);
      const { code, out } = await running.result;
      assert.equal(code, 0);
      assert.equal(out, `${'x'.repeat(3000)} end`);
    });

    it('the serial port with a file, or with nothing', async () => {
      const toFile = await cli([...bare(speak('call power_off')), '--console', path('console.txt')]);
      assert.deepEqual(toFile, { code: 0, out: '', err: '' });
      assert.equal(readFileSync(path('console.txt'), 'utf8'), 'spoken\n');
      const toNothing = await cli([...bare(speak('call power_off')), '--console', 'none']);
      assert.deepEqual(toNothing, { code: 0, out: '', err: '' });
    });
  });

  describe('writes', () => {
    it('statistics', async () => {
      await cli([...bare(speak('li a0, 3\n call fail')), '--smp', '2', '--stats', path('stats.json')]);
      const stats = JSON.parse(readFileSync(path('stats.json'), 'utf8'));
      assert.equal(stats.backend, usableEngines().find((engine) => engine.usable)?.kind);
      assert.deepEqual(stats.exit.code, 3);
      assert.equal(stats.vcpus.length, 2);
      assert.ok(stats.vcpus[0].instructions > 10 && stats.wallSeconds > 0);
      assert.ok(stats.vcpus[0].exits.mmio > 7, 'each character is an access to the UART');
      assert.equal(stats.instructions, stats.vcpus[0].instructions + stats.vcpus[1].instructions);
    });

    it('the device tree, without running', async () => {
      const { code, out } = await cli([...bare(FOREVER), '--smp', '3', '--dump-dtb', path('tree.dtb')]);
      assert.deepEqual([code, out], [0, '']);
      const tree = readFileSync(path('tree.dtb'));
      assert.equal(tree.readUInt32BE(0), 0xd00dfeed);
      assert.ok(tree.includes('cpu@2') && !tree.includes('cpu@3'));
      assert.equal((await cli([...bare(FOREVER), '--dump-dtb', '-'])).out.slice(0, 4), '\xd0\x0d\xfe\xed');
    });
  });

  describe('refuses bad input with status 2 and one line', () => {
    async function refused(argv: readonly string[], pattern: RegExp): Promise<void> {
      const { code, out, err } = await cli(argv);
      assert.match(err, pattern);
      assert.match(err, /^nodevisor: [^\n]+\n$/, 'one line');
      assert.equal(code, 2);
      assert.equal(out, '');
    }

    it('a kernel that is missing, a directory, empty, cut short or for another machine', async () => {
      const good = speak('call power_off');
      const other = Buffer.from(good);
      other.writeUInt16LE(62, 18);
      const kernel = (name: string) => ['run', '--firmware', 'none', '--kernel', name];
      await refused(kernel(path('missing')), /kernel '.*missing': it does not exist/);
      await refused(kernel(directory), /kernel '.*': it is a directory/);
      await refused(kernel(file('empty', '')), /empty: the file is empty/);
      await refused(kernel(file('cut', good.subarray(0, 100))), /\/cut: /);
      await refused(kernel(file('other', other)), /\/other: .*x86-64.*not for RISC-V/);
      await refused(kernel(file('text', 'This is no kernel. '.repeat(10))), /\/text: /);
    });

    it('other files that are missing', async () => {
      await refused([...bare(FOREVER), '--initrd', path('missing')], /initrd '.*missing': it does not exist/);
      await refused([...bare(FOREVER), '--dtb', path('missing')], /dtb '.*missing': it does not exist/);
      await refused(['run', '--firmware', path('missing')], /firmware '.*missing': it does not exist/);
      await refused([...bare(FOREVER), '--dtb', file('bad.dtb', 'nonsense')], /bad\.dtb: /);
    });

    it('what does not fit into memory', async () => {
      const big = file('big', new Uint8Array(20 << 20));
      await refused([...bare(FOREVER), '--initrd', big], /\/big: /);
      await refused(['run', '--memory', '1M'], /memory/);
      await refused(['run', '--memory', '5G'], /memory/);
      await refused(['run', '--memory', 'lots'], /'lots' is no size/);
    });

    it('a disk that is missing, a directory, empty or in use', async () => {
      await refused([...bare(FOREVER), '--disk', path('missing')], /disk image '.*missing': /);
      await refused([...bare(FOREVER), '--disk', directory], /disk image '.*': it is a directory/);
      await refused([...bare(FOREVER), '--disk', file('none.img', '')], /none\.img/);
      const used = file('used.img', new Uint8Array(4096));
      const holder = await FileBlock.open(used);
      try {
        await refused([...bare(FOREVER), '--disk', used], /used\.img': it is in use: Failed to get/);
      } finally {
        await holder.close();
      }
      assert.deepEqual(readFileSync(used), Buffer.alloc(4096));
    });

    it('a result that cannot be', async () => {
      await refused([...bare(FOREVER), '--signature', path('s')], /no signature/);
      await refused(
        [...bare(FOREVER), '--console', path('no/such')],
        /console file '.*no\/such': the directory .*no does not exist\n/,
      );
      // Before it runs for hours.
      await refused([...bare(FOREVER), '--stats', path('no/such')], /statistics '.*no\/such': .*no does not exist/);
      await refused([...bare(FOREVER), '--stats', directory], /statistics '.*': it is a directory/);
      await refused([...bare(HTIF), '--signature', path('no/such')], /signature '.*no\/such': .*no does not exist/);
      await refused([...bare(FOREVER), '--dump-dtb', path('no/such')], /device tree '.*no\/such': .*no does not exist/);
      await refused([...bare(FOREVER), '--dump-dtb', `${file('file', 'x')}/such`], /file is no directory/);
      assert.equal(readFileSync(path('file'), 'utf8'), 'x');
    });

    it('images and kernels that exclude each other or are not there', async () => {
      mkdirSync(path('no-image'), { recursive: true });
      await refused(['run', path('no-image')], /there is no image in .*no-image/);
      await refused(['run', '--firmware', 'none'], /what is to start in M-mode\?/);
      writeFileSync(join(path('no-image'), 'manifest.json'), '{"format": 1');
      await refused(['run', path('no-image')], /manifest\.json: damaged/);
    });
  });
});
