import { strict as assert } from 'node:assert';
import type { Frame, NetBackend, NetPort } from '../../../src/machine/backend/net.ts';
import { NullNet } from '../../../src/machine/backend/null-net.ts';
import { checksum, pseudoHeader, setU16, setU32, u16, u32 } from '../../../src/machine/net/checksum.ts';
import { VirtioNet } from '../../../src/machine/virtio/net.ts';
import { NET_HEADER, NetControl, NetFeature } from '../../../src/machine/virtio/net-spec.ts';
import { SeededRandom } from '../../../src/util/index.ts';
import { type DriverQueue, TestSlot, until } from '../../support/virtqueue.ts';

const MAC = Uint8Array.of(0x52, 0x54, 0, 0x12, 0x34, 0x56);
const PEER = Uint8Array.of(0x52, 0x54, 0, 0, 0, 2);
const BROADCAST = new Uint8Array(6).fill(0xff);

/** The other end of the cable, played by the test. */
class TestCable implements NetBackend {
  readonly sent: Frame[] = [];
  /** Answers of the next sends; after them true. */
  readonly answers: boolean[] = [];
  readonly waiting: Frame[] = [];
  port: NetPort | undefined;
  closed = false;

  send(frame: Frame): boolean {
    this.sent.push(frame);
    return this.answers.shift() ?? true;
  }

  connect(port: NetPort): void {
    this.port = port;
  }

  resume(): void {
    while (this.waiting.length > 0 && this.port?.receive(this.waiting[0] as Frame)) this.waiting.shift();
  }

