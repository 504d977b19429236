import { strict as assert } from 'node:assert';
import { constants } from 'node:os';
import { fileHoles, nativeProblem } from '../../../src/cpu/index.ts';
import { missing } from '../../support/need-tool.ts';

describe('system calls on files', () => {
  it('refuse arguments that are none, and say what is wrong with a file', async function () {
    const holes = fileHoles();
    if (holes === undefined) return missing(this, `native addon: ${nativeProblem()}`);
    const wrong: unknown[][] = [
      [],
      [1],
      [1, 2, 3, 4],
      ['1', 2],
      [-1, 0],
      [1, -1],
      [1, 0.5],
      [2 ** 40, 0],
      [1, 2 ** 60],
    ];
    for (const args of wrong) {
      assert.throws(() => Reflect.apply(holes.seekData, undefined, args), TypeError, JSON.stringify(args));
      assert.throws(() => Reflect.apply(holes.seekHole, undefined, args), TypeError, JSON.stringify(args));
      if (args.length !== 3) assert.throws(() => Reflect.apply(holes.punchHole, undefined, args), TypeError);
    }
    assert.throws(() => Reflect.apply(holes.punchHole, undefined, [1, Number.NaN, 1]), TypeError);
    // No file has this number.
    assert.equal(holes.seekData(2 ** 30, 0), -2);
    if (process.platform === 'linux') assert.equal(await holes.punchHole(2 ** 30, 0, 1), constants.errno.EBADF);
  });
});
