import { strict as assert } from 'node:assert';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MachineState } from '../../../src/cpu/index.ts';
import { machineLayout } from '../../../src/isa/index.ts';
import { DeviceDoorbell, DoorbellListener } from '../../../src/machine/bus/doorbell.ts';
import { startTsWorker, workerEnd } from '../../support/ts-worker.ts';

function fail(device: number, error: unknown): never {
  throw new Error(`device ${device}`, { cause: error });
}

/** A promise to be resolved by hand. */
function gate(): { promise: Promise<void>; open: () => void } {
  let open = () => {};
  const promise = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { promise, open };
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await nextTurn();
}

describe('doorbells', () => {
  let buffer: SharedArrayBuffer;
  let machine: MachineState;

  beforeEach(() => {
    buffer = new SharedArrayBuffer(machineLayout.bytes);
    machine = new MachineState(buffer);
  });

  it('drain serves rung devices once each, lowest index first, and no others', async () => {
    const listener = new DoorbellListener(machine, fail);
    const served: number[] = [];
    for (const device of [127, 40, 3, 31, 0]) {
      listener.attach(device, {
        service() {
          served.push(device);
        },
      });
    }
    for (const device of [40, 127, 31, 40, 3]) new DeviceDoorbell(machine, device).ring();
    await listener.drain();
    assert.deepEqual(served, [3, 31, 40, 127]);
    await listener.drain();
    assert.equal(served.length, 4);
  });

  it('drain goes on until services ring no more', async () => {
    const listener = new DoorbellListener(machine, fail);
    const [first, second] = [new DeviceDoorbell(machine, 0), new DeviceDoorbell(machine, 1)];
    let left = 5;
    const served: number[] = [];
    const serve = (device: number, other: DeviceDoorbell) => ({
      async service() {
        served.push(device);
        await nextTurn();
        if (left-- > 0) other.ring();
      },
    });
    listener.attach(0, serve(0, second));
    listener.attach(1, serve(1, first));
    first.ring();
    await listener.drain();
    assert.deepEqual(served, [0, 1, 0, 1, 0, 1]);
  });

  it('never serves one device twice at a time, and serves it again for a ring meanwhile', async () => {
    const listener = new DoorbellListener(machine, fail);
    const bell = new DeviceDoorbell(machine, 5);
    const gates = [gate(), gate()];
    let active = 0;
    let calls = 0;
    listener.attach(5, {
      async service() {
        assert.equal(++active, 1);
        await gates[calls++]?.promise;
        active--;
      },
    });
    listener.start();
    bell.ring();
    await turns(3);
    assert.equal(calls, 1);
    bell.ring();
    await turns(3);
    bell.ring();
    await turns(3);
    assert.equal(calls, 1);
    gates[0]?.open();
    await turns(3);
    assert.equal(calls, 2, 'two rings meanwhile make one more call');
    gates[1]?.open();
    await listener.drain();
    assert.equal(calls, 2);
    await listener.close();
  });

  it('serves devices independently of each other while listening', async () => {
    const listener = new DoorbellListener(machine, fail);
    const slow = gate();
    let served = 0;
    listener.attach(1, { service: () => slow.promise });
    listener.attach(2, {
      service() {
        served++;
      },
    });
    listener.start();
    new DeviceDoorbell(machine, 1).ring();
    await turns(2);
    new DeviceDoorbell(machine, 2).ring();
    await turns(2);
    assert.equal(served, 1);
    slow.open();
    await listener.close();
  });

  it('serves a ring from before it started, and a device attached late', async () => {
    const listener = new DoorbellListener(machine, fail);
    const served: number[] = [];
    const back = (device: number) => ({
      service() {
        served.push(device);
      },
    });
    listener.attach(1, back(1));
    new DeviceDoorbell(machine, 1).ring();
    new DeviceDoorbell(machine, 2).ring();
    listener.start();
    await turns(2);
    listener.attach(2, back(2));
    await turns(2);
    assert.deepEqual(served, [1, 2]);
    await listener.close();
  });

  it('reports a service that throws or rejects, and goes on', async () => {
    const faults: string[] = [];
    const listener = new DoorbellListener(machine, (device, error) => faults.push(`${device}: ${error}`));
    let calls = 0;
    listener.attach(1, {
      service() {
        calls++;
        throw new Error('sync');
      },
    });
    listener.attach(2, { service: () => Promise.reject(new Error('async')) });
    for (let i = 0; i < 2; i++) {
      new DeviceDoorbell(machine, 1).ring();
      new DeviceDoorbell(machine, 2).ring();
      await listener.drain();
    }
    assert.equal(calls, 2);
    assert.deepEqual(faults, ['1: Error: sync', '2: Error: async', '1: Error: sync', '2: Error: async']);
  });

  it('close waits for the service under way and serves no more', async () => {
    const listener = new DoorbellListener(machine, fail);
    const slow = gate();
    let calls = 0;
    listener.attach(0, {
      service() {
        calls++;
        return slow.promise;
      },
    });
    listener.start();
    const bell = new DeviceDoorbell(machine, 0);
    bell.ring();
    await turns(2);
    let closed = false;
    const closing = listener.close().then(() => {
      closed = true;
    });
    await turns(2);
    assert.equal(closed, false);
    slow.open();
    await closing;
    bell.ring();
    await turns(3);
    assert.equal(calls, 1);
  });

  it('lets the event loop have its turn under a storm of rings', async () => {
    const listener = new DoorbellListener(machine, fail);
    const bell = new DeviceDoorbell(machine, 0);
    let calls = 0;
    let storm = true;
    listener.attach(0, {
      service() {
        calls++;
        if (storm) bell.ring();
      },
    });
    listener.start();
    bell.ring();
    await turns(20);
    storm = false;
    assert.ok(calls > 1 && calls < 200, `${calls} calls in 20 turns`);
    await listener.close();
  });

  it('rejects indexes without a bit and two back halves for one', () => {
    const listener = new DoorbellListener(machine, fail);
    assert.throws(() => new DeviceDoorbell(machine, 128), /no doorbell/);
    assert.throws(() => new DeviceDoorbell(machine, -1), /no doorbell/);
    listener.attach(3, { service() {} });
    assert.throws(() => listener.attach(3, { service() {} }), /two back halves/);
  });

  it('loses no ring from other threads, whether the listener is busy or asleep', async () => {
    const counters = new Int32Array(new SharedArrayBuffer(64));
    const listener = new DoorbellListener(machine, fail);
    const seen = [0, 0, 0];
    for (const device of [0, 1, 2]) {
      listener.attach(device, {
        service() {
          seen[device] = Atomics.load(counters, device);
        },
      });
    }
    listener.start();
    const plans = [
      { device: 0, count: 200_000, sleepMs: 0 },
      { device: 1, count: 500, sleepMs: 1 },
      { device: 2, count: 500, sleepMs: 0.1 },
    ];
    const url = new URL('./doorbell-worker.ts', import.meta.url);
    await Promise.all(plans.map((plan) => workerEnd(startTsWorker(url, { buffer, counters, ...plan }))));
    // Everything was rung before the workers' exit events; no ring comes after, so what is lost stays lost.
    await turns(5);
    assert.deepEqual(seen, [200_000, 500, 500]);
    await listener.close();
  });
});
