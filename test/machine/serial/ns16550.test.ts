import { strict as assert } from 'node:assert';
import { memoryMap } from '../../../src/machine/memory-map.ts';
import { NS16550_REGION_BYTES, Ns16550 } from '../../../src/machine/serial/ns16550.ts';
import { cells, createTestBoard, describeTree, strings, type TestBoard } from '../device-contract.ts';

const [RBR, THR, DLL, IER, DLM, IIR, FCR, LCR, MCR, LSR, MSR, SCR] = [0, 0, 0, 1, 1, 2, 2, 3, 4, 5, 6, 7];
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (s: string) => new TextEncoder().encode(s);

describe('16550A UART', () => {
  let board: TestBoard;
  let uart: Ns16550;

  beforeEach(() => {
    board = createTestBoard(NS16550_REGION_BYTES);
    uart = new Ns16550(memoryMap.uart, board.region, { irq: board.irq, doorbell: board.doorbell });
    uart.reset();
    board.doorbell.rings = 0;
  });

  const get = (register: number) => uart.read(register, 1);
  const put = (register: number, value: number) => uart.write(register, 1, value);
  const send = (s: string) => {
    for (const byte of bytes(s)) put(THR, byte);
  };
  const receiveAll = () => {
    let s = '';
    while ((get(LSR) & 1) !== 0) s += String.fromCharCode(get(RBR));
    return s;
  };
  /** Fills the ring to the host as a guest does that looks at THRE before each byte. */
  const fillOutput = () => {
    let count = 0;
    for (; (get(LSR) & 0x20) !== 0; count++) put(THR, count & 0xff);
    return count;
  };

  it('powers on with interrupts off, the transmitter empty and a terminal present', () => {
    assert.deepEqual([IER, IIR, LCR, MCR, LSR, MSR, SCR].map(get), [0, 1, 0, 0, 0x60, 0xb0, 0]);
    assert.equal(board.irq.level, false);
  });

  it('keeps the scratch register and the divisor behind DLAB', () => {
    put(SCR, 0xa5);
    put(LCR, 0x83);
    put(DLL, 0x34);
    put(DLM, 0x12);
    assert.deepEqual([get(SCR), get(DLL), get(DLM)], [0xa5, 0x34, 0x12]);
    put(LCR, 0x03);
    assert.equal(get(IER), 0);
    assert.equal(uart.takeOutput(10).length, 0, 'divisor bytes are no output');
  });

  it('hands what is transmitted to the host in order, with one ring until all is taken', () => {
    send('hello, world');
    assert.equal(board.doorbell.rings, 1);
    assert.equal(text(uart.takeOutput(5)), 'hello');
    send('!');
    uart.putBytes(Uint8Array.of(0x3f));
    assert.equal(board.doorbell.rings, 1, 'there is still some from before');
    assert.equal(text(uart.takeOutput(100)), ', world!?');
    assert.equal(uart.takeOutput(100).length, 0);
    uart.putBytes(Uint8Array.of(0x61, 0x62));
    assert.equal(board.doorbell.rings, 2);
    assert.equal(text(uart.takeOutput(100)), 'ab');
    send('c');
    assert.equal(board.doorbell.rings, 3);
  });

  describe('as Linux’s 8250 driver probes it', () => {
    it('keeps only the low four bits of IER', () => {
      put(IER, 0);
      assert.equal(get(IER), 0);
      put(IER, 0xff);
      assert.equal(get(IER), 0x0f);
    });

    it('shows MCR’s outputs on MSR’s inputs in loopback', () => {
      put(MCR, 0x10 | 0x0a);
      assert.equal(get(MSR) & 0xf0, 0x90);
      put(MCR, 0x10 | 0x05);
      assert.equal(get(MSR) & 0xf0, 0x60);
      put(MCR, 0x0a);
      assert.equal(get(MSR) & 0xf0, 0xb0);
    });

    it('reports FIFOs in IIR while they are on: a 16550A', () => {
      put(FCR, 0x01);
      assert.equal(get(IIR) & 0xc0, 0xc0);
      put(FCR, 0x00);
      assert.equal(get(IIR) & 0xc0, 0);
    });

    it('holds 16 bytes in loopback, then overruns', () => {
      put(FCR, 0x07);
      put(MCR, 0x10 | 0x0a);
      for (let i = 0; i < 256; i++) put(THR, i);
      assert.equal(get(LSR) & 0x02, 0x02);
      assert.equal(get(LSR) & 0x02, 0, 'reading LSR clears it');
      const got: number[] = [];
      while ((get(LSR) & 1) !== 0) got.push(get(RBR));
      assert.deepEqual(
        got,
        Array.from({ length: 16 }, (_, i) => i),
      );
      assert.equal(uart.takeOutput(300).length, 0, 'nothing leaves in loopback');
    });

    it('raises THRE again each time IER.ETBEI is switched on', () => {
      put(IER, 0x02);
      assert.equal(get(IIR), 0x02);
      assert.equal(get(IIR), 0x01, 'reading IIR acknowledges it');
      put(IER, 0x00);
      put(IER, 0x02);
      assert.equal(get(IIR), 0x02);
    });
  });

  describe('transmission by interrupt', () => {
    it('tells of THRE after each write until IIR is read, 16 bytes at a time', () => {
      put(FCR, 0x01);
      put(IER, 0x02);
      const message = 'The quick brown fox jumps over the lazy dog, twice at that.';
      let sent = 0;
      while (board.irq.level) {
        assert.equal(get(IIR) & 0x0f, 0x02);
        assert.equal(board.irq.level, false);
        send(message.slice(sent, sent + 16));
        sent += 16;
      }
      assert.equal(text(uart.takeOutput(1000)), message);
    });

    it('clears THRE while the ring is full, loses nothing that was promised room, and tells when there is some', () => {
      put(FCR, 0x01);
      put(IER, 0x02);
      const count = fillOutput();
      assert.ok(count > 1000);
      assert.equal(get(LSR) & 0x60, 0);
      assert.equal(board.irq.level, false, 'no THRE interrupt while blocked');
      assert.equal(get(IIR) & 0x0f, 0x01);
      const before = board.irq.rises;
      assert.equal(uart.takeOutput(4).length, 4);
      // A few bytes may still be short of a FIFO's worth; all of it is not.
      const rest = uart.takeOutput(10_000);
      assert.equal(rest.length, count - 4);
      assert.equal(rest[0], 4);
      assert.equal(get(LSR) & 0x60, 0x60);
      assert.equal(board.irq.level, true);
      assert.equal(board.irq.rises, before + 1);
      assert.equal(get(IIR) & 0x0f, 0x02);
    });

    it('drops what a guest writes into a full ring', () => {
      const count = fillOutput();
      for (let i = 0; i < 100; i++) put(THR, 0x55);
      const got = uart.takeOutput(100_000);
      assert.ok(got.length >= count && got.length <= count + 16);
    });
  });

  describe('reception', () => {
    it('raises RX available at the trigger level and the time-out below it', () => {
      put(FCR, 0xc1);
      put(IER, 0x01);
      uart.giveInput(bytes('abc'));
      assert.equal(board.irq.level, true);
      assert.equal(get(IIR), 0xcc);
      uart.giveInput(bytes('defghijklmn'));
      assert.equal(get(IIR), 0xc4);
      assert.equal(get(RBR), 97);
      assert.equal(get(IIR), 0xcc);
      assert.equal(receiveAll(), 'bcdefghijklmn');
      assert.equal(board.irq.level, false);
      assert.equal(get(IIR), 0xc1);
    });

    it('knows no time-out without FIFOs', () => {
      put(IER, 0x01);
      uart.giveInput(bytes('xy'));
      assert.equal(get(IIR), 0x04);
      assert.equal(receiveAll(), 'xy');
    });

    it('takes input beyond the FIFO, tells how much, and asks for the rest when there is room', () => {
      put(FCR, 0x01);
      const all = Uint8Array.from({ length: 5000 }, (_, i) => (i * 7) & 0xff);
      let given = uart.giveInput(all);
      assert.ok(given > 16 && given < all.length);
      assert.equal(uart.giveInput(all.subarray(given)), 16, 'what has moved up into the FIFO since');
      given += 16;
      assert.equal(uart.takeRoomNotice(), false);
      board.doorbell.rings = 0;
      const got: number[] = [];
      while (got.length < all.length) {
        assert.equal(get(LSR) & 1, 1, `data ready at byte ${got.length}`);
        got.push(get(RBR));
        if (board.doorbell.rings > 0 && uart.takeRoomNotice()) {
          board.doorbell.rings = 0;
          given += uart.giveInput(all.subarray(given));
        }
      }
      assert.deepEqual(Uint8Array.from(got), all);
      assert.equal(get(LSR) & 0x03, 0, 'no overrun: the host waited');
    });

    it('holds input back during loopback and delivers it after', () => {
      put(FCR, 0x01);
      put(MCR, 0x10);
      uart.giveInput(bytes('late'));
      assert.equal(get(LSR) & 1, 0);
      put(THR, 0x41);
      assert.equal(receiveAll(), 'A');
      put(MCR, 0);
      assert.equal(receiveAll(), 'late');
    });

    it('empties the FIFO on request, keeping what is still on its way', () => {
      put(FCR, 0x01);
      uart.giveInput(bytes('0123456789abcdefXYZ'));
      put(FCR, 0x03);
      assert.equal(receiveAll(), 'XYZ');
    });

    it('reads 0 with nothing there', () => {
      assert.equal(get(RBR), 0);
    });
  });

  it('identifies pending interrupts in the data sheet’s order', () => {
    put(FCR, 0x01);
    put(MCR, 0x10);
    for (let i = 0; i < 17; i++) put(THR, i);
    put(MCR, 0x12);
    put(IER, 0x0f);
    const seen: number[] = [];
    seen.push(get(IIR) & 0x0f);
    get(LSR);
    seen.push(get(IIR) & 0x0f);
    receiveAll();
    seen.push(get(IIR) & 0x0f);
    seen.push(get(IIR) & 0x0f);
    assert.equal(board.irq.level, true);
    get(MSR);
    seen.push(get(IIR) & 0x0f);
    assert.deepEqual(seen, [0x06, 0x04, 0x02, 0x00, 0x01]);
    assert.equal(board.irq.level, false);
  });

  it('notes modem line changes until MSR is read, RI only as it falls', () => {
    put(MCR, 0x10);
    assert.equal(get(MSR), 0x0b, 'all lines fell at the start of loopback');
    assert.equal(get(MSR), 0x00);
    put(MCR, 0x14);
    assert.equal(get(MSR), 0x40);
    put(MCR, 0x10);
    assert.equal(get(MSR), 0x04);
  });

  it('serves the firmware’s console beside the registers, leaving a FIFO’s worth of room to the guest', () => {
    send('reg ');
    assert.equal(uart.putBytes(bytes('sbi')), 3);
    assert.equal(text(uart.takeOutput(100)), 'reg sbi');
    const big = new Uint8Array(100_000);
    const taken = uart.putBytes(big);
    assert.ok(taken > 1000 && taken < big.length);
    assert.equal(uart.putBytes(big), 0);
    assert.equal(get(LSR) & 0x20, 0x20);
    for (let i = 0; i < 16; i++) put(THR, 1);
    assert.equal(uart.takeOutput(200_000).length, taken + 16);

    assert.equal(uart.getByte(), -1);
    uart.giveInput(bytes('in'));
    assert.deepEqual([uart.getByte(), uart.getByte(), uart.getByte()], [105, 110, -1]);
  });

  it('keeps over a reset what is on the wire, and forgets what has been received', () => {
    send('bye');
    uart.giveInput(bytes('?next'));
    uart.reset();
    assert.equal(get(LSR), 0x61);
    assert.deepEqual([uart.getByte(), uart.getByte()], [...bytes('ne')]);
    assert.equal(text(uart.takeOutput(100)), 'bye');
  });

  it('restored elsewhere while blocked, finds its transmitter empty and says so', () => {
    put(IER, 0x02);
    fillOutput();
    const saved = uart.save();
    const other = createTestBoard(NS16550_REGION_BYTES);
    const twin = new Ns16550(memoryMap.uart, other.region, { irq: other.irq, doorbell: other.doorbell });
    twin.reset();
    twin.restore(saved);
    assert.equal(other.irq.level, true);
    assert.equal(twin.read(LSR, 1) & 0x20, 0x20);
    assert.equal(twin.takeOutput(10).length, 0, 'what was sent is the first machine’s to deliver');
  });

  describe('receiving a break', () => {
    it('shows a zero byte and BI, which reading LSR clears, and the byte behind it', () => {
      put(FCR, 1);
      put(IER, 0x05);
      assert.equal(uart.giveBreak(0x73), true);
      assert.deepEqual([board.irq.level, get(IIR) & 0x0f], [true, 0x06], 'line status comes first');
      assert.equal(get(LSR), 0x71);
      assert.equal(get(LSR), 0x61);
      assert.equal(get(IIR) & 0x0f, 0x04);
      assert.equal(get(RBR), 0);
      assert.equal(get(LSR), 0x61);
      assert.equal(get(RBR), 0x73);
      assert.deepEqual([get(LSR), board.irq.level], [0x60, false]);
    });

    it('comes only behind input that has been read, so that no other byte is taken for the key', () => {
      uart.giveInput(bytes('x'));
      assert.equal(uart.giveBreak(0x6f), false);
      assert.equal(receiveAll(), 'x');
      assert.equal(uart.giveBreak(0x6f), true);
      assert.equal(uart.giveBreak(0x6f), false);
      uart.giveInput(bytes('later'));
      assert.equal(get(RBR), 0);
      assert.equal(receiveAll(), 'olater');
      put(MCR, 0x10);
      assert.equal(uart.giveBreak(0x6f), false, 'in loopback the line is cut off');
    });

    it('is no input for the firmware’s console, and is forgotten at a reset', () => {
      uart.giveBreak(0x6f);
      assert.equal(uart.getByte(), 0x6f);
      assert.equal(get(LSR), 0x60);
      uart.giveBreak(0x6f);
      uart.reset();
      assert.equal(get(LSR), 0x60);
    });

    it('is saved and restored', () => {
      uart.giveBreak(0x6f);
      const saved = uart.save();
      uart.reset();
      uart.restore(saved);
      assert.equal(get(LSR), 0x71);
      assert.deepEqual([get(RBR), get(RBR)], [0, 0x6f]);
    });
  });

  it('describes itself as QEMU’s board does', () => {
    const node = describeTree(uart).soc.get('serial@10000000');
    assert.deepEqual(strings(node, 'compatible'), ['ns16550a']);
    assert.deepEqual(cells(node, 'clock-frequency'), [3_686_400]);
    assert.deepEqual(cells(node, 'interrupts'), [10]);
    assert.deepEqual(cells(node, 'interrupt-parent'), [100]);
  });
});
