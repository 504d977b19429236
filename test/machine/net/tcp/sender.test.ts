import { strict as assert } from 'node:assert';
import { TcpSender } from '../../../../src/machine/net/tcp/sender.ts';

const FIRST = 1000;
const MSS = 100;
const WINDOW = 100_000;

describe('TCP sender', () => {
  it('repeats nothing that is acknowledged, also where the answer comes before sending returns', () => {
    const stream = Buffer.from(Array.from({ length: 20 * MSS }, (_, i) => i % 251));
    let acknowledged = FIRST;
    let answer: number | undefined;
    let pieces = 0;
    const sender: TcpSender = new TcpSender({
      first: FIRST,
      mss: MSS,
      window: WINDOW,
      nowNs: () => 0,
      send(sequence, data) {
        assert.ok(++pieces < 100, 'it comes to an end');
        assert.ok(sequence >= acknowledged, `${sequence} was sent, ${acknowledged} is acknowledged`);
        assert.deepEqual(Buffer.from(data), stream.subarray(sequence - FIRST, sequence - FIRST + data.length));
        if (answer === undefined) return;
        acknowledged = answer;
        answer = undefined;
        sender.acknowledge(acknowledged, WINDOW, [], true);
      },
    });
    sender.write(stream);
    // The first segment was lost and what came behind it is there: the one repeated closes the gap.
    answer = FIRST + 5 * MSS;
    assert.ok(sender.expired());
    assert.equal(acknowledged, FIRST + 5 * MSS);
    sender.acknowledge(acknowledged, WINDOW, [], true);
    acknowledged = FIRST + stream.length;
    assert.ok(sender.acknowledge(acknowledged, WINDOW, [], true));
    assert.equal(sender.pendingBytes, 0);
  });
});
