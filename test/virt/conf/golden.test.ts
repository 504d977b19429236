import { strict as assert } from 'node:assert';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { formatDomain, makeLive, parseDomain } from '../../../src/virt/conf/index.ts';
import { assertValid, define, needSchemas } from './support.ts';

const folder = new URL('../../golden/virt/', import.meta.url);
const names = readdirSync(folder)
  .filter((name) => name.endsWith('.xml') && !/\.(out|live)\.xml$/.test(name))
  .map((name) => name.slice(0, -4));

/** Compares with the accepted text; NODEVISOR_ACCEPT_GOLDEN=1 accepts what there is now. */
function assertGolden(name: string, text: string): void {
  const file = new URL(name, folder);
  if (process.env['NODEVISOR_ACCEPT_GOLDEN'] || (!existsSync(file) && !process.env['CI'])) writeFileSync(file, text);
  assert.equal(text, readFileSync(file, 'utf8'));
}

describe('domain XML, golden', () => {
  for (const name of names) {
    describe(name, () => {
      const def = define(readFileSync(new URL(`${name}.xml`, folder), 'utf8'));
      const inactive = formatDomain(def, { inactive: true, secure: true });
      const live = formatDomain(makeLive(def, { serial0: '/dev/pts/3', console1: '/dev/pts/4' }), { id: 3 });

      it('is written as accepted', () => assertGolden(`${name}.out.xml`, inactive));
      it('is written live as accepted', () => assertGolden(`${name}.live.xml`, live));
      it('comes back equal', () => {
        assert.deepEqual(parseDomain(inactive), def);
        assert.equal(formatDomain(parseDomain(inactive), { secure: true }), inactive);
        assert.deepEqual(define(inactive), def);
        assert.deepEqual(JSON.parse(JSON.stringify(def)), def);
      });
      it('gives the same definition from its live form, but for the passwords', () => {
        const open = formatDomain(makeLive(def, { serial0: '/dev/pts/3' }), { id: 3, secure: true });
        assert.deepEqual(define(open), def);
      });
      it("is valid by libvirt's schema", function () {
        needSchemas(this);
        assertValid('domain', inactive);
        assertValid('domain', live);
      });
    });
  }
});
