import { strict as assert } from 'node:assert';
import { clusterCodec } from '../../../../src/machine/backend/qcow2/compression.ts';

const MODULE = '../../../../src/machine/backend/qcow2/compression.ts';

describe('compressed clusters', () => {
  it('are read by two copies of this package in one process', async () => {
    const copy = (await import(`${MODULE}?copy`)) as { clusterCodec: typeof clusterCodec };
    assert.notEqual(copy.clusterCodec, clusterCodec);
    const cluster = new Uint8Array(65_536).map((_, i) => i >> 5);
    for (let round = 0; round < 3; round++) {
      for (const codec of [clusterCodec('zstd'), copy.clusterCodec('zstd')]) {
        const packed = await codec.compress(cluster);
        assert.ok(packed !== undefined);
        assert.deepEqual(await codec.decompress(packed, cluster.length), cluster);
      }
      // A library that is set up anew is swapped some turns later.
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });
});
