/** What holds for every procedure there is: of a closed connection, one that only reads, things that are not there. */
import { strict as assert } from 'node:assert';
import { type VirErrorName, VirtError } from '../../../src/index.ts';
import type { Bench } from './bench.ts';
import { callOf, calls, type Procedure, procedures, type Refs } from './calls.ts';

const uuid = '99999999-9999-4999-8999-999999999999';
const domain = { name: 'missing', uuid, id: -1 };

/** Things that no world has. */
const missing: Refs = {
  domain,
  network: { name: 'missing', uuid },
  pool: { name: 'missing', uuid },
  volume: { pool: 'missing', name: 'missing', key: '/nowhere/missing' },
  snapshot: { name: 'missing', domain },
  iface: { name: 'missing0', mac: '02:00:00:00:00:99' },
  device: { name: 'net_missing' },
};

/** A flag that no call knows. */
const NO_FLAG = 2 ** 27;

/** How a call ended: the code of its error, or nothing. */
async function codeOf(call: Promise<unknown>): Promise<VirErrorName | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    assert.ok(error instanceof VirtError, `not a VirtError: ${String(error)}`);
    assert.notEqual(error.domain, 0, `${error.message}: it does not say where it is from`);
    assert.equal(error.level, 2);
    return error.code;
  }
}

/** The code for a call about something missing; undefined for one that is about nothing of the kind. */
function codeOfMissing(name: Procedure): VirErrorName | undefined {
  const [first] = calls[name].args(missing) as readonly unknown[];
  const own: readonly [unknown, VirErrorName][] = [
    [missing.domain, 'NO_DOMAIN'],
    [missing.snapshot, 'NO_DOMAIN'],
    [missing.network, 'NO_NETWORK'],
    [missing.pool, 'NO_STORAGE_POOL'],
    [missing.volume, 'NO_STORAGE_POOL'],
    [missing.iface, 'NO_INTERFACE'],
    [missing.device, 'NO_NODE_DEVICE'],
  ];
  return own.find(([ref]) => ref === first)?.[1] ?? lookups[name];
}

/** Look-ups take a name where others take a reference. */
const lookups: { readonly [P in Procedure]?: VirErrorName } = {
  domainLookupById: 'NO_DOMAIN',
  domainLookupByUuid: 'NO_DOMAIN',
  domainLookupByName: 'NO_DOMAIN',
  networkLookupByName: 'NO_NETWORK',
  networkLookupByUuid: 'NO_NETWORK',
  storagePoolLookupByName: 'NO_STORAGE_POOL',
  storagePoolLookupByUuid: 'NO_STORAGE_POOL',
  storagePoolLookupByTargetPath: 'NO_STORAGE_POOL',
  storageVolLookupByKey: 'NO_STORAGE_VOL',
  storageVolLookupByPath: 'NO_STORAGE_VOL',
  interfaceLookupByName: 'NO_INTERFACE',
  interfaceLookupByMacString: 'NO_INTERFACE',
  nodeDeviceLookupByName: 'NO_NODE_DEVICE',
  secretLookupByUuid: 'NO_SECRET',
  secretLookupByUsage: 'NO_SECRET',
  nwfilterLookupByName: 'NO_NWFILTER',
  nwfilterLookupByUuid: 'NO_NWFILTER',
};

/** @param current the bench of the test that runs */
export function describeEveryCall(current: () => Bench): void {
  /** The names for which `wanted` is not what `ask` gives, each with what it gives. */
  const strange = async (
    names: readonly Procedure[],
    wanted: (name: Procedure) => VirErrorName | undefined,
    ask: (name: Procedure) => Promise<unknown>,
  ) => {
    const found: string[] = [];
    for (const name of names) {
      const code = await codeOf(ask(name));
      if (code !== wanted(name)) found.push(`${name}: ${code ?? 'done'}, not ${wanted(name) ?? 'done'}`);
    }
    return found;
  };

  describe('every procedure', () => {
    const others = procedures.filter((name) => name !== 'connectClose');

    it('is refused once the connection is closed', async () => {
      const { backend } = await current().subject.again();
      await backend.connectClose();
      assert.deepEqual(
        await strange(
          others,
          () => 'INVALID_CONN',
          (name) => callOf(backend, name, missing),
        ),
        [],
      );
    });

    it('that changes something is refused on a connection that only reads', async () => {
      const connection = await current().subject.again({ readOnly: true });
      try {
        const writing = others.filter((name) => calls[name].access === 'write');
        const ask = (name: Procedure) => callOf(connection.backend, name, missing);
        assert.deepEqual(await strange(writing, () => 'OPERATION_DENIED', ask), []);
        for (const name of others.filter((one) => calls[one].access === 'read')) {
          assert.notEqual(await codeOf(ask(name)), 'OPERATION_DENIED', name);
        }
        // Passwords are no reading matter either.
        assert.equal(await codeOf(connection.backend.domainGetXmlDesc(domain, 1)), 'OPERATION_DENIED');
      } finally {
        await connection.close();
      }
    });

    it('says what is missing', async () => {
      const connection = await current().subject.again();
      try {
        const about = others.filter((name) => codeOfMissing(name) !== undefined);
        assert.ok(about.length > 100, `only ${about.length} are about something`);
        assert.deepEqual(await strange(about, codeOfMissing, (name) => callOf(connection.backend, name, missing)), []);
      } finally {
        await connection.close();
      }
    });

    it('refuses flags that it does not know', async () => {
      const { connection: own, subject, xml } = current();
      const connection = await subject.again();
      try {
        const one = await own.defineXML(xml('one'));
        const refs = { ...missing, domain: one.ref, snapshot: { name: 'missing', domain: one.ref } };
        const flagged = others.filter((name) => calls[name].flags);
        assert.deepEqual(
          await strange(
            flagged,
            () => 'INVALID_ARG',
            (name) => callOf(connection.backend, name, refs, NO_FLAG),
          ),
          [],
        );
      } finally {
        await connection.close();
      }
    });
  });
}
