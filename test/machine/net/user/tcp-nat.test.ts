import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { eventually, ROUTER } from './guest.ts';
import { closeAll, plug, some, tcpServer } from './hosts.ts';

describe('connections of a user network', () => {
  afterEach(closeAll);

  it('carries connections to the world both ways, and half-closes', async () => {
    const port = await tcpServer((socket) => {
      const got: Buffer[] = [];
      socket.on('data', (data) => got.push(data));
      socket.on('end', () => socket.end(Buffer.concat(got).reverse()));
    });
    const guest = await plug({ hostLoopback: true });
    const connection = guest.connect(ROUTER, port);
    await eventually(() => connection.heard.includes('opened'));
    const data = some(3_000_000);
    connection.endpoint.write(data);
    connection.endpoint.end();
    await eventually(() => connection.heard.includes('ended'));
    assert.ok(connection.bytes().equals(Buffer.from(data).reverse()));
  });

  it('loses and changes no byte on a wire that loses frames', async () => {
    const data = some(1_500_000);
    const port = await tcpServer((socket) => {
      socket.pipe(socket);
    });
    const guest = await plug({ hostLoopback: true });
    const connection = guest.connect(ROUTER, port);
    await eventually(() => connection.heard.includes('opened'));
    guest.loss = 20;
    connection.endpoint.write(data);
    connection.endpoint.end();
    await eventually(() => connection.bytes().length === data.length);
    guest.loss = 0;
    assert.ok(connection.bytes().equals(data));
  });

  it('holds the host back while the guest does not read, and the guest while the host does not', async () => {
    let server: Socket | undefined;
    const port = await tcpServer((socket) => {
      server = socket;
      socket.pause();
      socket.write(Buffer.alloc(64 * 2 ** 20));
    });
    const guest = await plug({ hostLoopback: true });
    const connection = guest.connect(ROUTER, port);
    await eventually(() => connection.heard.includes('opened'));
    connection.endpoint.write(new Uint8Array(64 * 2 ** 20));
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.ok(connection.endpoint.pendingBytes > 16 * 2 ** 20, 'what the host does not read stays with the guest');
    server?.resume();
    await eventually(() => connection.endpoint.pendingBytes === 0);
  });

  it('loses nothing for a host that ends before it has read what the guest sent', async () => {
    let server: Socket | undefined;
    const port = await tcpServer((socket) => {
      server = socket;
      socket.pause();
    });
    const guest = await plug({ hostLoopback: true });
    for (const bytes of [1, 2, 3, 4, 5].map((n) => n * 2 ** 20)) {
      server = undefined;
      const connection = guest.connect(ROUTER, port);
      await eventually(() => connection.heard.includes('opened') && server !== undefined);
      connection.endpoint.write(some(bytes));
      connection.endpoint.end();
      await new Promise((resolve) => setTimeout(resolve, 50));
      const socket = server as unknown as Socket;
      socket.end();
      await eventually(() => connection.heard.includes('ended'));
      let got = 0;
      socket.on('data', (data: Buffer) => {
        got += data.length;
      });
      socket.resume();
      await eventually(() => got === bytes, `${bytes} bytes`);
      if (!socket.closed) await once(socket, 'close');
    }
  });

  it('passes a reset on that comes right behind data, not as an end', async () => {
    const port = await tcpServer((socket) => {
      socket.on('data', () => socket.write(some(100), () => socket.resetAndDestroy()));
    });
    const guest = await plug({ hostLoopback: true });
    for (let i = 0; i < 10; i++) {
      const connection = guest.connect(ROUTER, port);
      await eventually(() => connection.heard.length === 1);
      connection.endpoint.write(some(1));
      await eventually(() => connection.heard.length === 2);
      assert.deepEqual(connection.heard, ['opened', 'reset']);
    }
  });

  it('passes resets and refusals on in both directions', async () => {
    const sockets: Socket[] = [];
    const ends: string[] = [];
    const port = await tcpServer((socket) => {
      sockets.push(socket);
      socket.on('error', ({ message }) => ends.push(message));
      socket.on('data', () => {});
    });
    const guest = await plug({ hostLoopback: true });
    const [first, second] = [guest.connect(ROUTER, port), guest.connect(ROUTER, port)];
    await eventually(() => sockets.length === 2 && second.heard.length > 0 && first.heard.length > 0);
    sockets[0]?.resetAndDestroy();
    await eventually(() => first.heard.includes('reset') || second.heard.includes('reset'));
    const other = first.heard.includes('reset') ? second : first;
    other.endpoint.reset();
    await eventually(() => ends.some((message) => message.includes('ECONNRESET')));
    const nobody = guest.connect(ROUTER, 1);
    await eventually(() => nobody.heard.includes('reset'));
  });
});
