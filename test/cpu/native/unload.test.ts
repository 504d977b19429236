/** What the native backend leaves behind in its process: nothing. Counted from /proc. */
import { strict as assert } from 'node:assert';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { HartState, kick, nativeProblem, nativeTranslates } from '../../../src/cpu/index.ts';
import { missing } from '../../support/need-tool.ts';
import { startTsWorker } from '../../support/ts-worker.ts';
import type { Leaving, UnloadWorkerData } from '../support/unload-worker.ts';

const AT_ONCE = 3;
const SETTLED_MS = 20_000;
const module = new URL('../support/unload-worker.ts', import.meta.url);

/** Mappings of translated code, descriptors of any kind, threads. */
function inventory(): { code: number; files: number; threads: number } {
  const code = readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => line.includes('nodevisor-code'));
  return {
    code: code.length,
    files: readdirSync('/proc/self/fd').length,
    threads: readdirSync('/proc/self/task').length,
  };
}

/** Waits until there is no more than before: threads end a little after their workers do. */
async function settles(before: ReturnType<typeof inventory>): Promise<void> {
  const end = performance.now() + SETTLED_MS;
  for (;;) {
    const now = inventory();
    if (now.code <= before.code && now.files <= before.files && now.threads <= before.threads) return;
    if (performance.now() > end) assert.deepEqual(now, before);
    await sleep(20);
  }
}

/** Starts a thread, lets it use the backend and go. */
async function useAndGo(leaving: Leaving): Promise<void> {
  const worker = startTsWorker(module, { leaving } satisfies UnloadWorkerData);
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  const buffer = await new Promise<SharedArrayBuffer>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  if (leaving === 'ended') await worker.terminate();
  if (leaving === 'inside') {
    const state = new HartState(buffer, 0);
    while (state.get32('inGuest') === 0) await sleep(1);
    const terminated = worker.terminate();
    kick(state);
    await terminated;
  }
  await ended;
}

interface Addon {
  readonly Hart: new (...args: readonly unknown[]) => Record<string, (...args: readonly unknown[]) => unknown>;
}

describe('the native backend', function () {
  this.timeout(120_000);
  let addon: Addon;
  before(function () {
    if (nativeProblem() !== '') missing(this, `native CPU backend: ${nativeProblem()}`);
    if (process.platform !== 'linux') missing(this, '/proc to count from');
    addon = createRequire(import.meta.url)('../../../build/Release/hart.node') as Addon;
  });

  for (const [leaving, when] of [
    ['closed', 'that close their engines'],
    ['open', 'that end with engines open'],
    ['ended', 'that are terminated between runs'],
    ['inside', 'that are terminated in the guest'],
  ] as const) {
    it(`leaves no thread, mapping or descriptor of threads ${when}`, async () => {
      // What the first thread of a process brings with it stays, whatever it does.
      await useAndGo(leaving);
      await sleep(100);
      const before = inventory();
      for (let round = 0; round < 2; round++) {
        await Promise.all(Array.from({ length: AT_ONCE }, () => useAndGo(leaving)));
      }
      await settles(before);
    });
  }

  it('has no page of translated code that is writable and executable', function () {
    if (!nativeTranslates()) missing(this, 'a host that the translator is for');
    const hart = new addon.Hart(new Uint8Array(new SharedArrayBuffer(64 << 20)), 0, true, 1);
    const permissions = readFileSync('/proc/self/maps', 'utf8')
      .split('\n')
      .filter((line) => line.includes('nodevisor-code'))
      .map((line) => line.split(' ')[1] ?? '');
    hart['close']?.();
    assert.ok(
      permissions.some((p) => p.includes('w')) && permissions.some((p) => p.includes('x')),
      permissions.join(' '),
    );
    assert.ok(!permissions.some((p) => p.includes('w') && p.includes('x')), permissions.join(' '));
  });

  it('throws JavaScript errors for wrong arguments, and goes on', () => {
    const memory = new Uint8Array(new SharedArrayBuffer(64 << 20));
    for (const args of [
      [],
      [memory],
      [memory, 'zero', true, 1],
      [memory, 0, 'yes', 1],
      [memory, 0, true, {}],
      [memory, 1000, true, 1],
      [memory, -1, true, 1],
      [new Uint8Array(new SharedArrayBuffer(4096)), 0, true, 1],
      [new SharedArrayBuffer(64 << 20), 0, true, 1],
      [{}, 0, true, 1],
    ]) {
      assert.throws(() => new addon.Hart(...args), /./, `${args.length} arguments, id ${String(args[1])}`);
    }
    const hart = new addon.Hart(memory, 0, true, 1);
    assert.throws(() => hart['run']?.('many'), /number/i);
    assert.throws(() => hart['completeMmio']?.(1), /number/i);
    assert.equal(hart['run']?.(-5), 0);
    hart['close']?.();
    hart['close']?.();
    assert.equal(hart['run']?.(100), 0);
    for (const method of ['refuseMmio', 'invalidate']) assert.equal(hart[method]?.(), undefined);
  });
});
