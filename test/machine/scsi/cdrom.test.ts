import { strict as assert } from 'node:assert';
import { MemBlock } from '../../../src/machine/backend/mem-block.ts';
import { ScsiCdrom } from '../../../src/machine/scsi/cdrom.ts';
import { VirtError } from '../../../src/util/index.ts';
import { be, Initiator } from '../../support/scsi.ts';
import { pattern } from '../virtio/blk-driver.ts';

const BLOCKS = 100;

function disc(seed = 1): MemBlock {
  return new MemBlock(pattern(BLOCKS * 2048, seed), { readOnly: true });
}

async function drive(medium: MemBlock | undefined = disc()) {
  const unit = new ScsiCdrom(medium);
  const initiator = new Initiator(unit);
  assert.deepEqual(await initiator.attentions(), ['6/29/00']);
  return { unit, initiator, run: initiator.run.bind(initiator) };
}

const READ = [0x28, 0, ...be(3, 4), 0, ...be(2, 2)];
const EJECT = [0x1b, 0, 0, 0, 2];
const LOAD = [0x1b, 0, 0, 0, 3];
const lock = (on: boolean) => [0x1e, 0, 0, 0, on ? 1 : 0];
const EVENTS = [0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8];

/** Media event, and status (1: tray open, 2: medium there). */
async function event({ run }: { run: Initiator['run'] }): Promise<number[]> {
  return [...(await run(EVENTS, 8)).data.subarray(4, 6)];
}

