import { strict as assert } from 'node:assert';
import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { RawTerminal } from '../../../src/tools/cli/run/terminal.ts';

describe('raw mode', () => {
  function terminal() {
    const modes: boolean[] = [];
    const events = new EventEmitter();
    const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (raw: boolean) => modes.push(raw) });
    const stream = new PassThrough();
    // Only what RawTerminal touches behaves like a terminal.
    const context = { stdin: stdin as never, stdout: stream, stderr: stream, env: {}, events };
    return { raw: new RawTerminal(context), modes, events };
  }

  it('ends with the process, however that ends', () => {
    const { modes, events } = terminal();
    events.emit('exit', 1);
    assert.deepEqual(modes, [true, false]);
  });

  it('comes back after the process was stopped', () => {
    const { raw, modes, events } = terminal();
    events.emit('SIGCONT');
    assert.deepEqual(modes, [true, true]);
    raw.restore();
    assert.deepEqual(modes, [true, true, false]);
    assert.deepEqual(events.eventNames(), []);
  });
});