  offer(frame: Frame): boolean {
    const taken = this.port?.receive(frame) ?? true;
    if (!taken) this.waiting.push(frame);
    return taken;
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

function ether(to: Uint8Array, payload: Uint8Array, type = 0x88b5, vlan?: number): Uint8Array {
  const tag = vlan === undefined ? [] : [0x81, 0, vlan >> 8, vlan & 0xff];
  return Uint8Array.from([...to, ...PEER, ...tag, type >> 8, type & 0xff, ...payload]);
}

/** A TCP segment over IPv4 or IPv6, its checksum field holding the pseudo-header's sum. */
function tcp(version: 4 | 6, data: Uint8Array): { bytes: Uint8Array; start: number } {
  const ipBytes = version === 4 ? 20 : 40;
  const packet = new Uint8Array(ipBytes + 20 + data.length);
  if (version === 4) {
    packet.set([0x45, 0, 0, 0, 0x12, 0x34, 0x40, 0, 64, 6, 0, 0, 10, 0, 2, 15, 10, 0, 2, 2]);
    setU16(packet, 2, packet.length);
    setU16(packet, 10, checksum(packet, 0, 20));
  } else {
    packet[0] = 0x60;
    setU16(packet, 4, 20 + data.length);
    packet[6] = 6;
    packet[7] = 64;
    packet.set([0xfe, 0xc0], 8);
    packet.set([0xfe, 0xc0], 24);
    packet[23] = 15;
    packet[39] = 2;
  }
  packet.set([0x13, 0x88, 0x1f, 0x90, 0, 0, 0x10, 0, 0, 0, 0, 1, 0x50, 0x19, 0xff, 0xff], ipBytes);
  packet.set(data, ipBytes + 20);
  setU16(packet, ipBytes + 16, pseudoHeader(packet, 0, 6, 20 + data.length) % 0xffff);
  return { bytes: ether(MAC, packet, version === 4 ? 0x0800 : 0x86dd), start: 14 + ipBytes };
}

/** Checks a complete TCP frame's sums and returns its data and sequence number. */
function checkTcp(bytes: Uint8Array): { data: Uint8Array; sequence: number; flags: number } {
  const version = (bytes[14] as number) >> 4;
  const ipBytes = version === 4 ? 20 : 40;
  const transport = 14 + ipBytes;
  if (version === 4) assert.equal(checksum(bytes, 14, 34), 0, 'the IP header has a wrong sum');
  assert.equal(version === 4 ? u16(bytes, 16) : u16(bytes, 18) + 40, bytes.length - 14);
  assert.equal(checksum(bytes, transport, bytes.length, pseudoHeader(bytes, 14, 6, bytes.length - transport)), 0);
  return {
    data: bytes.subarray(transport + 20),
    sequence: u32(bytes, transport + 4),
    flags: bytes[transport + 13] as number,
  };
}

interface Ends {
  readonly cable: TestCable;
  readonly device: VirtioNet;
  readonly slot: TestSlot;
  readonly queues: DriverQueue[];
  /** Sends a buffer of header and frame. */
  transmit(frame: Uint8Array, header?: Partial<Record<'flags' | 'gso' | 'size' | 'start' | 'offset', number>>): void;
  /** Gives the device buffers to receive in. */
  offer(bytes: number, count?: number): void;
  /** Frames received, with their headers. */
  received(): { header: Uint8Array; bytes: Uint8Array; buffers: number }[];
  /** Sends a command and returns the answer. */
  command(bytes: readonly number[]): Promise<number>;
}

async function plug(features?: bigint, pairs = 1): Promise<Ends> {
  const cable = new TestCable();
  const device = new VirtioNet(cable, { mac: MAC, pairs });
  const slot = new TestSlot(device, { settle: true, ramBytes: 0x100_0000 });
  const queues = slot.driver.start(features);
  await slot.serve();
  const { driver } = slot;
  const lent = new Map<number, { gpa: number; bytes: number }>();
  const [rx, tx] = queues as [DriverQueue, DriverQueue];
  const control = queues.at(-1) as DriverQueue;
  return {
    cable,
    device,
    slot,
    queues,
    transmit: (frame, { flags = 0, gso = 0, size = 0, start = 0, offset = 0 } = {}) => {
      const header = new Uint8Array(NET_HEADER);
      const view = new DataView(header.buffer);
      header[0] = flags;
      header[1] = gso;
      view.setUint16(4, size, true);
      view.setUint16(6, start, true);
      view.setUint16(8, offset, true);
      const gpa = driver.place(Buffer.concat([header, frame]));
      tx.add([
        { gpa, bytes: NET_HEADER },
        { gpa: gpa + NET_HEADER, bytes: frame.length },
      ]);
      tx.kick();
    },
    offer: (bytes, count = 1) => {
      for (let i = 0; i < count; i++) {
        const gpa = driver.alloc(bytes);
        lent.set(rx.add([{ gpa, bytes, writable: true }]), { gpa, bytes });
      }
      rx.kick();
    },
    received: () => {
      const used = rx.reap();
      const frames: { header: Uint8Array; bytes: Uint8Array; buffers: number }[] = [];
      while (used.length > 0) {
        const pieces: Uint8Array[] = [];
        let left = 1;
        for (let first = true; left > 0; left--, first = false) {
          const { head, written } = used.shift() as { head: number; written: number };
          const piece = driver.fetch((lent.get(head) as { gpa: number }).gpa, written);
          if (first) left = new DataView(piece.buffer).getUint16(10, true);
          pieces.push(piece);
        }
        const all = Buffer.concat(pieces);
        frames.push({
          header: all.subarray(0, NET_HEADER),
          bytes: all.subarray(NET_HEADER),
          buffers: pieces.length,
        });
      }
      return frames;
    },
    command: async (bytes) => {
      const answer = driver.place(Uint8Array.of(0xee));
      control.add([
        { gpa: driver.place(Uint8Array.from(bytes)), bytes: bytes.length },
        { gpa: answer, bytes: 1, writable: true },
      ]);
      control.kick();
      await slot.serve();
      control.reap();
      return driver.fetch(answer, 1)[0] as number;
    },
  };
}

const some = (bytes: number) => {
  const data = new Uint8Array(bytes);
  new SeededRandom(bytes).fill(data);
  return data;
};

describe('virtio-net', () => {
  it('sends frames in order and counts them', async () => {
    const { cable, device, slot, transmit } = await plug();
    const frames = [ether(PEER, some(46)), ether(BROADCAST, some(1500)), ether(PEER, some(0))];
    for (const frame of frames) transmit(frame);
    await slot.serve();
    assert.deepEqual(
      cable.sent.map(({ bytes }) => Buffer.from(bytes)),
      frames.map((frame) => Buffer.from(frame)),
    );
    assert.equal(device.counts.txPackets, 3);
    assert.equal(device.counts.txBytes, 60 + 1514 + 14);
  });

  it('holds frames back while the host is slow', async () => {
    const { cable, slot, transmit } = await plug();
    cable.answers.push(false);
    for (let i = 0; i < 3; i++) transmit(ether(PEER, some(50 + i)));
    await slot.serve();
    assert.equal(cable.sent.length, 1);
    cable.port?.drained();
    await until(() => cable.sent.length === 3);
  });

  it('receives in one buffer, or in as many as it takes when they may be merged', async () => {
    const { cable, offer, received } = await plug();
    offer(256, 20);
    const frame = ether(MAC, some(1000));
    assert.equal(cable.offer({ bytes: frame }), true);
    const [got] = received();
    assert.deepEqual(got?.bytes, Buffer.from(frame));
    assert.equal(got?.buffers, 5);
    const single = await plug(~NetFeature.MRG_RXBUF);
    single.offer(1526, 2);
    assert.equal(single.cable.offer({ bytes: frame }), true);
    assert.deepEqual(single.received()[0]?.bytes, Buffer.from(frame));
  });

  it('takes no frame without buffers, and asks for it when there are some', async () => {
    const { cable, device, slot, offer, received } = await plug();
    offer(256, 2);
    const frame = ether(MAC, some(900));
    assert.equal(cable.offer({ bytes: frame }), false);
    assert.deepEqual(received(), []);
    offer(256, 2);
    await slot.serve();
    assert.deepEqual(received()[0]?.bytes, Buffer.from(frame));
    assert.equal(device.counts.rxPackets, 1);
    assert.equal(device.counts.rxDrop, 0);
  });

  it('hears of more buffers when there were some and not enough', async () => {
    const { cable, queues, slot, offer, received } = await plug();
    offer(256, 2);
    await slot.serve();
    assert.equal(cable.offer({ bytes: ether(MAC, some(900)) }), false);
    // With event indexes a driver notifies only past the index that the device has named.
    assert.equal((queues[0] as DriverQueue).wantsKick, false);
    offer(256, 1);
    await slot.serve();
    assert.deepEqual(received(), []);
    offer(256, 1);
    await slot.serve();
    assert.equal(received().length, 1);
  });

  it('drops a frame that can never fit', async () => {
    const { cable, device, offer } = await plug(~NetFeature.MRG_RXBUF);
    offer(300, 4);
    assert.equal(cable.offer({ bytes: ether(MAC, some(900)) }), true);
    assert.equal(device.counts.rxDrop, 1);
  });

  it('passes on what the sender has left to do, to a driver that does it', async () => {
    const { cable, slot, transmit, offer, received } = await plug();
    const { bytes, start } = tcp(4, some(5000));
    transmit(bytes, { flags: 1, gso: 1, size: 1460, start, offset: 16 });
    await slot.serve();
    const [frame] = cable.sent as [Frame];
    assert.deepEqual(frame.checksum, { start, offset: 16 });
    assert.deepEqual(frame.segmentation, { type: 'tcp4', size: 1460 });
    offer(8192);
    cable.offer(frame);
    const [got] = received();
    assert.deepEqual(got?.bytes, Buffer.from(bytes));
    assert.deepEqual([...(got?.header ?? [])], [1, 1, 54, 0, 1460 & 0xff, 1460 >> 8, start, 0, 16, 0, 1, 0]);
  });

  for (const version of [4, 6] as const) {
    it(`cuts large frames over IPv${version} for a driver that does not`, async () => {
      const { cable, offer, received } = await plug(
        ~(NetFeature.GUEST_CSUM | NetFeature.GUEST_TSO4 | NetFeature.GUEST_TSO6),
      );
      const data = some(4000);
      const { bytes, start } = tcp(version, data);
      offer(2048, 8);
      const segmentation = { type: version === 4 ? 'tcp4' : 'tcp6', size: 1440 } as const;
      assert.equal(cable.offer({ bytes, checksum: { start, offset: 16 }, segmentation }), true);
      const segments = received().map(({ bytes: segment }) => checkTcp(segment));
      assert.deepEqual(
        segments.map(({ sequence, data: { length } }) => [sequence, length]),
        [
          [4096, 1440],
          [5536, 1440],
          [6976, 1120],
        ],
      );
      assert.deepEqual(Buffer.concat(segments.map((segment) => segment.data)), Buffer.from(data));
      assert.deepEqual(
        segments.map(({ flags }) => flags),
        [0x10, 0x10, 0x19],
      );
    });
  }

  it('fills in a checksum for a driver that does not', async () => {
    const { cable, offer, received } = await plug(~NetFeature.GUEST_CSUM);
    const { bytes, start } = tcp(4, some(77));
    offer(2048);
    cable.offer({ bytes, checksum: { start, offset: 16 } });
    assert.deepEqual(checkTcp((received()[0] as { bytes: Uint8Array }).bytes).data, Buffer.from(some(77)));
  });

  it('counts and drops buffers that hold no frame, or ask for what was not negotiated', async () => {
    const { cable, device, slot, transmit } = await plug(~NetFeature.HOST_TSO6);
    const { bytes, start } = tcp(6, some(3000));
    transmit(new Uint8Array(3));
    transmit(bytes, { flags: 1, gso: 4, size: 1000, start, offset: 16 });
    transmit(bytes, { gso: 1, size: 1000 });
    transmit(bytes, { flags: 1, start: bytes.length - 2, offset: 1 });
    transmit(bytes, { flags: 1, gso: 1, size: 0, start, offset: 16 });
    await slot.serve();
    assert.equal(device.counts.txErrors, 5);
    assert.deepEqual(cable.sent, []);
    assert.equal(slot.driver.needsReset, false);
  });

  it('tells the driver of its address and its link', async () => {
    const { cable, device, slot, transmit, offer } = await plug();
    const config = () => [...slot.driver.fetchConfig(12)];
    assert.deepEqual(config(), [...MAC, 1, 0, 1, 0, 0, 0]);
    device.setLink(false);
    assert.equal(config()[6], 0);
    assert.equal(slot.driver.acknowledge() & 2, 2);
    offer(2048);
    transmit(ether(PEER, some(10)));
    await slot.serve();
    assert.equal(cable.offer({ bytes: ether(MAC, some(10)) }), true);
    assert.deepEqual([device.counts.txDrop, device.counts.rxDrop, cable.sent.length], [1, 1, 0]);
  });

  it('tells the driver of the largest packet where there is one', () => {
    const device = new VirtioNet(new NullNet(), { mac: MAC, mtu: 9000 });
    assert.equal(device.features & NetFeature.MTU, NetFeature.MTU);
    assert.deepEqual([...device.config().subarray(10)], [9000 & 0xff, 9000 >> 8]);
    assert.equal(new VirtioNet(new NullNet(), { mac: MAC }).features & NetFeature.MTU, 0n);
  });

  it('filters by address, group and tag as the driver says', async () => {
    const { cable, command, offer, received } = await plug();
    const group = Uint8Array.of(0x33, 0x33, 0, 0, 0, 1);
    const table = (macs: Uint8Array[]) => [macs.length, 0, 0, 0, ...macs.flatMap((mac) => [...mac])];
    offer(2048, 60);
    const passes = (to: Uint8Array, vlan?: number) => {
      cable.offer({ bytes: ether(to, some(20), 0x88b5, vlan) });
      return received().length === 1;
    };
    assert.equal(passes(PEER), true);
    assert.equal(await command([NetControl.RX, NetControl.RX_PROMISC, 0]), 0);
    assert.deepEqual([passes(PEER), passes(MAC), passes(BROADCAST), passes(group)], [false, true, true, false]);
    assert.equal(await command([NetControl.MAC, NetControl.MAC_TABLE_SET, ...table([PEER]), ...table([group])]), 0);
    assert.deepEqual([passes(PEER), passes(group)], [true, true]);
    assert.equal(await command([NetControl.MAC, NetControl.MAC_TABLE_SET, ...table([]), ...table([])]), 0);
    assert.equal(await command([NetControl.RX, NetControl.RX_ALLMULTI, 1]), 0);
    assert.deepEqual([passes(PEER), passes(group)], [false, true]);
    assert.equal(await command([NetControl.RX, NetControl.RX_NOBCAST, 1]), 0);
    assert.equal(passes(BROADCAST), false);
    assert.equal(await command([NetControl.MAC, NetControl.MAC_ADDR_SET, ...PEER]), 0);
    assert.deepEqual([passes(PEER), passes(MAC)], [true, false]);
    assert.equal(passes(PEER, 5), false);
    assert.equal(await command([NetControl.VLAN, NetControl.VLAN_ADD, 5, 0]), 0);
    assert.deepEqual([passes(PEER, 5), passes(PEER, 6)], [true, false]);
    assert.equal(await command([NetControl.VLAN, NetControl.VLAN_DEL, 5, 0]), 0);
    assert.equal(passes(PEER, 5), false);
  });

  it('refuses commands that are malformed or unknown, and changes nothing', async () => {
    const { command } = await plug();
    const wrong = [
      [],
      [0],
      [0, 0],
      [0, 0, 2],
      [0, 9, 1],
      [1, 0, 1, 0, 0, 0],
      [1, 0, 255, 255, 255, 255],
      [1, 1, 1],
      [9, 9],
    ];
    for (const bytes of [...wrong, [2, 0, 0, 16], [4, 0, 1, 0]]) assert.equal(await command(bytes), 1, String(bytes));
  });

  it('steers a flow to the pair of queues that it was sent by', async () => {
    const { cable, queues, slot, command } = await plug(undefined, 2);
    assert.equal(await command([NetControl.MQ, NetControl.MQ_VQ_PAIRS_SET, 3, 0]), 1);
    assert.equal(await command([NetControl.MQ, NetControl.MQ_VQ_PAIRS_SET, 2, 0]), 0);
    const { driver } = slot;
    const [rx0, , rx1, tx1] = queues as [DriverQueue, DriverQueue, DriverQueue, DriverQueue];
    for (const rx of [rx0, rx1]) rx.add([{ gpa: driver.alloc(4096), bytes: 4096, writable: true }]);
    const { bytes } = tcp(4, some(10));
    tx1.add([
      { gpa: driver.place(Buffer.concat([new Uint8Array(NET_HEADER), bytes])), bytes: NET_HEADER + bytes.length },
    ]);
    tx1.kick();
    await slot.serve();
    const back = bytes.slice();
    setU32(back, 26, u32(bytes, 30));
    setU32(back, 30, u32(bytes, 26));
    setU16(back, 34, u16(bytes, 36));
    setU16(back, 36, u16(bytes, 34));
    cable.offer({ bytes: back });
    assert.deepEqual([rx0.reap().length, rx1.reap().length], [0, 1]);
    cable.offer({ bytes: ether(BROADCAST, some(30)) });
    assert.equal(rx0.reap().length, 1);
  });

  it('loses what comes before there is a driver, and closes its cable', async () => {
    const cable = new TestCable();
    const device = new VirtioNet(cable, { mac: MAC });
    assert.equal(cable.port?.receive({ bytes: ether(MAC, some(9)) }), true);
    assert.equal(device.counts.rxDrop, 1);
    await device.close();
    assert.equal(cable.closed, true);
  });
});
