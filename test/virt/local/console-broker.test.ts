import { strict as assert } from 'node:assert';
import { Duplex, PassThrough } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { ConsoleFlags } from '../../../src/virt/index.ts';
import { ConsoleBroker } from '../../../src/virt/local/console-broker.ts';

/** A line whose guest's output is written to `guest`, and whose input is collected. */
function line(): { line: Duplex; guest: PassThrough; typed: () => string } {
  const guest = new PassThrough();
  let typed = '';
  const stream = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      typed += chunk.toString();
      done();
    },
  });
  guest.on('data', (chunk: Buffer) => stream.push(chunk));
  return { line: stream, guest, typed: () => typed };
}

async function read(stream: Duplex): Promise<string> {
  await setImmediate();
  await setImmediate();
  return String(stream.read() ?? '');
}

describe('console broker', () => {
  it('keeps the end of what nobody reads for the next user, within bounds', async () => {
    const broker = new ConsoleBroker();
    const { line: end, guest } = line();
    broker.connect(end);
    guest.write('early ');
    guest.write('x'.repeat(100_000));
    guest.write(' late');
    await setImmediate();
    await setImmediate();
    const user = broker.open(0);
    const text = await read(user);
    assert.equal(text.length, 65_536);
    assert.ok(text.endsWith('x late'));
    user.destroy();
    await setImmediate();
    guest.write('between');
    await setImmediate();
    await setImmediate();
    assert.equal(await read(broker.open(0)), 'between');
  });

  it('holds the line back while its user does not read, and goes on when he does', async () => {
    const broker = new ConsoleBroker();
    const { line: end, guest } = line();
    broker.connect(end);
    const user = broker.open(0);
    for (let index = 0; index < 40; index++) guest.write('y'.repeat(4096));
    await setImmediate();
    await setImmediate();
    assert.equal(end.isPaused(), true);
    let bytes = 0;
    user.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    while (bytes < 40 * 4096) await setImmediate();
  });

  it('gives what the user types to the line, and to nobody once he has left', async () => {
    const broker = new ConsoleBroker();
    const { line: end, typed } = line();
    broker.connect(end);
    const first = broker.open(0);
    first.write('one');
    assert.throws(() => broker.open(0), { code: 'OPERATION_FAILED' });
    const second = broker.open(ConsoleFlags.FORCE);
    first.write('ghost');
    second.write('two');
    await setImmediate();
    assert.equal(typed(), 'onetwo');
  });

  it('ends its user with the machine, and serves the next machine', async () => {
    const broker = new ConsoleBroker();
    const before = line();
    broker.connect(before.line);
    const user = broker.open(0);
    const ended = new Promise((resolve) => user.resume().once('end', resolve));
    broker.end();
    await ended;
    user.write('into the void');
    const after = line();
    broker.connect(after.line);
    broker.open(0).write('hello');
    await setImmediate();
    assert.equal(after.typed(), 'hello');
  });
});
