import { strict as assert } from 'node:assert';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { MachineLink } from '../../../src/virt/process/machine-link.ts';
import { builtCommand } from '../../support/built.ts';
import { guestElf } from './bench.ts';

describe('the program of a machine’s process', function () {
  this.timeout(60_000);
  let directory: string;
  let child: ChildProcess | undefined;

  const built = () => join(dirname(builtCommand()), '../../virt/domain-program');
  const caches = () => readdirSync(directory).filter((name) => name.endsWith('.cache'));

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'nodevisor-program-'));
    cpSync(built(), directory, { recursive: true });
  });
  afterEach(() => {
    child?.kill('SIGKILL');
    rmSync(directory, { recursive: true });
  });

  /** Starts it and its machine, and returns what the guest says first. */
  async function run(): Promise<string> {
    const started = spawn(process.execPath, [join(directory, 'main.js'), directory, 'm-1'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child = started;
    const gone = new Promise((resolve) => started.once('exit', resolve));
    await Promise.race([new Promise((resolve) => (started.stdout as Readable).once('data', resolve)), gone]);
    const link = await MachineLink.open(join(directory, 'm-1.sock'));
    const options = { kernel: guestElf, append: 'shell', memory: '32M', cpuBackend: 'interpreter' as const };
    const { consoles } = await link.call('make', { options, disks: [], title: 'a test' });
    const [console] = link.consoles(consoles);
    const heard = new Promise<Buffer>((resolve) => console?.once('data', resolve));
    console?.attach();
    await link.call('start', { outlive: false });
    const text = String(await heard);
    await link.call('quit', {}).catch(() => {});
    await gone;
    return text;
  }

  it('is built with what V8 has compiled of it, for everybody to read', async () => {
    assert.deepEqual(
      caches().map((name) => name.replace(/\.[0-9a-f]{16}\./, '.')),
      ['domain.cache', 'vcpu.cache'],
    );
    for (const name of ['main.js', 'worker.js']) {
      const text = readFileSync(join(directory, name), 'utf8');
      assert.ok(
        caches().some((cache) => text.includes(cache)),
        `${name} takes a cache that is there`,
      );
    }
    assert.ok((await run()).length > 0);
  });

  it('runs without that just as well, with that of another version, and with one that is cut short', async () => {
    const change = (how: (bytes: Buffer) => Buffer) => {
      for (const name of caches()) writeFileSync(join(directory, name), how(readFileSync(join(directory, name))));
    };
    // The second word of V8's header is its version; the checksum is right.
    change((bytes) => {
      const compiled = bytes.fill(7, 4, 8).subarray(0, -20);
      return Buffer.concat([compiled, createHash('sha1').update(compiled).digest()]);
    });
    assert.ok((await run()).length > 0);
    change((bytes) => bytes.subarray(0, 1000));
    assert.ok((await run()).length > 0);
    change(() => Buffer.alloc(0));
    assert.ok((await run()).length > 0);
    for (const name of caches()) rmSync(join(directory, name));
    assert.ok((await run()).length > 0);
  });

  it('does not give V8 one that is damaged, which V8 itself would not notice', async () => {
    for (const name of caches()) {
      const bytes = readFileSync(join(directory, name));
      // Behind V8's header of version and length: what it takes for objects.
      bytes.fill(0xff, bytes.length >> 2, bytes.length >> 1);
      writeFileSync(join(directory, name), bytes);
    }
    assert.ok((await run()).length > 0);
  });
});
