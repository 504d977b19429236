/** Every procedure of a backend with values that no client should send: refused as libvirt would, or done. */
import { strict as assert } from 'node:assert';
import { Duplex } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { type Backend, type Connection, connect, VirtError } from '../../src/index.ts';
import { assetPath } from '../../src/tools/assets.ts';
import { SeededRandom } from '../../src/util/index.ts';
import { calls, type Procedure, procedures, type Refs } from '../virt/contract/calls.ts';
import { fuzzRounds, fuzzSeed } from './fdt-elf-mutate.ts';

const numbers = [-1, -2, 1, 2, 3, 4, 8, 16, 255, 65_536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, -(2 ** 31)];
const wild = [0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 1e300];
const bigints = [-1n, 0n, 1n, 511n, 4096n, 2n ** 31n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 64n - 1n];
const strings = [
  '',
  ' ',
  '/',
  '..',
  '\0',
  '\n',
  'test',
  'vda',
  'serial0',
  'ü',
  '%s%n',
  '__proto__',
  'x'.repeat(70_000),
];
const documents = [
  '<domain/>',
  "<disk type='file'><source file='/x'/><target dev='vdc'/></disk>",
  "<disk type='file' device='cdrom'><target dev='vda'/></disk>",
  "<interface type='user'/>",
  '<rng model="virtio"><backend model="builtin"/></rng>',
  '<console type="pty"/>',
  '<network><name>n</name></network>',
  "<pool type='dir'><name>p</name><target><path>/p</path></target></pool>",
  '<volume><name>v</name><capacity>1</capacity></volume>',
  '<domainsnapshot/>',
];

/** A value in place of another of its kind, mostly one that it should not be. */
function harm(value: unknown, random: SeededRandom): unknown {
  if (typeof value === 'number') return random.pick(random.below(4) === 0 ? wild : numbers);
  if (typeof value === 'bigint') return random.pick(bigints);
  if (typeof value === 'string' || value === undefined) {
    return random.pick(
      random.below(3) === 0
        ? documents
        : [...strings, undefined].filter((one) => value === undefined || one !== undefined),
    );
  }
  if (typeof value === 'boolean') return !value;
  if (value instanceof Uint8Array) return new Uint8Array(random.below(300)).fill(random.below(256));
  if (Array.isArray(value)) {
    const param = { field: random.pick(['weight', 'x', '']), type: random.pick(['int', 'uint', 'string']), value: 1 };
    return Array.from({ length: random.below(20) }, () => random.pick<unknown>([param, ...numbers, ...strings]));
  }
  const harmed = { ...(value as Record<string, unknown>) };
  const key = random.pick(Object.keys(harmed));
  harmed[key] = harm(harmed[key], random);
  return harmed;
}

describe('fuzz: backend', function () {
  this.timeout(600_000);

  /** Calls procedures of a world at random, and makes sure that it still does what it should. */
  async function abuse(connection: Connection, names: readonly Procedure[], rounds: number, random: SeededRandom) {
    const outcomes = { done: 0, refused: 0 };
    const { backend } = connection;
    const refs = await refsOf(backend);
    for (let round = 0; round < rounds; round++) {
      const name = random.pick(names);
      const args: unknown[] = [...calls[name].args(refs)];
      for (let times = 1 + random.below(2); times > 0 && args.length > 0; times--) {
        const at = random.below(args.length);
        args[at] = harm(args[at], random);
      }
      const call = (backend[name] as (...all: unknown[]) => Promise<unknown>).apply(backend, args);
      const ended = await Promise.race([call.then(answered, refused), setTimeout(20_000, 'late')]);
      const where = `seed ${fuzzSeed()}, ${name}(${args.map(show).join(', ')}): `;
      assert.ok(ended === 'done' || ended === 'refused', where + ended);
      outcomes[ended]++;
    }
    // Most of what is harmed is refused; what is left must be enough to change the world.
    assert.ok(outcomes.done > rounds / 20 && outcomes.refused > rounds / 10, JSON.stringify(outcomes));
  }

  it('answers to everything with VirtErrors that it means', async () => {
    const random = new SeededRandom(fuzzSeed());
    const names = procedures.filter((name) => name !== 'connectClose');
    for (let world = 0; world < fuzzRounds(4); world++) {
      const connection = await connect('test:///default');
      try {
        await abuse(connection, names, 1500, random);
        await (await connection.defineDomain({ name: `after${world}`, memory: 4096, os: {} })).create();
      } finally {
        await connection.close();
      }
    }
  });

  it('does so with machines too', async () => {
    const random = new SeededRandom(fuzzSeed());
    // Storage is the host's own: nothing at random there.
    const names = procedures.filter((name) => name !== 'connectClose' && !name.startsWith('storage'));
    const connection = await connect('nodevisor:///embed');
    const os = { kernel: assetPath('guest/guest.elf'), cmdline: 'shell' };
    const devices = { consoles: [{ type: 'pty' }], interfaces: [{ type: 'user' }] } as const;
    try {
      for (let world = 0; world < fuzzRounds(2); world++) {
        const domain = await connection.createDomain({ name: 'test', memory: 32_768, os, devices });
        await connection.defineDomain({ name: 'test', uuid: domain.uuid, memory: 32_768, os, devices });
        await connection.defineNetwork({ name: 'default' });
        await abuse(connection, names, 400, random);
        for (const one of await connection.listAllDomains()) {
          const isPersistent = await one.isPersistent();
          if (await one.isActive()) await one.destroy();
          if (isPersistent) await one.undefine();
        }
        for (const one of await connection.listAllNetworks()) await one.undefine();
      }
    } finally {
      await connection.close();
    }
  });
});

function answered(result: unknown): string {
  const stream = (result as { stream?: unknown } | undefined)?.stream ?? result;
  if (stream instanceof Duplex) stream.on('error', () => {}).destroy();
  return 'done';
}

/** A VirtError that says what was wrong; one that stands for a fault of ours is none of these. */
function refused(error: unknown): string {
  if (!(error instanceof VirtError)) return `not a VirtError: ${String(error)}`;
  const { cause } = error;
  const ours = cause instanceof TypeError || cause instanceof RangeError || cause instanceof SyntaxError;
  if (error.code === 'INTERNAL_ERROR' && ours) return `a fault of ours: ${cause.stack}`;
  return error.message.length <= 1024 ? 'refused' : 'a message as long as a document';
}

function show(value: unknown): string {
  return typeof value === 'bigint'
    ? `${value}n`
    : (JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? `${one}n` : one)) ?? 'undefined').slice(0, 200);
}

async function refsOf(backend: Backend): Promise<Refs> {
  const domain = await backend.domainLookupByName('test');
  const network = await backend.networkLookupByName('default');
  const [pool = { name: 'none', uuid: domain.uuid }] = await backend.connectListAllStoragePools(0);
  const volume = await backend
    .storageVolCreateXml(pool, '<volume><name>v</name><capacity>65536</capacity></volume>', 0)
    .catch(() => ({ pool: 'none', name: 'v', key: '/v' }));
  const [iface = { name: '', mac: '' }] = await backend.connectListAllInterfaces(0);
  const [device = { name: '' }] = await backend.connectListAllNodeDevices(0);
  return { domain, network, pool, volume, snapshot: { name: 's', domain }, iface, device };
}
