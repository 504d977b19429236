import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostTimers } from '../../../src/drivers/host-timers.ts';
import type { Frame, NetBackend } from '../../../src/machine/backend/net.ts';
import { NullNet } from '../../../src/machine/backend/null-net.ts';
import { DgramNet } from '../../../src/machine/net/dgram-net.ts';
import { PasstNet } from '../../../src/machine/net/passt-net.ts';
import { CapturedNet, captureStream } from '../../../src/machine/net/pcapng.ts';
import { StreamNet } from '../../../src/machine/net/stream-net.ts';
import { TappedNet } from '../../../src/machine/net/tapped-net.ts';
import { arpFrame } from '../../../src/machine/net/user/link.ts';
import { ManualClock, SeededRandom } from '../../../src/util/index.ts';
import { needTool } from '../../support/need-tool.ts';
import { eventually } from './user/guest.ts';

const frame = (mark: number, bytes = 60): Frame => ({ bytes: new Uint8Array(bytes).fill(mark) });

function listen(backend: NetBackend) {
  const got: number[] = [];
  const state = { got, open: true };
  backend.connect({
    receive: ({ bytes }) => {
      if (state.open) got.push(bytes[0] as number);
      return state.open;
    },
    drained() {},
  });
  return state;
}

describe('cables of a network interface', () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'cable-'));
  });

  afterEach(() => rmSync(directory, { recursive: true }));

  it('run through a stream, one peer after the other, and hold back for a slow guest', async () => {
    const address = { path: join(directory, 'socket') };
    const server = await StreamNet.open({ address, server: true });
    const atServer = listen(server);
    assert.equal(server.send(frame(9)), true, 'without a peer frames are lost');
    const client = await StreamNet.open({ address });
    const atClient = listen(client);
    atServer.open = false;
    for (let i = 0; i < 50; i++) client.send(frame(i, 60 + i));
    await new Promise((resolve) => setTimeout(resolve, 50));
    atServer.open = true;
    server.resume();
    await eventually(() => atServer.got.length === 50);
    server.send(frame(77));
    await eventually(() => atClient.got.length === 1);
    assert.deepEqual(
      atServer.got,
      Array.from({ length: 50 }, (_, i) => i),
    );
    await client.close();
    await eventually(() => server.send(frame(1)));
    const next = await StreamNet.open({ address });
    next.send(frame(60));
    await eventually(() => atServer.got.at(-1) === 60);
    await next.close();
    await server.close();
  });

  it('cut a stream that is no stream of frames, however it comes in pieces', async () => {
    const address = { path: join(directory, 'socket') };
    const server = await StreamNet.open({ address, server: true });
    const at = listen(server);
    const random = new SeededRandom(3);
    const peer = connect(address);
    await once(peer, 'connect');
    const whole = Buffer.concat(
      Array.from({ length: 20 }, (_, i) => Buffer.concat([Buffer.from([0, 0, 0, 60]), frame(i).bytes])),
    );
    for (let from = 0; from < whole.length; ) {
      const n = 1 + random.below(100);
      peer.write(whole.subarray(from, from + n));
      from += n;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually(() => at.got.length === 20);
    peer.write(Buffer.from('GET / HTTP/1.0\r\n\r\n'));
    await once(peer, 'close');
    await server.close();
  });

  it('say what is wrong with a stream', async () => {
    const path = join(directory, 'nobody');
    await assert.rejects(
      StreamNet.open({ address: { path } }),
      /cannot connect to a network peer at '.*nobody': .*ENOENT/,
    );
    const taken = await StreamNet.open({ address: { path }, server: true });
    await assert.rejects(StreamNet.open({ address: { path }, server: true }), /cannot listen .*EADDRINUSE/);
    await taken.close();
  });

  it('run through datagrams, from their peer alone', async () => {
    const ports = await Promise.all([0, 0].map(freeUdpPort));
    const [a, b] = ports.map((port) => ({ host: '127.0.0.1', port })) as [Address, Address];
    const one = await DgramNet.open({ local: a, remote: b });
    const two = await DgramNet.open({ local: b, remote: a });
    const stranger = await DgramNet.open({ local: { host: '127.0.0.1', port: await freeUdpPort() }, remote: b });
    const [atOne, atTwo] = [listen(one), listen(two)];
    stranger.send(frame(99));
    one.send(frame(1));
    two.send(frame(2));
    await eventually(() => atOne.got.length === 1 && atTwo.got.length === 1);
    assert.deepEqual([atOne.got, atTwo.got], [[2], [1]]);
    await assert.rejects(DgramNet.open({ local: a, remote: b }), /cannot take UDP port \d+ of 127\.0\.0\.1/);
    await assert.rejects(DgramNet.open({ local: { host: 'x.y', port: 1 }, remote: b }), /'x\.y' is no IPv4 address/);
    for (const net of [one, two, stranger]) await net.close();
  });

  it('say that passt is not there, or does not come up', async () => {
    const path = process.env['PATH'];
    process.env['PATH'] = directory;
    try {
      await assert.rejects(
        PasstNet.open([], hostTimers, () => {}),
        /cannot start passt: it is not installed/,
      );
    } finally {
      process.env['PATH'] = path;
    }
  });

  it('run to passt, and tell when it does not start or dies', async function () {
    needTool(this, 'passt', 'passt');
    await assert.rejects(
      PasstNet.open(['--nonsense'], hostTimers, () => {}),
      /cannot start passt: it ended with status 1: .*nonsense/,
    );
    const ends: string[] = [];
    const net = await PasstNet.open([], hostTimers, (detail) => ends.push(detail));
    const replies: Uint8Array[] = [];
    net.connect({ receive: ({ bytes }) => replies.push(bytes) > 0, drained() {} });
    const sender = { mac: Uint8Array.of(0x52, 0x54, 0, 0, 0, 1), ip: Uint8Array.of(0, 0, 0, 0) };
    const question = arpFrame(1, sender, { mac: new Uint8Array(6), ip: Uint8Array.of(192, 0, 2, 200) });
    question.bytes.fill(0xff, 0, 6);
    question.bytes.set(sender.mac, 6);
    try {
      const answered = () => replies.some((bytes) => bytes[12] === 8 && bytes[13] === 6 && bytes[21] === 2);
      await eventually(() => answered() || !net.send(question), 'an answer');
      process.kill(net.pid, 'SIGKILL');
      await eventually(() => ends.length === 1, 'its end');
      assert.match(ends[0] as string, /^it ended with SIGKILL/);
      net.send(question);
    } finally {
      await net.close();
    }
  });

  it('are captured to a file that Wireshark reads', async () => {
    const path = join(directory, 'frames.pcapng');
    const clock = new ManualClock(0, 1_700_000_000_000_000_001n);
    const captured = await CapturedNet.open(new NullNet(), path, 'net0', clock);
    listen(captured);
    captured.send(frame(1, 61));
    captured.send(frame(2, 1514));
    await captured.close();
    const blocks = pcapngBlocks(readFileSync(path));
    assert.deepEqual(
      blocks.map(({ type }) => type),
      [0x0a0d0d0a, 1, 6, 6],
    );
    const [, , first, second] = blocks as [Block, Block, Block, Block];
    assert.equal(
      (BigInt(first.body.readUInt32LE(4)) << 32n) | BigInt(first.body.readUInt32LE(8)),
      1_700_000_000_000_000_001n,
    );
    assert.deepEqual(
      [first, second].map(({ body }) => body.readUInt32LE(12)),
      [61, 1514],
    );
    assert.deepEqual(first.body.subarray(20, 81), Buffer.alloc(61, 1));
    assert.equal(first.body.readUInt32LE(20 + 64 + 4), 2, 'outbound, as the guest sees it');
    await assert.rejects(
      CapturedNet.open(new NullNet(), join(directory, 'no', 'where'), 'net0', clock),
      /cannot capture to '.*where': .*ENOENT/,
    );
  });

  it('are listened to while they are in use, by several, until each has heard enough or the cable is gone', async () => {
    const clock = new ManualClock(0, 5n);
    let offer: ((frame: Frame) => boolean) | undefined;
    const inner: NetBackend = {
      send: () => true,
      connect: ({ receive }) => {
        offer = receive;
      },
      resume() {},
      close: async () => {},
    };
    const cable = new TappedNet(inner);
    const guest = listen(cable);
    cable.send(frame(1));
    const first = captureStream(cable, 'net0', clock);
    cable.send(frame(2, 61));
    assert.equal(offer?.(frame(3)), true);
    const second = captureStream(cable, 'net0', clock);
    guest.open = false;
    assert.equal(offer?.(frame(4)), false, 'what the guest does not take has not passed');
    cable.send(frame(5));
    const marks = (chunks: Buffer[]) =>
      pcapngBlocks(Buffer.concat(chunks)).flatMap(({ type, body }) =>
        type === 6 ? [[body[20], body.readUInt32LE(12), body.readUInt32LE(body.length - 8)]] : [],
      );
    const heard: Buffer[] = [];
    first.on('data', (chunk: Buffer) => heard.push(chunk));
    await eventually(() => marks(heard).length === 3);
    assert.deepEqual(marks(heard), [
      [2, 61, 2],
      [3, 60, 1],
      [5, 60, 2],
    ]);
    first.destroy();
    cable.send(frame(6));
    await cable.close();
    const rest: Buffer[] = [];
    for await (const chunk of second) rest.push(chunk as Buffer);
    assert.deepEqual(
      marks(rest).map(([mark]) => mark),
      [5, 6],
    );
    assert.equal(marks(heard).length, 3);
  });
});

interface Address {
  readonly host: string;
  readonly port: number;
}

interface Block {
  readonly type: number;
  readonly body: Buffer;
}

/** Takes a capture apart, checking that every block's two lengths agree. */
function pcapngBlocks(file: Buffer): Block[] {
  const blocks: Block[] = [];
  for (let at = 0; at < file.length; ) {
    const length = file.readUInt32LE(at + 4);
    assert.equal(length % 4, 0);
    assert.equal(file.readUInt32LE(at + length - 4), length);
    blocks.push({ type: file.readUInt32LE(at), body: file.subarray(at + 8, at + length - 4) });
    at += length;
  }
  return blocks;
}

/** A port that is free over TCP is nearly always free over UDP as well. */
async function freeUdpPort(): Promise<number> {
  const server = createServer((socket: Socket) => socket.destroy()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
