import { strict as assert } from 'node:assert';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { type RpcConnection, serveRpc } from '../../../src/index.ts';
import { until } from '../../virt/contract/bench.ts';
import { openTestWorld } from '../../virt/rpc/support.ts';
import { cli, startCli } from '../cli/support.ts';
import { scratchDirectory } from './support.ts';

describe('a server that goes', () => {
  const directory = scratchDirectory();
  const clients = new Set<RpcConnection>();
  let server: Server;
  let uri: string;

  before(async () => {
    const socket = join(directory(), 'sock');
    uri = `test+unix:///default?socket=${socket}`;
    server = createServer((client) => clients.add(serveRpc(client, { open: openTestWorld })));
    await new Promise<void>((resolve) => server.listen(socket, resolve));
  });
  after(() => {
    server.close();
    drop();
  });

  const drop = () => {
    for (const client of clients) client.destroy();
    clients.clear();
  };

  it('is missed by a session, whose next command goes to the one that is there then', async () => {
    const session = startCli(['-q', '-c', uri]);
    session.type('domstate test\n');
    await until(() => session.output() === 'running\n', 'it answers');
    drop();
    const gone = `error: Disconnected from ${uri} due to end of file\n`;
    await until(() => session.errors() === gone, 'it says so');
    session.type('domid test\nquit\n');
    const { code, out, err } = await session.result;
    assert.equal(out, 'running\n1\n');
    assert.deepEqual([code, err], [0, `${gone}Reconnected to the hypervisor\n`]);
  });

  it('ends a wait for events, which has failed then', async () => {
    const waiting = startCli(['-c', uri, 'event', '--all', '--loop']);
    await until(async () => {
      await cli(['-q', '-c', uri, 'suspend test; resume test']);
      return waiting.output() !== '';
    }, 'it has heard');
    drop();
    const { code, out, err } = await waiting.result;
    assert.equal(code, 1);
    assert.match(out, /Suspended Paused\n[\s\S]*events received: [1-9]\d*\n/);
    assert.equal(err, `error: Disconnected from ${uri} due to end of file\n`);
  });
});