describe('SCSI CD-ROM drive', () => {
  it('is a removable medium of blocks of 2048 bytes', async () => {
    const { run } = await drive();
    const { data } = await run([0x12, 0, 0, 0, 36], 36);
    assert.deepEqual([...data.subarray(0, 2)], [5, 0x80]);
    assert.deepEqual([...(await run([0x25], 8)).data], [...be(BLOCKS - 1, 4), ...be(2048, 4)]);
    const read = await run(READ, 4096);
    assert.deepEqual(read.data, disc().bytes.subarray(3 * 2048, 5 * 2048));
    assert.equal((await run([0xa8, 0, ...be(BLOCKS, 4), ...be(1, 4)], 2048)).told, '5/21/00');
    assert.equal((await run(READ, 4095)).overrun, true);
    assert.equal((await run([0x2a, 0, ...be(0, 4), 0, 0, 1], new Uint8Array(2048))).told, '5/20/00');
  });

  it('has a table of contents with one data track', async () => {
    const { run } = await drive();
    const toc = async (msf: number, format: number, start = 0) =>
      (await run([0x43, msf, format, 0, 0, 0, start, 0, 255], 255)).data;
    assert.deepEqual(
      [...(await toc(0, 0))],
      [0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0, 0, 0x14, 0xaa, 0, ...be(BLOCKS, 4)],
    );
    assert.deepEqual([...(await toc(2, 0, 0xaa))], [0, 10, 1, 1, 0, 0x14, 0xaa, 0, 0, 0, 3, 25], 'MSF: 250 frames');
    assert.deepEqual([...(await toc(0, 1))], [0, 10, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0]);
    assert.equal((await toc(0, 2)).length, 4 + 4 * 11);
    assert.equal((await run([0x43, 0, 0, 0, 0, 0, 2, 0, 255], 255)).told, '5/24/00');
    assert.equal((await run([0x43, 0, 5, 0, 0, 0, 0, 0, 255], 255)).told, '5/24/00');
  });

  it('tells its features and the profile of its medium', async () => {
    const profile = async (unit: Initiator) => {
      const { data } = await unit.run([0x46, 0, 0, 0, 0, 0, 0, 0, 255], 255);
      assert.equal(new DataView(data.slice().buffer).getUint32(0), data.length - 4);
      return ((data[6] ?? 0) << 8) | (data[7] ?? 0);
    };
    assert.equal(await profile((await drive()).initiator), 0x0008);
    const large = new MemBlock(512, { readOnly: true });
    Object.defineProperty(large, 'sectors', { value: 4 * 400_000 });
    assert.equal(await profile((await drive(large)).initiator), 0x0010);
    const empty = new Initiator(new ScsiCdrom(undefined));
    await empty.attentions();
    assert.equal(await profile(empty), 0);
    const { run } = await drive();
    const one = await run([0x46, 2, 0, 3, 0, 0, 0, 0, 255], 255);
    assert.deepEqual([...one.data.subarray(8)], [0, 3, 7, 4, 0x29, 0, 0, 0]);
    assert.equal((await run([0x46, 3, 0, 0, 0, 0, 0, 0, 255], 255)).told, '5/24/00');
  });

  it('has mode pages, disc information and a mechanism', async () => {
    const { run } = await drive();
    const { data } = await run([0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 128], 128);
    assert.deepEqual([data[1], data[7], data[8], data[9]], [28, 0, 0x2a, 20]);
    assert.equal((await run([0x51, 0, 0, 0, 0, 0, 0, 0, 34], 34)).data[2], 0x0e);
    assert.equal((await run([0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 8], 8)).data.length, 8);
  });

  it('opens and closes its tray, if the medium is not held', async () => {
    const one = await drive();
    const moves: boolean[] = [];
    one.unit.onTrayMove((open) => moves.push(open));
    assert.deepEqual(await event(one), [0, 2]);
    await one.run(lock(true));
    assert.equal((await one.run(EJECT)).told, '5/53/02');
    await one.run(lock(false));
    assert.equal((await one.run(EJECT)).status, 0);
    assert.deepEqual(await event(one), [3, 1]);
    assert.equal((await one.run([0])).told, '2/3a/02');
    assert.equal((await one.run(READ, 4096)).told, '2/3a/02');
    assert.equal((await one.run(LOAD)).status, 0);
    assert.deepEqual(await one.initiator.attentions(), ['6/28/00']);
    assert.deepEqual(await event(one), [2, 2]);
    assert.equal((await one.run(READ, 4096)).status, 0);
    assert.deepEqual(moves, [true, false]);
  });

  it('takes another medium, which the guest is told of, and closes the old one', async () => {
    const first = disc();
    const one = await drive(first);
    let closed = 0;
    first.close = async () => {
      closed++;
    };
    const notices: string[] = [];
    one.unit.onNotice((notice) => notices.push(notice));
    await one.unit.change(disc(2));
    assert.equal(closed, 1);
    assert.deepEqual(notices, ['medium']);
    assert.deepEqual(await one.initiator.attentions(), ['6/28/00']);
    assert.deepEqual((await one.run(READ, 4096)).data, disc(2).bytes.subarray(3 * 2048, 5 * 2048));
    await one.unit.change(undefined);
    assert.deepEqual([one.unit.loaded, one.unit.trayOpen], [false, true]);
    await one.initiator.attentions();
    assert.equal((await one.run([0x25], 8)).told, '2/3a/02');
    assert.equal((await one.run(LOAD)).status, 0);
    assert.equal((await one.run([0])).told, '2/3a/01');
    await one.unit.change(disc(3));
    assert.deepEqual(await event(one), [2, 2]);
  });

  it('asks the guest for a medium that it holds, and takes it by force alone', async () => {
    const one = await drive();
    await one.run(lock(true));
    await assert.rejects(
      () => one.unit.change(undefined),
      (error: unknown) => error instanceof VirtError && error.code === 'OPERATION_FAILED',
    );
    assert.equal(one.unit.loaded, true);
    assert.deepEqual(await event(one), [1, 2], 'an eject request');
    await one.unit.change(undefined, { force: true });
    assert.deepEqual([one.unit.loaded, one.unit.locked], [false, false]);
  });

  it('closes a medium only when nobody reads it any more', async () => {
    const slow = disc();
    const steps: string[] = [];
    let go: () => void = () => {};
    slow.read = async () => {
      await new Promise<void>((resolve) => {
        go = resolve;
      });
      steps.push('read');
    };
    slow.close = async () => {
      steps.push('closed');
    };
    const one = await drive(slow);
    const read = one.run(READ, 4096);
    const change = one.unit.change(undefined);
    go();
    await Promise.all([read, change]);
    assert.deepEqual(steps, ['read', 'closed']);
  });
});
