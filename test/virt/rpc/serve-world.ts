/** Serves the test world on a unix socket, for clients that are programs of their own: `serve-world.ts SOCKET`. */
import { createServer } from 'node:net';
import { connect } from '../../../src/index.ts';
import { serveRpc } from '../../../src/virt/rpc/index.ts';

const [, , path = ''] = process.argv;
// One connection of our own: the world would end with the last client's.
await connect('test:///default');
const server = createServer((socket) => {
  serveRpc(socket, {
    open: async (_uri, readOnly) => (await connect('test:///default', { readOnly })).backend,
    logger: {
      log: (level, message, details) => {
        if (process.env['SERVE_LOG'] !== undefined)
          process.stderr.write(`${level} ${message} ${JSON.stringify(details)}\n`);
      },
    },
  });
});
server.listen(path, () => process.stdout.write('listening\n'));
