import { strict as assert } from 'node:assert';
import { homeDirectory, hostRandom, VirtError } from '../../src/util/index.ts';

describe('VirtError', () => {
  it('knows errors of another copy of the package', () => {
    class Copy extends Error {
      get [Symbol.for('nodevisor.VirtError')](): true {
        return true;
      }
    }
    assert.ok(new VirtError('NO_DOMAIN', 'x') instanceof VirtError);
    assert.ok(new Copy('x') instanceof VirtError);
    for (const other of [new Error('x'), undefined, null, 'x', {}])
      assert.ok(!((other as unknown) instanceof VirtError));
  });

  it('shows nothing of how it is known', () => {
    const error = new VirtError('NO_DOMAIN', 'x');
    assert.deepEqual(Reflect.ownKeys(error.toJSON()), ['name', 'code', 'errno', 'domain', 'level', 'message', 'data']);
    assert.ok(!Reflect.ownKeys(error).some((key) => typeof key === 'symbol'));
  });
});

describe('the user’s home', () => {
  it('is never the current directory, whatever the environment says', () => {
    assert.equal(homeDirectory({ HOME: '/home/me' }), '/home/me');
    for (const env of [{}, { HOME: '' }, { HOME: undefined }]) assert.match(homeDirectory(env), /^([A-Z]:)?[/\\]/);
  });
});

describe('the host’s randomness', () => {
  it('fills memory of any size, shared memory too', () => {
    for (const bytes of [new Uint8Array(200_000), new Uint8Array(new SharedArrayBuffer(70_000))]) {
      hostRandom.fill(bytes);
      const seen = new Set(bytes.subarray(-1000));
      assert.ok(seen.size > 100, 'the end is filled, and not with one value');
    }
  });
});
