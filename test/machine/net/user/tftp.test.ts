import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hostTimers } from '../../../../src/drivers/host-timers.ts';
import { u16 } from '../../../../src/machine/net/checksum.ts';
import { TftpServer } from '../../../../src/machine/net/user/tftp.ts';
import { eventually } from './guest.ts';

const DATA = 3;
const ERROR = 5;
const NOT_FOUND = 1;
const TRANSFERS_MAX = 16;

describe('TFTP server', () => {
  let root: string;
  let server: TftpServer;
  let packets: Uint8Array[];

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'tftp-'));
    writeFileSync(join(root, 'boot.img'), 'boot');
    server = new TftpServer(root, hostTimers, 1400);
    packets = [];
  });
  afterEach(() => {
    server.close();
    rmSync(root, { recursive: true });
  });

  const ask = (client: string, name: string) => {
    server.receive(client, Buffer.from(`\0\x01${name}\0octet\0`, 'latin1'), (packet) => packets.push(packet));
  };

  it('reads no more files at a time than it serves, however many are asked for at once', async () => {
    for (let n = 0; n < 10 * TRANSFERS_MAX; n++) ask(`client ${n}`, 'boot.img');
    await eventually(() => packets.length >= TRANSFERS_MAX);
    await sleep(50);
    assert.deepEqual(
      packets.map((packet) => u16(packet, 0)),
      new Array(TRANSFERS_MAX).fill(DATA),
    );
  });

  it('answers once a client that asks again before it was answered, and has room again after errors', async () => {
    for (let n = 0; n < 10; n++) ask('client', 'boot.img');
    await eventually(() => packets.length > 0);
    await sleep(50);
    assert.equal(packets.length, 1);
    for (let n = 0; n < 2 * TRANSFERS_MAX; n++) {
      const count = packets.length;
      ask(`client ${n}`, 'nothing');
      await eventually(() => packets.length > count);
    }
    const count = packets.length;
    ask('another', 'boot.img');
    await eventually(() => packets.length > count);
    assert.equal(u16(packets[count] as Uint8Array, 0), DATA);
  });

  it('does not wait for a pipe', async function () {
    if (process.platform === 'win32') this.skip();
    execFileSync('mkfifo', [join(root, 'pipe')]);
    ask('client', 'pipe');
    await eventually(() => packets.length > 0);
    assert.deepEqual([u16(packets[0] as Uint8Array, 0), u16(packets[0] as Uint8Array, 2)], [ERROR, NOT_FOUND]);
  });

  it('sends nothing once it is closed', async () => {
    ask('client', 'boot.img');
    server.close();
    await sleep(50);
    assert.deepEqual(packets, []);
  });
});
