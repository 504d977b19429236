import { strict as assert } from 'node:assert';
import { setImmediate as turn } from 'node:timers/promises';
import { type BlockFailure, type ErrorPolicy, PolicyBlock } from '../../../src/machine/backend/error-policy.ts';
import { MemBlock } from '../../../src/machine/backend/mem-block.ts';
import { describeBlockBackend } from './block-contract.ts';
import { FlakyBlock, hostError } from './flaky-block.ts';

describeBlockBackend('PolicyBlock', async (bytes) => {
  const disk = new MemBlock(bytes);
  return Object.assign(new PolicyBlock(disk, 'vda'), { resize: (to: number) => disk.resize(to) });
});

describe('PolicyBlock', () => {
  const data = new Uint8Array(512).fill(7);

  function make(policy?: ErrorPolicy) {
    const disk = new FlakyBlock(4096);
    const block = new PolicyBlock(disk, 'vda', policy);
    const failures: BlockFailure[] = [];
    block.onFailure((failure) => failures.push(failure));
    return { disk, block, failures };
  }

  /** Whether a request has been answered yet, and how. */
  function watch(work: Promise<void>): { state: 'waits' | 'done' | 'failed' } {
    const seen: { state: 'waits' | 'done' | 'failed' } = { state: 'waits' };
    work.then(
      () => {
        seen.state = 'done';
      },
      () => {
        seen.state = 'failed';
      },
    );
    return seen;
  }

  it('reports errors, but holds writes that the host has no room for, unless told otherwise', async () => {
    const { disk, block, failures } = make();
    disk.fails = hostError('EIO');
    await assert.rejects(block.read(0, data), /EIO/);
    await assert.rejects(block.write(0, data), /EIO/);
    disk.fails = hostError('ENOSPC');
    await assert.rejects(block.read(0, data), /ENOSPC/);
    const written = watch(block.write(0, data));
    await turn();
    assert.equal(written.state, 'waits');
    assert.equal(block.holding, 1);
    assert.deepEqual(
      failures.map(({ operation, action, noSpace }) => [operation, action, noSpace]),
      [
        ['read', 'report', false],
        ['write', 'report', false],
        ['read', 'report', true],
        ['write', 'stop', true],
      ],
    );
    disk.fails = undefined;
    block.retry();
    await turn();
    assert.equal(written.state, 'done');
    assert.deepEqual(disk.bytes.subarray(0, 512), data);
  });

  it('holds every kind of request with stop, and loses none of them over several tries', async () => {
    const { disk, block, failures } = make({ read: 'stop', write: 'stop' });
    disk.fails = hostError('EIO');
    const into = new Uint8Array(512);
    disk.bytes.fill(3, 1024, 1536);
    const all = [
      block.write(0, data),
      block.read(1024, into),
      block.writeZeroes(512, 512, true),
      block.discard(2048, 512),
      block.flush(),
    ].map(watch);
    await turn();
    assert.equal(block.holding, 5);
    block.retry();
    await turn();
    assert.equal(block.holding, 5);
    assert.ok(all.every(({ state }) => state === 'waits'));
    assert.equal(failures.length, 10);
    disk.fails = undefined;
    disk.tried.length = 0;
    block.retry();
    await turn();
    assert.ok(all.every(({ state }) => state === 'done'));
    assert.deepEqual(disk.tried, ['write', 'read', 'writeZeroes', 'discard', 'flush']);
    assert.deepEqual(into, new Uint8Array(512).fill(3));
    assert.deepEqual(disk.bytes.subarray(0, 512), data);
  });

  it('takes an ignored error for success, and an ignored read for zeroes', async () => {
    const { disk, block, failures } = make({ read: 'ignore', write: 'ignore' });
    disk.fails = hostError('EIO');
    const into = new Uint8Array(512).fill(9);
    await block.read(0, into);
    assert.ok(into.every((byte) => byte === 0));
    await block.write(0, data);
    await block.flush();
    assert.deepEqual(
      failures.map(({ action }) => action),
      ['ignore', 'ignore', 'ignore'],
    );
  });

  it('knows a full disk or quota by the cause of an error, too', async () => {
    const { disk, block, failures } = make();
    disk.fails = new Error('the image cannot grow', { cause: hostError('EDQUOT') });
    const written = watch(block.write(0, data));
    await turn();
    assert.equal(written.state, 'waits');
    assert.equal(failures[0]?.noSpace, true);
    block.giveUp();
    await turn();
    assert.equal(written.state, 'failed');
  });

  it('lets what is held fail when it gives up, and holds nothing any more once closed', async () => {
    const { disk, block } = make({ read: 'stop', write: 'stop' });
    disk.fails = hostError('EIO');
    const first = watch(block.flush());
    await turn();
    block.giveUp();
    await turn();
    assert.equal(first.state, 'failed');
    const second = watch(block.flush());
    await turn();
    assert.equal(second.state, 'waits');
    await block.close();
    await turn();
    assert.equal(second.state, 'failed');
    await assert.rejects(block.read(0, new Uint8Array(512)), /EIO/);
  });
});
