import { strict as assert } from 'node:assert';
import { MemBlock } from '../../../src/machine/backend/mem-block.ts';
import { describeBlockBackend } from './block-contract.ts';

describeBlockBackend('MemBlock', async (bytes) => new MemBlock(bytes));

describe('MemBlock', () => {
  it('uses the bytes it is given in place', async () => {
    const bytes = new Uint8Array(1024);
    const disk = new MemBlock(bytes, { readOnly: true });
    assert.equal(disk.readOnly, true);
    bytes[512] = 9;
    const into = new Uint8Array(512);
    await disk.read(512, into);
    assert.equal(into[0], 9);
  });

  it('refuses what is no disk', () => {
    assert.throws(() => new MemBlock(0), { code: 'INVALID_ARG' });
    assert.throws(() => new MemBlock(new Uint8Array(100)), { code: 'INVALID_ARG' });
  });
});
