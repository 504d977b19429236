import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { FileChar } from '../../../src/machine/backend/file-char.ts';
import { NullChar } from '../../../src/machine/backend/null-char.ts';
import { StreamChar } from '../../../src/machine/backend/stream-char.ts';
import { VirtioConsole } from '../../../src/machine/virtio/console.ts';
import { missing } from '../../support/need-tool.ts';
import { type DriverQueue, TestSlot, until } from '../../support/virtqueue.ts';
import { tempDir } from './temp-dir.ts';

/** A device with room for so many bytes of input. */
class TestDevice {
  room: number;
  got = '';
  drains = 0;

  constructor(room = Number.POSITIVE_INFINITY) {
    this.room = room;
  }

  receive(bytes: Uint8Array): number {
    const n = Math.min(this.room, bytes.length);
    this.got += Buffer.from(bytes.subarray(0, n)).toString();
    this.room -= n;
    return n;
  }

  drained(): void {
    this.drains++;
  }
}

const bytes = (text: string) => Buffer.from(text);

describe('StreamChar', () => {
  it('gives the guest’s output to its reader and the writer’s bytes to the guest', async () => {
    const line = new StreamChar();
    const device = new TestDevice();
    line.connect(device);
    line.stream.setEncoding('utf8');
    assert.equal(line.write(bytes('login: ')), true);
    assert.equal(line.stream.read(), 'login: ');
    line.stream.write('root\n');
    assert.equal(device.got, 'root\n');
  });

  it('holds the guest back when nobody reads, until someone does', async () => {
    const line = new StreamChar();
    const device = new TestDevice();
    line.connect(device);
    let written = 0;
    while (line.write(new Uint8Array(4096).fill(0x61))) written += 4096;
    written += 4096;
    assert.ok(written <= 64 * 1024, `${written} bytes were buffered`);
    assert.equal(device.drains, 0);
    let got = 0;
    line.stream.on('data', (chunk: Buffer) => {
      got += chunk.length;
    });
    await until(() => device.drains === 1);
    assert.equal(got, written);
  });

  it('holds its writer back while the guest has no room, and loses nothing', async () => {
    const line = new StreamChar();
    const device = new TestDevice(3);
    line.connect(device);
    let flushed = false;
    line.stream.write('abcdefg', () => {
      flushed = true;
    });
    line.stream.write('hij');
    await until(() => device.got === 'abc');
    assert.equal(flushed, false);
    device.room = 2;
    line.resume();
    assert.equal(device.got, 'abcde');
    device.room = 100;
    line.resume();
    await until(() => device.got === 'abcdefghij');
    assert.equal(flushed, true);
  });

  it('keeps what is written before there is a guest', async () => {
    const line = new StreamChar();
    line.stream.write('early');
    const device = new TestDevice();
    line.connect(device);
    assert.equal(device.got, 'early');
  });

  it('ends for its reader when the machine does, and takes no notice of what is still written', async () => {
    const line = new StreamChar();
    line.connect(new TestDevice(0));
    line.stream.write('never taken');
    line.stream.write('nor this');
    line.write(bytes('last words'));
    await line.close();
    assert.equal(line.write(bytes('ghost')), true);
    const chunks: Buffer[] = [];
    for await (const chunk of line.stream) chunks.push(chunk as Buffer);
    assert.equal(Buffer.concat(chunks).toString(), 'last words');
    await line.close();
  });

  it('lets the guest go on when its reader goes away', async () => {
    const line = new StreamChar();
    const device = new TestDevice();
    line.connect(device);
    while (line.write(new Uint8Array(4096)));
    line.stream.destroy();
    await once(line.stream, 'close');
    assert.equal(device.drains, 1);
    assert.equal(line.write(bytes('x')), true);
    await line.close();
  });

  it('connects a virtio console with its user, back-pressure and all', async () => {
    const line = new StreamChar();
    const slot = new TestSlot(new VirtioConsole(line), { settle: false, ramBytes: 0x40_0000 });
    const [rx, tx] = slot.driver.start() as [DriverQueue, DriverQueue];
    await slot.serve();
    const text = '0123456789'.repeat(20_000);
    tx.add([{ gpa: slot.driver.place(bytes(text)), bytes: text.length }]);
    tx.kick();
    await slot.serve();
    assert.deepEqual(tx.reap(), [], 'held back');
    let output = '';
    line.stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
    await until(() => output.length === text.length);
    assert.equal(output, text);
    assert.equal(tx.reap().length, 1);

    line.stream.write(text);
    let input = '';
    while (input.length < text.length) {
      const buffers = Array.from({ length: 16 }, () => {
        const gpa = slot.driver.alloc(4096);
        return { head: rx.add([{ gpa, bytes: 4096, writable: true }]), gpa };
      });
      rx.kick();
      await slot.serve();
      const used = rx.reap();
      assert.ok(used.length > 0);
      for (const { head, written } of used) {
        const gpa = buffers.find((buffer) => buffer.head === head)?.gpa ?? 0;
        input += Buffer.from(slot.driver.fetch(gpa, written)).toString();
      }
    }
    assert.equal(input, text);
    await slot.back.close();
    assert.equal(line.stream.readableEnded || line.write(bytes('x')), true);
  });
});

describe('NullChar', () => {
  it('drops output and has no input', async () => {
    const line = new NullChar();
    const device = new TestDevice();
    line.connect();
    assert.equal(line.write(), true);
    line.resume();
    assert.equal(device.got, '');
    await line.close();
  });
});

describe('FileChar', () => {
  const path = tempDir();

  it('puts all output in a file', async () => {
    writeFileSync(path('log'), 'from before');
    const line = await FileChar.open(path('log'));
    line.connect(new TestDevice());
    line.write(bytes('one '));
    line.write(bytes('two'));
    await line.close();
    assert.equal(readFileSync(path('log'), 'utf8'), 'one two');
    const more = await FileChar.open(path('log'), { append: true });
    more.write(bytes(' three'));
    await more.close();
    assert.equal(readFileSync(path('log'), 'utf8'), 'one two three');
  });

  it('holds the guest back while the file is slow', async () => {
    const line = await FileChar.open(path('log'));
    const device = new TestDevice();
    line.connect(device);
    let written = 0;
    do written += 4096;
    while (line.write(new Uint8Array(4096)));
    await until(() => device.drains > 0);
    await line.close();
    assert.equal(readFileSync(path('log')).length, written);
  });

  it('says which file cannot be opened, and why', async () => {
    mkdirSync(path('dir'));
    await assert.rejects(FileChar.open(path('dir')), { code: 'INVALID_ARG', message: /dir.*: it is a directory$/ });
    await assert.rejects(FileChar.open(path('no/such')), { code: 'INVALID_ARG', message: /such.*no does not exist$/ });
  });

  it('lets the guest go on when the file takes no more', async function () {
    if (process.platform !== 'linux') missing(this, 'only Linux has /dev/full');
    const messages: string[] = [];
    const line = await FileChar.open('/dev/full', { logger: { log: (_level, message) => messages.push(message) } });
    const device = new TestDevice();
    line.connect(device);
    line.write(bytes('x'));
    await until(() => messages.length === 1);
    assert.match(messages[0] ?? '', /\/dev\/full/);
    assert.equal(line.write(bytes('x')), true);
    await line.close();
  });
});
