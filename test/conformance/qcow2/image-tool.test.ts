import { strict as assert } from 'node:assert';
import { writeFileSync } from 'node:fs';
import { openDiskImage } from '../../../src/machine/index.ts';
import { SeededRandom } from '../../../src/util/index.ts';
import { tempDir } from '../../machine/backend/temp-dir.ts';
import { randomData, randomRange } from '../../support/disk-model.ts';
import { needTool } from '../../support/need-tool.ts';
import { qemuImg, run } from '../../support/qemu-img.ts';
import { cli } from '../../tools/cli/support.ts';
import { describeCombination, qemuOptions, randomCombination } from './options.ts';

const full = process.env['NODEVISOR_TEST_FULL'] !== undefined;
const IMAGES = full ? 120 : 8;
const SEED = 5000;

type Json = Record<string, unknown>;

/** Fields of qemu-img's JSON that say what ours say. Where a file's blocks are counted the two may differ. */
function comparable(info: Json): Json {
  const { 'actual-size': _size, children: _children, snapshots, ...rest } = info;
  const list = snapshots as Json[] | undefined;
  return list === undefined ? rest : { ...rest, snapshots: list.map(({ icount: _icount, ...one }) => one) };
}

describe('nodevisor image and qemu-img', function () {
  this.timeout(full ? 3_600_000 : 120_000);
  const path = tempDir();
  before(function () {
    needTool(this, 'qemu-img', 'qemu-utils');
  });

  async function ours(...args: string[]): Promise<string> {
    const { code, out, err } = await cli(['image', ...args]);
    assert.equal(code, 0, `${args.join(' ')}: ${err}`);
    return out;
  }

  async function sameInfo(file: string): Promise<void> {
    const theirs = JSON.parse(qemuImg('info', '--output=json', '-f', 'qcow2', file)) as Json;
    assert.deepEqual(comparable(JSON.parse(await ours('info', '--output', 'json', file)) as Json), comparable(theirs));
  }

  async function sameCheck(file: string): Promise<void> {
    const theirs = run('qemu-img', 'check', '--output=json', '-f', 'qcow2', file);
    const mine = await cli(['image', 'check', '--output', 'json', file]);
    assert.equal(mine.code, theirs.status);
    // Where clusters that follow each other end is a matter of taste.
    const { 'fragmented-clusters': _a, ...a } = JSON.parse(mine.out) as Json;
    const { 'fragmented-clusters': _b, ...b } = JSON.parse(theirs.stdout) as Json;
    assert.deepEqual(a, b);
  }

  function same(one: string, two: string, formats: readonly [string, string]): void {
    const { status, stdout, stderr } = run('qemu-img', 'compare', '-f', formats[0], '-F', formats[1], one, two);
    assert.equal(status, 0, stdout + stderr);
  }

  for (let i = 0; i < IMAGES; i++) {
    const seed = SEED + i;
    it(`agree on what is in an image, and read each other's (seed ${seed})`, async () => {
      const random = new SeededRandom(seed);
      const combination = randomCombination(random);
      const { options, dataFile } = combination;
      const title = describeCombination(combination);
      try {
        writeFileSync(path('raw'), randomData(random, options.size));
        const made = qemuOptions(combination, dataFile ? path('data') : undefined);
        // Made by one, filled with holes, read by the other.
        await ours('convert', '-f', 'raw', '-O', 'qcow2', '-o', made, path('raw'), path('disk'));
        const disk = await openDiskImage(path('disk'), { format: 'qcow2' });
        for (let hole = 0; hole < 10; hole++) {
          const { offset, bytes } = randomRange(random, options.size);
          await disk.writeZeroes(offset, bytes, random.below(2) === 0);
        }
        await disk.close();
        await sameInfo(path('disk'));
        await sameCheck(path('disk'));
        qemuImg('convert', '-f', 'qcow2', '-O', 'raw', path('disk'), path('theirs'));
        await ours('convert', '-f', 'qcow2', '-O', 'raw', path('disk'), path('ours'));
        same(path('theirs'), path('ours'), ['raw', 'raw']);
        if (dataFile) return;
        qemuImg('convert', '-c', '-f', 'raw', '-O', 'qcow2', '-o', made, path('ours'), path('packed'));
        assert.equal(
          await ours('compare', '-f', 'qcow2', '-F', 'raw', path('packed'), path('ours')),
          'Images are identical.\n',
        );
        await sameCheck(path('packed'));
        await ours('convert', '-c', '-f', 'raw', '-O', 'qcow2', '-o', made, path('ours'), path('packed'));
        same(path('packed'), path('ours'), ['qcow2', 'raw']);
        await sameCheck(path('packed'));
        if ((options.refcountBits ?? 16) < 8) return;
        await ours('snapshot', '-c', 'ours', path('packed'));
        qemuImg('snapshot', '-c', 'theirs', path('packed'));
        await sameInfo(path('packed'));
        await sameCheck(path('packed'));
        qemuImg('snapshot', '-a', 'ours', path('packed'));
        qemuImg('snapshot', '-d', 'ours', path('packed'));
        await ours('snapshot', '-a', 'theirs', path('packed'));
        await ours('snapshot', '-d', 'theirs', path('packed'));
        await sameCheck(path('packed'));
        same(path('packed'), path('ours'), ['qcow2', 'raw']);
      } catch (error) {
        throw new Error(`seed ${seed}, ${title}: ${(error as Error).message}`, { cause: error });
      }
    });
  }

  for (const how of ['metadata', 'falloc', 'full']) {
    it(`agree on what has a place after a resize (${how})`, async () => {
      for (const file of ['mine', 'theirs']) {
        qemuImg('create', '-q', '-f', 'qcow2', path(file), '1M');
        qemuImg('bench', '-f', 'qcow2', '-w', '-c', '1', '-o', '262144', '-s', '65536', path(file));
      }
      qemuImg('resize', '-q', '-f', 'qcow2', `--preallocation=${how}`, path('theirs'), '5M');
      await ours('resize', '-q', '--preallocation', how, path('mine'), '5M');
      await sameCheck(path('mine'));
      same(path('mine'), path('theirs'), ['qcow2', 'qcow2']);
      const allocated = (file: string) =>
        (JSON.parse(qemuImg('check', '--output=json', path(file))) as Json)['allocated-clusters'];
      assert.equal(allocated('mine'), allocated('theirs'));
    });
  }

  it('agree on commits and on what an image is put on top of', async () => {
    const random = new SeededRandom(SEED);
    writeFileSync(path('base'), randomData(random, 3 * 2 ** 20));
    writeFileSync(path('other'), randomData(random, 2 * 2 ** 20));
    qemuImg('create', '-q', '-f', 'qcow2', '-b', 'base', '-F', 'raw', path('disk'), '4M');
    const disk = await openDiskImage(path('disk'), { format: 'qcow2' });
    for (let i = 0; i < 20; i++) {
      const { offset, bytes } = randomRange(random, disk.sectors * 512);
      await disk.write(offset, randomData(random, bytes));
    }
    await disk.close();
    qemuImg('convert', '-f', 'qcow2', '-O', 'raw', path('disk'), path('shown'));
    await ours('rebase', '-b', 'other', '-F', 'raw', path('disk'));
    same(path('disk'), path('shown'), ['qcow2', 'raw']);
    qemuImg('rebase', '-f', 'qcow2', '-b', 'base', '-F', 'raw', path('disk'));
    assert.equal(await ours('compare', '-f', 'qcow2', path('disk'), path('shown')), 'Images are identical.\n');
    await sameCheck(path('disk'));
    await ours('commit', path('disk'));
    same(path('base'), path('shown'), ['raw', 'raw']);
    same(path('disk'), path('shown'), ['qcow2', 'raw']);
    await sameInfo(path('disk'));
    await sameCheck(path('disk'));
  });
});
