/** The ways to a server: TCP, TLS with certificates, ssh, to a server of ours and to Debian's libvirtd. */
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createConnection, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { connect, serveRpc } from '../../../../src/index.ts';
import { needTool } from '../../../support/need-tool.ts';
import { until } from '../../contract/bench.ts';
import { openTestWorld } from '../support.ts';
import { LibvirtDaemon } from './libvirt-daemon.ts';

/** What ssh does, without another host: the last word is a command for a shell. */
const SSH = '#!/bin/sh\nfor last; do :; done\nexec sh -c "$last"\n';

/** What netcat does with -U. */
const NETCAT = `#!/usr/bin/env python3
import os, select, socket, sys
if "-U" not in sys.argv:
    sys.exit("nc: option requires an argument")
line = socket.socket(socket.AF_UNIX)
line.connect(sys.argv[-1])
while True:
    for ready in select.select([0, line], [], [])[0]:
        data = os.read(0, 65536) if ready == 0 else line.recv(65536)
        if not data:
            sys.exit(0)
        if ready == 0:
            line.sendall(data)
        else:
            os.write(1, data)
`;

const directory = mkdtempSync(join(tmpdir(), 'nodevisor-transports-'));
const at = (...names: string[]) => join(directory, ...names);

/** A certificate, signed by the authority of that name. */
function certificate(name: string, authority: string, subject: string): void {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' });
  writeFileSync(at(`${name}.ext`), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', `${name}.key`];
  if (name === authority) {
    openssl('req', '-x509', ...key, '-out', `${name}.pem`, '-subj', `/CN=${subject}`, '-days', '2');
    return;
  }
  openssl('req', ...key, '-out', `${name}.csr`, '-subj', `/CN=${subject}`);
  const by = ['-CA', `${authority}.pem`, '-CAkey', `${authority}.key`, '-CAcreateserial', '-extfile', `${name}.ext`];
  openssl('x509', '-req', '-in', `${name}.csr`, ...by, '-out', `${name}.pem`, '-days', '2');
}

/** A directory as `?pkipath=` names it. */
function pki(name: string, authority: string, client?: string): string {
  mkdirSync(at(name));
  copyFileSync(at(`${authority}.pem`), at(name, 'cacert.pem'));
  if (client !== undefined) {
    copyFileSync(at(`${client}.pem`), at(name, 'clientcert.pem'));
    copyFileSync(at(`${client}.key`), at(name, 'clientkey.pem'));
  }
  return at(name);
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** Whether somebody takes connections at a port of this host. */
async function listens(port: number): Promise<boolean> {
  const socket = createConnection(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

describe('ways to a server', function () {
  this.timeout(60_000);
  const servers: Server[] = [];
  before(function () {
    needTool(this, 'openssl', 'openssl');
    certificate('ca', 'ca', 'authority');
    certificate('other', 'other', 'another authority');
    certificate('server', 'ca', 'server');
    certificate('client', 'ca', 'client');
    certificate('stranger', 'other', 'stranger');
    for (const [name, text] of [
      ['ssh', SSH],
      ['nc', NETCAT],
    ] as const) {
      writeFileSync(at(name), text, { mode: 0o755 });
    }
  });
  after(() => {
    for (const server of servers) server.close();
    rmSync(directory, { recursive: true, force: true });
  });

  async function uses(uri: string, secure: boolean): Promise<void> {
    const connection = await connect(uri);
    try {
      assert.equal((await connection.lookupByName('test')).name, 'test');
      assert.equal(await connection.isSecure(), secure);
      assert.equal(await connection.getURI(), uri);
    } finally {
      await connection.close();
    }
  }

  it('TCP, in the clear', async () => {
    const server = createServer((socket) => serveRpc(socket, { open: openTestWorld }));
    servers.push(server);
    const port = await listen(server);
    await uses(`test+tcp://127.0.0.1:${port}/default`, false);
    server.close();
    await assert.rejects(connect('test+tcp://127.0.0.1:1/default'), {
      code: 'SYSTEM_ERROR',
      message: /unable to connect to server at '127\.0\.0\.1:1': Connection refused$/,
    });
    await assert.rejects(connect('test+tcp://nowhere.invalid/default'), {
      code: 'SYSTEM_ERROR',
      message: /Unable to resolve address 'nowhere\.invalid' service '16509': (Name or|Temporary failure in) /,
    });
    await assert.rejects(connect('test+unix:///default?socket=/nowhere/sock'), {
      code: 'SYSTEM_ERROR',
      message: /Failed to connect socket to '\/nowhere\/sock': No such file or directory$/,
    });
  });

  it('TLS, where both sides have certificates of one authority', async () => {
    const server = createTlsServer(
      {
        ca: readFileSync(at('ca.pem')),
        cert: readFileSync(at('server.pem')),
        key: readFileSync(at('server.key')),
        requestCert: true,
        rejectUnauthorized: true,
      },
      (socket) => {
        socket.write(Uint8Array.of(1));
        serveRpc(socket, { open: openTestWorld });
      },
    );
    servers.push(server);
    const port = await listen(server);
    const uri = (pkipath: string, more = '') => `test+tls://localhost:${port}/default?pkipath=${pkipath}${more}`;
    await uses(uri(pki('good', 'ca', 'client')), true);
    await uses(uri(pki('blind', 'other', 'client'), '&no_verify=1'), true);
    await assert.rejects(connect(uri(at('blind'))), { code: 'RPC', message: /TLS handshake failed/ });
    for (const wrong of [pki('stranger-pki', 'ca', 'stranger'), pki('nobody', 'ca')]) {
      await assert.rejects(connect(uri(wrong)), (error: Error & { code: string }) => {
        assert.ok(['AUTH_FAILED', 'RPC', 'SYSTEM_ERROR'].includes(error.code), error.message);
        assert.doesNotMatch(error.message, /SSL routines|\n/);
        return true;
      });
    }
    await assert.rejects(connect(uri(at('nothing'))), {
      code: 'SYSTEM_ERROR',
      message: /Cannot read CA certificate '.*': No such file/,
    });
  });

  describe('to libvirtd', () => {
    const daemon = new LibvirtDaemon();
    // Below the ports that the host gives to whoever connects.
    const tlsPort = 20_000 + 2 * (process.pid % 6000);
    before(async function () {
      const files = ['ca.pem', 'server.pem', 'server.key'];
      const own = join(daemon.directory, 'pki');
      mkdirSync(own);
      chmodSync(own, 0o755);
      for (const name of files) {
        copyFileSync(at(name), join(own, name));
        chmodSync(join(own, name), 0o644);
      }
      const settings = [
        'listen_tls = 1',
        'listen_tcp = 1',
        'listen_addr = "127.0.0.1"',
        `tls_port = "${tlsPort}"`,
        `tcp_port = "${tlsPort + 1}"`,
        'auth_tcp = "none"',
        'auth_tls = "none"',
        'tls_no_sanity_certificate = 1',
        `ca_file = "${join(own, 'ca.pem')}"`,
        `cert_file = "${join(own, 'server.pem')}"`,
        `key_file = "${join(own, 'server.key')}"`,
      ];
      await daemon.start(this, settings, ['--listen']);
      // Its socket is there before it listens elsewhere.
      for (const port of [tlsPort, tlsPort + 1]) await until(() => listens(port), `libvirtd listens at ${port}`);
    });
    after(() => daemon.stop());

    it('go over TCP and over TLS', async () => {
      await uses(`test+tcp://127.0.0.1:${tlsPort + 1}/default`, false);
      await uses(`test+tls://127.0.0.1:${tlsPort}/default?pkipath=${at('good')}`, true);
      await assert.rejects(connect(`test+tls://127.0.0.1:${tlsPort}/default?pkipath=${at('stranger-pki')}`));
    });

    it('go through ssh', async () => {
      const way = `command=${at('ssh')}&netcat=${at('nc')}`;
      await uses(`test+ssh://localhost/default?${way}&socket=${daemon.socket}`, true);
      await assert.rejects(connect(`test+ssh://localhost/default?${way}&socket=${at('none')}`), {
        code: 'SYSTEM_ERROR',
        message: /End of file while reading data: [\s\S]*No such file or directory/,
      });
      await assert.rejects(connect(`test+ssh://localhost/default?command=${at('no-ssh')}`), {
        code: 'SYSTEM_ERROR',
        message: /Cannot run/,
      });
    });
  });
});
