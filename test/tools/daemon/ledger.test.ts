import { strict as assert } from 'node:assert';
import { Ledger } from './ledger.ts';

describe('what a client knows of its domains', () => {
  const running = (pid: number) => {
    const ledger = new Ledger();
    ledger.found('d', { defined: true, pid });
    return ledger;
  };

  it('is what was acknowledged', () => {
    const ledger = new Ledger();
    assert.deepEqual(ledger.known('d'), { defined: false, pid: 0 });
    ledger.begin('d', 'define')('done');
    ledger.begin('d', 'start')('done', 7);
    assert.deepEqual(ledger.known('d'), { defined: true, pid: 7 });
    ledger.begin('d', 'suspend')('done');
    ledger.begin('d', 'undefine')('done');
    assert.deepEqual(ledger.known('d'), { defined: false, pid: 7 });
    ledger.begin('d', 'destroy')('done');
    assert.deepEqual(ledger.known('d'), { defined: false, pid: 0 });
  });

  it('is nothing of what a call changes that is under way or was lost', () => {
    for (const settle of [false, true]) {
      const ledger = running(7);
      const undefine = ledger.begin('d', 'undefine');
      if (settle) undefine('lost');
      assert.deepEqual(ledger.known('d'), { defined: undefined, pid: 7 });
      const destroy = ledger.begin('d', 'destroy');
      if (settle) destroy('lost');
      assert.deepEqual(ledger.known('d'), { defined: undefined, pid: undefined });
    }
  });

  it('is what it was when a call is refused', () => {
    const ledger = running(7);
    ledger.begin('d', 'start')('refused');
    assert.deepEqual(ledger.known('d'), { defined: true, pid: 7 });
  });

  it('forgets a machine that is killed, also while a call is under way that is refused later', () => {
    for (const call of ['start', 'resume', 'define'] as const) {
      for (const outcome of ['refused', 'lost', 'done'] as const) {
        const ledger = running(7);
        const end = ledger.begin('d', call);
        ledger.killed(7);
        end(outcome, 7);
        assert.equal(ledger.known('d').pid, undefined, `${call}, ${outcome}`);
      }
    }
  });

  it('believes nobody that a killed machine runs, and does believe that it has ended', () => {
    const ledger = running(7);
    ledger.killed(8);
    ledger.begin('d', 'create')('done', 8);
    assert.equal(ledger.known('d').pid, undefined);
    ledger.begin('d', 'destroy')('done');
    assert.equal(ledger.known('d').pid, 0);
  });
});
