import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';
import { TapFlag, tapCalls } from '../../../src/cpu/index.ts';
import type { openTap } from '../../../src/machine/net/tap-device.ts';
import { silentLogger } from '../../../src/util/index.ts';
import { missing } from '../../support/need-tool.ts';
import { beside, testInNamespace } from '../../support/net-namespace.ts';

const mac = Uint8Array.of(0x52, 0x54, 0, 0, 0, 1);

describe('tap devices of the host', () => {
  testInNamespace(beside(import.meta.url, './tap.namespaced.ts'), 120_000);

  it('need the native addon, and say so where it is not', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'tap-'));
    try {
      // Elsewhere it finds no addon beside it.
      const outfile = join(directory, 'a', 'b', 'tap-device.mjs');
      const source = fileURLToPath(new URL('../../../src/machine/net/tap-device.ts', import.meta.url));
      buildSync({ entryPoints: [source], bundle: true, format: 'esm', platform: 'node', target: 'node20', outfile });
      const module: { openTap: typeof openTap } = await import(pathToFileURL(outfile).href);
      await assert.rejects(module.openTap({ mac }, silentLogger), {
        code: 'CONFIG_UNSUPPORTED',
        message: /^tap needs the native addon: not built/,
      });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('take nothing but what their calls are made for', function () {
    const found = tapCalls();
    if ('reason' in found) return missing(this, `no tap devices: ${found.reason}`);
    const { calls } = found;
    const wrong: readonly (() => unknown)[] = [
      () => calls.interfaceIndex(''),
      () => calls.interfaceIndex('0123456789abcdef'),
      () => calls.interfaceIndex('a\0b'),
      () => calls.interfaceMtu(1 as never),
      () => calls.tapAttach(-1, 'a', 0),
      () => calls.tapAttach(0, 'a', 4),
      () => calls.tapRead(0, new Uint8Array(1), -1, 1, new Uint32Array(1)),
      () => calls.tapRead(0, new Uint8Array(1), 0, 1, new Uint8Array(1) as never),
      () => calls.tapRead(0.5, new Uint8Array(1), 0, 1, new Uint32Array(1)),
      () => calls.tapWrite(0, new Uint8Array(12), 'frame' as never),
      () => new calls.FdWatch(-1, () => {}),
      () => new calls.FdWatch(0, undefined as never),
    ];
    for (const [index, call] of wrong.entries()) assert.throws(call, TypeError, `call ${index}`);
    // Room beyond the end of the buffer is none.
    assert.equal(calls.tapRead(0, new Uint8Array(8), 9, 1, new Uint32Array(1)), 0);
    assert.equal(calls.tapRead(0, new Uint8Array(8), 0, 9, new Uint32Array(1)), 0);
    assert.equal(calls.interfaceSetMac('lo', new Uint8Array(5)), -22);
    assert.equal(typeof calls.tapAttach(2 ** 31 - 1, 'a', TapFlag.MUST_BE_NEW), 'number');
  });
});
