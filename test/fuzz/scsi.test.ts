import { strict as assert } from 'node:assert';
import type { BlockBackend } from '../../src/machine/backend/block.ts';
import { MemBlock } from '../../src/machine/backend/mem-block.ts';
import { ScsiCdrom } from '../../src/machine/scsi/cdrom.ts';
import { ScsiDisk } from '../../src/machine/scsi/disk.ts';
import { Cdb, type ScsiUnit } from '../../src/machine/scsi/unit.ts';
import { SeededRandom } from '../../src/util/index.ts';
import { MemoryData, randomCdb, told } from '../support/scsi.ts';

const SEEDS = process.env['NODEVISOR_TEST_FULL'] ? 2000 : 100;
const COMMANDS = 300;
const SECTORS = 64;

/** A disk that checks what a device must: whole sectors inside it; and now and then fails. */
class StrictDisk extends MemBlock {
  readonly #random: SeededRandom;
  readonly wrong: string[] = [];

  constructor(readOnly: boolean, random: SeededRandom) {
    super(SECTORS * 512, { readOnly });
    this.#random = random;
  }

  override async read(offset: number, into: Uint8Array): Promise<void> {
    this.#allow(offset, into.length, false);
    await super.read(offset, into);
  }

  override async write(offset: number, from: Uint8Array): Promise<void> {
    this.#allow(offset, from.length, true);
    await super.write(offset, from);
  }

  override async discard(offset: number, bytes: number): Promise<void> {
    this.#allow(offset, bytes, true);
    await super.discard(offset, bytes);
  }

  override async writeZeroes(offset: number, bytes: number): Promise<void> {
    this.#allow(offset, bytes, true);
    await super.writeZeroes(offset, bytes);
  }

  #allow(offset: number, bytes: number, write: boolean): void {
    const whole = offset % 512 === 0 && bytes % 512 === 0 && bytes > 0;
    const inside = offset >= 0 && offset + bytes <= this.bytes.length;
    // A unit takes an exception for an error of the host: it must not hide that it was wrong.
    if (!whole || !inside) this.wrong.push(`${bytes} bytes at ${offset}`);
    if (write && this.readOnly) this.wrong.push('a write to a read-only disk');
    if (this.#random.below(30) === 0) throw new Error('the host fails');
  }
}

const units: Record<string, (backend: BlockBackend) => ScsiUnit> = {
  disk: (backend) => new ScsiDisk(backend, { serial: 'fuzz' }),
  'disk without a cache': (backend) => new ScsiDisk(backend, { cache: 'through' }),
  drive: (backend) => new ScsiCdrom(backend),
};

async function abuse(make: (backend: BlockBackend) => ScsiUnit, seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  const disk = new StrictDisk(random.below(3) === 0, random);
  const media = [disk];
  const unit = make(disk);
  for (let i = 0; i < COMMANDS; i++) {
    const out = new Uint8Array(random.pick([0, 0, 8, 24, 512, 4096]));
    if (random.below(2) === 0) random.fill(out);
    else if (out.length >= 24) out.set([0, 22, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, random.below(80), 0, 0, 0, 2]);
    const data = new MemoryData(out, random.pick([0, 1, 8, 36, 255, 4096, 65536]));
    const cdb = new Cdb(randomCdb(random));
    const result = await unit.execute(cdb, data);
    const op = `command ${Buffer.from(cdb.bytes.subarray(0, 16)).toString('hex')}`;
    assert.ok([0, 2].includes(result.status), op);
    assert.equal(result.status === 2, told(result) !== '', op);
    assert.deepEqual([...media.flatMap(({ wrong }) => wrong), ...data.wrong], [], op);
    assert.ok(result.transferred <= data.outBytes + data.inBytes, op);
    if (random.below(50) === 0) unit.reset();
    if (random.below(50) === 0) disk.resize(512 * (1 + random.below(2 * SECTORS)));
    if (unit instanceof ScsiCdrom && random.below(40) === 0) {
      const medium = random.below(3) === 0 ? undefined : new StrictDisk(true, random);
      if (medium !== undefined) media.push(medium);
      await unit.change(medium, { force: true });
    }
  }
}

describe('SCSI units under seeded random commands', () => {
  for (const [name, make] of Object.entries(units)) {
    it(`${name}: stays inside its medium and the initiator’s memory (${SEEDS} seeds)`, async () => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        try {
          await abuse(make, seed);
        } catch (error) {
          throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
        }
      }
    }).timeout(600_000);
  }
});
