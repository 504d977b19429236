import { strict as assert } from 'node:assert';
import { EventQueue } from '../../src/virt/events.ts';

describe('event queue', () => {
  it('gives what came before and after the question, in order', async () => {
    const queue = new EventQueue<number>(() => {});
    queue.push(1);
    const first = queue.next();
    const second = queue.next();
    queue.push(2);
    assert.deepEqual([(await first).value, (await second).value], [1, 2]);
  });

  it('ends for those who wait and those who come later, once what waited is read', async () => {
    let ended = 0;
    const queue = new EventQueue<number>(() => ended++);
    queue.push(1);
    queue.end();
    queue.push(2);
    assert.equal((await queue.next()).value, 1);
    assert.equal((await queue.next()).done, true);
    queue.end();
    assert.equal(ended, 1);
    const other = new EventQueue<number>(() => ended++);
    const waiting = other.next();
    await other.return();
    assert.equal((await waiting).done, true);
    assert.equal(ended, 2);
  });

  it('forgets the oldest for a reader that does not read', async () => {
    const queue = new EventQueue<number>(() => {});
    for (let index = 0; index < 10_005; index++) queue.push(index);
    assert.equal((await queue.next()).value, 5);
  });
});
