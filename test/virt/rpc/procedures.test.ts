/** Which procedures of libvirt 9.0's remote program there are, so that none is forgotten or lost. */
import { strict as assert } from 'node:assert';
import { Program } from '../../../src/virt/rpc/packet.ts';
import { findProcedure } from '../../../src/virt/rpc/procedures/index.ts';
import { unsupportedFunctions } from '../../../src/virt/rpc/procedures/unsupported.ts';

/** The last number of the program. */
const LAST = 443;
const SERVED = `1-60 64-66 70-106 110-147 149-168 174-194 196-212 219-223 225-240 242-247 250-267 271-275 277-291 293-303
  305-308 312-314 316-317 334-338 340-342 344-345 347 349-353 355-358 360-361 364-366 368-369 371-372 374-375 378
  380-381 384 386-422 424-437 439-442`;
/** Messages that a server sends, and SASL (67-69), which is offered to nobody. */
const NO_CALLS = `67-69 107 169-173 195 224 241 248 268-270 276 292 311 315 318-333 339 346 348 354 359 362-363 367 370 373
  376-377 379 382-383 385 423 438`;

/** The numbers of a list of ranges. */
function numbersOf(list: string): number[] {
  return list.split(/\s+/).flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

describe('procedures of libvirt’s remote program', () => {
  const all = numbersOf(`1-${LAST}`);

  it('are served as far as there is something to serve', () => {
    const served = all.filter((number) => findProcedure(Program.REMOTE, number) !== undefined);
    assert.deepEqual(served, numbersOf(SERVED));
  });

  it('are refused by the name of their function otherwise', () => {
    const known = new Set([...numbersOf(SERVED), ...numbersOf(NO_CALLS)]);
    const refused = all.filter((number) => !known.has(number));
    assert.deepEqual(
      [...unsupportedFunctions.keys()].sort((a, b) => a - b),
      refused,
    );
    for (const name of unsupportedFunctions.values()) assert.match(name, /^vir[A-Z]/);
  });
});
