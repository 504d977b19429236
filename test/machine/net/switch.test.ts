import { strict as assert } from 'node:assert';
import { EtherSwitch } from '../../../src/machine/net/switch.ts';

const mac = (n: number) => [0x52, 0x54, 0, 0, 0, n];
const frame = (to: readonly number[], from: number, mark = 0) => ({
  bytes: Uint8Array.from([...to, ...mac(from), 0x88, 0xb5, mark]),
});
const ALL = new Array<number>(6).fill(0xff);

function stations(count: number) {
  const ether = new EtherSwitch();
  const ends = Array.from({ length: count }, () => {
    const end = { got: [] as number[], open: true, backend: ether.plug() };
    end.backend.connect({
      receive: ({ bytes }) => {
        if (end.open) end.got.push(bytes[14] as number);
        return end.open;
      },
      drained() {},
    });
    return end;
  });
  return { ether, ends: ends as [(typeof ends)[0], (typeof ends)[0], (typeof ends)[0]] };
}

describe('switch', () => {
  it('sends to all until it knows where a station is', () => {
    const { ends } = stations(3);
    const [a, b, c] = ends;
    a.backend.send(frame(mac(2), 1, 10));
    b.backend.send(frame(mac(1), 2, 20));
    a.backend.send(frame(mac(2), 1, 30));
    a.backend.send(frame(ALL, 1, 40));
    assert.deepEqual([a.got, b.got, c.got], [[20], [10, 30, 40], [10, 40]]);
  });

  it('follows a station that moves, and forgets one that left', async () => {
    const { ends } = stations(3);
    const [a, b, c] = ends;
    b.backend.send(frame(ALL, 9, 1));
    c.backend.send(frame(ALL, 9, 2));
    a.backend.send(frame(mac(9), 1, 3));
    assert.deepEqual([b.got, c.got], [[2], [1, 3]]);
    await c.backend.close();
    a.backend.send(frame(mac(9), 1, 4));
    assert.deepEqual(
      [b.got, c.got],
      [
        [2, 4],
        [1, 3],
      ],
    );
  });

  it('passes nothing while it is off, nor what comes from whoever has left', async () => {
    const { ether, ends } = stations(3);
    const [a, b, c] = ends;
    b.backend.send(frame(mac(1), 2, 1));
    ether.power(false);
    a.backend.send(frame(ALL, 1, 2));
    ether.power(true);
    a.backend.send(frame(mac(2), 1, 3));
    await c.backend.close();
    c.backend.send(frame(ALL, 1, 4));
    b.backend.send(frame(mac(1), 2, 5));
    assert.deepEqual([a.got, b.got, c.got], [[1, 5], [3], [1, 3]]);
    await a.backend.close();
    assert.ok(!ether.empty);
    await b.backend.close();
    assert.ok(ether.empty);
  });

  it('keeps order, and so much for a slow station, no more', () => {
    const { ends } = stations(2);
    const [a, b] = ends;
    b.open = false;
    for (let i = 0; i < 2000; i++) a.backend.send(frame(ALL, 1, i % 256));
    b.open = true;
    b.backend.resume();
    assert.deepEqual(
      b.got,
      Array.from({ length: 512 }, (_, i) => i % 256),
    );
  });

  it('has stations of the host too', () => {
    const { ether, ends } = stations(1);
    const got: number[] = [];
    const port = ether.attach({ receive: ({ bytes }) => got.push(bytes[14] as number) > 0 });
    ends[0].backend.send(frame(ALL, 1, 1));
    port.send(frame(mac(1), 7, 2));
    port.close();
    ends[0].backend.send(frame(ALL, 1, 3));
    assert.deepEqual([got, ends[0].got], [[1], [2]]);
  });
});
