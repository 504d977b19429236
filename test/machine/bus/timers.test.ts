import { strict as assert } from 'node:assert';
import { TimerQueue } from '../../../src/machine/bus/timers.ts';
import { ManualClock } from '../../../src/util/index.ts';

describe('timer queue', () => {
  it('runs what is due in order of due time, equal ones in the order they were set', () => {
    const clock = new ManualClock(1000);
    const timers = new TimerQueue(clock);
    const ran: string[] = [];
    for (const [name, ns] of [
      ['c', 30],
      ['a', 10],
      ['b', 20],
      ['b2', 20],
    ] as const) {
      timers.after(ns, () => ran.push(name));
    }
    assert.equal(timers.nextNs, 1010);
    timers.runDue();
    assert.deepEqual(ran, []);
    clock.advance(20);
    timers.runDue();
    assert.deepEqual(ran, ['a', 'b', 'b2']);
    assert.equal(timers.nextNs, 1030);
    clock.advance(1000);
    timers.runDue();
    assert.deepEqual(ran, ['a', 'b', 'b2', 'c']);
    assert.equal(timers.nextNs, Number.POSITIVE_INFINITY);
  });

  it('does not run cancelled timers, even if cancelled by one that runs before', () => {
    const clock = new ManualClock();
    const timers = new TimerQueue(clock);
    const ran: string[] = [];
    timers.after(1, () => {
      ran.push('first');
      second.cancel();
    });
    const second = timers.after(1, () => ran.push('second'));
    const third = timers.after(1, () => ran.push('third'));
    third.cancel();
    third.cancel();
    clock.advance(1);
    timers.runDue();
    assert.deepEqual(ran, ['first']);
  });

  it('leaves timers that a callback sets to the next call, past or not', () => {
    const clock = new ManualClock();
    const timers = new TimerQueue(clock);
    let runs = 0;
    const again = () => {
      runs++;
      timers.after(-5, again);
    };
    timers.after(0, again);
    timers.runDue();
    assert.equal(runs, 1);
    timers.runDue();
    assert.equal(runs, 2);
  });
});
