import { strict as assert } from 'node:assert';
import { FakeGuest, type FakeGuestAct, type GuestSpec } from '../../src/drivers/index.ts';
import { ManualClock } from '../../src/util/index.ts';

const spec: GuestSpec = {
  config: { ramBytes: 2 ** 20, vcpus: 2, firmware: { kind: 'none' }, virtio: [], clock: 'host' },
  backend: 'interpreter',
  virtio: [],
};

describe('driver fake', () => {
  it('has the life cycle of a guest, with its events', async () => {
    const guest = new FakeGuest(spec);
    const events: string[] = [];
    for (const name of ['started', 'paused', 'resumed', 'reset', 'ended'] as const) {
      guest.events.on(name, () => events.push(name));
    }
    await assert.rejects(guest.pause(), { code: 'OPERATION_INVALID' });
    await guest.start();
    await assert.rejects(guest.start(), { code: 'OPERATION_INVALID' });
    await guest.pause();
    await guest.pause();
    await guest.reset();
    assert.equal(guest.state, 'paused');
    await guest.resume();
    await guest.resume();
    await guest.destroy();
    await guest.destroy();
    assert.deepEqual(events, ['started', 'paused', 'reset', 'resumed', 'ended']);
    assert.equal((await guest.wait()).reason, 'destroyed');
    assert.throws(() => guest.signature(), { code: 'INVALID_ARG' });
  });

  it('does what it is told, as guests do by themselves', async () => {
    const ends: [FakeGuestAct, string][] = [
      ['poweroff', 'poweroff'],
      ['panic', 'fail'],
      ['crash', 'crashed'],
      ['reset', 'reset'],
    ];
    for (const [act, reason] of ends) {
      const guest = new FakeGuest({ ...spec, onReset: 'exit' });
      await assert.rejects(guest.act(act), { code: 'OPERATION_INVALID' });
      await guest.start();
      await guest.act(act);
      assert.equal((await guest.wait()).reason, reason);
    }
    const guest = new FakeGuest(spec);
    await guest.start();
    await guest.press('reboot');
    assert.equal(guest.state, 'running');
    await guest.press('poweroff');
    assert.equal(guest.state, 'ended');
  });

  it('says back what it is told, and ends its console with itself', async () => {
    const guest = new FakeGuest(spec);
    await guest.start();
    guest.console.write('hello');
    const said: string[] = [];
    const reading = (async () => {
      for await (const chunk of guest.console) said.push(String(chunk));
    })();
    await guest.destroy();
    await reading;
    assert.deepEqual(said, ['hello']);
  });

  it('counts the time it runs', async () => {
    const clock = new ManualClock();
    const guest = new FakeGuest(spec, clock);
    await guest.start();
    clock.advance(2e9);
    await guest.pause();
    clock.advance(5e9);
    assert.deepEqual([guest.stats().wallSeconds, guest.stats().vcpus.length], [2, 2]);
  });
});
